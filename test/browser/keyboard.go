package browser

import (
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Type presses keys, wherever the focus is.
func (t *Tab) Type(keys string) {
	t.tb.Helper()
	for _, key := range keys {
		for _, event := range kb.Encode(key) {
			if event.Type == kb.KeyDown {
				event.Type = "rawKeyDown" // as a keyboard does it: a page that takes the key gets no character
			}
			_, err := chromedp.Call(t.ctx, input.DispatchKeyEvent, *event)
			must(t.tb, err)
		}
	}
}

// Paste pastes what was copied, wherever the focus is.
func (t *Tab) Paste() {
	t.tb.Helper()
	for _, event := range []input.DispatchKeyEventParams{
		{Type: "rawKeyDown", Key: "v", Code: "KeyV", Modifiers: 2, Commands: []string{"paste"}}, {Type: "keyUp", Key: "v", Code: "KeyV"},
	} {
		_, err := chromedp.Call(t.ctx, input.DispatchKeyEvent, event)
		must(t.tb, err)
	}
}
