package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// minToken is the shortest token that is accepted, in characters.
const minToken = 16

// Tokens are the services that may call, each with its bearer token, or with two for the time in which one
// takes the other's place: "old|new".
type Tokens map[string]string

// UnmarshalText reads "manager-ui=<token>,other=<token>|<another>".
func (t *Tokens) UnmarshalText(text []byte) error {
	read, whose := Tokens{}, map[string]string{}
	for entry := range strings.SplitSeq(string(text), ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		name, token, ok := strings.Cut(entry, "=")
		switch {
		case !ok || name == "":
			return errors.New("write service=token, separated by commas") // without the text: it may be a token
		case strings.Count(token, "|") > 1:
			return fmt.Errorf("%s has more than two tokens", name)
		case slices.ContainsFunc(strings.Split(token, "|"), func(t string) bool { return len(t) < minToken }):
			return fmt.Errorf("a token of %s is shorter than %d characters", name, minToken)
		case read[name] != "":
			return fmt.Errorf("%s is there twice", name)
		}
		read[name] = token
		for known := range strings.SplitSeq(token, "|") {
			if other := whose[known]; other != "" && other != name {
				return fmt.Errorf("%s and %s have the same token", other, name) // whose rights would be either's
			}
			whose[known] = name
		}
	}
	*t = read
	return nil
}

// String names the services and keeps their tokens.
func (t Tokens) String() string {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// caller returns whose token it is; "" if nobody's. How long it takes reveals nothing about the
// tokens: all are compared, as hashes of one length.
func (t Tokens) caller(token string) string {
	given := sha256.Sum256([]byte(token))
	found := ""
	for name, tokens := range t {
		for known := range strings.SplitSeq(tokens, "|") {
			expected := sha256.Sum256([]byte(known))
			if subtle.ConstantTimeCompare(given[:], expected[:]) == 1 {
				found = name
			}
		}
	}
	return found
}
