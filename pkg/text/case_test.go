package text_test

import (
	"testing"

	"countersign.example/pkg/text"
)

func TestFirstLetters(t *testing.T) {
	for given, want := range map[string][2]string{"": {"", ""}, "över x": {"Över x", "över x"}, "Öl": {"Öl", "öl"}, "1a": {"1a", "1a"}} {
		if got := [2]string{text.Capital(given), text.Small(given)}; got != want {
			t.Errorf("%q: %q", given, got)
		}
	}
}
