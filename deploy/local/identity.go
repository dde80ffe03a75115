package main

import (
	"context"
	"os"
)

// identityProvider signs people in where IDENTITY is oidc. It keeps no data.
var identityProvider = service{name: "identity", source: "./deploy/identity", port: "5004", colour: 31}

var (
	contractorToIdentity = call{contractorUI.name, identityProvider.name}
	managerToIdentity    = call{managerUI.name, identityProvider.name}
)

// withProvider reports whether people sign in with a provider.
func withProvider() bool { return os.Getenv("IDENTITY") == "oidc" }

// identity has people sign in with the provider; otherwise they are whom they choose, for as long as they
// like, since there is nothing to protect.
func (s service) identity(p parts, set func(name, value string)) {
	set("IDENTITY", fallback("IDENTITY", "demo"))
	if withProvider() {
		set("PUBLIC_URL", s.url())
		set("OIDC_ISSUER", identityProvider.url())
		set("OIDC_CLIENT_ID", s.name)
		set("OIDC_CLIENT_SECRET", p.tokens[call{s.name, identityProvider.name}])
		return
	}
	set("SESSION_IDLE", fallback("SESSION_IDLE", "720h"))
	set("SESSION_LIFETIME", fallback("SESSION_LIFETIME", "720h"))
}

// startProvider starts the provider where one is needed.
func (l *launcher) startProvider(ctx context.Context, p parts, running *stack) error {
	if !withProvider() {
		return nil
	}
	settings := []string{"HTTP_ADDR=" + identityProvider.addr(), "OIDC_ISSUER=" + identityProvider.url(),
		"CONTRACTOR_UI_URL=" + contractorUI.url(), "CONTRACTOR_UI_SECRET=" + p.tokens[contractorToIdentity],
		"MANAGER_UI_URL=" + managerUI.url(), "MANAGER_UI_SECRET=" + p.tokens[managerToIdentity]}
	if p.secured != nil {
		if err := p.secured.keep(identityProvider, settings); err != nil {
			return err
		}
		settings = p.secured.settings(identityProvider, settings)
	}
	child, err := l.start(identityProvider.name, identityProvider.colour, append(inherited(), settings...), l.path("bin", identityProvider.name))
	if err != nil {
		return err
	}
	running.pushProcess(child)
	return child.ready(ctx, identityProvider.local()+"/readyz", readyPatience)
}
