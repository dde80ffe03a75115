package operations

import (
	"log/slog"
	"slices"
	"testing"
)

func TestWhatFailsAgainIsLoggedEverMoreRarely(t *testing.T) {
	// given
	var loud []int
	// when
	for times := 1; times <= 40; times++ {
		if level(slog.LevelWarn, times) == slog.LevelWarn {
			loud = append(loud, times)
		}
	}
	// then
	if !slices.Equal(loud, []int{1, 2, 4, 8, 16, 32}) {
		t.Errorf("logged at %v", loud)
	}
}
