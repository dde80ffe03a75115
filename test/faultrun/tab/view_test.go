package tab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func rowHTML(n, revision int, text string) string {
	return fmt.Sprintf(`<tr id="p-%d" data-revision="%d" data-sort="%03d"><td>%s</td><td><time>just now</time></td></tr>`, n, revision, n, text)
}

func page(tab, more string, rows ...string) string {
	return `<title>t</title><live-updates src="/live?as=x" cursor="e:1-0"></live-updates><main data-live-subject="o-1" data-revision="3">` +
		`<p data-live-fragment="total">1 <b>EUR</b></p><table><tbody data-live-list="payments" data-live-tab="` + tab +
		`" data-live-order="desc" data-live-page="first" data-live-search="" data-live-size="2"` + more + `>` + strings.Join(rows, "") + `</tbody></table></main>`
}

func opened(t *testing.T, page string) *view {
	t.Helper()
	v, err := read(page)
	require.NoError(t, err)
	return v
}

func TestAViewFollowsWhatIsPushed(t *testing.T) {
	push := func(n, revision int, text string, tabs ...string) pushed {
		return pushed{List: "payments", ID: fmt.Sprintf("p-%d", n), Revision: int64(revision), Tabs: tabs, HTML: rowHTML(n, revision, text)}
	}
	start := page("waiting", " data-live-more", rowHTML(5, 1, "five"), rowHTML(3, 1, "three"))
	for name, c := range map[string]struct {
		push   pushed
		rows   []string
		unsure bool
	}{
		"a change in place":            {push(3, 2, "THREE", "waiting"), []string{rowHTML(5, 1, "five"), rowHTML(3, 2, "THREE")}, false},
		"what is no newer":             {push(3, 1, "older", "waiting"), []string{rowHTML(5, 1, "five"), rowHTML(3, 1, "three")}, false},
		"a new one at its place":       {push(4, 1, "four", "waiting"), []string{rowHTML(5, 1, "five"), rowHTML(4, 1, "four")}, false},
		"one of the next page":         {push(1, 1, "one", "waiting"), []string{rowHTML(5, 1, "five"), rowHTML(3, 1, "three")}, false},
		"one that leaves a full page":  {push(5, 2, "five", "decided"), []string{rowHTML(3, 1, "three")}, true},
		"one of another tab":           {push(4, 1, "four", "decided"), []string{rowHTML(5, 1, "five"), rowHTML(3, 1, "three")}, false},
		"what the page itself is of":   {pushed{List: "orders", ID: "o-1", Revision: 4}, []string{rowHTML(5, 1, "five"), rowHTML(3, 1, "three")}, true},
		"that again, as the page knew": {pushed{List: "orders", ID: "o-1", Revision: 3}, []string{rowHTML(5, 1, "five"), rowHTML(3, 1, "three")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := opened(t, start)
			unsure, err := v.apply(c.push)
			require.NoError(t, err)
			require.Equal(t, c.unsure, unsure)
			require.Empty(t, v.difference(opened(t, page("waiting", " data-live-more", c.rows...))))
		})
	}
}

func TestAViewDiffersFromAReload(t *testing.T) {
	start := page("", "", rowHTML(5, 1, "five"))
	for name, c := range map[string]struct{ reload, want string }{
		"a row that was not pushed":      {page("", "", rowHTML(6, 1, "six"), rowHTML(5, 1, "five")), "row 1"},
		"a row that is not there":        {page("", ""), "row 1"},
		"an older text":                  {page("", "", rowHTML(5, 2, "FIVE")), "row 1"},
		"a total that was not pushed":    {strings.Replace(start, "1 <b>", "2 <b>", 1), "total"},
		"a time, which passes by itself": {strings.Replace(start, "just now", "a minute ago", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			difference := opened(t, start).difference(opened(t, c.reload))
			if c.want == "" {
				require.Empty(t, difference)
				return
			}
			require.Contains(t, difference, c.want)
		})
	}
	v := opened(t, start)
	require.NoError(t, v.take(fragment{Name: "total", HTML: "2 <b>EUR</b>"}))
	require.Empty(t, v.difference(opened(t, strings.Replace(start, "1 <b>", "2 <b>", 1))))
}
