// Package rights says who may do what. People have roles.
package rights

import (
	"context"
	"slices"
	"strings"
)

// Role is what somebody is to the company.
type Role string

// The roles. A person may have several.
const (
	Contractor Role = "contractor" // asks for payments and builds orders
	Manager    Role = "manager"    // decides, and looks after orders, products and customers
	Operator   Role = "operator"   // gets on what is under way
	Auditor    Role = "auditor"    // sees everything and changes nothing
	Admin      Role = "admin"      // looks after people and rules
)

// Roles are all that there are.
var Roles = []Role{Contractor, Manager, Operator, Auditor, Admin}

// Known reports whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles, r) }

// Common are those of some roles that are among others, in the order of the former.
func Common(some, others []Role) (common []Role) {
	for _, r := range some {
		if slices.Contains(others, r) {
			common = append(common, r)
		}
	}
	return common
}

// Words names roles: "manager, operator and auditor".
func Words(roles []Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}

// Join writes roles as one text, and Split reads them; it leaves out what is no role.
func Join(roles []Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, ",")
}

// Split reads what Join has written.
func Split(text string) (roles []Role) {
	for word := range strings.SplitSeq(text, ",") {
		if r := Role(word); r.Known() {
			roles = append(roles, r)
		}
	}
	return roles
}

type contextKey struct{}

// As is a context of what somebody does in a role.
func As(ctx context.Context, role Role) context.Context {
	return context.WithValue(ctx, contextKey{}, role)
}

// In is the role in which somebody does what ctx is about; "" for the one that is a matter of course.
func In(ctx context.Context) Role {
	role, _ := ctx.Value(contextKey{}).(Role)
	return role
}
