package testsystem

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// soundOrders checks what must hold for each order with its payments, and for all their numbers.
func (o *oracle) soundOrders() {
	payments := map[string][]Story{}
	for _, id := range ids(o.topic) {
		if of := o.topic[id].Payment.OrderID; of != "" {
			payments[of] = append(payments[of], o.topic[id])
		}
	}
	numbers := map[string][]string{} // by month
	for _, id := range ids(o.orders) {
		s := o.orders[id]
		for i, e := range s.Events {
			if e.Sequence != int64(i+1) {
				o.report("order %s: %s has the sequence %d, and is number %d", id, e.Type, e.Sequence, i+1)
			}
		}
		for _, step := range s.Steps {
			if !step.Effect {
				o.report("order %s: %s had no effect, and its one writer wrote it", id, step.Entry.Type)
			}
		}
		if number := s.Order.Number; number != "" {
			month := number[:strings.LastIndex(number, "/")]
			numbers[month] = append(numbers[month], number)
			o.frozen(id, s.Order)
		}
		o.paid(id, s.Order, payments[id])
		delete(payments, id)
	}
	for _, id := range ids(payments) {
		o.paid(id, order.Order{ID: id}, payments[id]) // of an order that nobody drafted
	}
	for _, month := range slices.Sorted(maps.Keys(numbers)) {
		for i, number := range slices.Sorted(slices.Values(numbers[month])) {
			if want := fmt.Sprintf("%s/%06d", month, i+1); number != want {
				o.report("an order has the number %s, where %s comes next", number, want)
				break
			}
		}
	}
}

// frozen checks that a submitted order's total is that of its lines, less the discount, rounded half up.
func (o *oracle) frozen(id string, is order.Order) {
	var subtotal int64
	for _, line := range is.Lines {
		if line.Total.Minor != line.Price.Minor*line.Quantity {
			o.report("order %s: %d of %s at %s come to %s", id, line.Quantity, line.SKU, line.Price, line.Total)
		}
		subtotal += line.Total.Minor
	}
	total := subtotal - (subtotal*is.BasisPoints+5_000)/10_000
	if is.Subtotal.Minor != subtotal || is.Total.Minor != total || len(is.Lines) == 0 {
		o.report("order %s: its lines come to %d, and %d less %d basis points; it says %s and %s", id, subtotal, total, is.BasisPoints, is.Subtotal, is.Total)
	}
}

// paid checks that an order and the money of its payments say the same.
func (o *oracle) paid(id string, is order.Order, payments []Story) {
	var kept []string
	for _, s := range payments {
		p := s.Payment
		held := p.AuthorizedAmount.Minor - p.CapturedAmount.Minor - p.ReleasedAmount.Minor
		keeps := p.CapturedAmount.Minor - p.RefundedAmount.Minor
		if is.State == order.StateExpired || is.State == order.StateCancelled {
			if held > 0 || keeps > 0 {
				o.report("order %s is %s, and its payment %s holds %d and keeps %d", id, is.State, p.ID, held, keeps)
			}
		}
		if keeps > 0 {
			kept = append(kept, p.ID)
			if p.CapturedAmount != is.Total || p.RefundedAmount != (money.Amount{}) && p.RefundedAmount.Minor > 0 {
				o.report("order %s comes to %s, and its payment %s keeps %s", id, is.Total, p.ID, p.CapturedAmount)
			}
		}
	}
	if is.State == order.StatePaid {
		if len(kept) != 1 || kept[0] != is.PaidBy {
			o.report("order %s was paid by %s, and money is kept by %v", id, is.PaidBy, kept)
		}
	} else if len(kept) > 0 {
		o.report("order %s is not paid (%q), and money is kept by %v", id, is.State, kept)
	}
}

// orderCopies compares a web app's rows with the topic's orders.
func (o *oracle) orderCopies(service string) {
	found := o.rowsOf(service, "orders")
	for _, id := range ids(o.orders) {
		is := o.orders[id].Order
		row, ok := found[id]
		delete(found, id)
		if ok != is.Exists() {
			o.report("%s: order %s has a row: %t; it was drafted: %t", service, id, ok, is.Exists())
		}
		if !ok || !is.Exists() {
			continue
		}
		o.compare(service, "order "+id, row, map[string]any{
			"number": is.Number, "contractor_id": is.ContractorID, "contractor_name": is.ContractorName, "customer_name": is.CustomerName,
			"total": float64(is.Total.Minor), "total_minor": float64(is.Total.Minor), "currency": is.Total.Currency, "state": string(is.State),
			"drafted_at": is.Drafted.At, "submitted_at": timeOrNull(is.Submitted.At), "expires_at": timeOrNull(is.ExpiresAt.Truncate(time.Microsecond)),
			"updated_at": is.UpdatedAt, "sequence": float64(is.Sequence), "revision": float64(2 * len(o.orders[id].Events)),
		}, "number", "state", "currency", "sequence", "revision")
	}
	for _, id := range ids(found) {
		o.report("%s: there is a row of order %s, which is not in the topic", service, id)
	}
}

// catalogCopies compares a web app's products and customers with the last event of each, which says the
// whole.
func (o *oracle) catalogCopies(service string) {
	tables := map[string]map[string]map[string]any{
		catalog.ProductStream(""): o.rowsOf(service, "products"), catalog.CustomerStream(""): o.rowsOf(service, "customers"),
	}
	for _, stream := range ids(o.streams[catalog.Topic]) {
		events := o.streams[catalog.Topic][stream]
		last := events[len(events)-1]
		prefix := strings.TrimSuffix(stream, last.Subject)
		row, ok := tables[prefix][last.Subject]
		delete(tables[prefix], last.Subject)
		if !ok {
			o.report("%s: there is no row of %s", service, stream)
			continue
		}
		want := whole(events)
		want["sequence"], want["revision"] = float64(last.Sequence), float64(2*len(events))
		o.compare(service, stream, row, want, "name", "archived", "sequence")
	}
	for prefix, left := range tables {
		for _, id := range ids(left) {
			o.report("%s: there is a row of %s%s, which is not in the topic", service, prefix, id)
		}
	}
}

// whole returns the row that the events of a product or a customer lead to.
func whole(events []event.Event) map[string]any {
	want := map[string]any{"archived": false}
	for _, e := range events {
		if strings.HasSuffix(e.Type, "_archived") {
			want["archived"] = true
			continue
		}
		var latest struct {
			Name, SKU, Email string
			Price            *money.Amount
		}
		if err := json.Unmarshal(e.Data, &latest); err != nil {
			continue // then it is no row either
		}
		want["name"], want["sku"], want["email"] = latest.Name, latest.SKU, latest.Email
		if latest.Price != nil {
			want["price"], want["currency"] = float64(latest.Price.Minor), latest.Price.Currency
		}
	}
	return want
}
