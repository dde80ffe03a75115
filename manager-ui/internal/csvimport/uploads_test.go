package csvimport

import (
	"testing"
	"time"

	"countersign.example/manager-ui/migrations"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg/pgtest"
)

func TestFilesAreDeletedAfterADay(t *testing.T) {
	db := pgtest.New(t, journal.Migrations, migrations.Set)
	uploads := NewUploads(db)
	kept := map[string]string{}
	for age, minutes := range map[string]int{"old": 24*60 + 1, "young": 24*60 - 1} {
		id, err := uploads.Keep(t.Context(), "mia", "products", []byte(age))
		if err != nil {
			t.Fatal(err)
		}
		kept[age] = id
		if _, err := db.Pool().Exec(t.Context(), "update uploads set created_at = now() - $2 * interval '1 minute' where id = $1", id, minutes); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := UploadRetention.Apply(t.Context(), db, time.Now()); err != nil || n != 1 {
		t.Errorf("%d deleted, %v", n, err)
	}
	if _, err := uploads.Read(t.Context(), "mia", "products", kept["young"]); err != nil {
		t.Error(err)
	}
}
