package signin

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"countersign.example/pkg/rights"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

// claims are what a provider says about a person.
type claims map[string]json.RawMessage

func (c claims) text(name string) string {
	var value string
	_ = json.Unmarshal(c[name], &value)
	kept, _ := text.Line(value)
	return kept
}

// longestName is how much of a name is kept, in characters.
const longestName = 100

// person is who the claims are about. The id comes of issuer and subject alone, so that both apps know a
// person by the same one without asking each other, and a new name or address makes nobody somebody else.
func (c claims) person(issuer, subject string) web.Person {
	name := []rune(cmp.Or(c.text("name"), c.text("preferred_username"), c.text("email"), "A person without a name"))
	return web.Person{ID: personID(issuer, subject), Name: string(name[:min(len(name), longestName)]), Address: c.text("email")}
}

func personID(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\n" + subject)) // an issuer is a URL, which has no line break
	return "person-" + hex.EncodeToString(sum[:16])
}

// values are those of a claim: one text or many, perhaps within objects ("realm_access.roles").
func (c claims) values(name string) (values []string, found bool) {
	raw, found := c[name]
	if outer, inner, nested := strings.Cut(name, "."); nested && !found {
		var within claims
		if json.Unmarshal(c[outer], &within) != nil {
			return nil, false
		}
		return within.values(inner)
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, true
	}
	_ = json.Unmarshal(raw, &values) // whatever is neither gives no role
	return values, found
}

// roles are what the claims make of somebody, and those of their values that are no roles here.
func (c Config) roles(of claims) (roles []rights.Role, unknown []string) {
	// Anybody may say that an address is theirs: only what the provider has verified counts.
	if c.RolesClaim == "email" && string(of["email_verified"]) != "true" {
		return nil, nil
	}
	values, _ := of.values(c.RolesClaim)
	for _, value := range values {
		switch role, known := c.Roles[value]; {
		case !known:
			unknown = append(unknown, value)
		case !slices.Contains(roles, role):
			roles = append(roles, role)
		}
	}
	return roles, unknown
}

// longestUnknown is how much the security log tells of the values that are no roles, in characters.
const longestUnknown = 500

// noted is what the security log tells of them.
func noted(unknown []string) []slog.Attr {
	if len(unknown) == 0 {
		return nil
	}
	all := []rune(strings.ToValidUTF8(strings.Join(unknown, ","), ""))
	return []slog.Attr{slog.String("unknown_roles", string(all[:min(len(all), longestUnknown)]))}
}

// merge adds what c lacks.
func (c claims) merge(more claims) {
	for name, value := range more {
		if _, known := c[name]; !known {
			c[name] = value
		}
	}
}

// checkParty refuses a token that is for several, and was issued to another one of them.
func (c claims) checkParty(audience []string, clientID string) error {
	if party := c.text("azp"); len(audience) > 1 && party != clientID || party != "" && party != clientID {
		return fmt.Errorf("the token was issued to %q", party)
	}
	return nil
}
