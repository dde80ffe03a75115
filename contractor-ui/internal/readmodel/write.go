package readmodel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/pg"
)

// ErrSuperseded means that another payment asks again for the same one already.
var ErrSuperseded = errors.New("this payment has been asked for again already")

// Save writes the row of one stream after the app has appended to it, in the same transaction. It
// fails with ErrSuperseded where the payment supersedes what another one has superseded.
func Save(ctx context.Context, tx *pg.Tx, s journal.Stream) error {
	row, ok := rowOf(s)
	if !ok {
		return nil
	}
	err := tx.QueueGorm(func(db *gorm.DB) *gorm.DB {
		return db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, UpdateAll: true}).Create(&row)
	})
	if err != nil {
		return fmt.Errorf("save the copy of %s: %w", s.ID, err)
	}
	if row.Supersedes == nil {
		return nil
	}
	first, err := claim(ctx, tx, *row.Supersedes, row.ID)
	if err != nil {
		return err
	}
	if first != row.ID {
		return ErrSuperseded
	}
	tx.Queue("insert into unpushed (stream) values ($1)", payment.Stream(row.Supersedes.String()))
	return nil
}

// claim makes id the one that supersedes another payment, and returns which one does.
func claim(ctx context.Context, tx *pg.Tx, superseded, id uuid.UUID) (first uuid.UUID, err error) {
	const insert = `insert into supersessions as s (superseded, superseded_by) values ($1, $2)
		on conflict (superseded) do update set superseded_by = s.superseded_by returning superseded_by`
	if err := tx.QueryRow(ctx, insert, superseded, id).Scan(&first); err != nil {
		return first, fmt.Errorf("note what is superseded: %w", err)
	}
	return first, nil
}

const upsert = `insert into payments (id, contractor_id, contractor_name, amount_minor, currency, description, order_id,
	supersedes, capture_method, decision, decided_by_name, decided_at, money, final, pending, requested_at, updated_at, revision, words, stuck)
	select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::text[],
	$10::text[], $11::text[], $12::timestamptz[], $13::text[], $14::boolean[], $15::boolean[], $16::timestamptz[],
	$17::timestamptz[], $18::bigint[], $19::text[], $20::text[])
	on conflict (id) do update set contractor_id = excluded.contractor_id, contractor_name = excluded.contractor_name,
	amount_minor = excluded.amount_minor, currency = excluded.currency, description = excluded.description,
	order_id = excluded.order_id, supersedes = excluded.supersedes, capture_method = excluded.capture_method,
	decision = excluded.decision, decided_by_name = excluded.decided_by_name, decided_at = excluded.decided_at,
	money = excluded.money, final = excluded.final, pending = excluded.pending, requested_at = excluded.requested_at,
	updated_at = excluded.updated_at, revision = excluded.revision, words = excluded.words,
	stuck = excluded.stuck`

// claims of one payment are taken in the order of recording, and not of somebody else's payment: a forged
// event must not block "Ask again". Those of several are sorted, so that two batches do not wait for each
// other. A payment that is not here yet may be in another partition, behind. "on conflict" names no column,
// since both columns are unique and neither conflict may stop the consumer. The open pages of what is claimed
// show it.
const claims = `with claimed as (insert into supersessions (superseded, superseded_by)
		select c.superseded, c.superseded_by
		from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality as c (superseded, superseded_by, contractor_id, place)
		where not exists (select from payments p where p.id = c.superseded and p.contractor_id <> c.contractor_id)
		order by c.superseded, c.place on conflict do nothing returning superseded)
	insert into unpushed (stream) select 'payment-' || superseded from claimed`

// Project writes the rows of the payments among streams that the consumer has received, in the round trip of
// the commit. It is a journal.Projector. A second payment that supersedes the same one keeps its row and
// loses nothing but the claim: what is in the log cannot be refused here.
func Project(_ context.Context, tx *pg.Tx, streams []journal.Stream) error {
	var c columns
	for _, s := range streams {
		if !strings.HasPrefix(s.ID, payment.Stream("")) {
			continue
		}
		if row, ok := rowOf(s); ok {
			c.add(row)
		}
	}
	if len(c.ids) == 0 {
		return nil
	}
	tx.Queue(upsert, c.args()...)
	if len(c.superseded) > 0 {
		tx.Queue(claims, c.superseded, c.supersededBy, c.claimants)
	}
	return nil
}
