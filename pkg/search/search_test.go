package search_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/search"
)

func TestWords(t *testing.T) {
	for typed, want := range map[string]string{
		"":                             "",
		"Kitchen, second kitchen":      ", kitchen second",
		"2026/11/000042":               "000042 11 2026 2026/11/000042",
		"Łódź  'q' \\ e\u0301":         "' \\ e lodz q",
		"office@sonne.example":         "example office office@sonne.example sonne",
		strings.Repeat("x", 70):        strings.Repeat("x", 40),
		"a\x00b \xff":                  "a b",
		"first\u202Esecond\u200Bthird": "firstsecondthird",
		"Küche KÜCHE Ku\u0308che":      "kuche",
		"50% _x_ @ada ^x":              "50 50% _x_ ada x",
	} {
		require.Equal(t, want, search.Join(typed), "%q", typed)
	}
}

func TestLater(t *testing.T) {
	require.Equal(t, "^ex ^ho ^kuche ^sonne-hotel.example @ada", search.Later(search.Mark("ada"), "Küche sonne-hotel.example"))
	require.Equal(t, "^00 ^11 ^2026/11/000042", search.Later("", "2026/11/000042"))
	require.Equal(t, "@ada", search.Later("@ada", " "))
}

func TestQuery(t *testing.T) {
	require.Equal(t, "", search.Query(" \u200b ", search.Mark("ada")))
	require.Equal(t, "'@ada_o''neil' & '^lo' & 'grout':*", search.Query("ŁÓ grout", search.Mark("ada o'neil")))
	require.Equal(t, "'2026/11/0000':*", search.Query("2026/11/0000"))
	require.Equal(t, "'2026':* & '^11' & '^42'", search.Query("2026/11/42"))
	require.Equal(t, "'2026/11/':* & 'tiles':*", search.Query("tiles 2026/11/"))
	require.Equal(t, "'50%':*", search.Query("50%"))
	require.Equal(t, "'%':*", search.Query("%"))
	require.Equal(t, `'"':*`, search.Query(`"`))
	require.Equal(t, "'👷':*", search.Query("👷"))
	require.Equal(t, "'o''brien':*", search.Query("(^o'brien"))
	require.Equal(t, "'o''brien':*", search.Query("^\"@o'brien\""))
	require.Len(t, strings.Split(search.Query("a b c d e f g h i j k l"), "&"), 10)
}

// An amount is found as the apps write it, in whatever language: rows have 1250.00 and 1,250.00.
func TestAnAmountIsAskedForInEachOfItsReadings(t *testing.T) {
	for typed, want := range map[string]string{
		"1.250,00":         "('1.250,00':* | '1.250.00':* | '1250.00':*)",
		"1'250.00":         "('1''250.00':* | '1250.00':*)",
		"1250,00":          "('1250,00':* | '1250.00':*)",
		"12 250,5":         "('12250.5':* | '250,5':* & '^12' | '250.5':* & '^12')",
		"1.250":            "('1.250':* | '1250':*)",
		"1.250,00.":        "('1.250,00':* | '1.250.00':* | '1250.00':*)",
		"1.250.5":          "'1.250.5':*",
		"1 250":            "('1250':* | '250':* & '^1')",
		"1250.00":          "'1250.00':*",
		"12.5":             "'12.5':*",
		"2026/11/000.042":  "'2026/11/000.042':*",
		"P-2026-1.250":     "'p-2026-1.250':*",
		"paint 7,90 large": "'large':* & 'paint':* & ('7,90':* | '7.90':*)",
	} {
		require.Equal(t, want, search.Query(typed), typed)
	}
	require.Equal(t, search.Query("1.250,00 EUR"), search.Query("EUR 1.250,00"))
}

// PostgreSQL keeps 1 MB of lexemes for a row, however many lines an order has.
func TestWordsFitIntoARow(t *testing.T) {
	var lines []string
	for i := range 2000 {
		lines = append(lines, strings.Repeat(string(rune(0x4e00+i)), 200))
	}
	for name, words := range map[string]string{"join": search.Join(lines...), "later": search.Later("@ada", lines...)} {
		size := 0
		for _, w := range strings.Fields(words) {
			size += len(w) * (len([]rune(w)) + 1) / 2
		}
		require.Less(t, size, 1<<20, name)
	}
	require.Contains(t, search.Later("@ada", lines...), " @ada")
}

func TestIDRange(t *testing.T) {
	from, to, ok := search.IDRange(" 0193A1b2-7 ")
	require.True(t, ok)
	require.Equal(t, "0193a1b2-7000-0000-0000-000000000000", from)
	require.Equal(t, "0193a1b2-7fff-ffff-ffff-ffffffffffff", to)
	for _, typed := range []string{"", "0193a", "0193a1g2", "kitchen", strings.Repeat("0", 33)} {
		_, _, ok := search.IDRange(typed)
		require.False(t, ok, typed)
	}
}
