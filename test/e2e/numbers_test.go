package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

// rowOf is true once a step of the table of decisions, as a reload would show it, has these counts.
func rowOf(counts string) string {
	return fmt.Sprintf(`fetch(location.href).then((answer) => answer.text()).then((text) => [...new DOMParser().parseFromString(text, "text/html")
		.querySelectorAll("section[aria-labelledby=decisions-head] tbody tr")].some((row) => [...row.cells].slice(1).map((cell) => cell.textContent).join() === %q))`, counts)
}

func TestAManagerSeesNumbersAsTheyCome(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, testsystem.Unlimited...)
	b := browser.New(t)
	mia := b.Tab(t, sys.URL(testsystem.Manager), browser.InTokyo)
	mia.Press("Numbers", ".site-nav")
	mia.See("Nothing in this period")
	mia.See("days in Asia/Tokyo") // which the browser has said
	require.Contains(t, mia.URL(), "zone=Asia")

	// When a payment is requested, then the page has it soon, without anybody having asked it to count.
	ada := b.Tab(t, sys.URL(testsystem.Contractor))
	request(sys, ada, "1250.19", "Kitchen-fitting", "By a manager, after a hold")
	mia.Eventually(rowOf("1,0,0,0,0"))
	mia.Reload()
	mia.See("Requests and decisions")
	mia.See("1,250.19", "section[aria-labelledby=waiting-head]")
	isAccessible(t, mia, "numbers")
	isWideEnough(t, mia, "numbers")

	// And so it is with the decision, and the money.
	mia.Press("Payments", ".site-nav")
	mia.Press("Kitchen-fitting")
	mia.Press("Accept")
	mia.See("Accepted")
	mia.Eventually(`document.querySelector("main").innerText.includes("Capture")`)
	mia.Press("Capture")
	mia.See("Paid out")
	mia.Press("Numbers", ".site-nav")
	mia.See("days in Asia/Tokyo")
	mia.Eventually(rowOf("1,1,0,0,0"))
	mia.Eventually(`fetch(location.href).then((answer) => answer.text()).then((text) => text.includes("captured 1,250.19 EUR"))`)
	mia.Reload()
	mia.See("Nothing waits for a decision.")

	// And the file has the rows of the table.
	require.Equal(t, "the same", browser.Eval[string](mia, `(async () => {
		for (const chart of document.querySelectorAll(".number-chart:has(table)")) {
			const shown = [...chart.querySelectorAll("tr")].map((row) => [...row.cells].slice(1).map((cell) => cell.textContent.replace(/,| EUR/g, "")).join())
			const file = (await (await fetch(chart.querySelector(".number-foot a").href)).text()).trim().split("\r\n").map((row) => row.split(",").slice(1).join())
			if (shown.length !== file.length) return chart.innerText + " has another file: " + file
			if (chart.querySelector("#time-to-decision-head")) continue // whose file has seconds
			for (const i of shown.keys()) if (i && shown[i] !== file[i]) return shown[i] + " is not " + file[i]
		}
		return "the same"
	})()`))

	// A contractor has no such page.
	ada.Open(sys.URL(testsystem.Contractor) + "/numbers")
	ada.SeeNot("Requests and decisions")

	// Without scripts, the zone is what is typed.
	plain := browser.New(t).Tab(t, sys.URL(testsystem.Manager)+"/numbers?zone=Mars", browser.WithoutJavaScript)
	plain.See("There is no such time zone.")
}
