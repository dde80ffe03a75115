package reconcile

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
)

// asked is an operation, as the core has it.
type asked struct {
	Key, PaymentID, Kind, State string
	Amount                      money.Amount
	ByHand                      bool // an operator has settled it
}

const lookAtGateway = "ask for the gateway's statement of this key; `payments-core operations` shows ours, and settles what is open"

// gateway compares the core's operations with the gateway's record, key by key. The snapshot is older than
// that record: what is closed in it is in the record, and a key that is not in it may have been opened since.
func (r *run) gateway(ctx context.Context) error {
	client, err := gateway.NewClient(r.Gateway)
	if err != nil {
		return err
	}
	defer client.Close()
	operations, err := newCursor(r.operations(ctx), func(o asked) string { return o.Key })
	defer operations.close()
	if err != nil {
		return err
	}
	unknown := &unknownKeys{run: r}
	var before gateway.Record
	for record, err := range client.Records(ctx, "") {
		if err != nil {
			return fmt.Errorf("read the gateway's record: %w", err)
		}
		for operations.more && operations.head.Key < record.Key {
			if err := r.notThere(operations); err != nil {
				return err
			}
		}
		r.report.Compared.GatewayRecords++
		switch {
		case record.Key == before.Key: // it had forgotten the key, and was asked once more
			if record.Result.Approved() && before.Result.Approved() {
				r.differ(Gateway, "gateway", lookAtGateway, "the gateway has done %s of %s for payment %s twice, under the key %s", record.Kind, record.Amount, record.PaymentID, record.Key)
			}
		case operations.more && operations.head.Key == record.Key:
			r.key(operations.head, record)
			err = operations.advance()
		default:
			err = unknown.add(ctx, record)
		}
		if before = record; err != nil {
			return err
		}
		r.progress("compared %d of the gateway's records", r.report.Compared.GatewayRecords)
	}
	for operations.more {
		if err := r.notThere(operations); err != nil {
			return err
		}
	}
	return unknown.flush(ctx)
}

// operations are all of the core's, in the order of the gateway's record.
func (r *run) operations(ctx context.Context) iter.Seq2[asked, error] {
	return func(yield func(asked, error) bool) {
		rows, err := r.named(PaymentsCore).side.Query(ctx, `select key, payment_id, kind, state, amount, currency, handled_by <> ''
			from operations order by key collate "C"`)
		if err == nil {
			defer rows.Close()
			for rows.Next() {
				var o asked
				if err = rows.Scan(&o.Key, &o.PaymentID, &o.Kind, &o.State, &o.Amount.Minor, &o.Amount.Currency, &o.ByHand); err != nil {
					break
				}
				if !yield(o, nil) {
					return
				}
			}
			err = errors.Join(err, rows.Err())
		}
		if err != nil {
			yield(asked{}, fmt.Errorf("read the operations of payments-core: %w", err))
		}
	}
}

// notThere looks at an operation of which the gateway has no record.
func (r *run) notThere(operations *cursor[asked]) error {
	if o := operations.head; o.State != "open" && !o.ByHand {
		r.differ(Gateway, "gateway", lookAtGateway, "%s of %s for payment %s has %s here, and the gateway has no record of its key %s", o.Kind, o.Amount, o.PaymentID, o.State, o.Key)
	}
	return operations.advance()
}

// key compares an operation with the gateway's record of its key.
func (r *run) key(o asked, record gateway.Record) {
	outcome := "failed"
	if record.Result.Approved() {
		outcome = "succeeded"
	}
	switch {
	case o.Kind != string(record.Kind) || o.Amount != record.Amount || o.PaymentID != record.PaymentID:
		r.differ(Gateway, "gateway", lookAtGateway, "key %s is %s of %s for payment %s here, and %s of %s for payment %s at the gateway",
			o.Key, o.Kind, o.Amount, o.PaymentID, record.Kind, record.Amount, record.PaymentID)
	case o.State != "open" && o.State != outcome && !o.ByHand:
		r.differ(Gateway, "gateway", lookAtGateway, "key %s has %s here, and %s at the gateway", o.Key, o.State, outcome)
	}
}

// unknownKeys are those of the gateway that the snapshot has not. An operation is written before the gateway
// is asked, so the database of now has those that were opened since.
type unknownKeys struct {
	*run
	records []gateway.Record
}

func (u *unknownKeys) add(ctx context.Context, record gateway.Record) error {
	if u.records = append(u.records, record); len(u.records) < rechecked {
		return nil
	}
	return u.flush(ctx)
}

func (u *unknownKeys) flush(ctx context.Context) error {
	known := map[string]bool{}
	var key string
	if err := pg.ForEach(ctx, u.named(PaymentsCore).rows, []any{&key}, func() { known[key] = true },
		"select key from operations where payment_id = any($1)", pg.Column(u.records, func(r gateway.Record) string { return r.PaymentID })); err != nil {
		return fmt.Errorf("read the operations of payments-core: %w", err)
	}
	for _, record := range u.records {
		if !known[record.Key] {
			u.differ(Gateway, "gateway", lookAtGateway, "the gateway has %s of %s for payment %s under the key %s, and payments-core never asked for it",
				record.Kind, record.Amount, record.PaymentID, record.Key)
		}
	}
	u.records = u.records[:0]
	return nil
}
