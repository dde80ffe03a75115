package aggregate

import "strings"

// NameOf is how a person is called: by their name, or by their id if they have none.
func NameOf(id, name string) string {
	if name != "" {
		return name
	}
	return id
}

// By adds who did something, if somebody did.
func By(what, who string) string {
	if who == "" {
		return what
	}
	return what + " by " + who
}

// Because adds a reason, if there is one, without its full stop.
func Because(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + ": " + strings.TrimSuffix(reason, ".")
}
