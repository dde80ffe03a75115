package rights

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Right is one line of the table: pages or commands that belong together, and whose they are.
type Right struct {
	Name  string // what the security log and templates call it: "decide"
	To    string // what somebody may not do who lacks it: "decide on payments"
	Roles []Role
}

// Has reports whether one of some roles gives the right.
func (r Right) Has(roles []Role) bool { return len(Common(roles, r.Roles)) > 0 }

// Equal reports whether two are the same.
func (r Right) Equal(other Right) bool {
	return r.Name == other.Name && r.To == other.To && slices.Equal(r.Roles, other.Roles)
}

// Refusal tells somebody who lacks the right what they may not do, who may, and what to do.
func (r Right) Refusal() string {
	people := make([]Role, len(r.Roles))
	for i, role := range r.Roles {
		people[i] = role + "s"
	}
	return fmt.Sprintf("You may not %s. That is for %s: ask one of them, or have whoever looks after your account make you one.", r.To, Words(people))
}

// Check reports a right that nobody has, or that cannot be named.
func (r Right) Check() error {
	if !nameOnly.MatchString(r.Name) || r.To == "" || len(Common(r.Roles, Roles)) != len(r.Roles) || len(r.Roles) == 0 {
		return fmt.Errorf("%+v is no right: it needs a name, words and roles", r)
	}
	return nil
}

var nameOnly = regexp.MustCompile(`^[a-z]+$`)

// Held are the names of rights that somebody has, in order. It can be compared, and be a key.
type Held string

// HeldBy are those of all rights that roles give.
func HeldBy(roles []Role, all []Right) Held {
	var names []string
	for _, r := range all {
		if r.Has(roles) && !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return Held(strings.Join(names, " "))
}

// has reports whether a right is among those.
func (h Held) has(name string) bool { return slices.Contains(strings.Fields(string(h)), name) }

// parts are what templates mark as for those who have a right, or for those who lack it. A row is rendered
// once and pushed to all, so whoever gives a text to a reader takes out of it what is not for them. What
// people type cannot look like a mark, since templates escape it.
var parts = regexp.MustCompile(`(?s)<(only|not)-for ([a-z]+)>(.*?)</(?:only|not)-for>`)

// Write leaves of a text what is for the reader.
func (h Held) Write(text string) string {
	if !strings.Contains(text, "-for ") {
		return text
	}
	return parts.ReplaceAllStringFunc(text, func(part string) string {
		of := parts.FindStringSubmatch(part)
		if h.has(of[2]) == (of[1] == "only") {
			return of[3]
		}
		return ""
	})
}

// Named are the rights that a template's text marks parts by.
func Named(text string) (names []string) {
	for _, of := range marks.FindAllStringSubmatch(text, -1) {
		names = append(names, of[1])
	}
	return names
}

var marks = regexp.MustCompile(`<(?:only|not)-for ([^>]*)>`)

// Route is what a service answers, and the right that it needs.
type Route struct {
	Method, Path string
	Right        Right
	Open         bool // nobody needs to be signed in
}
