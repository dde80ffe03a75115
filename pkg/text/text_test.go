package text_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"countersign.example/pkg/text"
)

func TestWhatCannotBeSeenIsEmpty(t *testing.T) {
	for _, typed := range []string{
		"", "  \t\n", "\u200b", "\u2060\u200d", "\u00ad", "\u2800", "\u3164", "\u180e", "\ufeff", "\u202e", "\uffa0", "\u115f\u1160",
		"\u0301", "\u0301\u0300 \u20dd", "\u00a0\u2007\u202f\u3000", "\u2028", "\u2066\u2069", "\ufe0f", "\U000e0020\U000e007f", "\U0001d159",
		"\u034f", "\u17b4", "\ufff9", " \u200b \u2800 \u202e ",
	} {
		for name, read := range map[string]func(string) (string, text.Problem){"line": text.Line, "lines": text.Lines, "code": text.Code} {
			kept, wrong := read(typed)
			require.Equal(t, "", kept, "%s of %+q", name, typed)
			require.Equal(t, text.Problem(""), wrong, "%s of %+q", name, typed)
		}
	}
}

func TestWhatIsKept(t *testing.T) {
	for _, test := range []struct{ typed, line, lines string }{
		{" Kitchen tiles ", "Kitchen tiles", "Kitchen tiles"},
		{"Ku\u0308che", "Küche", "Küche"},
		{"\ufeffT-1\u200b", "T-1", "T-1"},
		{"\u2800x\u3164", "x", "x"},
		{"❤\ufe0f", "❤\ufe0f", "❤\ufe0f"},
		{"👩\u200d🔧", "👩\u200d🔧", "👩\u200d🔧"},
		{"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"},
		{"می\u200cخواهم", "می\u200cخواهم", "می\u200cخواهم"},
		{"\u0600\u0661", "\u0600\u0661", "\u0600\u0661"},
		{"\n one\n", "one", "one"},
		{"\ue000", "\ue000", "\ue000"},
		{"\U0001fabf\U0003fffd", "\U0001fabf\U0003fffd", "\U0001fabf\U0003fffd"},
	} {
		line, wrong := text.Line(test.typed)
		require.Equal(t, test.line, line, "%+q", test.typed)
		require.Empty(t, wrong, "%+q", test.typed)
		lines, wrong := text.Lines(test.typed)
		require.Equal(t, test.lines, lines, "%+q", test.typed)
		require.Empty(t, wrong, "%+q", test.typed)
	}
	lines, wrong := text.Lines("one\r\ntwo\n\tthree")
	require.Equal(t, "one\ntwo\n\tthree", lines)
	require.Empty(t, wrong)
}

func TestWhatIsRefused(t *testing.T) {
	for _, test := range []struct {
		typed       string
		line, lines text.Problem
		kept        string // of Line
	}{
		{"a\x00b", text.NotText, text.NotText, "ab"},
		{"a\xffb", text.NotText, text.NotText, "ab"},
		{"a\x1bb", text.NotText, text.NotText, "ab"},
		{"a\uffffb", text.NotText, text.NotText, "ab"},
		{"\x00", text.NotText, text.NotText, ""},
		{"invoice 42 \u202eevil\u202c end", text.Direction, text.Direction, "invoice 42 evil end"},
		{"\u2066a", text.Direction, text.Direction, "a"},
		{"a\u200fb", text.Direction, text.Direction, "ab"},
		{"a\u061cb", text.Direction, text.Direction, "ab"},
		{"a\u2028b", text.Breaks, text.Separators, "a b"},
		{"a\u2029b", text.Breaks, text.Separators, "a b"},
		{"a\u0085b", text.Breaks, text.Separators, "a b"},
		{"a\vb", text.Breaks, text.Separators, "a b"},
		{"a\rb", text.Breaks, text.Separators, "a b"},
		{"a\nb", text.Breaks, "", "a b"},
		{"a\tb", text.Breaks, "", "a b"},
	} {
		kept, wrong := text.Line(test.typed)
		require.Equal(t, test.line, wrong, "%+q", test.typed)
		require.Equal(t, test.kept, kept, "%+q", test.typed)
		_, wrong = text.Lines(test.typed)
		require.Equal(t, test.lines, wrong, "%+q", test.typed)
		if test.line != "" {
			require.NotEmpty(t, test.line.Message())
			require.Contains(t, test.line.Mended(), "send it again")
		}
	}
}

func TestKeysAndFolds(t *testing.T) {
	for _, same := range [][]string{
		{"FLO-1", "flo-1", "ＦＬＯ-１", "ﬂo-1", "flo\u200b-1"},
		{"Straße", "STRASSE", "straſſe"},
		{"Küche", "Ku\u0308che", "KÜCHE"},
		{"Σίσυφος", "ΣΊΣΥΦΟΣ"},
	} {
		for _, s := range same {
			require.Equal(t, text.Key(same[0]), text.Key(s), "%+q", s)
		}
	}
	require.NotEqual(t, text.Key("Küche"), text.Key("Kuche"))
	for s, want := range map[string]string{
		"Küche": "kuche", "KU\u0308CHE": "kuche", "München": "munchen", "Léa": "lea", "Łódź": "lodz", "Søren": "soren", "Straße": "strasse",
		"ＡＢＣ": "abc", "Ñandú": "nandu", "Ærø": "aero", "Ё": "е", "한국": "한국", "が": "が", "½": "1⁄2", "İ": "i",
	} {
		require.Equal(t, want, text.Fold(s), s)
	}
}

func TestWhatCannotBeSeenIsRevealed(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "Küche 5,50 €": "Küche 5,50 €", "5\u202e": "5⟨U+202E⟩", "EU\u200bR": "EU⟨U+200B⟩R", "\ufeffa\x00": "⟨U+FEFF⟩a⟨U+0000⟩",
		"a\U000e0041\ufdd0": "a⟨U+E0041⟩⟨U+FDD0⟩", "two\nlines\t": "two\nlines\t", "\u2800": "⟨U+2800⟩", "e\u0301": "e\u0301",
	} {
		require.Equal(t, want, text.Revealed(s), "%+q", s)
	}
}

// Whatever is typed: what is kept holds the invariants, and stays as it is when it is kept again.
func TestKeptIsKept(t *testing.T) {
	odd := rapid.SampledFrom([]rune("a é\u0301\u200b\u202e\u2028\u00ad\u2800\ufe0f\u200d\n\t\r\x00\ufeff\u3164\uac00\u1100\u1161\U000e0041\u0344\u00a0"))
	char := rapid.OneOf(odd, rapid.Rune())
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.OneOf(rapid.StringOf(char), rapid.StringOfN(odd, 0, 12, -1)).Draw(t, "typed")
		if rapid.Bool().Draw(t, "broken") {
			typed += "\xf0\x9f"
		}
		for name, read := range map[string]func(string) (string, text.Problem){"line": text.Line, "lines": text.Lines, "code": text.Code} {
			kept, _ := read(typed)
			again, wrong := read(kept)
			if again != kept || wrong != "" {
				t.Fatalf("%s of %+q is %+q, and again %+q, %s", name, typed, kept, again, wrong)
			}
			if !norm.NFC.IsNormalString(kept) || strings.TrimSpace(kept) != kept ||
				strings.ContainsFunc(kept, func(r rune) bool {
					return unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == 0
				}) ||
				name != "lines" && strings.ContainsFunc(kept, unicode.IsControl) || kept != "" && !strings.ContainsFunc(kept, text.Visible) {
				t.Fatalf("%s of %+q is %+q", name, typed, kept)
			}
		}
		if key := text.Key(typed); text.Key(key) != key {
			t.Fatalf("the key of %+q is %+q, whose key is %+q", typed, key, text.Key(key))
		}
		if folded := text.Fold(typed); text.Fold(folded) != folded {
			t.Fatalf("%+q is folded to %+q, and again to %+q", typed, folded, text.Fold(folded))
		}
	})
}
