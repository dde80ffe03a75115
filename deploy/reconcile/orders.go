package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/wait"
)

// fact is what an order, or one of its payments, says about money.
type fact struct {
	Order   string
	State   *orderFact // nil of a payment
	Payment *paymentFact
}

type orderFact struct {
	State  order.State
	Total  money.Amount
	PaidBy string
}

type paymentFact struct {
	ID                                       string
	Authorized, Captured, Released, Refunded money.Amount
	Asked                                    bool // something is open at the gateway
}

func compareFacts(a, b fact) int {
	return cmp.Or(strings.Compare(a.Order, b.Order), strings.Compare(idOf(a), idOf(b)))
}

// idOf is a payment's id, or nothing of an order, which comes first.
func idOf(f fact) string {
	if f.Payment == nil {
		return ""
	}
	return f.Payment.ID
}

func factOf(p payment.Payment) *paymentFact {
	return &paymentFact{ID: p.ID, Authorized: p.AuthorizedAmount, Captured: p.CapturedAmount, Released: p.ReleasedAmount, Refunded: p.RefundedAmount}
}

const lookAtOrder = "compare the order's and the payments' timelines; see the log of ordering-core and of payments-core, which receive these events"

// order compares an order by what the topic says, and in the copies.
func (s *stream) order(id string, agreed []aggregate.Entry, writer *inService) error {
	is, steps := order.Fold(agreed)
	s.report.Compared.Orders++
	for i, step := range steps {
		switch e := step.Entry; {
		case e.Sequence != int64(i+1):
			s.differ(Order, "topics", lookAtOrder, "%s of order %s has the sequence %d, and is number %d", e.Type, id, e.Sequence, i+1)
		case !step.Effect:
			s.differ(Order, "topics", lookAtOrder, "%s of order %s had no effect, and its one writer wrote it", e.Type, id)
		}
	}
	if is.Number != "" {
		s.frozen(id, is)
	}
	fold := func(of *inService) order.Order {
		if of.has(agreed) {
			return is
		}
		folded, _ := order.Fold(of.entries)
		return folded
	}
	for _, of := range s.copies(ContractorUI, ManagerUI) {
		s.copied(of, orderRow(fold(of)), "number", "state", "currency", "sequence")
	}
	// Numbers are given in the journal's transaction: there is no gap in what one snapshot has of them.
	if number := fold(writer).Number; number != "" {
		if err := s.numbers.add(number, 50); err != nil {
			return err
		}
	}
	return s.facts.add(fact{Order: id, State: &orderFact{is.State, is.Total, is.PaidBy}}, 200)
}

// frozen checks that a submitted order's total is that of its lines, less the discount, rounded half up.
func (s *stream) frozen(id string, is order.Order) {
	var subtotal int64
	for _, line := range is.Lines {
		if line.Total.Minor != line.Price.Minor*line.Quantity {
			s.differ(Order, "topics", lookAtOrder, "in order %s, %d of %s at %s come to %s", id, line.Quantity, line.SKU, line.Price, line.Total)
		}
		subtotal += line.Total.Minor
	}
	total := subtotal - (subtotal*is.BasisPoints+5_000)/10_000
	if is.Subtotal.Minor != subtotal || is.Total.Minor != total || len(is.Lines) == 0 {
		s.differ(Order, "topics", lookAtOrder, "the lines of order %s come to %d, and %d less %d basis points; it says %s and %s",
			id, subtotal, total, is.BasisPoints, is.Subtotal, is.Total)
	}
}

// orders compares the orders with the money of their payments, and their numbers.
func (r *run) orders(ctx context.Context) error {
	facts, err := newCursor(r.facts.sorted(), func(f fact) string { return f.Order })
	defer facts.close()
	for err == nil && facts.more {
		id := facts.head.Order
		var of []fact
		if of, err = facts.take(id); err != nil {
			break
		}
		switch wrong := compareMoney(id, of); {
		case len(wrong) > 0 && len(r.suspects) < mostSuspects:
			r.suspects = append(r.suspects, id)
		case len(wrong) > 0:
			r.differMoney(wrong)
		}
	}
	if err != nil {
		return fmt.Errorf("read what was sorted: %w", err)
	}
	if err := r.gaps(); err != nil {
		return err
	}
	return r.awaitMoney(ctx)
}

// gaps reports the first number that is missing, or there twice, of each month.
func (r *run) gaps() error {
	month, n, wrong := "", 0, false
	for number, err := range r.numbers.sorted() {
		if err != nil {
			return fmt.Errorf("read what was sorted: %w", err)
		}
		if m := number[:strings.LastIndex(number, "/")+1]; m != month {
			month, n, wrong = m, 0, false
		}
		n++
		if want := fmt.Sprintf("%s%06d", month, n); number != want && !wrong {
			wrong = true
			r.differ(Order, OrderingCore, lookAtOrder, "an order has the number %s, where %s comes next", number, want)
		}
	}
	return nil
}

// compareMoney says what does not fit between an order and its payments.
func compareMoney(id string, facts []fact) (wrong []string) {
	var is orderFact
	var kept []string
	for _, f := range facts {
		if f.State != nil {
			is = *f.State
		}
	}
	for _, f := range facts {
		p := f.Payment
		if p == nil {
			continue
		}
		held := p.Authorized.Minor - p.Captured.Minor - p.Released.Minor
		keeps := p.Captured.Minor - p.Refunded.Minor
		if (is.State == order.StateExpired || is.State == order.StateCancelled) && (held > 0 || keeps > 0) {
			wrong = append(wrong, fmt.Sprintf("order %s is %s, and its payment %s holds %d and keeps %d (minor units)", id, is.State, p.ID, max(held, 0), keeps))
		} else if keeps > 0 {
			kept = append(kept, p.ID)
			if p.Captured != is.Total || p.Refunded.Minor > 0 {
				wrong = append(wrong, fmt.Sprintf("order %s comes to %s, and its payment %s keeps %s less %s", id, is.Total, p.ID, p.Captured, p.Refunded))
			}
		}
	}
	switch paid := is.State == order.StatePaid; {
	case paid && (len(kept) != 1 || kept[0] != is.PaidBy):
		wrong = append(wrong, fmt.Sprintf("order %s was paid by %s, and money is kept by %v", id, is.PaidBy, kept))
	case !paid && len(kept) > 0:
		wrong = append(wrong, fmt.Sprintf("order %s is not paid (%q), and money is kept by %v", id, is.State, kept))
	}
	return wrong
}

const (
	// rechecked is how many orders, or keys of the gateway, are looked at at once.
	rechecked = 500
	// mostSuspects bounds how many orders are looked at again: more are not under way at once.
	mostSuspects = 10_000
)

func (r *run) differMoney(wrong []string) {
	for _, what := range wrong {
		r.differ(OrderMoney, "ordering-core and payments-core", lookAtOrder, "%s", what)
	}
}

// awaitMoney looks again at what may be on its way between the cores, or at the gateway, until it has
// arrived.
func (r *run) awaitMoney(ctx context.Context) error {
	if err := r.outOfSnapshot(ctx); err != nil {
		return err
	}
	since := time.Now()
	for len(r.suspects) > 0 {
		last := time.Since(since) > r.Patience
		var left []string
		asked := 0
		for ids := range slices.Chunk(r.suspects, rechecked) {
			facts, err := r.factsNow(ctx, ids)
			if err != nil {
				return err
			}
			for _, id := range ids {
				wrong := compareMoney(id, facts[id])
				if len(wrong) == 0 {
					continue
				}
				if slices.ContainsFunc(facts[id], func(f fact) bool { return f.Payment != nil && f.Payment.Asked }) {
					asked++
					left = append(left, id)
					continue
				}
				if left = append(left, id); last {
					r.differMoney(wrong)
				}
			}
		}
		// What the gateway is asked for at last is under way, however long that takes.
		if last || len(left) == asked {
			r.report.UnderWay = asked
			return nil
		}
		if len(left) < len(r.suspects) {
			since = time.Now()
		}
		r.suspects = left
		r.progress("the money of %d orders may be under way, and is looked at again", len(left))
		if !wait.Sleep(ctx, retryInterval) {
			return ctx.Err()
		}
	}
	return nil
}

// outOfSnapshot has the cores' databases read as they are now.
func (r *run) outOfSnapshot(ctx context.Context) error {
	for _, s := range r.services {
		if s.name == PaymentsCore || s.name == OrderingCore {
			if _, err := s.rows.Exec(ctx, "commit"); err != nil {
				return fmt.Errorf("read the database of %s: %w", s.name, err)
			}
		}
	}
	return nil
}

func (r *run) named(name string) *service {
	return r.services[slices.IndexFunc(r.services, func(s *service) bool { return s.name == name })]
}

// factsNow reads orders and their payments from the cores' journals, as they are now.
func (r *run) factsNow(ctx context.Context, ids []string) (map[string][]fact, error) {
	core, ordering := r.named(PaymentsCore).rows, r.named(OrderingCore).rows
	facts := map[string][]fact{}
	fail := func(err error) (map[string][]fact, error) {
		return nil, fmt.Errorf("read orders and their payments: %w", err)
	}
	orders, err := entries(ctx, ordering, pg.Column(ids, order.Stream)...)
	if err != nil {
		return fail(err)
	}
	for _, id := range ids {
		is, _ := order.Fold(orders[order.Stream(id)])
		facts[id] = append(facts[id], fact{Order: id, State: &orderFact{is.State, is.Total, is.PaidBy}})
	}
	tx, err := core.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return fail(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	var id, stream string
	open, of := map[string]bool{}, map[string]string{}
	if err := pg.ForEach(ctx, core, []any{&id, &stream}, func() { of[stream] = id },
		"select process_id, stream from process_members where process_id = any($1) and starts_with(stream, $2)", ids, payment.Stream("")); err != nil {
		return fail(err)
	}
	streams := slices.Sorted(maps.Keys(of))
	if err := pg.ForEach(ctx, core, []any{&id}, func() { open[id] = true },
		"select payment_id from operations where state = 'open' and payment_id = any($1)",
		pg.Column(streams, func(stream string) string { return strings.TrimPrefix(stream, payment.Stream("")) })); err != nil {
		return fail(err)
	}
	payments, err := entries(ctx, core, streams...)
	if err != nil {
		return fail(err)
	}
	for _, stream := range streams {
		p, _ := payment.Fold(payments[stream])
		if p.OrderID != of[stream] {
			continue
		}
		says := factOf(p)
		says.Asked = open[p.ID]
		facts[p.OrderID] = append(facts[p.OrderID], fact{Order: p.OrderID, Payment: says})
	}
	return facts, nil
}
