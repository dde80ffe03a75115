// Package formclient is a web app's client that fills forms, as a person does with a browser that runs no
// scripts: it keeps cookies, follows redirects, presses buttons by their names and fills fields by their
// labels. It uses what people use, so it knows no address and no field of the apps but those of the pages
// that it opens.
package formclient

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// Client is one person at one app. It may be used by one goroutine at a time.
type Client struct {
	origin string
	http   *http.Client
}

// answerTimeout is longer than the apps let a request take.
const answerTimeout = 15 * time.Second

// New returns a client of the app at origin, without a cookie.
func New(origin string) *Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no reason to
	}
	return &Client{origin: strings.TrimSuffix(origin, "/"), http: &http.Client{Jar: jar, Timeout: answerTimeout}}
}

// SignIn signs person in ("Ada Nowak").
func (c *Client) SignIn(person string) error {
	page, err := c.Open("/")
	if err == nil {
		// The switch's button is in a noscript element, which this browser obeys.
		_, err = page.Press("Switch", "Signed in as", person)
	}
	if err != nil {
		return fmt.Errorf("sign %s in at %s: %w", person, c.origin, err)
	}
	return nil
}

// Close closes the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Open asks for a page. For an answer of 400 and more it returns the page and a StatusError.
func (c *Client) Open(path string) (*Page, error) {
	request, err := http.NewRequest(http.MethodGet, c.origin+path, nil)
	if err != nil {
		return nil, err
	}
	return c.do(request)
}

// StatusError is an answer of 400 and more.
type StatusError struct {
	Status int
	Text   string // of the page's main part
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Text) }

func (c *Client) do(request *http.Request) (*Page, error) {
	// What browsers say about the request's origin.
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	request.Header.Set("Sec-Fetch-Mode", "navigate")
	request.Header.Set("Accept", "text/html,application/xhtml+xml")
	if request.Method == http.MethodPost {
		request.Header.Set("Origin", c.origin)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	p := &Page{Status: response.StatusCode, URL: response.Request.URL, client: c}
	if p.root, err = html.ParseWithOptions(strings.NewReader(string(body)), html.ParseOptionEnableScripting(false)); err != nil {
		return nil, err
	}
	if p.Status >= http.StatusBadRequest {
		return p, &StatusError{Status: p.Status, Text: p.Text()}
	}
	return p, nil
}

// Page is an app's answer.
type Page struct {
	Status int
	URL    *url.URL
	client *Client
	root   *html.Node
}

// Text returns all text of the page's body, with single spaces.
func (p *Page) Text() string { return textOf(first(p.root, tag("body"))) }

// Shows reports whether the page's text contains text.
func (p *Page) Shows(text string) bool { return strings.Contains(p.Text(), text) }

// Has reports whether there is a button or link of that name.
func (p *Page) Has(name string) bool { return p.button(name) != nil || p.link(name) != nil }

// Value is that of a field in the form of the first button of that name; "" without one.
func (p *Page) Value(button, field string) string {
	if b := p.button(button); b != nil {
		return valuesOf(ancestor(b, "form")).Get(field)
	}
	return ""
}

// Message is what the page tells once, such as what became of a press.
type Message struct{ Tone, Text string }

// Messages are those of the page.
func (p *Page) Messages() (messages []Message) {
	for _, n := range all(p.root, func(n *html.Node) bool { return strings.HasPrefix(attribute(n, "id"), "flash-") }) {
		for _, class := range strings.Fields(attribute(n, "class")) {
			if tone, ok := strings.CutPrefix(class, "tone-"); ok {
				messages = append(messages, Message{tone, textOf(n)})
			}
		}
	}
	return messages
}

// Links returns the addresses of the page's links that begin with prefix, in the page's order.
func (p *Page) Links(prefix string) (addresses []string) {
	for _, link := range all(p.root, func(n *html.Node) bool { return n.Data == "a" && has(n, "href") }) {
		if to := p.resolve(attribute(link, "href")); strings.HasPrefix(to, prefix) {
			addresses = append(addresses, to)
		}
	}
	return addresses
}

// Press presses the first button of that name after filling fields, given as labels and
// values in turn; or follows the link of that name.
func (p *Page) Press(name string, fields ...string) (*Page, error) {
	if p.button(name) != nil {
		filled, err := p.Fill(name, fields...)
		if err != nil {
			return p, err
		}
		return filled.Send()
	}
	if link := p.link(name); link != nil && len(fields) == 0 {
		return p.client.Open(p.resolve(attribute(link, "href")))
	}
	return p, fmt.Errorf("there is no button %q on %s: %s", name, p.URL, p.Text())
}

func (p *Page) button(name string) *html.Node {
	return first(p.root, func(n *html.Node) bool {
		named := textOf(n) == name || attribute(n, "aria-label") == name
		return n.Data == "button" && named && !has(n, "disabled") && ancestor(n, "form") != nil
	})
}

func (p *Page) link(name string) *html.Node {
	return first(p.root, func(n *html.Node) bool { return n.Data == "a" && has(n, "href") && textOf(n) == name })
}

// Filled is a form that is ready to be sent, as often as wanted. It holds no page.
type Filled struct {
	client         *Client
	method, action string
	values         url.Values
}

// Fill fills the form of the first button of that name, as Press does.
func (p *Page) Fill(name string, fields ...string) (*Filled, error) {
	button := p.button(name)
	if button == nil {
		return nil, fmt.Errorf("there is no button %q on %s: %s", name, p.URL, p.Text())
	}
	form := ancestor(button, "form")
	values := valuesOf(form)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := fill(form, values, fields[i], fields[i+1]); err != nil {
			return nil, fmt.Errorf("%w on %s", err, p.URL)
		}
	}
	if name := attribute(button, "name"); name != "" {
		values.Set(name, attribute(button, "value"))
	}
	action := p.resolve(attribute(form, "action"))
	if to := attribute(button, "formaction"); to != "" {
		action = p.resolve(to)
	}
	method := attribute(form, "method")
	if other := attribute(button, "formmethod"); other != "" {
		method = other
	}
	return &Filled{p.client, method, action, values}, nil
}

// Send sends the form as a browser would.
func (f *Filled) Send() (*Page, error) {
	if !strings.EqualFold(f.method, "post") {
		return f.client.Open(f.action + "?" + f.values.Encode())
	}
	request, err := http.NewRequest(http.MethodPost, f.client.origin+f.action, strings.NewReader(f.values.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return f.client.do(request)
}

// resolve turns a reference of the page into a path with its query.
func (p *Page) resolve(reference string) string {
	u, err := p.URL.Parse(reference)
	if err != nil {
		return reference
	}
	return u.RequestURI()
}

// Decide presses a button on a payment's page, unless the page shows already what it decides. A rejection
// asks for its reason on a page of its own. It fails until the page shows the decision, so it is to be
// repeated.
func (c *Client) Decide(payment, button, decided string, fields ...string) error {
	page, err := c.Open("/payments/" + payment)
	if err != nil {
		return err // 404: the app has not received it yet
	}
	if page.Shows("Decision " + decided) {
		return nil
	}
	if !page.Has(button) {
		if page, err = page.Press("Reject"); err != nil {
			return err
		}
	}
	if page, err = page.Press(button, fields...); err != nil {
		return err
	}
	if page.Shows("Decision " + decided) {
		return nil
	}
	// The press may have led back to the list that the page was opened from.
	if now, err := c.Open("/payments/" + payment); err != nil || !now.Shows("Decision "+decided) {
		return fmt.Errorf("the page does not say %q: %s", decided, page.Text())
	}
	return nil
}
