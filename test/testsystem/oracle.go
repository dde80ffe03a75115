package testsystem

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
)

// oracle collects differences from what must hold.
type oracle struct {
	tb       testing.TB
	system   *System
	topic    map[string]Story
	orders   map[string]OrderStory
	streams  map[string]map[string][]event.Event // of each topic, by the journal's name of the stream
	reported int
}

// CheckInvariants holds what every part has on record, once it has settled, against the topics:
//
//  1. each journal has the events of its topics once, confirmed, in the topic's order, and nothing else;
//  2. the copies' rows, the cores' aggregates and the folds of the topics agree about everything;
//  3. at most one decision of a payment stands; authorized >= captured + released, captured >= refunded;
//  4. an order is paid if and only if exactly one captured, unrefunded payment of its total names it;
//  5. an expired or cancelled order has no hold and no money;
//  6. numbers of orders are 1, 2, 3 ... in each month, and a total is that of its frozen lines;
//  7. what was asked of the gateway is what the payment says, and the gateway's own books agree, key by key.
//
// Every difference is an error of the test. It returns what the topic says of payments, for the test's own
// questions.
func (s *System) CheckInvariants(tb testing.TB) map[string]Story {
	tb.Helper()
	o := &oracle{tb: tb, system: s, streams: map[string]map[string][]event.Event{}}
	for _, topic := range []string{payment.Topic, order.Topic, catalog.Topic, people.Topic} {
		events := s.History(tb, topic)
		o.streams[topic] = map[string][]event.Event{}
		for _, e := range events {
			stream := streamOf(topic, e)
			o.streams[topic][stream] = append(o.streams[topic][stream], e)
		}
		switch topic {
		case payment.Topic:
			o.topic = paymentsOf(events)
		case order.Topic:
			o.orders = ordersOf(events)
		}
	}
	for _, id := range ids(o.topic) {
		o.sound(id, o.topic[id])
	}
	o.soundOrders()
	for _, service := range consumers {
		o.journal(service)
	}
	for _, service := range []string{Contractor, Manager} {
		o.copies(service)
		o.orderCopies(service)
		o.catalogCopies(service)
	}
	o.money()
	if o.reported == 0 {
		// The product's own comparison must come to the same.
		s.Run(Core, "reconcile")
	}
	return o.topic
}

func (o *oracle) report(format string, args ...any) {
	o.tb.Helper()
	o.reported++
	const most = 40
	if o.reported <= most {
		o.tb.Errorf("DIFFERENCE: "+format, args...)
	}
}

// sound checks what must hold for a payment by itself.
func (o *oracle) sound(id string, s Story) {
	stands := "" // the decision
	for _, step := range s.Steps {
		switch typ := step.Entry.Type; {
		case !step.Effect:
		case typ == payment.TypeReopened && stands == payment.TypeAccepted:
			stands = ""
		case typ == payment.TypeReopened:
			o.report("payment %s: reopened, and %q stood", id, stands)
		case typ == payment.TypeAccepted || typ == payment.TypeRejected || typ == payment.TypeWithdrawn:
			if stands != "" {
				o.report("payment %s: %s took effect, and %s stood", id, typ, stands)
			}
			stands = typ
		}
		if !step.Effect && step.Refusal == nil {
			o.report("payment %s: %s had no effect, without a reason", id, step.Entry.Type)
		}
	}
	p := s.Payment
	if !p.Exists() {
		return // events about a payment that nobody requested
	}
	if p.CapturedAmount.Minor+p.ReleasedAmount.Minor > p.AuthorizedAmount.Minor || p.RefundedAmount.Minor > p.CapturedAmount.Minor {
		o.report("payment %s: %s authorized, %s captured, %s released, %s refunded", id,
			p.AuthorizedAmount, p.CapturedAmount, p.ReleasedAmount, p.RefundedAmount)
	}
	for _, amount := range []string{p.AuthorizedAmount.Currency, p.CapturedAmount.Currency, p.ReleasedAmount.Currency, p.RefundedAmount.Currency} {
		if amount != p.Amount.Currency {
			o.report("payment %s: %s and %s in one payment", id, p.Amount.Currency, amount)
		}
	}
}

// journal compares a service's journal with the topics that it consumes, stream by stream.
func (o *oracle) journal(service string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	streams, err := o.system.readJournal(ctx, service)
	if err != nil {
		o.tb.Fatalf("read the journal of %s: %v", service, err)
	}
	for _, topic := range consumed[service] {
		for _, stream := range ids(o.streams[topic]) {
			o.stream(service, stream, streams[stream], o.streams[topic][stream])
			delete(streams, stream)
		}
	}
	for _, stream := range ids(streams) {
		o.report("%s: the journal has %s, which is not in the topic: %s", service, stream, recordTypes(streams[stream]))
	}
}

func (o *oracle) stream(service, stream string, records []record, events []event.Event) {
	var want, got []uuid.UUID
	for _, e := range events {
		want = append(want, e.ID)
	}
	for i, n := range records {
		got = append(got, n.ID)
		switch {
		case n.Log == 0:
			o.report("%s: %s %s of %s is not confirmed", service, n.Type, n.ID, stream)
		case n.Log != int64(i+1):
			o.report("%s: %s %s of %s has place %d in the log, and is number %d", service, n.Type, n.ID, stream, n.Log, i+1)
		}
	}
	if !slices.Equal(got, want) {
		o.report("%s: the journal's %s is not the topic's\n  topic:   %s\n  journal: %s", service, stream, typesOf(events), recordTypes(records))
	}
}

func typesOf(events []event.Event) (list []string) {
	for _, e := range events {
		list = append(list, fmt.Sprintf("%s (%s)", e.Type, e.ID))
	}
	return list
}

func recordTypes(stream []record) (list []string) {
	for _, n := range stream {
		list = append(list, fmt.Sprintf("%s (%s)", n.Type, n.ID))
	}
	return list
}

// copies compares a web app's rows with the topic's payments.
func (o *oracle) copies(service string) {
	found := o.rowsOf(service, "payments")
	for _, id := range ids(o.topic) {
		s := o.topic[id]
		row, ok := found[id]
		delete(found, id)
		if ok != s.Payment.Exists() {
			o.report("%s: payment %s has a row: %t; it was requested: %t", service, id, ok, s.Payment.Exists())
		}
		if ok && s.Payment.Exists() {
			o.row(service, id, s, row)
		}
	}
	for _, id := range ids(found) {
		o.report("%s: there is a row of payment %s, which is not in the topic", service, id)
	}
}

// rowsOf are a copy's rows by id.
func (o *oracle) rowsOf(service, table string) map[string]map[string]any {
	found := map[string]map[string]any{}
	for _, row := range rows(o.tb, o.system.Database[service], "select to_jsonb(t) from "+table+" t", pgx.RowTo[map[string]any]) {
		found[fmt.Sprint(row["id"])] = row
	}
	return found
}

// row compares the columns that a copy has, which differ between the apps.
func (o *oracle) row(service, id string, s Story, row map[string]any) {
	p := s.Payment
	decided := p.Decided
	if p.Decision == payment.DecisionCancelled {
		decided = p.Cancelled
	}
	want := map[string]any{
		"contractor_id": p.ContractorID, "contractor_name": p.ContractorName, "description": p.Description,
		"amount": float64(p.Amount.Minor), "amount_minor": float64(p.Amount.Minor), "currency": p.Amount.Currency,
		"capture_method": string(p.CaptureMethod), "decision": string(p.Decision), "money": string(p.Money), "final": p.Final,
		"supersedes": orNull(p.Supersedes), "order_id": orNull(p.OrderID), "decided_by_name": nameOf(decided),
		"requested_at": p.Requested.At, "updated_at": p.UpdatedAt, "decided_at": timeOrNull(decided.At),
		"pending":  false,
		"revision": float64(2 * len(s.Events)), // each event appended, and given its place in the log
	}
	o.compare(service, "payment "+id, row, want, "decision", "money", "currency", "revision")
}

// compare compares the columns that a row has with what they must be; it must have the needed ones.
func (o *oracle) compare(service, what string, row, want map[string]any, needed ...string) {
	for _, column := range needed {
		if _, ok := row[column]; !ok {
			o.report("%s: its copy of %s has no column %s", service, what, column)
		}
	}
	for _, column := range ids(want) {
		if value, ok := row[column]; ok && !same(value, want[column]) {
			o.report("%s: %s of %s is %v, and %v by the topic", service, column, what, value, want[column])
		}
	}
}

func same(got, want any) bool {
	at, isTime := want.(time.Time)
	if !isTime {
		return got == want
	}
	text, _ := got.(string)
	parsed, err := time.Parse(time.RFC3339Nano, text)
	return err == nil && parsed.Equal(at)
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func timeOrNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at
}

func nameOf(a payment.Act) string {
	if a.ByName != "" {
		return a.ByName
	}
	return a.By
}
