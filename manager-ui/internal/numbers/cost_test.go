package numbers_test

import (
	"testing"
	"time"

	"countersign.example/manager-ui/internal/numbers"
	"countersign.example/manager-ui/migrations"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// A page reads the spans of its period, however much there was before and however many payments they are of.
func TestAPeriodIsReadFromItsSpans(t *testing.T) {
	db, err := pg.Open(t.Context(), pgtest.Alone(pgtest.NewURL(t, journal.Migrations, migrations.Set)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	for span, every := range map[string]string{"quarter": "15 minutes", "hour": "1 hour", "day": "1 day", "month": "1 month"} {
		if _, err := db.Pool().Exec(t.Context(), `insert into number_sums select $1, at, 'EUR', kind, '', 1000000, 1e12
			from generate_series('2026-01-01Z'::timestamptz, '2026-12-31Z', $2::text::interval) as at, unnest(array['requested', 'accepted', 'captured']) as kind`, span, every); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		zone, first, last string
		most              int
	}{
		{"UTC", "2026-01-01", "2026-12-31", 12 * 3},
		{"UTC", "2026-03-01", "2026-03-31", 31 * 3},
		{"Europe/Berlin", "2026-01-01", "2026-12-31", 13 * (2*24 + 31) * 3},
		{"Asia/Kathmandu", "2026-03-01", "2026-03-31", 31 * (4 + 24) * 3},
	} {
		p := period(zone(t, tc.zone), tc.first, tc.last)
		began := time.Now()
		walked := pgtest.Walked(t, db, "number_sums", func() {
			if _, err := numbers.Read(t.Context(), db, p.Steps(), "EUR"); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s, %s to %s: %s", tc.zone, tc.first, tc.last, time.Since(began).Round(time.Millisecond))
		if walked > tc.most || walked == 0 {
			t.Errorf("%s, %s to %s: %d rows are read, want %d at most", tc.zone, tc.first, tc.last, walked, tc.most)
		}
	}
}
