package docker

import (
	"slices"
	"testing"
)

// The provider for development is there where it is asked for, and knows the apps as they know themselves.
func TestTheProviderFitsTheApps(t *testing.T) {
	if _, there := loadCompose(t).Services["identity"]; there {
		t.Error("the provider starts without being asked for")
	}
	t.Setenv("COMPOSE_PROFILES", "oidc")
	project := loadCompose(t)
	identity, there := project.Services["identity"]
	if !there {
		t.Fatal("the profile has no provider")
	}
	known, required := variables(t, identity.Build)
	for name := range identity.Environment {
		if !known[name] {
			t.Errorf("it is given %s, which nothing reads", name)
		}
	}
	for name, must := range required {
		if identity.Environment[name] == nil && must {
			t.Errorf("it lacks %s", name)
		}
	}
	if !identity.ReadOnly || !slices.Contains(identity.CapDrop, "ALL") || identity.Ports[0].HostIP != "127.0.0.1" {
		t.Error("it may do more than it needs")
	}
	for app, prefix := range map[string]string{"contractor-ui-web": "CONTRACTOR_UI_", "manager-ui-web": "MANAGER_UI_"} {
		e := project.Services[app].Environment
		for ours, its := range map[string]string{"OIDC_ISSUER": "OIDC_ISSUER", "PUBLIC_URL": prefix + "URL", "OIDC_CLIENT_SECRET": prefix + "SECRET"} {
			if *e[ours] != *identity.Environment[its] {
				t.Errorf("%s has the %s %q, and the provider %q", app, ours, *e[ours], *identity.Environment[its])
			}
		}
	}
}
