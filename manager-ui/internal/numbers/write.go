package numbers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"countersign.example/pkg/pg"
)

// readFacts reads what was counted of payments.
func readFacts(ctx context.Context, tx *pg.Tx, ids []string) (all []facts, err error) {
	var f facts
	into := []any{&f.payment, &f.contractor, &f.currency, &f.minor, &f.waiting, &f.requested, &f.accepted, &f.rejected, &f.withdrawn, &f.cancelled,
		&f.captured, &f.capturedMinor, &f.released, &f.releasedMinor, &f.refunded, &f.refundedMinor, &f.declined, &f.codes}
	err = pg.ForEach(ctx, tx, into, func() { all = append(all, f); f.declined, f.codes = nil, nil }, `select payment::text, contractor, currency, minor, waiting,
		requested_at, accepted_at, rejected_at, withdrawn_at, cancelled_at, captured_at, captured, released_at, released, refunded_at, refunded,
		declined_at, decline_codes from number_facts where payment = any($1::uuid[])`, ids)
	if err != nil {
		return nil, fmt.Errorf("read what was counted: %w", err)
	}
	return all, nil
}

// writeFacts puts facts in place of those of the payments with these ids.
func writeFacts(tx *pg.Tx, ids []string, made []facts) {
	tx.Queue("delete from number_facts where payment = any($1::uuid[])", ids)
	for _, f := range made {
		tx.Queue(`insert into number_facts values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
			f.payment, f.contractor, f.currency, f.minor, f.waiting, f.requested, f.accepted, f.rejected, f.withdrawn, f.cancelled,
			f.captured, f.capturedMinor, f.released, f.releasedMinor, f.refunded, f.refundedMinor, f.declined, f.codes)
	}
	names := map[string]string{}
	for _, f := range made {
		names[f.contractor] = f.name
	}
	for contractor, name := range names {
		tx.Queue(`insert into number_contractors values ($1, $2) on conflict (contractor) do update set name = excluded.name
			where number_contractors.name <> excluded.name`, contractor, name)
	}
}

// write adds to the sums, each row once.
func (c changes) write(tx *pg.Tx) {
	keys := make([]key, 0, len(c))
	for k, s := range c {
		if s.n != 0 || s.minor.Sign() != 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.span, b.span), cmp.Compare(a.at, b.at), cmp.Compare(a.contractor, b.contractor),
			cmp.Compare(a.currency, b.currency), cmp.Compare(a.kind, b.kind), cmp.Compare(a.detail, b.detail))
	})
	everybodys := slices.DeleteFunc(slices.Clone(keys), func(k key) bool { return k.contractor != "" })
	theirs := slices.DeleteFunc(keys, func(k key) bool { return k.contractor == "" })
	c.writeTo(tx, "number_sums", "detail", everybodys, func(k key) string { return k.detail })
	c.writeTo(tx, "number_contractor_sums", "contractor", theirs, func(k key) string { return k.contractor })
}

// writeTo writes to one of the tables, which has a column of its own. What has come to nothing goes.
func (c changes) writeTo(tx *pg.Tx, table, own string, keys []key, value func(key) string) {
	if len(keys) == 0 {
		return
	}
	text := func(value func(key) string) []string { return pg.Column(keys, value) }
	args := []any{
		text(func(k key) string { return k.span }), pg.Column(keys, func(k key) time.Time { return time.Unix(k.at, 0).UTC() }),
		text(func(k key) string { return k.currency }), text(func(k key) string { return k.kind }), text(value),
	}
	const columns = `unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[]`
	tx.Queue(fmt.Sprintf(`insert into %[1]s as s (span, at, currency, kind, %[2]s, n, minor)
		select * from %[3]s, $6::bigint[], $7::text[]::numeric[])
		on conflict (span, at, currency, kind, %[2]s) do update set n = s.n + excluded.n, minor = s.minor + excluded.minor`, table, own, columns),
		append(args, pg.Column(keys, func(k key) int64 { return c[k].n }), text(func(k key) string { return c[k].minor.String() }))...)
	if slices.ContainsFunc(keys, func(k key) bool { return c[k].n < 0 }) {
		tx.Queue(fmt.Sprintf(`delete from %[1]s as s using %[3]s) as k (span, at, currency, kind, own)
			where (s.span, s.at, s.currency, s.kind, s.%[2]s) = (k.span, k.at, k.currency, k.kind, k.own) and s.n = 0`, table, own, columns), args...)
	}
}
