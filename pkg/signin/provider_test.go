package signin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"golang.org/x/oauth2"
)

const clientID, clientSecret = "manager-ui", "the client's secret"

// provider is an OpenID Connect provider that does as a test says.
type provider struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu sync.Mutex
	// does stands in for what the provider answers at a path.
	does map[string]http.HandlerFunc
	// says changes the claims of the next tokens.
	says  func(claims map[string]any)
	codes map[string]url.Values // what was asked for, by code
	asked map[string]int        // requests, by path
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key, does: map[string]http.HandlerFunc{}, codes: map[string]url.Values{}, asked: map[string]int{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.URL.Path]++
	does := p.does[r.URL.Path]
	p.mu.Unlock()
	switch {
	case does != nil:
		does(w, r)
	case r.URL.Path == "/.well-known/openid-configuration":
		answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"userinfo_endpoint": p.URL + "/userinfo", "end_session_endpoint": p.URL + "/end", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	case r.URL.Path == "/keys":
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	case r.URL.Path == "/token":
		p.token(w, r)
	case r.URL.Path == "/userinfo":
		answer(w, map[string]any{"sub": "mia", "name": "Mia Weber", "email": "mia@example.com", "roles": []string{"manager"}})
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// authorize is the browser's visit: it returns where the browser is sent to, signed in.
func (p *provider) authorize(request *url.URL) (back string) {
	code := uuid.NewString()
	p.mu.Lock()
	p.codes[code] = request.Query()
	p.mu.Unlock()
	return request.Query().Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {request.Query().Get("state")}}.Encode()
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	asked, known := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	says := p.says
	p.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	secret, _ = url.QueryUnescape(secret)
	if !known || id != clientID || secret != clientSecret || oauth2.S256ChallengeFromVerifier(r.FormValue("code_verifier")) != asked.Get("code_challenge") {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := p.claims(map[string]any{"nonce": asked.Get("nonce"), "sid": "session-1", "name": "Mia Weber", "email": "mia@example.com", "roles": []string{"manager"}})
	if says != nil {
		says(claims)
	}
	answer(w, map[string]any{"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(claims)})
}

// claims are those of a token about Mia, with more.
func (p *provider) claims(more map[string]any) map[string]any {
	claims := map[string]any{"iss": p.URL, "sub": "mia", "aud": clientID, "iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix()}
	for name, value := range more {
		claims[name] = value
	}
	return claims
}

func (p *provider) sign(claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.key, KeyID: "1"}}, nil)
	if err != nil {
		panic(err)
	}
	payload, _ := json.Marshal(claims)
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

// now has the provider do something else from now on.
func (p *provider) now(path string, does http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does[path] = does
}

// tells changes the claims from now on.
func (p *provider) tells(says func(claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.says = says
}

// about has the tokens be about somebody else.
func (p *provider) about(subject, name string, roles ...string) {
	p.tells(func(claims map[string]any) {
		claims["sub"], claims["name"], claims["roles"], claims["sid"] = subject, name, roles, "session-of-"+subject
	})
}
