package sandbox

import (
	"fmt"
	"slices"
)

// Endings lists the amounts' endings that misbehave, with the call that they misbehave in.
func Endings() []string {
	var list []string
	for digits, behaviour := range testAmounts {
		list = append(list, fmt.Sprintf("%02d %s", digits, behaviour.on))
	}
	slices.Sort(list)
	return list
}
