package web_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/web"
)

func TestReadSearch(t *testing.T) {
	for typed, want := range map[string]string{
		" Ku\u0308che\u200b ": "Küche", "a\u202eb": "ab", "tiles\nblue": "tiles blue", "a\x00\xffb": "ab", "\u2060": "", "50% _x_": "50% _x_",
	} {
		got, err := web.ReadSearch(typed)
		require.NoError(t, err)
		require.Equal(t, want, got, "%+q", typed)
	}
	_, err := web.ReadSearch(strings.Repeat("ü", 201))
	require.ErrorContains(t, err, "200 characters at most")
}
