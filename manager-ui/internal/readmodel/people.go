package readmodel

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/search"
)

// Person is a row of the table people.
type Person struct {
	ID          string    `gorm:"primaryKey" json:"id"`
	Revision    int64     `json:"revision"`
	PersonID    string    `gorm:"column:person" json:"person"`
	Name        string    `json:"name"`
	Address     string    `json:"address"`
	Roles       string    `json:"roles"`
	Sessions    int64     `json:"sessions"`
	SeenAt      time.Time `json:"seen_at"`
	Blocked     bool      `json:"blocked"`
	Limits      Limits    `json:"limits"`
	Sort        string    `json:"sort"`
	SearchTerms string    `gorm:"column:words" json:"words"`
}

// Limits are those of a person, as the table has them.
type Limits struct{ people.Limits }

// Scan reads what PostgreSQL has.
func (l *Limits) Scan(value any) error {
	switch value := value.(type) {
	case string:
		return json.Unmarshal([]byte(value), &l.Limits)
	case []byte:
		return json.Unmarshal(value, &l.Limits)
	}
	return fmt.Errorf("limits are no %T", value)
}

// Value is for GORM, which asks what it is before it reads.
func (l Limits) Value() (driver.Value, error) { return json.Marshal(l.Limits) }

// MarshalJSON writes them for the table.
func (l Limits) MarshalJSON() ([]byte, error) { return json.Marshal(l.Limits) }

// Place is where the row is in a list.
func (p Person) Place(readmodel.Sort) readmodel.Place { return readmodel.Place{Key: p.Sort, ID: p.ID} }

// Manages reports whether they may accept payments.
func (p Person) Manages() bool {
	return slices.Contains(strings.Split(p.Roles, ", "), string(rights.Manager))
}

var peopleTable = readmodel.NewTable[Person]("people", "")

// ProjectPeople is a journal.Projector: it folds the changed streams of people and writes their rows.
func ProjectPeople(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	return peopleTable.Queue(tx, readmodel.Fold(streams, people.Stream(""), personOf))
}

func personOf(s journal.Stream) (Person, bool) {
	p := people.Fold(journal.Entries(s))
	roles := strings.Join(p.Roles(), ", ")
	return Person{
		ID: people.ID(p.ID), Revision: s.Revision(), PersonID: p.ID, Name: p.Name, Address: p.Address, Roles: roles,
		Sessions: p.ByContractors.Sessions + p.ByManagers.Sessions, SeenAt: event.Kept(p.LastSeen()), Blocked: p.Block.Done(), Limits: Limits{p.Allowed()},
		Sort: readmodel.SortName(p.Name), SearchTerms: search.Join(p.Name, p.Address, roles),
	}, p.Exists()
}

// PeopleQuery asks for one page of the people, by name.
type PeopleQuery struct {
	readmodel.Query
	Blocked bool // these only
}

// ListPeople reads a page of the people.
func ListPeople(ctx context.Context, db *pg.DB, q PeopleQuery) (readmodel.Page[Person], error) {
	q.Sort, q.Limit = orderview.ByName, PageSize
	if q.Blocked {
		q.Where = append(q.Where, readmodel.Where("blocked = true"))
	}
	return peopleTable.Page(ctx, db, q.Query)
}

// FindPeople reads some people, in no order; those that are not there are left out.
func FindPeople(ctx context.Context, db *pg.DB, ids ...string) ([]Person, error) {
	return peopleTable.Find(ctx, db, "id", ids...)
}

// Person reads somebody with everything that is on record about them, and the revision of that. One whom
// nobody has seen does not exist.
func (h *Histories) Person(ctx context.Context, id string) (people.Person, int64, error) {
	s, err := h.journal.Read(ctx, people.Stream(id))
	if err != nil {
		return people.Person{}, 0, err
	}
	return people.Fold(journal.Entries(s)), s.Revision(), nil
}

// LimitsOf has the limits of a person, by what sessions call them, read with the next round trip of the
// transaction.
func LimitsOf(tx *pg.Tx, person string, into *Limits) {
	tx.QueueRow("select coalesce((select limits from people where id = $1), '{}')", []any{people.ID(person)}, into)
}
