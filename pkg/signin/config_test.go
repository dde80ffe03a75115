package signin_test

import (
	"maps"
	"strings"
	"testing"

	"countersign.example/pkg/rights"
	"countersign.example/pkg/signin"
)

func TestSettingsAreChecked(t *testing.T) {
	good := signin.Config{Issuer: "https://id.example", ClientID: "a", ClientSecret: "b", RolesClaim: "roles", Roles: map[string]rights.Role{"x": rights.Manager}}
	const here = "https://pay.example"
	for want, tc := range map[string]struct {
		change      func(c *signin.Config)
		environment string
		publicURL   string
	}{
		"":                         {nil, "production", here},
		"OIDC_ISSUER is not set":   {func(c *signin.Config) { c.Issuer = "" }, "development", here},
		"OIDC_ISSUER is \"id\"":    {func(c *signin.Config) { c.Issuer = "id" }, "development", here},
		"OIDC_CLIENT_ID":           {func(c *signin.Config) { c.ClientID = "" }, "development", here},
		"OIDC_CLIENT_SECRET or":    {func(c *signin.Config) { c.ClientSecret = "" }, "development", here},
		"PUBLIC_URL is not set":    {nil, "development", ""},
		"PUBLIC_URL is \"http:":    {nil, "development", "http://pay.example"},
		"PUBLIC_URL is \"http://l": {nil, "production", "http://localhost:4000"},
		"the role \"superuser\"":   {func(c *signin.Config) { c.Roles["y"] = "superuser" }, "development", here},
		"gives nobody the role":    {func(c *signin.Config) { c.Roles = map[string]rights.Role{"x": rights.Contractor} }, "development", here},
	} {
		c := good
		c.Roles = maps.Clone(good.Roles)
		if tc.change != nil {
			tc.change(&c)
		}
		_, err := signin.New(signin.Options{Config: c, Environment: tc.environment, PublicURL: tc.publicURL, Roles: []rights.Role{rights.Manager}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", want, err)
		}
	}
	// plain HTTP may be used on one's own machine
	c := good
	c.Issuer = "http://localhost:5004"
	if err := c.Check("development", "http://127.0.0.1:4000"); err != nil {
		t.Error(err)
	}
}
