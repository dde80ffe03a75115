package processes

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// forgedBody is one that may come about any payment or order, and values instead of one.
func forgedBody(t *rapid.T, subject, about string) (typ string, data []byte) {
	amount := money.Amount{
		Minor:    rapid.SampledFrom([]int64{10_00, 9_00, 1, 0, -10_00, money.Max, money.Max + 1, 1<<63 - 1}).Draw(t, "minor"),
		Currency: rapid.SampledFrom([]string{"EUR", "EUR", "USD", "JPY"}).Draw(t, "currency"),
	}
	method := rapid.SampledFrom([]payment.CaptureMethod{payment.Automatic, payment.Manual, "never"}).Draw(t, "method")
	bodies := []interface{ EventType() string }{
		payment.Requested{PaymentID: subject, ContractorID: "ada", OrderID: about, Amount: amount, Description: "Order", CaptureMethod: method},
		payment.Withdrawn{}, payment.Rejected{Reason: "no"}, payment.Accepted{}, payment.Authorized{GatewayReference: "g"},
		payment.Declined{Code: "c"}, payment.Declined{Code: "c", Final: true}, payment.Captured{Amount: amount, GatewayReference: "g"},
		payment.Released{}, payment.Refunded{GatewayReference: "g"}, payment.Cancelled{}, payment.Stuck{Operation: payment.Capture, Reason: "no"},
		order.Drafted{OrderID: subject, ContractorID: "ada"}, order.CustomerChosen{CustomerID: about, Name: "Meyer"},
		order.ItemAdded{ProductID: about, SKU: "A", Name: "Apple", Price: amount, Quantity: 2}, order.DiscountSet{BasisPoints: 10_00},
		order.Paid{PaymentID: about}, order.Expired{}, order.Cancelled{By: order.ByManager}, order.PaymentRefused{PaymentID: about, Reason: "no"},
	}
	body := rapid.SampledFrom(bodies).Draw(t, "body")
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	typ = body.EventType()
	switch rapid.IntRange(0, 9).Draw(t, "twist") {
	case 0:
		data = []byte(rapid.SampledFrom([]string{`{}`, `[]`, `null`, `7`, `{"amount":null}`, `{"payment_id":"x"}`, `{"reason":"","by":"nobody"}`}).Draw(t, "data"))
	case 1: // of a version to come
		data = newer(t, data)
	case 2:
		typ = strings.Split(typ, "_")[0] + "_exploded"
	}
	return typ, data
}

// forge has somebody write something about a payment or an order that they may not write, or that makes no
// sense. What a core says of its own account nobody else can write in its name here: it knows its own events.
func (w *world) forge(t *rapid.T) {
	keys := append(append([]string{id(1000), id(2000), id(2001)}, w.orders...), w.payments...)
	subject, about := rapid.SampledFrom(keys).Draw(t, "subject"), rapid.SampledFrom(keys).Draw(t, "about")
	typ, data := forgedBody(t, subject, about)
	source := rapid.SampledFrom([]string{"/contractor-ui", "/manager-ui", "/payments-core", "/ordering-core", "/evil", ""}).Draw(t, "source")
	if writer := writerOf(typ); source == "/payments-core" || source == "/ordering-core" {
		if source == writer || writer == "" {
			source = "/evil"
		}
	}
	if typ == payment.TypeRequested && !slices.Contains(w.payments, subject) {
		w.payments = append(w.payments, subject)
	}
	w.append(event.Event{
		ID: event.NewID(), Type: typ, Source: source, Subject: subject, Data: data, Time: w.core.Now,
		Sequence: int64(rapid.IntRange(-1, 9).Draw(t, "sequence")),
		Meta:     event.Meta{Actor: rapid.SampledFrom([]string{"ada", "jon", "eve", "mia", ""}).Draw(t, "actor")},
	})
}

// newer is data with a member more.
func newer(t *rapid.T, data []byte) []byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal(err)
	}
	members["added_since"] = json.RawMessage(`{"a":[1,null]}`)
	data, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writerOf(typ string) string {
	if strings.HasPrefix(typ, "order_") {
		return order.Writer(typ)
	}
	return payment.Writer(typ)
}

// ofTopic are the events of a key that one topic holds; the other topic has the key's others.
func (w *world) ofTopic(prefix, id string) (events []event.Event) {
	for _, e := range w.log[id] {
		if strings.HasPrefix(e.Type, prefix) {
			events = append(events, e)
		}
	}
	return events
}

// foldsAgree holds both cores' view of each other's things to the fold of the topic, which is both web apps'
// view.
func (w *world) foldsAgree() error {
	for _, id := range w.keys {
		var payments []payment.Entry
		for _, e := range w.ofTopic("payment_", id) {
			payments = append(payments, payment.Entry{Event: e, Confirmed: true})
		}
		p, steps := payment.Fold(payments)
		for _, step := range steps {
			if e := step.Entry; step.Effect && e.Source != payment.Writer(e.Type) {
				return fmt.Errorf("payment %s: %s of %q has an effect", id, e.Type, e.Source)
			}
		}
		if of := w.core.Payment(id); of != p {
			return fmt.Errorf("payment %s: payments-core has %+v, the web apps %+v", id, of, p)
		}
		if of := w.ordering.Payment(id); of != p {
			return fmt.Errorf("payment %s: ordering-core has %+v, the web apps %+v", id, of, p)
		}
		var orders []order.Entry
		for _, e := range w.ofTopic("order_", id) {
			orders = append(orders, order.Entry{Event: e, Confirmed: true})
		}
		o, happened := order.Fold(orders)
		for _, step := range happened {
			if e := step.Entry; step.Effect && e.Source != order.Writer(e.Type) {
				return fmt.Errorf("order %s: %s of %q has an effect", id, e.Type, e.Source)
			}
		}
		if of := w.ordering.Order(id); !reflect.DeepEqual(of, o) {
			return fmt.Errorf("order %s: ordering-core has %+v, the web apps %+v", id, of, o)
		}
		if of := w.core.Order(id); !reflect.DeepEqual(of, o) {
			return fmt.Errorf("order %s: payments-core has %+v, the web apps %+v", id, of, o)
		}
	}
	return nil
}
