package e2e

import "countersign.example/test/browser"

// slow lets the answers to what a page sends be held, from hold to give.
const slow = `(() => {
	const real = window.fetch, waiting = []
	window.fetch = async (...args) => {
		const answer = await real(...args)
		if (window.slow) await new Promise((done) => waiting.push(done))
		return answer
	}
	window.give = () => { window.slow = false; waiting.splice(0).forEach((done) => done()) }
})()`

// hold has what the page sends from now on (slow) be answered when give is called.
func hold(tab *browser.Tab) { browser.Eval[bool](tab, "(window.slow = true)") }

func give(tab *browser.Tab) { browser.Eval[bool](tab, "(window.give(), true)") }
