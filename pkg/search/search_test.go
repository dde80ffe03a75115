package search_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/search"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		" ,.-/ ":                       "",
		"Kitchen, second kitchen":      "kitchen second",
		"2026/11/000042":               "000042 11 2026 2026/11/000042",
		"Łódź  'q' \\ <b>e\u0301</b>":  "b e\u0301 q łódź",
		"office@sonne.example":         "example office sonne",
		strings.Repeat("x", 70):        strings.Repeat("x", 60),
		"a\x00b \xff":                  "a b",
		"first\u202Esecond\u200Bthird": "first second third",
	} {
		require.Equal(t, want, search.Join(text), "%q", text)
	}
}

func TestQuery(t *testing.T) {
	require.Equal(t, "", search.Query("!'| ", search.Mark("ada")))
	require.Equal(t, "'@ada_o''neil' & 'grout':* & 'łó':*", search.Query("ŁÓ grout", search.Mark("ada o'neil")))
	require.Equal(t, "'2026/11/0000':*", search.Query("2026/11/0000"))
	require.Equal(t, "'11':* & '2026':* & '42':*", search.Query("2026/11/42"))
	require.Equal(t, "'2026/11/':* & 'tiles':*", search.Query("tiles 2026/11/"))
	require.Len(t, strings.Split(search.Query("a b c d e f g h i j k l"), "&"), 10)
}

func TestIDRange(t *testing.T) {
	from, to, ok := search.IDRange(" 0193A1b2-7 ")
	require.True(t, ok)
	require.Equal(t, "0193a1b2-7000-0000-0000-000000000000", from)
	require.Equal(t, "0193a1b2-7fff-ffff-ffff-ffffffffffff", to)
	for _, text := range []string{"", "0193a", "0193a1g2", "kitchen", strings.Repeat("0", 33)} {
		_, _, ok := search.IDRange(text)
		require.False(t, ok, text)
	}
}
