package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/rights"
)

// Person is who a request is made by.
type Person struct {
	ID, Name string
	Address  string // of e-mail; may be empty
	Roles    []rights.Role
}

// Initials are shown where there is no room, or no picture: "AN".
func (p Person) Initials() string { return initials(p.Name) }

func initials(name string) string {
	var b strings.Builder
	for _, word := range strings.Fields(name) {
		if r, _ := utf8.DecodeRuneInString(word); b.Len() < 2 {
			b.WriteRune(r)
		}
	}
	return strings.ToUpper(b.String())
}

// Identity knows who makes a request.
type Identity interface {
	// Person returns who makes the request; an Error with status 401 or 403, or Redirected, when nobody is
	// signed in who may use the app.
	Person(c echo.Context) (Person, error)
	// People are those whom the header's "Signed in as" offers; none when people sign in elsewhere.
	People() []Person
	// Register adds the identity's own routes.
	Register(s *Site)
	// Ended answers a browser whose session, which was of account, has just ended.
	Ended(c echo.Context, account Account) error
}

// Demo is an Identity without passwords, for trying the apps: anyone can be any of its people.
type Demo struct {
	sessions *Sessions
	people   []Person
}

// IdentityConfig says how people are known; embed it beside service.Config.
type IdentityConfig struct {
	Identity     string   `env:"IDENTITY" desc:"how people sign in: oidc with an OpenID Connect provider, demo as whomever they choose; demo is refused in production"`
	PublicURL    string   `env:"PUBLIC_URL" desc:"the address at which browsers reach this app, https://host; needed with IDENTITY=oidc"`
	AllowedHosts []string `env:"ALLOWED_HOSTS" desc:"names besides PUBLIC_URL's by which this app may be addressed, separated by commas"`
}

// Ways in which people sign in.
const (
	DemoIdentity = "demo"
	OIDCIdentity = "oidc"
)

// Check refuses ways that there are not, and demo in production.
func (c IdentityConfig) Check(environment string) error {
	switch {
	case c.Identity != DemoIdentity && c.Identity != OIDCIdentity:
		return fmt.Errorf("IDENTITY is %q: use IDENTITY=oidc, or IDENTITY=demo to try the app", c.Identity)
	case c.Identity == DemoIdentity && environment == "production":
		return errors.New("IDENTITY=demo lets anyone be anyone and is refused with ENVIRONMENT=production")
	}
	return nil
}

// Secure reports whether browsers come by HTTPS.
func (c IdentityConfig) Secure(environment string) bool {
	return environment == "production" || strings.HasPrefix(c.PublicURL, "https://")
}

// NewDemo returns the demo identity of an app; a first visit is the first person's.
func NewDemo(config IdentityConfig, environment string, sessions *Sessions, people ...Person) (*Demo, error) {
	if err := config.Check(environment); err != nil {
		return nil, err
	}
	if config.Identity != DemoIdentity {
		return nil, errors.New("people sign in elsewhere, not as whomever they choose")
	}
	if len(people) == 0 {
		return nil, errors.New("the demo identity needs people")
	}
	return &Demo{sessions: sessions, people: people}, nil
}

// chosenCookie outlives the session, so that whoever is blocked in the middle of their work is told so, and
// does not go on as the first person.
const (
	chosenCookie = "_demo"
	chosenLife   = 24 * time.Hour
	choosePath   = "/signed-in-as"
)

// Person returns whom this browser chose, or the first.
func (d *Demo) Person(c echo.Context) (Person, error) {
	ctx := c.Request().Context()
	person := d.people[max(0, d.find(d.sessions.manager.GetString(ctx, personKey)))]
	// A session is nobody's who is blocked. Whoever is may choose to be somebody else.
	if d.sessions.manager.Token(ctx) == "" && c.Path() != choosePath {
		if err := d.sessions.Admit(ctx, person.ID, d.sessions.Cookies(c, chosenCookie)[""]); err != nil {
			return Person{}, err
		}
	}
	return person, nil
}

func (d *Demo) find(id string) int {
	return slices.IndexFunc(d.people, func(p Person) bool { return p.ID == id })
}

// People returns all of them.
func (d *Demo) People() []Person { return d.people }

// Register adds what the header's "Signed in as" is sent to.
func (d *Demo) Register(s *Site) {
	s.POST(choosePath, Own, s.LimitSignIns(func(c echo.Context) error {
		form, err := ReadForm(c)
		if err != nil {
			return err
		}
		i := d.find(form.Value("person"))
		if i < 0 {
			return BadRequest("There is no such person.")
		}
		if err := d.sessions.SignIn(c, Account{Person: d.people[i], Unproven: true}); err != nil {
			return err
		}
		d.sessions.SetCookie(c, chosenCookie, d.people[i].ID, chosenLife)
		// Another person may not see the page that this one was on.
		return Redirect(c, s.Home())
	}))
}

// Ended goes on as the first person.
func (d *Demo) Ended(c echo.Context, _ Account) error {
	d.sessions.SetCookie(c, chosenCookie, "", 0)
	Flash(c, Good, "Signed out everywhere.")
	return Redirect(c, c.Get(siteKey).(*Site).Home())
}

// SessionOf names the session that c came with, for as long as which a socket may stay open; "" without one,
// as of what opens a socket without having fetched a page. It is not ok where the page's address says that it
// is somebody else's (as): a browser shows a former person's when somebody goes back to it.
func (s *Site) SessionOf(c echo.Context) (session string, ok bool) {
	if as := c.QueryParam("as"); as != "" && as != PersonOf(c).ID {
		return "", false
	}
	// As it was loaded: a cookie whose session has ended before names none.
	return s.options.Sessions.nameOf(c), true
}

// personHeader says whose page a form was sent from.
const personHeader = "Page-Of"

// checkPage refuses a form from a page of somebody else's: the browser has been switched to another person
// since, in another tab.
func checkPage(r *http.Request, now Person) error {
	switch page := r.Header.Get(personHeader); {
	case r.Method == http.MethodGet, r.Method == http.MethodHead, page == "", page == now.ID:
		return nil
	}
	return Conflict("In another tab, this browser was switched to " + now.Name + ". Nothing was done.")
}

const personContextKey = "web.person"

// PersonOf returns who makes the request. Routes of a Site always have one.
func PersonOf(c echo.Context) Person {
	p, _ := c.Get(personContextKey).(Person)
	return p
}

// Hub opens sockets: a live.Hub.
type Hub interface {
	Serve(w http.ResponseWriter, r *http.Request, audience, session string, held rights.Held)
	Refuse(w http.ResponseWriter, r *http.Request)
}

// Socket opens the socket of whoever is signed in, and of nobody else whatever the address says. They get
// what is for their audience, and of that what is for those who have their rights.
func (s *Site) Socket(hub Hub, audience func(Person) string) echo.HandlerFunc {
	return func(c echo.Context) error {
		if session, ok := s.SessionOf(c); ok {
			hub.Serve(c.Response(), c.Request(), audience(PersonOf(c)), session, s.held(c))
			if c.Response().Status == http.StatusForbidden {
				s.options.Sessions.logRefusedOrigin(c)
			}
		} else {
			hub.Refuse(c.Response(), c.Request())
		}
		return nil
	}
}
