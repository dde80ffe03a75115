package operations

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/migrations"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/journal/processlock"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// archive is a gateway that has only its record: to ask it for anything is a fault.
type archive struct {
	gateway.Gateway
	records []gateway.Record
}

func (a *archive) Records(context.Context, string) iter.Seq2[gateway.Record, error] {
	return func(yield func(gateway.Record, error) bool) {
		for _, record := range a.records {
			if !yield(record, nil) {
				return
			}
		}
	}
}

func TestOperationsAreRestoredFromTheGatewaysRecord(t *testing.T) {
	amount := money.Amount{Minor: 10_00, Currency: "EUR"}
	refused := func(final bool) *gateway.Refusal {
		return &gateway.Refusal{Code: gateway.ReleaseRefused, Reason: "the bank says no", Final: final}
	}
	authorized := payment.Authorized{GatewayReference: "hold"}
	captured := payment.Captured{Amount: amount, GatewayReference: "hold"}
	tests := map[string]struct {
		method     payment.CaptureMethod
		told       []payment.Body // what the topic tells, besides the request and the acceptance
		records    map[string]*gateway.Refusal
		operations []string // afterwards
		events     []string
		stuck      []string // in the backup: operations that were done, and the last of which is stuck
	}{
		"all of it is told": {payment.Automatic, []payment.Body{authorized, captured},
			map[string]*gateway.Refusal{"authorize:1": nil, "capture:1": nil},
			[]string{"authorize:1 succeeded", "capture:1 succeeded"}, nil, nil},
		"nothing of it is told": {payment.Automatic, nil,
			map[string]*gateway.Refusal{"authorize:1": nil, "capture:1": nil},
			[]string{"authorize:1 succeeded", "capture:1 succeeded"}, []string{payment.TypeAuthorized, payment.TypeCaptured}, nil},
		"the last of it is not told": {payment.Automatic, []payment.Body{authorized},
			map[string]*gateway.Refusal{"authorize:1": nil, "capture:1": nil},
			[]string{"authorize:1 succeeded", "capture:1 succeeded"}, []string{payment.TypeCaptured}, nil},
		"there is more to do": {payment.Automatic, []payment.Body{authorized},
			map[string]*gateway.Refusal{"authorize:1": nil},
			[]string{"authorize:1 succeeded", "capture:1 open"}, nil, nil},
		"a decline is told, and then a hold": {payment.Manual, []payment.Body{payment.Declined{Code: "x", Reason: "not now"}, authorized},
			map[string]*gateway.Refusal{"authorize:1": refused(false), "authorize:2": nil},
			[]string{"authorize:1 failed", "authorize:2 succeeded"}, nil, nil},
		"a release is stuck, and told": {payment.Manual, []payment.Body{authorized, payment.Stuck{Operation: payment.Release, Reason: "the bank says no"}},
			map[string]*gateway.Refusal{"authorize:1": nil, "release:1": refused(true)},
			[]string{"authorize:1 succeeded", "release:1 stuck"}, nil, nil},
		"a release is stuck, and not told": {payment.Manual, []payment.Body{authorized},
			map[string]*gateway.Refusal{"authorize:1": nil, "release:1": refused(true)},
			[]string{"authorize:1 succeeded", "release:1 stuck"}, []string{payment.TypeStuck}, nil},
		"what was stuck was settled": {payment.Manual,
			[]payment.Body{authorized, payment.Stuck{Operation: payment.Release, Reason: "the bank says no"}, payment.Released{Reason: "settled by hand"}},
			map[string]*gateway.Refusal{"authorize:1": nil, "release:1": refused(true)},
			[]string{"authorize:1 succeeded", "release:1 succeeded"}, nil, nil},
		"what is stuck in the backup was settled": {payment.Manual,
			[]payment.Body{authorized, payment.Stuck{Operation: payment.Release, Reason: "the bank says no"}, payment.Released{Reason: "settled by hand"}},
			map[string]*gateway.Refusal{"authorize:1": nil, "release:1": refused(true)},
			[]string{"authorize:1 succeeded", "release:1 succeeded"}, nil, []string{"authorize", "release"}},
		"what was stuck was retried": {payment.Manual,
			[]payment.Body{authorized, payment.Stuck{Operation: payment.Release, Reason: "the bank says no"}, payment.Released{Reason: "the hold lapsed"}},
			map[string]*gateway.Refusal{"authorize:1": nil, "release:1": refused(true), "release:2": nil},
			[]string{"authorize:1 succeeded", "release:1 failed", "release:2 succeeded"}, nil, nil},
		"what is stuck in the backup was retried": {payment.Manual,
			[]payment.Body{authorized, payment.Stuck{Operation: payment.Release, Reason: "the bank says no"}, payment.Released{Reason: "the hold lapsed"}},
			map[string]*gateway.Refusal{"authorize:1": nil, "release:1": refused(true), "release:2": nil},
			[]string{"authorize:1 succeeded", "release:1 failed", "release:2 succeeded"}, nil, []string{"authorize", "release"}},
		"what is stuck in the backup was retried, and declined": {payment.Manual,
			[]payment.Body{payment.Stuck{Operation: payment.Authorize, Reason: "the key of another request"}, payment.Declined{Code: "x", Reason: "not now"}},
			map[string]*gateway.Refusal{"authorize:2": refused(false)},
			[]string{"authorize:1 failed", "authorize:2 failed"}, nil, []string{"authorize"}},
		"what was stuck was retried, and declined": {payment.Manual,
			[]payment.Body{payment.Stuck{Operation: payment.Authorize, Reason: "the key of another request"}, payment.Declined{Code: "x", Reason: "not now"}},
			map[string]*gateway.Refusal{"authorize:2": refused(false)},
			[]string{"authorize:2 failed"}, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// given a journal that has got back what the topic tells, and no operations
			db, err := pg.Open(t.Context(), pgtest.NewURL(t, journal.Migrations, processlock.Migrations, migrations.Set, JobMigrations))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			j := journal.New(db, "/payments-core")
			service, err := NewService(db, j, Rules{}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			id := uuid.NewString()
			bodies := append([]payment.Body{payment.Requested{PaymentID: id, ContractorID: "ada", Amount: amount, Description: "A fence",
				CaptureMethod: test.method}, payment.Accepted{}}, test.told...)
			var received []journal.Received
			for i, body := range bodies {
				e := payment.New(payment.Writer(body.EventType()), id, body)
				e.Time = time.Now()
				switch body.(type) {
				case payment.Requested:
					e.Meta = event.Meta{Actor: "ada"}
				case payment.Accepted:
					e.Meta = event.Meta{Actor: "mia"}
				}
				received = append(received, journal.Received{Event: e, Stream: payment.Stream(id), Topic: payment.Topic, Offset: int64(i)})
			}
			g := &archive{}
			at := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
			keys := []string{"authorize:1", "authorize:2", "capture:1", "release:1", "release:2"} // in the order of their time
			for i, key := range keys {
				refusal, is := test.records[key]
				if !is {
					continue
				}
				kind, _, _ := strings.Cut(key, ":")
				result := gateway.Result{Reference: "hold", Refusal: refusal}
				g.records = append(g.records, gateway.Record{Key: id + ":" + key, Kind: gateway.Kind(kind), PaymentID: id, Amount: amount,
					Result: result, At: at.Add(time.Duration(i) * time.Second)})
			}
			slices.Reverse(g.records) // they come by their keys

			if err := db.InTx(t.Context(), func(tx *pg.Tx) error {
				for i, kind := range test.stuck {
					o := &Operation{PaymentID: id, Kind: payment.OperationKind(kind), N: 1, Amount: amount}
					if err := insert(t.Context(), tx, []*Operation{o}); err != nil {
						return err
					}
					if i < len(test.stuck)-1 {
						o.State = Succeeded
					}
					o.happened(at)
					if err := update(t.Context(), tx, *o); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}

			// when it is restored
			restore := func() {
				err := db.InTx(t.Context(), func(tx *pg.Tx) error {
					if _, _, err := j.Receive(t.Context(), tx, received); err != nil {
						return err
					}
					return service.Restore(t.Context(), tx, g, func(string) {})
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			restore()
			restore() // and again, which changes nothing

			// then operations and events say what the gateway did
			histories, err := Histories(t.Context(), db.Pool(), id)
			if err != nil {
				t.Fatal(err)
			}
			var operations, events []string
			for _, o := range histories[id] {
				state := string(o.State)
				if o.Stuck() {
					state = "stuck"
				}
				operations = append(operations, fmt.Sprintf("%s:%d %s", o.Kind, o.N, state))
			}
			stream, err := j.Read(t.Context(), payment.Stream(id))
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range stream.Records {
				if record.Log == 0 {
					events = append(events, record.Type)
				}
			}
			if !slices.Equal(operations, test.operations) || !slices.Equal(events, test.events) {
				t.Errorf("the operations are %q, and the events %q", operations, events)
			}
		})
	}
}
