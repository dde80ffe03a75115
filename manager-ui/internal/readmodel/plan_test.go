package readmodel_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/manager-ui/migrations"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
	list "countersign.example/pkg/readmodel"
	"countersign.example/pkg/search/searchtest"
)

// However much a contractor has asked for, a payment costs the same: what asks again for it is looked up.
func TestWhatAsksAgainIsLookedUp(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	var statement string
	if err := db.Gorm(t.Context()).Callback().Query().After("gorm:query").Register("statement", func(db *gorm.DB) {
		statement = db.Statement.SQL.String()
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := readmodel.Find(t.Context(), db, uuid.NewString()); err != nil {
		t.Fatal(err)
	}
	connection, err := db.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Release()
	looksUp := func(when string) {
		t.Helper()
		results, err := connection.Conn().PgConn().Exec(t.Context(), "explain (generic_plan) "+statement).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		_, again, _ := strings.Cut(fmt.Sprintf("%s", results[0].Rows), "SubPlan 1")
		if !strings.Contains(again, "payments_supersedes") || strings.Contains(again, "payments_of_contractor") {
			t.Errorf("%s it is %s", when, again)
		}
	}
	looksUp("on a new table, where plans are made and kept,")
	if _, err := connection.Exec(t.Context(), `insert into payment_rows (id, revision, contractor_id, contractor_name, amount, currency, description,
			capture_method, decision, money, final, stuck, decided_by_name, requested_at, updated_at, pending, words)
		select gen_random_uuid(), 1, 'ada-nowak', 'Ada Nowak', 1200, 'EUR', 'Scaffolding', 'automatic', 'requested', '', false, '', '', now(), now(), false, ''
		from generate_series(1, 5000)`); err != nil {
		t.Fatal(err)
	}
	looksUp("after many payments")
	if _, err := connection.Exec(t.Context(), "analyze payment_rows"); err != nil {
		t.Fatal(err)
	}
	looksUp("after many payments, analyzed,")
}

func TestSearchTermsGoWithTheirRows(t *testing.T) {
	searchtest.TermsGoWithTheirRows(t, pgtest.New(t, journal.Migrations, migrations.Set),
		map[string]string{"payment_search_terms": "payment_rows", "order_search_terms": "order_rows"})
}

func TestIndexingWritesLittle(t *testing.T) {
	searchtest.IndexingWritesLittle(t, pgtest.New(t, journal.Migrations, migrations.Set), readmodel.Searched...)
}

// However much there has been, a tab with a few rows is read from its index.
func TestATabOfFewIsReadFromItsIndex(t *testing.T) {
	db, err := pg.Open(t.Context(), pgtest.Alone(pgtest.NewURL(t, journal.Migrations, migrations.Set)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	for _, sql := range []string{
		"set session_replication_role = replica", // no triggers
		`insert into payment_rows (id, revision, contractor_id, contractor_name, amount, currency, description, capture_method, decision, money, final, stuck,
			decided_by_name, requested_at, updated_at, pending, words)
		select gen_random_uuid(), 1, 'ada-nowak', 'Ada Nowak', 1200, 'EUR', 'Scaffolding', 'automatic', case when n > 20000 then 'requested' when n % 5 = 0 then 'rejected' else 'accepted' end,
			'', false, '', '', now() + n * interval '1 second', now(), false, '' from generate_series(1, 20020) as n`,
		"vacuum analyze payment_rows",
	} {
		if _, err := db.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var page list.Page[readmodel.Payment]
	walked := pgtest.Walked(t, db, "payment_rows", func() {
		if page, err = readmodel.List(t.Context(), db, readmodel.Waiting, list.Query{}); err != nil {
			t.Fatal(err)
		}
	})
	if len(page.Rows) != 20 || walked > 100 {
		t.Errorf("%d payments wait, for which %d of 20,020 are walked over", len(page.Rows), walked)
	}
}
