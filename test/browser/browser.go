// Package browser is a person at a real Chromium: it opens pages, presses what has a name,
// fills what has a label, and sees what is visible.
//
// Every look waits, with a deadline, for the page to show what is looked for; there are no
// pauses to tune.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience is how long a person looks for something before giving up.
const patience = 20 * time.Second

// Browser is one profile: its tabs share cookies, and nothing with other browsers.
type Browser struct{ ctx context.Context }

// shared is the Chromium that all browsers of a test process are profiles of: to start one takes as long as
// many a test.
var shared struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

// New opens a browser, which ends with the test.
func New(tb testing.TB) *Browser {
	tb.Helper()
	shared.once.Do(func() { shared.ctx, shared.stop, shared.err = start("en-US,en") })
	must(tb, shared.err)
	ctx, cancel := chromedp.NewContext(shared.ctx, chromedp.WithNewBrowserContext())
	tb.Cleanup(cancel)
	must(tb, chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)))
	return &Browser{ctx: ctx}
}

// Quit ends the Chromium of all browsers; call it at the end of TestMain.
func Quit() {
	if shared.stop != nil {
		shared.stop()
	}
}

// Speaking is New, of a person whose languages are these: those are a Chromium's, which ends with the test.
func Speaking(tb testing.TB, languages string) *Browser {
	tb.Helper()
	ctx, stop, err := start(languages)
	tb.Cleanup(stop)
	must(tb, err)
	return &Browser{ctx: ctx}
}

// Tab is one tab, of a Chromium or of a Firefox. What the latter cannot do says so.
type Tab struct {
	tb      testing.TB
	ctx     context.Context
	firefox *Firefox
	context string // Firefox's name of it
}

// evaluate returns the value of a script, or of what it promises.
func evaluate[T any](t *Tab, ctx context.Context, script string) (result T, err error) {
	if t.firefox == nil {
		return chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	}
	found, err := t.firefox.evaluate(ctx, t.context, script)
	if err != nil {
		return result, err
	}
	return result, json.Unmarshal(found, &result)
}

// Option changes a new tab.
type Option func(tb testing.TB, ctx context.Context)

// WithoutJavaScript is a tab in which pages run no scripts.
func WithoutJavaScript(tb testing.TB, ctx context.Context) {
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	must(tb, err)
}

// Phone is a tab as wide as a phone.
func Phone(tb testing.TB, ctx context.Context) {
	must(tb, chromedp.Do(ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile)))
}

// Dark is a tab of a person who prefers dark pages.
func Dark(tb testing.TB, ctx context.Context) {
	media(tb, ctx, "", "prefers-color-scheme:dark")
}

// InTokyo is a tab of somebody who is there.
func InTokyo(tb testing.TB, ctx context.Context) {
	_, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
	must(tb, err)
}

// media is what the tab is shown on, such as print, and how, such as prefers-color-scheme:dark.
func media(tb testing.TB, ctx context.Context, medium string, features ...string) {
	tb.Helper()
	params := emulation.SetEmulatedMediaParams{Media: medium}
	for _, feature := range features {
		name, value, _ := strings.Cut(feature, ":")
		params.Features = append(params.Features, &emulation.MediaFeature{Name: name, Value: value})
	}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, params)
	must(tb, err)
}

// Tab opens a tab at url.
func (b *Browser) Tab(tb testing.TB, url string, options ...Option) *Tab {
	tb.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	tb.Cleanup(cancel)
	must(tb, chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)))
	for _, option := range options {
		option(tb, ctx)
	}
	tab := &Tab{tb: tb, ctx: ctx}
	tab.Open(url)
	return tab
}

// Open goes to url.
func (t *Tab) Open(url string) {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	if t.firefox != nil {
		must(t.tb, t.firefox.open(ctx, t.context, url))
		return
	}
	must(t.tb, chromedp.Do(ctx, chromedp.Navigate(url)))
}

// OnEveryPage runs a script in every page that the tab opens from now on, before the page's own.
func (t *Tab) OnEveryPage(script string) {
	t.tb.Helper()
	_, err := chromedp.Call(t.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	must(t.tb, err)
}

// Reload loads the page again.
func (t *Tab) Reload() {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	must(t.tb, chromedp.Do(ctx, chromedp.Reload()))
}

// Back presses the back button. A page that the browser has kept does not load, so nothing is waited for.
func (t *Tab) Back() {
	t.tb.Helper()
	Eval[bool](t, "setTimeout(() => history.back()) > 0")
}

// Press presses the first visible button or link named name, in the page or in the element
// that the optional scope selects.
func (t *Tab) Press(name string, scope ...string) {
	t.tb.Helper()
	t.do("press "+name, "press", name, strings.Join(scope, " "))
}

// PressTwice presses it two times in a row, as fast as a double click.
func (t *Tab) PressTwice(name string) {
	t.tb.Helper()
	t.do("press twice "+name, "pressTwice", name, "")
}

// Place is where something is in the window, in pixels.
type Place struct{ X, Y float64 }

// Find waits for the first visible button or link named name, and returns where its middle is.
func (t *Tab) Find(name string) Place {
	t.tb.Helper()
	t.do("find "+name, "find", name, "")
	return Eval[Place](t, "window.found")
}

// Click presses the mouse's button at a place, whatever is there; the pointer moves there first if it is
// somewhere else.
func (t *Tab) Click(at Place) {
	t.tb.Helper()
	must(t.tb, chromedp.Do(t.ctx, chromedp.MouseClickXY(at.X, at.Y)))
}

// Move moves the mouse's pointer to a place, with no button pressed.
func (t *Tab) Move(to Place) {
	t.tb.Helper()
	must(t.tb, chromedp.Do(t.ctx, chromedp.MouseEvent(chromedp.MouseMoved, to.X, to.Y)))
}

// Network takes the network away from the tab, or gives it back.
func (t *Tab) Network(there bool) {
	t.tb.Helper()
	conditions := &network.Conditions{Offline: !there, DownloadThroughput: -1, UploadThroughput: -1}
	_, err := chromedp.Call(t.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{conditions}})
	must(t.tb, err)
	_, err = chromedp.Call(t.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: !there, DownloadThroughput: -1, UploadThroughput: -1})
	must(t.tb, err)
}

// Fill writes value into the field labelled label, or chooses it in a select.
func (t *Tab) Fill(label, value string) {
	t.tb.Helper()
	t.do("fill "+label, "fill", label, value)
}

// Upload chooses a file with this text in the field labelled label.
func (t *Tab) Upload(label, name, text string) {
	t.tb.Helper()
	t.do("upload "+name, "upload", label, name, text)
}

// See waits until text is visible, in the page or in the element that scope selects.
func (t *Tab) See(text string, scope ...string) {
	t.tb.Helper()
	t.do("see "+text, "see", text, strings.Join(scope, " "))
}

// SeeNot waits until text is not visible.
func (t *Tab) SeeNot(text string, scope ...string) {
	t.tb.Helper()
	t.do("no longer see "+text, "seeNot", text, strings.Join(scope, " "))
}

// Row waits for the row of a list that shows text, and returns the scope that it is.
func (t *Tab) Row(text string) (scope string) {
	t.tb.Helper()
	t.do("see a row with "+text, "row", text)
	return Eval[string](t, "window.row")
}

// Text is what is visible of the element that selector selects.
func (t *Tab) Text(selector string) string {
	t.tb.Helper()
	return Eval[string](t, fmt.Sprintf("document.querySelector(%s)?.innerText ?? ''", quote(selector)))
}

// URL is the tab's address.
func (t *Tab) URL() string {
	t.tb.Helper()
	return Eval[string](t, "location.href")
}

// Eval returns the value of a JavaScript expression, which may be a script that opens a hundred pages.
func Eval[T any](t *Tab, expression string) T {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, 6*patience)
	defer cancel()
	value, err := evaluate[T](t, ctx, expression)
	must(t.tb, err)
	return value
}

// Eventually waits until a JavaScript expression, or what it promises, is true.
func (t *Tab) Eventually(expression string) {
	t.tb.Helper()
	t.wait("have "+expression, "Promise.resolve("+expression+").then(Boolean)")
}

// Media shows the open page on another medium, or with these features; without any, as at first.
func (t *Tab) Media(medium string, features ...string) {
	t.tb.Helper()
	media(t.tb, t.ctx, medium, features...)
}

// Resize makes the window this large.
func (t *Tab) Resize(width, height int64) {
	t.tb.Helper()
	must(t.tb, chromedp.Do(t.ctx, chromedp.EmulateViewport(width, height)))
}

// Screenshot writes a picture of the whole page, if the environment asks for them with
// SCREENSHOTS=<directory>.
func (t *Tab) Screenshot(name string) {
	t.tb.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	must(t.tb, err)
	must(t.tb, os.MkdirAll(dir, 0o755))
	must(t.tb, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644))
}

// do calls a function of person.js until it answers true.
func (t *Tab) do(what, function string, args ...string) {
	t.tb.Helper()
	list, err := json.Marshal(args)
	must(t.tb, err)
	t.wait(what, fmt.Sprintf("(() => { %s; return %s(...%s) })()", person, function, list))
}

// wait evaluates expression until it is true. A page that is just being replaced fails to evaluate:
// that is only a reason to look again.
func (t *Tab) wait(what, expression string) {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		ok, err := evaluate[bool](t, ctx, expression)
		if ok && err == nil {
			return
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			t.giveUp(what, last)
		case <-tick.C:
		}
	}
}

// giveUp fails the test with what the page shows instead.
func (t *Tab) giveUp(what string, last error) {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, 5*time.Second)
	defer cancel()
	shown, _ := evaluate[string](t, ctx, `location.href + "\n\n" + document.body.innerText`)
	t.tb.Fatalf("could not %s within %s (%v); the page shows:\n%s", what, patience, last, shown)
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
