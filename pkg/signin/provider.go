package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"countersign.example/pkg/rights"
	"countersign.example/pkg/web"
)

const (
	// patience bounds all that is asked of the provider for one request, and stepPatience each step.
	patience     = 7 * time.Second
	stepPatience = 4 * time.Second
	// largestAnswer bounds an answer of the provider's.
	largestAnswer = 1 << 20
	// leeway is how far the provider's clock may be from ours.
	leeway = time.Minute
)

// Options make a Provider. All are needed.
type Options struct {
	Config
	Environment string
	PublicURL   string        // of the app
	Roles       []rights.Role // of which its people must have one
	Sessions    *web.Sessions
	Log         *slog.Logger
}

// Provider is a web.Identity whose people sign in with an OpenID Connect provider.
type Provider struct {
	Options
	sessions *web.Sessions
	site     *web.Site
	client   *http.Client

	once  singleflight.Group
	mu    sync.Mutex
	known *known
}

// known is what the provider has told about itself.
type known struct {
	*oidc.Provider
	oauth2.Config
	tokens     *oidc.IDTokenVerifier
	endSession string // where people sign out; may be empty
}

// New returns the identity of an app. The provider is not asked yet.
func New(o Options) (*Provider, error) {
	if err := errors.Join(o.Check(o.Environment, o.PublicURL), o.gives(o.Roles)); err != nil {
		return nil, err
	}
	return &Provider{Options: o, sessions: o.Sessions, client: &http.Client{
		Timeout:   stepPatience,
		Transport: limited{http.DefaultTransport.(*http.Transport).Clone()},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the provider answers with a redirect") // to wherever: what is sent there may be secret
		},
	}}, nil
}

// limited cuts answers off that are too long.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, largestAnswer), response.Body}
	}
	return response, err
}

// asking is a context for asking the provider.
func (p *Provider) asking(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(oidc.ClientContext(ctx, p.client), patience)
}

// discover returns what the provider has told about itself, and asks it where it has not.
func (p *Provider) discover(ctx context.Context) (*known, error) {
	p.mu.Lock()
	k := p.known
	p.mu.Unlock()
	if k != nil {
		return k, nil
	}
	return p.discoverAgain(ctx)
}

// discoverAgain asks the provider about itself, which also tells whether it is there. Those who come
// meanwhile wait for the same answer.
func (p *Provider) discoverAgain(ctx context.Context) (*known, error) {
	found := p.once.DoChan("", func() (any, error) { return p.ask(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case answer := <-found:
		if answer.Err != nil {
			return nil, answer.Err
		}
		return answer.Val.(*known), nil
	}
}

func (p *Provider) ask(ctx context.Context) (*known, error) {
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the provider about itself: %w", err)
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, fmt.Errorf("read what the provider tells about itself: %w", err)
	}
	if u, err := url.Parse(more.EndSession); err != nil || u.Host == "" {
		more.EndSession = ""
	}
	k := &known{
		Provider: provider, endSession: more.EndSession,
		Config: oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: provider.Endpoint(),
			RedirectURL: p.address(callbackPath), Scopes: p.Scopes},
		tokens: provider.Verifier(&oidc.Config{ClientID: p.ClientID, Now: func() time.Time { return time.Now().Add(-leeway) }}),
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = k
	return k, nil
}

// address is the one of a path of this app, as browsers know it.
func (p *Provider) address(path string) string {
	u, _ := url.Parse(p.PublicURL) // Check has parsed it
	return u.JoinPath(path).String()
}

// recent refuses a token whose time is not about now: a clock is wrong, or the token is an old one.
func recent(token *oidc.IDToken, old time.Duration) error {
	if age := time.Since(token.IssuedAt); age < -leeway || age > old {
		return fmt.Errorf("the token was issued at %s, which is not now", token.IssuedAt.UTC().Format(time.RFC3339))
	}
	return nil
}
