package browser

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
)

// Firefox is one Firefox with one profile, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi).
type Firefox struct {
	conn *websocket.Conn

	mu      sync.Mutex
	last    int
	answers map[int]chan answer
}

type answer struct {
	ID      int             `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

// NewFirefox starts Firefox, which ends with the test. The test is skipped where there is none: Debian's is
// firefox-esr, and FIREFOX names another.
func NewFirefox(tb testing.TB) *Firefox {
	tb.Helper()
	path, err := exec.LookPath(cmp.Or(os.Getenv("FIREFOX"), "firefox-esr"))
	if err != nil {
		tb.Skipf("there is no Firefox (apt-get install firefox-esr; FIREFOX names another): %v", err)
	}
	profile := tb.TempDir()
	// Both apps and the driver are on loopback, and nothing else is asked.
	prefs := `user_pref("app.update.enabled", false); user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false); user_pref("network.connectivity-service.enabled", false);`
	must(tb, os.WriteFile(filepath.Join(profile, "user.js"), []byte(prefs), 0o600))
	command := exec.CommandContext(tb.Context(), path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0")
	command.Env = append(os.Environ(), "HOME="+profile, "MOZ_DISABLE_AUTO_SAFE_MODE=1")
	said, err := command.StderrPipe()
	must(tb, err)
	must(tb, command.Start())
	tb.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if _, found, ok := strings.Cut(lines.Text(), "WebDriver BiDi listening on "); ok {
				address <- found
			}
		}
		close(address)
	}()
	at, ok := <-address
	if !ok {
		tb.Fatal("Firefox ended before it could be driven")
	}
	conn, _, err := websocket.DefaultDialer.DialContext(tb.Context(), at+"/session", nil)
	must(tb, err)
	tb.Cleanup(func() { _ = conn.Close() })
	f := &Firefox{conn: conn, answers: map[int]chan answer{}}
	go f.listen()
	_, err = f.call(tb.Context(), "session.new", map[string]any{"capabilities": map[string]any{}})
	must(tb, err)
	return f
}

func (f *Firefox) listen() {
	for {
		var a answer
		if f.conn.ReadJSON(&a) != nil {
			return
		}
		f.mu.Lock()
		if waiting := f.answers[a.ID]; waiting != nil {
			waiting <- a
			delete(f.answers, a.ID)
		}
		f.mu.Unlock()
	}
}

// call sends a command and waits for its result.
func (f *Firefox) call(ctx context.Context, method string, params map[string]any) (json.RawMessage, error) {
	done := make(chan answer, 1)
	f.mu.Lock()
	f.last++
	f.answers[f.last] = done
	err := f.conn.WriteJSON(map[string]any{"id": f.last, "method": method, "params": params})
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case a := <-done:
		if a.Error != "" {
			return nil, fmt.Errorf("%s: %s: %s", method, a.Error, a.Message)
		}
		return a.Result, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// Tab opens a tab at url.
func (f *Firefox) Tab(tb testing.TB, url string) *Tab {
	tb.Helper()
	result, err := f.call(tb.Context(), "browsingContext.create", map[string]any{"type": "tab"})
	must(tb, err)
	var made struct{ Context string }
	must(tb, json.Unmarshal(result, &made))
	tab := &Tab{tb: tb, ctx: tb.Context(), firefox: f, context: made.Context}
	tab.Open(url)
	return tab
}

func (f *Firefox) open(ctx context.Context, tab, url string) error {
	_, err := f.call(ctx, "browsingContext.navigate", map[string]any{"context": tab, "url": url, "wait": "complete"})
	return err
}

// evaluate returns the value of a script as JSON.
func (f *Firefox) evaluate(ctx context.Context, tab, script string) (json.RawMessage, error) {
	result, err := f.call(ctx, "script.evaluate", map[string]any{
		"expression": script, "target": map[string]any{"context": tab}, "awaitPromise": true,
		"serializationOptions": map[string]any{"maxObjectDepth": 5},
	})
	if err != nil {
		return nil, err
	}
	var done struct {
		Type             string
		Result           value
		ExceptionDetails struct{ Text string }
	}
	if err := json.Unmarshal(result, &done); err != nil {
		return nil, err
	}
	if done.Type != "success" {
		return nil, errors.New(done.ExceptionDetails.Text)
	}
	return json.Marshal(done.Result.plain())
}

// value is a JavaScript value as BiDi has it: lists of values, and of pairs.
type value struct {
	Type  string
	Value json.RawMessage
}

func (v value) plain() any {
	switch v.Type {
	case "array":
		var items []value
		_ = json.Unmarshal(v.Value, &items)
		list := make([]any, len(items))
		for i, item := range items {
			list[i] = item.plain()
		}
		return list
	case "object":
		var pairs [][2]json.RawMessage
		_ = json.Unmarshal(v.Value, &pairs)
		object := map[string]any{}
		for _, pair := range pairs {
			var name string
			var of value
			_, _ = json.Unmarshal(pair[0], &name), json.Unmarshal(pair[1], &of)
			object[name] = of.plain()
		}
		return object
	case "undefined", "null":
		return nil
	}
	return v.Value
}
