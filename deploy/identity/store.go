package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// attemptLife is how long a sign-in may take, and its code be exchanged; tokenLife is an access token's.
const (
	attemptLife = 10 * time.Minute
	tokenLife   = 5 * time.Minute
)

var errUnknown = errors.New("there is no such thing")

// store is what the library asks about clients, people and sign-ins. Only the code flow is there.
type store struct {
	clients map[string]*client
	key     signingKey

	mu       sync.Mutex
	attempts map[string]*attempt // by id
}

// attempt is a sign-in on its way, and what its tokens are made of.
type attempt struct {
	*oidc.AuthRequest
	id, code string
	subject  string // once somebody has signed in
	began    time.Time
}

func (a *attempt) GetID() string          { return a.id }
func (a *attempt) GetACR() string         { return strings.Join(a.ACRValues[:min(1, len(a.ACRValues))], "") } // it asks in whatever way is wanted
func (a *attempt) GetAMR() []string       { return []string{"pwd"} }
func (a *attempt) GetAudience() []string  { return []string{a.ClientID} }
func (a *attempt) GetAuthTime() time.Time { return a.began }
func (a *attempt) GetClientID() string    { return a.ClientID }
func (a *attempt) GetNonce() string       { return a.Nonce }
func (a *attempt) GetScopes() []string    { return a.Scopes }
func (a *attempt) GetSubject() string     { return a.subject }
func (a *attempt) Done() bool             { return a.subject != "" }
func (a *attempt) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: a.CodeChallenge, Method: a.CodeChallengeMethod}
}

type signingKey struct{ *rsa.PrivateKey }

func (signingKey) ID() string                                  { return "1" }
func (signingKey) Use() string                                 { return "sig" }
func (signingKey) Algorithm() jose.SignatureAlgorithm          { return jose.RS256 }
func (signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                  { return k.PrivateKey }

// publicKey is what everybody may see of it.
type publicKey struct{ signingKey }

func (k publicKey) Key() any { return k.Public() }

func newStore(c config) (*store, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return &store{key: signingKey{key}, attempts: map[string]*attempt{}, clients: map[string]*client{
		"contractor-ui": {"contractor-ui", c.ContractorSecret, strings.TrimSuffix(c.ContractorURL, "/")},
		"manager-ui":    {"manager-ui", c.ManagerSecret, strings.TrimSuffix(c.ManagerURL, "/")},
	}}, nil
}

// login notes who signs in; known is false for a wrong name or password, found for an attempt that is none.
func (s *store) login(id, user, given string) (found, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, found := s.attempts[id]
	i := slices.IndexFunc(people, func(p person) bool { return p.user == user })
	if !found || i < 0 || given != password {
		return found, false
	}
	a.subject = user
	return true, true
}

func (s *store) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, a := range s.attempts {
		if time.Since(a.began) > attemptLife {
			delete(s.attempts, id)
		}
	}
	a := &attempt{AuthRequest: r, id: uuid.NewString(), began: time.Now()}
	s.attempts[a.id] = a
	return a, nil
}

// find returns an attempt that is in time.
func (s *store) find(is func(*attempt) bool) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.attempts {
		if is(a) && time.Since(a.began) < attemptLife {
			return a, nil
		}
	}
	return nil, errUnknown
}

func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	return s.find(func(a *attempt) bool { return a.id == id })
}

func (s *store) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	return s.find(func(a *attempt) bool { return code != "" && a.code == code })
}

func (s *store) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.attempts[id]
	if !ok {
		return errUnknown
	}
	a.code = code
	return nil
}

func (s *store) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.attempts, id)
	return nil
}

func (s *store) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return uuid.NewString(), time.Now().Add(tokenLife), nil
}

func (s *store) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

func (s *store) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s.key}}, nil }

func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if c, ok := s.clients[id]; ok {
		return c, nil
	}
	return nil, errUnknown
}

func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if c, ok := s.clients[id]; !ok || subtle.ConstantTimeCompare([]byte(c.secret), []byte(secret)) != 1 {
		return errUnknown
	}
	return nil
}

func (s *store) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil // SetUserinfoFromRequest does
}

func (s *store) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, request op.IDTokenRequest, _ []string) error {
	return tell(info, request.GetSubject())
}

func (s *store) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, _, subject, _ string) error {
	return tell(info, subject)
}

// tell says who somebody is.
func tell(info *oidc.UserInfo, subject string) error {
	i := slices.IndexFunc(people, func(p person) bool { return p.user == subject })
	if i < 0 {
		return errUnknown
	}
	info.Subject, info.Name, info.Email, info.EmailVerified = subject, people[i].name, subject+"@countersign.example", true
	if people[i].role != "" {
		info.AppendClaims("roles", []string{people[i].role})
	}
	return nil
}

func (s *store) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

// TerminateSession has nothing to end: this provider asks for the password each time.
func (s *store) TerminateSession(context.Context, string, string) error { return nil }

func (s *store) Health(context.Context) error { return nil }

// The rest is for other flows.

func (s *store) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errUnknown
}

func (s *store) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errUnknown
}

func (s *store) RevokeToken(context.Context, string, string, string) *oidc.Error { return nil }

func (s *store) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

func (s *store) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnknown
}

func (s *store) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnknown
}

func (s *store) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnknown
}
