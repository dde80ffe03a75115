package e2e

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

const focusedRow = `document.activeElement.closest("tr[id]")?.innerText ?? ""`

// A manager decides by keys alone, without pressing anything that they are not in.
func TestKeysWorkThroughAList(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)
	ada := b.Tab(t, sys.URL(testsystem.Contractor))
	for _, what := range []string{"Sand", "Gravel", "Lime"} {
		request(sys, ada, "12.00", what)
	}
	mia := b.Tab(t, sys.URL(testsystem.Manager))
	mia.See("Lime", "#payments")
	live(mia)
	in := func(what string) {
		t.Helper()
		mia.Eventually(`(` + focusedRow + `).includes("` + what + `")`)
		require.True(t, browser.Eval[bool](mia, `document.activeElement.matches(":focus-visible")`))
	}

	mia.Type("a")
	mia.See("Go to a row first", "#flashes")
	mia.Type("jj")
	in("Gravel")
	mia.Type("k")
	in("Sand")
	mia.Type("a")
	mia.See("Accepted: 12.00 EUR for Ada Nowak", "#flashes")
	in("Gravel") // the next one
	mia.Type("r")
	mia.See("Reason", "form")
	mia.Eventually(`document.activeElement.matches("textarea")`)
	mia.Type("ajr/?")
	require.Equal(t, "ajr/?", browser.Eval[string](mia, `document.activeElement.value`))

	mia.Open(sys.URL(testsystem.Manager) + "/payments")
	mia.See("Lime", "#payments")
	mia.Type("/")
	mia.Eventually(`document.activeElement.matches("input[type=search]")`)
	browser.Eval[bool](mia, `(document.activeElement.blur(), true)`)
	mia.Type("?")
	mia.See("Next row of a list", "dialog")
	mia.Type("j")
	require.Empty(t, browser.Eval[string](mia, focusedRow), "a key works behind the dialog")
	mia.Type(kb.Escape)
	mia.SeeNot("Next row of a list")

	mia.Press("Keyboard shortcuts")
	browser.Eval[bool](mia, `(document.getElementById("keys-on").click(), true)`)
	mia.Press("Close")
	mia.Reload()
	mia.See("Lime", "#payments")
	mia.Type("j")
	require.Empty(t, browser.Eval[string](mia, focusedRow), "a key works though they are off")
}

// What somebody chooses is there at the first paint of every page, before any other script has run.
func TestThemeIsChosenAndRemembered(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t)
	b := browser.New(t)
	for _, app := range []string{testsystem.Contractor, testsystem.Manager} {
		tab := b.Tab(t, sys.URL(app))
		theme := func() string { return browser.Eval[string](tab, "document.documentElement.dataset.bsTheme") }
		tab.See("Live", "header")
		require.Equal(t, "light", theme())
		tab.Media("", "prefers-color-scheme:dark")
		tab.Eventually(`document.documentElement.dataset.bsTheme === "dark"`)
		tab.Press("Theme: system")
		require.Equal(t, "light", theme())
		require.Contains(t, browser.Eval[string](tab, `document.querySelector("[data-theme-switch]").title`), "Press for dark")
		tab.Media("")
		tab.Press("Theme: light")
		require.Equal(t, "dark", theme())
		tab.OnEveryPage(`new MutationObserver((_, all) => { if (document.body) { window.first = document.documentElement.dataset.bsTheme; all.disconnect(); } })
			.observe(document, { childList: true, subtree: true })`)
		tab.Open(sys.URL(app) + "/orders")
		tab.See("Live", "header")
		require.Equal(t, "dark", browser.Eval[string](tab, "window.first"))
		require.Equal(t, "dark", theme())
		tab.Press("Theme: dark")
		require.Equal(t, "light", theme())
	}
}
