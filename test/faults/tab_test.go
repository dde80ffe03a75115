package faults

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
)

// openTab opens a page and waits until it is live. What is marked in it a reload would remove.
func openTab(t *testing.T, b *browser.Browser, url string) *browser.Tab {
	t.Helper()
	tab := b.Tab(t, url)
	isLive(tab)
	browser.Eval[bool](tab, "window.notReloaded = true")
	return tab
}

func isLive(tab *browser.Tab) {
	tab.Eventually(`document.querySelector("[data-live-state]").dataset.state === "live"`)
}

// showsWhatAReloadShows waits until the open page equals what the server makes of it now: rows with their
// revisions and their order, badges and totals. Messages and relative times pass by themselves.
func showsWhatAReloadShows(t *testing.T, tab *browser.Tab) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Log(browser.Eval[string](tab, "window.difference"))
		}
	}()
	tab.Eventually(`(async () => {
		const shown = page => {
			const main = page.querySelector("main").cloneNode(true)
			main.querySelectorAll("#flashes, time").forEach(e => e.remove())
			main.querySelectorAll("tr[id]").forEach(r => r.prepend(r.id + "@" + r.dataset.revision))
			return main.textContent.replace(/\s+/g, "")
		}
		const answer = await fetch(location.href)
		if (!answer.ok) return false
		const open = shown(document), reloaded = shown(new DOMParser().parseFromString(await answer.text(), "text/html"))
		let at = 0
		while (at < open.length && open[at] === reloaded[at]) at++
		window.difference = "the open page and a reload differ at:\n" + open.slice(at, at + 300) + "\n" + reloaded.slice(at, at + 300)
		return open === reloaded
	})()`)
	require.True(t, browser.Eval[bool](tab, "window.notReloaded === true"), "the page got right by itself, not by a reload")
}
