package main

import (
	"crypto/rand"
	"html/template"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// person is one of the demo's.
type person struct{ user, name, role string } // whose role may be empty

// people sign in with their user name and password.
var people = []person{
	{"ada", "Ada Nowak", "contractor"}, {"jon", "Jon Park", "contractor"}, {"sara", "Sara Lind", "contractor"},
	{"mia", "Mia Weber", "manager"}, {"tom", "Tom Berg", "manager"}, {"nora", "Nora Vale", ""},
	{"omar", "Omar Reyes", "operator"}, {"iris", "Iris Hahn", "auditor"}, {"lena", "Lena Roth", "admin"},
}

const password = "countersign"

const loginPath = "/login"

// newProvider is the provider with its page.
func newProvider(c config) (http.Handler, error) {
	s, err := newStore(c)
	if err != nil {
		return nil, err
	}
	settings := &op.Config{CodeMethodS256: true, DefaultLogoutRedirectURI: loginPath, SupportedScopes: []string{"openid", "profile", "email"}}
	if _, err := rand.Read(settings.CryptoKey[:]); err != nil {
		return nil, err
	}
	provider, err := op.NewProvider(settings, s, op.StaticIssuer(c.Issuer), op.WithAllowInsecure())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ready\n")) })
	mux.HandleFunc("GET "+loginPath, func(w http.ResponseWriter, r *http.Request) { ask(w, http.StatusOK, loginForm{ID: r.FormValue("id")}) })
	mux.HandleFunc("POST "+loginPath, func(w http.ResponseWriter, r *http.Request) {
		form := loginForm{ID: r.FormValue("id"), User: r.FormValue("user")}
		switch found, known := s.login(form.ID, form.User, r.FormValue("password")); {
		case !found:
			form.Wrong = "This sign-in is over. Go back to the app, and sign in from there."
			ask(w, http.StatusBadRequest, form)
		case !known:
			form.Wrong = "There is nobody with this user name and password."
			ask(w, http.StatusUnprocessableEntity, form)
		default:
			http.Redirect(w, r, op.AuthCallbackURL(provider)(op.ContextWithIssuer(r.Context(), c.Issuer), form.ID), http.StatusSeeOther)
		}
	})
	return mux, nil
}

type loginForm struct{ ID, User, Wrong string }

var loginPage = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in · development</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; margin-bottom: 1rem }</style></head>
<body><main><h1>Sign in</h1><p>For development: ada, jon and sara are contractors, mia and tom managers, omar is an operator, iris an auditor, lena an admin, nora is none of these. The password of all is "` + password + `".</p>
<form method="post">{{with .Wrong}}<p role="alert"><strong>{{.}}</strong></p>{{end}}
<input type="hidden" name="id" value="{{.ID}}">
<label for="user">User name</label><input id="user" name="user" value="{{.User}}" autocomplete="username" autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password">
<button type="submit">Sign in</button></form></main></body></html>
`))

func ask(w http.ResponseWriter, status int, form loginForm) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = loginPage.Execute(w, form)
}
