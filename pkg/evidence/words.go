package evidence

import (
	"bufio"
	"fmt"
	"io"
	"slices"
)

// Print says in words what was found, what that proves and what not. Decision are the types of events of
// which somebody will ask by whom they are.
func (r Report) Print(w io.Writer, decisions ...string) error {
	out := bufio.NewWriter(w)
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) } // Flush has the error
	say("Evidence about %s: %d events", r.Subject, len(r.Findings))
	unsigned := 0
	for _, f := range r.Findings {
		verdict := "verified"
		switch {
		case f.Unsigned:
			verdict = "not signed: from before signing began, proves nothing"
			unsigned++
		case !f.Verified:
			verdict = "DOES NOT HOLD"
		}
		say("%4d  %-19s %s  %s  by %s%s  %s: %s", f.Number, f.Type(), f.When(), f.Place(), f.Writer(), prefixed(" for ", f.Who), prefixed("key ", f.Key.ID), verdict)
	}
	if !r.Holds() {
		say("\nThis bundle does not hold:")
		for _, fault := range r.Faults {
			say("- %s", fault)
		}
		say("Nothing else that it says should be relied on. Ask for the bundle again, and whoever gave it to you how this came about.")
		return out.Flush()
	}
	say("\nWhat this proves:")
	if unsigned < len(r.Findings) {
		say("- Each event that is verified was written by the service that is named, with its key; no attribute of it and no byte of its data was changed since.")
	}
	for _, f := range r.Findings {
		if f.Verified && slices.Contains(decisions, f.Attributes["type"]) {
			by := "names nobody who did it"
			if f.Who != "" {
				by = "says that " + f.Who + " did it"
			}
			say("- %s (event %d) is signed with key %s of %s, which %s, at %s.", f.Type(), f.Number, f.Key.ID, f.Key.Source, by, f.When())
		}
	}
	if unsigned == len(r.Findings) {
		say("- Nothing: no event is signed.")
	}
	say("\nWhat this does not prove:")
	if unsigned > 0 {
		say("- Anything about the %d events that are not signed.", unsigned)
	}
	say("- That these are all events: the numbers have no gap, but nobody has signed them, and what came later may be missing. Nor that the topic has them at these places: compare it.")
	say("- That nobody else has had a private key. Who sat at the keyboard: the service vouches for the person's name by the sign-in that it has checked.")
	if r.Trusted {
		say("- That the keys which you gave are the services' own. Only those have counted, not the bundle's.")
	} else {
		say("- That the keys are the services' own: they came with the bundle, and whoever made it may have made them. Give keys that you trust with --keys FILE.")
	}
	return out.Flush()
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
