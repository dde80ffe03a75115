package signin

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"countersign.example/pkg/rights"
)

// Config says who signs people in, and what makes them somebody here; embed it beside web.IdentityConfig.
type Config struct {
	Issuer       string                 `env:"OIDC_ISSUER" desc:"with IDENTITY=oidc: the provider's issuer, https://host/path, exactly as it spells itself"`
	ClientID     string                 `env:"OIDC_CLIENT_ID" desc:"the app's name at the provider"`
	ClientSecret string                 `env:"OIDC_CLIENT_SECRET" secret:"true" desc:"its secret there"`
	Scopes       []string               `env:"OIDC_SCOPES" envDefault:"openid,profile,email" desc:"the scopes that are asked for"`
	RolesClaim   string                 `env:"OIDC_ROLES_CLAIM" envDefault:"roles" desc:"the claim that says what somebody is; points lead into objects"`
	StepUpACR    string                 `env:"OIDC_STEP_UP_ACR" desc:"how the provider asks somebody again before a decision above STEP_UP_ABOVE: the acr that its answer must have; empty for whatever way"`
	Roles        map[string]rights.Role `env:"OIDC_ROLES" envKeyValSeparator:"=" envDefault:"contractor=contractor,manager=manager,operator=operator,auditor=auditor,admin=admin" desc:"what its values mean here: value=role, separated by commas; the roles are contractor, manager, operator, auditor and admin"`
}

// Check reports everything that is wrong with the values.
func (c Config) Check(environment, publicURL string) error {
	return errors.Join(
		checkAddress("OIDC_ISSUER", c.Issuer, environment),
		checkAddress("PUBLIC_URL", publicURL, environment),
		needs("OIDC_CLIENT_ID", c.ClientID),
		needs("OIDC_CLIENT_SECRET or OIDC_CLIENT_SECRET_FILE", c.ClientSecret),
		needs("OIDC_ROLES_CLAIM", c.RolesClaim),
		c.checkRoles(),
	)
}

func needs(name, value string) error {
	if value == "" {
		return fmt.Errorf("%s is not set, which IDENTITY=oidc needs", name)
	}
	return nil
}

// checkAddress refuses what people cannot be sent to, and what anybody on the way could read: plain HTTP is
// for one's own machine.
func checkAddress(name, value, environment string) error {
	u, err := url.Parse(value)
	switch {
	case value == "":
		return needs(name, value)
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%s is %q: use https://host", name, value)
	case u.Scheme == "http" && (environment == "production" || !loopback(u.Hostname())):
		return fmt.Errorf("%s is %q: use https, for plain http is for this machine only", name, value)
	}
	return nil
}

func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// checkRoles refuses roles that there are not.
func (c Config) checkRoles() error {
	for _, value := range slices.Sorted(maps.Keys(c.Roles)) {
		if role := c.Roles[value]; !role.Known() {
			return fmt.Errorf("OIDC_ROLES makes of %q the role %q: use %s", value, role, rights.Words(rights.Roles))
		}
	}
	return nil
}

// gives refuses to serve nobody.
func (c Config) gives(roles []rights.Role) error {
	if len(rights.Common(roles, slices.Collect(maps.Values(c.Roles)))) == 0 {
		return fmt.Errorf("OIDC_ROLES gives nobody the %s, so that nobody could use this app", named(roles))
	}
	return nil
}

// named says which roles: "role manager", "roles manager and auditor".
func named(roles []rights.Role) string {
	if len(roles) == 1 {
		return "role " + rights.Words(roles)
	}
	return "roles " + rights.Words(roles)
}

// Origin is the provider's site, as a browser knows it.
func (c Config) Origin() string {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
