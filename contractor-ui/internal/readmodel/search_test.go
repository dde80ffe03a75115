package readmodel_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"countersign.example/contractor-ui/internal/readmodel"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/money"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/search"
	"countersign.example/pkg/search/searchtest"
)

func TestSearch(t *testing.T) {
	d := newFixture(t)
	kitchen, script, long := event.NewID().String(), event.NewID().String(), event.NewID().String()
	d.mustReceive(requested(kitchen, "Kitchen-fitting, 2nd instalment (Müller's)", 1, t0), requested(script, "<script>alert(1)</script>", 1, t0),
		requested(long, strings.Repeat("wörd ", 398)+"gloves", 1, t0))
	percent := event.NewID().String()
	d.mustReceive(requested(percent, "50% of Küche_1 in Ku\u0308ssnacht, Großbaustelle 50 m", 1, t0))
	plain := event.NewID().String()
	d.mustReceive(requested(plain, "Paint for 50 m of wall", 1, t0))
	priced := event.NewID().String()
	d.mustReceive(about(priced, ada, t0, payment.Requested{PaymentID: priced, ContractorID: ada.Actor, Amount: money.Amount{Minor: 1500, Currency: "JPY"},
		Description: "Flight", CaptureMethod: payment.Automatic}))
	searches := map[string]string{
		"kuche": percent, "KÜCHE": percent, "Ku\u0308che": percent, "Küssnacht": percent, "baustelle": percent, "GROSSBAU": percent,
		"50%": percent, "%": percent, "_": percent, "küche_": percent, "üche": percent, "ch": "", "gr": percent, "tting": kitchen, "tt": "",
		"1500": priced, "jpy": priced, "1,500 JPY": priced, "1,500.00": "",
		"pai": plain, "aint": plain, "ai": "", "muller": kitchen,
		"kitchen": kitchen, "KITCH inst": kitchen, "kitchen-fit": kitchen, "fitting": kitchen, "müller's": kitchen, "nothing": "", "glov": long,
		"alert": script, "'": kitchen, `\`: "", "a & b | !": "", "@jon-park": "", "🧤": "", "\x00kitchen": kitchen, kitchen: kitchen,
	}
	// It is found as soon as it is written, and in the same way once it is indexed.
	for _, indexed := range []bool{false, true, true} {
		if indexed {
			if err := search.NewIndexer(d.db, journal.UnpushedChannel, slog.New(slog.DiscardHandler), readmodel.Searched...).Index(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var waiting int
		if err := d.db.Pool().QueryRow(t.Context(), "select count(*) from payment_search_terms where raw is not null").Scan(&waiting); err != nil || (waiting == 0) != indexed {
			t.Fatalf("%d wait to be indexed, %v", waiting, err)
		}
		testSearches(t, d, searches)
	}
	if page, err := readmodel.List(t.Context(), d.db, readmodel.Query{Contractor: "jon-park", Query: list.Query{Search: "kitchen"}}); err != nil || len(page.Rows) > 0 {
		t.Errorf("another contractor finds %v, %v", page.Rows, err)
	}
}

func testSearches(t *testing.T, d *fixture, searches map[string]string) {
	t.Helper()
	for text, want := range searches {
		page, err := readmodel.List(t.Context(), d.db, readmodel.Query{Contractor: ada.Actor, Query: list.Query{Search: text}})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		got := ""
		for _, p := range page.Rows {
			got += p.ID
		}
		if got != want {
			t.Errorf("%q finds %q, not %q", text, got, want)
		}
	}
}

// Whoever copies an amount from a page, in whatever language, finds what it is of.
func TestAnAmountIsFoundAsItIsPrinted(t *testing.T) {
	d := newFixture(t)
	printed := map[string]string{}
	for _, amount := range []money.Amount{
		{Minor: 99_90, Currency: "EUR"}, {Minor: 1250_00, Currency: "EUR"}, {Minor: 1234567_89, Currency: "EUR"},
		{Minor: 1500, Currency: "JPY"}, {Minor: 1250, Currency: "KWD"},
	} {
		id := uuid.NewString()
		d.mustReceive(about(id, ada, t0, payment.Requested{PaymentID: id, ContractorID: ada.Actor, Amount: amount, Description: "x", CaptureMethod: payment.Automatic}))
		for _, l := range locale.Known() {
			printed[l.Write(locale.Amount(amount))] = id
			printed[strings.ReplaceAll(l.Write(locale.Amount(amount)), "\u202f", " ")] = id
		}
	}
	if len(printed) < 15 {
		t.Fatal(printed)
	}
	for range 2 {
		testSearches(t, d, printed)
		if err := search.NewIndexer(d.db, journal.UnpushedChannel, slog.New(slog.DiscardHandler), readmodel.Searched...).Index(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSearchTermsGoWithTheirRows(t *testing.T) {
	searchtest.TermsGoWithTheirRows(t, newFixture(t).db,
		map[string]string{"payment_search_terms": "payment_rows", "order_search_terms": "order_rows"})
}

func TestIndexingWritesLittle(t *testing.T) {
	searchtest.IndexingWritesLittle(t, newFixture(t).db, readmodel.Searched...)
}

// What the indexer makes is what the database makes where it indexes by itself.
func TestLexemesAreThoseOfTheDatabase(t *testing.T) {
	db := newFixture(t).db
	agrees := func(t rapid.TB, words string) {
		var same bool
		if err := db.Pool().QueryRow(context.Background(), "select search_lexemes($1) = array_to_tsvector(string_to_array($2, ' '))",
			words, search.Lexemes(words)).Scan(&same); err != nil || !same {
			t.Fatalf("%q: %t, %v: %s", words, same, err, search.Lexemes(words))
		}
	}
	for _, words := range []string{"", " ", "^", "^^a", "@", "@ada", "^ab ^a. ^é ^Küche ^p-2026-000017 @ada_nowak", "a  b"} {
		agrees(t, words)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-cé日 .,@^/_-]{0,30}`).Draw(t, "text")
		agrees(t, text)
		agrees(t, search.Later(search.Mark("ada nowak"), text))
		agrees(t, search.Join(text))
	})
}
