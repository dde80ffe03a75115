package locale_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
)

func TestABrowserGetsTheBestThatItAsksFor(t *testing.T) {
	for header, want := range map[string]locale.Locale{
		"": "en", "*": "en", "tlh": "en", "de": "de", "de-DE,de;q=0.9,en;q=0.8": "de", "de-CH": "de-CH", "de-LU": "de", "fr-CA, en": "fr",
		"en;q=0.5,fr;q=0.9": "fr", "de;q=0,es": "es", "nl,it;q=0.9,ja;q=0.3": "ja", "pt-BR": "pt", "pt-PT,pt;q=0.9": "pt-PT", "en-US,en;q=0.9": "en",
		"es-419,es;q=0.9": "es-MX", "es-MX": "es-MX", "es-US": "es-MX", "es-PE": "es-MX", "es-CO": "es", "es-AR": "es", "de-LI": "de-CH", "de;q=x": "en", ";;;": "en", "DE-de": "de",
	} {
		require.Equal(t, want, locale.Of(header), header)
	}
}

func TestATextIsWrittenInTheLanguageOfItsReader(t *testing.T) {
	at := time.Date(2026, 9, 3, 9, 4, 5, 0, time.UTC)
	text := "Ada asked for " + locale.Amount(money.Amount{Minor: 123456789, Currency: "EUR"}) + ", " + locale.Count(1234) + " times, at " +
		locale.Percent("12.5%") + ", on " + locale.ToTheSecond(at) + ", since " + locale.Day(at) + ": 1,000.00 EUR"
	for l, want := range map[locale.Locale]string{
		"en":    "Ada asked for 1,234,567.89 EUR, 1,234 times, at 12.5%, on 3 Sept 2026, 09:04:05 UTC, since 3 Sept 2026: 1,000.00 EUR",
		"de":    "Ada asked for 1.234.567,89 EUR, 1.234 times, at 12,5\u00a0%, on 03.09.2026, 09:04:05 UTC, since 03.09.2026: 1,000.00 EUR",
		"de-CH": "Ada asked for 1'234'567.89 EUR, 1'234 times, at 12.5%, on 03.09.2026, 09:04:05 UTC, since 03.09.2026: 1,000.00 EUR",
		"fr":    "Ada asked for 1\u202f234\u202f567,89 EUR, 1\u202f234 times, at 12,5\u00a0%, on 3 sept. 2026, 09:04:05 UTC, since 3 sept. 2026: 1,000.00 EUR",
		"es":    "Ada asked for 1.234.567,89 EUR, 1234 times, at 12,5\u00a0%, on 3 sept 2026, 09:04:05 UTC, since 3 sept 2026: 1,000.00 EUR",
		"pt":    "Ada asked for 1.234.567,89 EUR, 1.234 times, at 12,5%, on 3 de set. de 2026, 09:04:05 UTC, since 3 de set. de 2026: 1,000.00 EUR",
		"ja":    "Ada asked for 1,234,567.89 EUR, 1,234 times, at 12.5%, on 2026/09/03, 09:04:05 UTC, since 2026/09/03: 1,000.00 EUR",
		"tlh":   "Ada asked for 1,234,567.89 EUR, 1,234 times, at 12.5%, on 3 Sept 2026, 09:04:05 UTC, since 3 Sept 2026: 1,000.00 EUR",
	} {
		require.Equal(t, want, l.Write(text), l)
	}
}

// Or somebody could write what is shown to no two readers alike.
func TestNobodyCanTypeWhatIsWrittenOut(t *testing.T) {
	typed := "It was " + locale.Amount(money.Amount{Minor: 123456, Currency: "EUR"}) + " in all"
	for _, clean := range []func(string) (string, text.Problem){text.Line, text.Lines} {
		kept, wrong := clean(typed)
		require.Equal(t, "It was 1,234.56 EUR in all", kept)
		require.Empty(t, wrong)
	}
}

func drawAmount(t *rapid.T) money.Amount {
	code := rapid.SampledFrom(money.Known()).Draw(t, "currency")
	return money.Amount{Minor: rapid.OneOf(rapid.Int64Range(1, money.Max), rapid.Int64Range(1, 9_999_999)).Draw(t, "minor"), Currency: code}
}

// What a locale prints is read as that amount in the same locale, or asked back with it among the readings;
// in another one, whose page somebody may have had before, it is never read as another amount. What a field
// is filled with is always read.
func TestWhatIsPrintedIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wanted := drawAmount(t)
		l, other := rapid.SampledFrom(locale.Known()).Draw(t, "locale"), rapid.SampledFrom(locale.Known()).Draw(t, "other")
		number, printed := l.Write(locale.Number(wanted)), l.Write(locale.Amount(wanted))
		for _, typed := range []string{number, printed} {
			got, err := l.Parse(typed, wanted.Currency)
			isAsked := money.ProblemOf(err) == money.Ambiguous && slices.Contains(money.ReadingsOf(err), wanted)
			if !isAsked && (err != nil || got != wanted) {
				t.Fatalf("%s prints %v as %q, and reads %v, %v", l, wanted, typed, got, err)
			}
		}
		field := l.Write(locale.Input(wanted))
		if got, err := l.Parse(field, wanted.Currency); err != nil || got != wanted {
			t.Fatalf("%s has %v in a field as %q, and reads %v, %v", l, wanted, field, got, err)
		}
		for _, typed := range []string{number, field} {
			if got, err := other.Parse(typed, wanted.Currency); err == nil && got != wanted {
				t.Fatalf("%s has %v as %q, which %s reads as %v", l, wanted, typed, other, got)
			}
		}
	})
}

func TestAPercentageIsReadAsItIsPrinted(t *testing.T) {
	require.Equal(t, "12.5", locale.Locale("de").Point("12,5"))
	require.Equal(t, "12.5", locale.Locale("de").Point("12.5"))
	require.Equal(t, "12,5", locale.English.Point("12,5"))
}

func TestAThousandInCommaLanguages(t *testing.T) {
	german := locale.Locale("de")
	for typed, want := range map[string]int64{"1.234": 123400, "1.234,56": 123456, "1234,5": 123450, "1234.56": 123456} {
		got, err := german.Parse(typed, "EUR")
		require.NoError(t, err, typed)
		require.Equal(t, want, got.Minor, typed)
	}
	_, err := german.Parse("1,234", "EUR")
	require.Len(t, money.ReadingsOf(err), 2)
	require.EqualError(t, err, "1,234 can be read in two ways. Write 1234,00 or 1,23.")
	_, err = german.Parse("1.234", "KWD")
	require.Equal(t, money.Ambiguous, money.ProblemOf(err))
}
