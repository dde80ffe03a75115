package reconcile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

// copies are the services with rows of what a stream is about.
func (s *stream) copies(names ...string) []*inService {
	var copies []*inService
	for i := range s.of {
		if of := &s.of[i]; slices.Contains(names, of.name) && !of.differs {
			copies = append(copies, of)
		}
	}
	return copies
}

// copied compares a copy's row with what its journal says: columns that the copy has not are not compared,
// but for the needed ones. want is nil where there must be no row.
func (s *stream) copied(of *inService, want map[string]any, needed ...string) {
	do := fmt.Sprintf("`%s rebuild` makes the copy again from its journal", of.name)
	docs := of.docs(copyRow)
	switch {
	case want == nil && len(docs) == 0:
		return
	case want == nil:
		s.differ(Copy, of.name, do, "there is a row of %s, which its journal does not have", s.name)
		return
	case len(docs) == 0:
		s.differ(Copy, of.name, do, "there is no row of %s", s.name)
		return
	}
	var row map[string]any
	if err := json.Unmarshal(docs[0], &row); err != nil {
		s.differ(Copy, of.name, do, "its row of %s cannot be read: %v", s.name, err)
		return
	}
	want["revision"] = float64(of.revision())
	for _, column := range append(needed, "revision") {
		if _, ok := row[column]; !ok {
			s.differ(Copy, of.name, "migrate it", "its rows of %s have no column %s", s.name, column)
		}
	}
	var wrong []string
	for _, column := range slices.Sorted(maps.Keys(want)) {
		if value, ok := row[column]; ok && !same(value, want[column]) {
			wrong = append(wrong, fmt.Sprintf("%s is %v and must be %v", column, shown(value), shown(want[column])))
		}
	}
	if len(wrong) > 0 {
		s.differ(Copy, of.name, do, "its row of %s is not what its journal says: %s", s.name, strings.Join(wrong, ", "))
	}
}

func shown(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
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
	return event.Kept(at)
}

func paymentRow(p payment.Payment) map[string]any {
	if !p.Exists() {
		return nil
	}
	decided := p.Decided
	if p.Decision == payment.DecisionCancelled {
		decided = p.Cancelled
	}
	return map[string]any{
		"contractor_id": p.ContractorID, "contractor_name": p.ContractorName, "description": p.Description, "reference": orNull(p.Reference),
		"amount": float64(p.Amount.Minor), "amount_minor": float64(p.Amount.Minor), "currency": p.Amount.Currency,
		"capture_method": string(p.CaptureMethod), "decision": string(p.Decision), "money": string(p.Money), "final": p.Final, "stuck": string(p.Stuck),
		"supersedes": orNull(p.Supersedes), "order_id": orNull(p.OrderID), "decided_by_name": aggregate.NameOf(decided.By, decided.ByName),
		"requested_at": event.Kept(p.Requested.At), "updated_at": event.Kept(p.UpdatedAt), "decided_at": timeOrNull(decided.At), "pending": p.Pending,
	}
}

func orderRow(is order.Order) map[string]any {
	if !is.Exists() {
		return nil
	}
	row := map[string]any{
		"number": is.Number, "contractor_id": is.ContractorID, "contractor_name": is.ContractorName, "customer_name": is.CustomerName,
		"total": float64(is.Total.Minor), "total_minor": float64(is.Total.Minor), "currency": is.Total.Currency, "state": string(is.State),
		"drafted_at": event.Kept(is.Drafted.At), "submitted_at": timeOrNull(is.Submitted.At), "expires_at": timeOrNull(is.ExpiresAt),
		"updated_at": event.Kept(is.UpdatedAt), "sequence": float64(is.Sequence),
	}
	if is.State == order.StateDraft { // of which the version before wrote a total, and this one does not
		for _, column := range []string{"total", "total_minor", "currency"} {
			delete(row, column)
		}
	}
	return row
}

// catalogAndPeople compares the rows of a product, a customer or a person.
func (s *stream) catalogAndPeople() {
	if strings.HasPrefix(s.name, people.Stream("")) {
		for _, of := range s.copies(ManagerUI) {
			s.copied(of, personRow(people.Fold(of.entries)), "blocked")
		}
		return
	}
	for _, of := range s.copies(ContractorUI, ManagerUI) {
		s.copied(of, catalogRow(of.entries), "name", "archived", "sequence")
	}
}

func personRow(p people.Person) map[string]any {
	if !p.Exists() {
		return nil
	}
	return map[string]any{"person": p.ID, "name": p.Name, "address": p.Address, "blocked": p.Block.Done(),
		"sessions": float64(p.ByContractors.Sessions + p.ByManagers.Sessions), "seen_at": event.Kept(p.LastSeen())}
}

// catalogRow is the row that the events of a product or a customer lead to: the last one says the whole.
func catalogRow(entries []aggregate.Entry) map[string]any {
	want := map[string]any{"archived": false}
	known := false
	for _, e := range entries {
		body, err := catalog.Decode(e.Type, e.Data)
		if err != nil {
			continue
		}
		known, want["sequence"] = true, float64(e.Sequence)
		if strings.HasSuffix(body.EventType(), "_archived") {
			want["archived"] = true
			continue
		}
		var latest struct {
			Name, SKU, Email string
			Price            *money.Amount
		}
		if err := json.Unmarshal(e.Data, &latest); err != nil {
			continue
		}
		want["name"], want["sku"], want["email"] = latest.Name, latest.SKU, latest.Email
		if latest.Price != nil {
			want["price"], want["currency"] = float64(latest.Price.Minor), latest.Price.Currency
		}
	}
	if !known {
		return nil
	}
	return want
}
