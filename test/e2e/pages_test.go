package e2e

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

//go:embed pages.js
var pagesScript string

// page is one page of an app: of each kind there is one, and one for each status that it can show.
type page struct{ App, Kind, Path string }

// everyPage follows the links of an app and returns a page of each kind, and which links those were. Known
// links are not followed.
func everyPage(t *testing.T, sys *testsystem.System, tab *browser.Tab, app string, known ...string) (pages []page, links []string) {
	t.Helper()
	tab.Open(sys.URL(app))
	list, err := json.Marshal(known)
	require.NoError(t, err)
	var found map[string]string
	for found == nil {
		found = browser.Eval[map[string]string](tab, pagesScript+"; everyPage("+string(list)+")")
	}
	for kind, path := range found {
		pages = append(pages, page{App: app, Kind: kind, Path: path})
	}
	return pages, browser.Eval[[]string](tab, "[...window.crawl.seen]")
}

// state is a page after something was done there.
type state struct {
	name, path string
	do         func(tab *browser.Tab)
}

// states are what people come to and no link leads to.
var states = map[string][]state{
	testsystem.Contractor: {
		{"keys", "/", func(tab *browser.Tab) {
			tab.Type("?")
			tab.See("Next row of a list", "dialog")
		}},
		{"view saved", "/?tab=waiting", viewSaved}, {"view refused", "/", viewRefused},
		{"request refused", "/payments/new", func(tab *browser.Tab) { refused(tab, "Request payment") }},
		{"amount asked back", "/payments/new", func(tab *browser.Tab) {
			tab.Fill("Amount", "1.234")
			refused(tab, "Request payment")
		}},
		{"picker open", "/orders/new", func(tab *browser.Tab) { openPicker(tab, "#product") }},
		{"line refused", "/orders/new", func(tab *browser.Tab) {
			tab.Fill("Quantity", "none")
			refused(tab, "Add")
		}},
		{"message", "/payments/new", func(tab *browser.Tab) {
			tab.Fill("Amount", "12.30")
			tab.Fill("Description", "Sand")
			tab.Press("Request payment")
			tab.See("12.30", "#flashes")
		}},
	},
	testsystem.Manager: {
		{"keys", "/payments", func(tab *browser.Tab) {
			tab.Type("?")
			tab.See("Next row of a list", "dialog")
		}},
		{"view saved", "/payments?tab=all", viewSaved}, {"view refused", "/payments", viewRefused},
		{"rejection refused", "/payments", func(tab *browser.Tab) {
			tab.Press("Reject")
			tab.See("Reason")
			refused(tab, "Reject payment")
		}},
		{"filter open", "/orders", func(tab *browser.Tab) { openPicker(tab, "#customer") }},
		{"nothing found", "/payments?q=nothinglikethis", nil},
		{"period refused", "/numbers?from=2026-11-30&to=2026-11-01", nil},
		{"product refused", "/catalog/new", func(tab *browser.Tab) {
			tab.Fill("Price", "much")
			refused(tab, "Add product")
		}},
		{"customer refused", "/customers/new", func(tab *browser.Tab) { refused(tab, "Add customer") }},
		{"no file", "/catalog/import", func(tab *browser.Tab) { refused(tab, "Preview") }},
		{"file with errors", "/catalog/import", func(tab *browser.Tab) {
			tab.Upload("CSV file", "products.csv", "SKU,Name,Price,Currency\nA-1,Apple,1,EUR\nA-2,Pear,0,EUR\n")
			tab.Press("Preview")
			tab.See("Line 3")
		}},
		{"preview", "/customers/import", func(tab *browser.Tab) {
			tab.Upload("CSV file", "customers.csv", "Name,Email\nBeech House,office@beech.example\n")
			tab.Press("Preview")
			tab.See("1 new")
		}},
		{"message", "/payments", func(tab *browser.Tab) {
			tab.Press("Accept")
			tab.See("Accepted", "#flashes")
		}},
	},
}

// others are who uses the managers' app without being a manager, with the pages of those before them that
// show them something else, and with what they come to.
var others = []struct {
	name   string
	kinds  []string
	states []state
}{
	{"Omar Reyes · operator", []string{"/payments", "/payments/id Waiting", "/orders/id Submitted"}, []state{{"try that fails", "/dead-letters", func(tab *browser.Tab) {
		tab.Press("Try to replay these")
		tab.See("0 would pass, 1 would fail")
	}}}},
	{"Iris Hahn · auditor", []string{"/payments/id Waiting"}, []state{{"nothing refused", "/security?tab=refusals", nil}}},
	{"Lena Roth · admin", nil, []state{
		{"block refused", "/people", func(tab *browser.Tab) {
			tab.Press("Ada Nowak")
			refused(tab, "Block Ada Nowak")
		}},
		{"limit refused", "/people", func(tab *browser.Tab) {
			tab.Press("Mia Weber")
			refused(tab, "Save limit")
		}},
	}},
}

// viewSaved saves a view under the longest name and opens what is saved.
func viewSaved(tab *browser.Tab) {
	saveView(tab, "Views", strings.Repeat("W", 40))
	tab.See("This view is saved", "#flashes")
	if !browser.Eval[bool](tab, `document.querySelector(".views").open`) {
		tab.Press("Views 1", ".list-head")
	}
}

func viewRefused(tab *browser.Tab) {
	tab.Press("Views 1", ".list-head")
	refused(tab, "Save this view")
}

// refused presses a button and waits for what is wrong.
func refused(tab *browser.Tab, button string) {
	tab.Press(button)
	tab.Eventually(`document.querySelector("[aria-invalid=true]")`)
}

func openPicker(tab *browser.Tab, field string) {
	tab.Eventually(fmt.Sprintf(`document.querySelector("%s[role=combobox]")`, field))
	browser.Eval[bool](tab, fmt.Sprintf(`(document.querySelector("%[1]s").focus(), document.querySelector("%[1]s").click(), true)`, field))
	tab.Eventually(`document.querySelector("[aria-expanded=true]")`)
}

// TestEveryPage looks at all pages of both apps in one seeded system.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	sys := testsystem.New(t, testsystem.Unlimited...)
	sys.Seed()
	sendNoEvent(t, sys)
	sys.Settle(t)
	b := browser.New(t)
	pages, links := map[string][]page{}, map[string][]string{}
	for app := range states {
		pages[app], links[app] = everyPage(t, sys, b.Tab(t, sys.URL(app)), app)
		require.Greater(t, len(pages[app]), 15, "pages of %s", app)
	}
	t.Run("shows the current tab in forced colours", func(t *testing.T) {
		for app, path := range map[string]string{testsystem.Contractor: "/", testsystem.Manager: "/payments"} {
			tab := b.Tab(t, sys.URL(app)+path)
			tab.Media("", "forced-colors:active")
			borders := `[...new Set([...document.querySelectorAll(".tabs a%s")].map((e) => getComputedStyle(e).borderBottom))].join()`
			current, others := fmt.Sprintf(borders, "[aria-current]"), fmt.Sprintf(borders, ":not([aria-current])")
			require.NotEqual(t, browser.Eval[string](tab, others), browser.Eval[string](tab, current))
		}
	})
	t.Run("has numbers and dates as the reader's language", func(t *testing.T) {
		german := browser.Speaking(t, "de")
		for app := range states {
			var paths []string
			for _, page := range pages[app] {
				paths = append(paths, page.Path)
			}
			list, err := json.Marshal(paths)
			require.NoError(t, err)
			tab := german.Tab(t, sys.URL(app))
			require.Empty(t, browser.Eval[[]string](tab, pagesScript+"; inEnglish("+string(list)+")"), app)
			require.Contains(t, browser.Eval[string](tab, "document.body.innerText"), ",00 EUR", app)
		}
	})
	t.Run("names what each button decides", func(t *testing.T) {
		mia := b.Tab(t, sys.URL(testsystem.Manager))
		names := browser.Eval[[]string](mia, `[...document.querySelectorAll(".actions :is(button, a)")].map((e) => e.getAttribute("aria-label"))`)
		require.Greater(t, len(names), 3)
		slices.Sort(names)
		require.Len(t, slices.Compact(slices.Clone(names)), len(names), names)
		require.Regexp(t, `^(Accept|Reject) [\d.,]+ EUR for [A-Z].*: .+, P-\d{4}-\d{6}$`, names[0])
	})
	t.Run("asks for a decision below what it is about", func(t *testing.T) {
		mia := b.Tab(t, sys.URL(testsystem.Manager)+pathOf(t, pages[testsystem.Manager], "/payments/id Waiting"))
		require.True(t, browser.Eval[bool](mia, `document.querySelector("#facts").getBoundingClientRect().y < document.querySelector("#decide").getBoundingClientRect().y`))
	})
	t.Run("is a document on paper", func(t *testing.T) {
		for app := range states {
			tab := b.Tab(t, sys.URL(app))
			for _, page := range pages[app] {
				if strings.HasPrefix(page.Kind, "/payments/id ") || strings.HasPrefix(page.Kind, "/orders/id ") {
					tab.Open(sys.URL(app) + page.Path)
					tab.Media("print", "prefers-color-scheme:dark")
					require.Empty(t, browser.Eval[[]string](tab, pagesScript+"; onPaper()"), "%s of %s", page.Kind, app)
					tab.Screenshot(app + strings.ReplaceAll(page.Kind, "/", "_") + "-paper")
					tab.Media("")
				}
			}
		}
	})
	t.Run("is accessible and fits", func(t *testing.T) {
		for app := range states {
			t.Run(app, func(t *testing.T) {
				t.Parallel()
				tab := b.Tab(t, sys.URL(app))
				for _, page := range pages[app] {
					tab.Open(sys.URL(app) + page.Path)
					looksRight(t, tab, app+" "+page.Kind)
				}
				comeTo(t, sys, tab, app, states[app])
			})
		}
		t.Run("for everybody else", func(t *testing.T) {
			t.Parallel()
			seen := pages[testsystem.Manager]
			for _, person := range others {
				tab := browser.New(t).Tab(t, sys.URL(testsystem.Manager))
				signIn(tab, person.name)
				theirs, _ := everyPage(t, sys, tab, testsystem.Manager, links[testsystem.Manager]...)
				// Parts of a list look as those of a manager's lists do.
				theirs = slices.DeleteFunc(theirs, func(its page) bool {
					return strings.Contains(its.Path, "?") || slices.ContainsFunc(seen, func(p page) bool { return p.Kind == its.Kind })
				})
				seen = append(seen, theirs...)
				for _, kind := range person.kinds {
					theirs = append(theirs, page{testsystem.Manager, kind, pathOf(t, seen, kind)})
				}
				for _, page := range theirs {
					tab.Open(sys.URL(page.App) + page.Path)
					looksRight(t, tab, person.name+" "+page.Kind)
				}
				comeTo(t, sys, tab, testsystem.Manager, person.states)
			}
		})
	})
}

// comeTo looks at states of an app.
func comeTo(t *testing.T, sys *testsystem.System, tab *browser.Tab, app string, states []state) {
	t.Helper()
	for _, state := range states {
		tab.Open(sys.URL(app) + state.path)
		if state.do != nil {
			state.do(tab)
		}
		looksRight(t, tab, app+" "+state.name)
	}
}

// pathOf is the address of the page of a kind.
func pathOf(t *testing.T, pages []page, kind string) string {
	t.Helper()
	i := slices.IndexFunc(pages, func(p page) bool { return p.Kind == kind })
	require.GreaterOrEqual(t, i, 0, "no page of kind %s", kind)
	return pages[i].Path
}

// isWideEnough checks at all widths that nothing sticks out, no text is squeezed, and rows are short.
func isWideEnough(t *testing.T, tab *browser.Tab, page string) {
	t.Helper()
	for _, width := range []int64{390, 768, 820, 960, 1024, 1280} {
		tab.Resize(width, 900)
		for _, problem := range browser.Eval[[]string](tab, pagesScript+"; squeezed()") {
			t.Errorf("%s, %d px: %s", page, width, problem)
		}
		tab.Screenshot(fmt.Sprintf("%s-%d", strings.ReplaceAll(page, "/", "_"), width))
	}
	if os.Getenv("SCREENSHOTS") != "" {
		tab.Media("", "prefers-color-scheme:dark")
		tab.Screenshot(strings.ReplaceAll(page, "/", "_") + "-dark")
		tab.Media("")
	}
}

// looks are how a page is shown, and what axe-core checks there.
var looks = []struct {
	name     string
	width    int64
	features []string
	run      string
}{
	{"light", 1280, nil, `{ type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }`},
	{"dark", 1280, []string{"prefers-color-scheme:dark"}, `["color-contrast", "link-in-text-block"]`},
	{"phone", 390, nil, `["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]`},
}

// isAccessible has axe-core look at the open page in every look.
func isAccessible(t *testing.T, tab *browser.Tab, page string) {
	t.Helper()
	axe, err := os.ReadFile("../../pkg/web/assets/node_modules/axe-core/axe.min.js")
	require.NoError(t, err, "make assets fetches axe-core")
	browser.Eval[bool](tab, string(axe)+pagesScript+"; still()")
	for _, look := range looks {
		tab.Resize(look.width, 900)
		tab.Media("", look.features...)
		for _, violation := range browser.Eval[[]string](tab, "violations("+look.run+")") {
			t.Errorf("%s, %s: %s", page, look.name, violation)
		}
	}
}
