package main

import (
	"fmt"
	"net"
	"strings"
)

// claim is an address that something of ours will listen on, and the variable that moves it.
type claim struct{ what, addr, variable string }

// checkPorts reports every address that cannot be had, in one error, before anything starts.
func checkPorts(claims []claim) error {
	var problems []string
	seen := map[string]claim{}
	for _, c := range claims {
		if _, _, err := net.SplitHostPort(c.addr); err != nil {
			problems = append(problems, fmt.Sprintf("%s is %q: use host:port", c.variable, c.addr))
			continue
		}
		if other, twice := seen[c.addr]; twice {
			problems = append(problems, fmt.Sprintf("%s for %s is also %s's: set %s or %s", c.addr, c.what, other.what, c.variable, other.variable))
			continue
		}
		seen[c.addr] = c
		listener, err := net.Listen("tcp", c.addr)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s for %s is taken: stop what uses it, or set %s to another", c.addr, c.what, c.variable))
			continue
		}
		_ = listener.Close()
	}
	if len(problems) == 0 {
		return nil
	}
	return usageError{strings.Join(problems, "\n")}
}
