package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
)

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

// newRun is a comparison of nothing yet.
func newRun(t *testing.T) *run {
	return &run{Config: Config{Most: DefaultMost, Progress: func(string) {}}, dir: t.TempDir(), report: Report{ByKind: map[Kind]int{}}}
}

// The folds let none of these come about, whatever is on the topic: that is checked all the same.
func TestSumsAndDecisionsThatCannotBe(t *testing.T) {
	sound := payment.Payment{Decision: payment.DecisionAccepted, Amount: eur(10), AuthorizedAmount: eur(10), CapturedAmount: eur(6), ReleasedAmount: eur(4), RefundedAmount: eur(6)}
	step := func(typ string) payment.Step {
		return payment.Step{Entry: payment.Entry{Event: event.Event{Type: typ}}, Effect: true}
	}
	for name, c := range map[string]struct {
		change func(*payment.Payment)
		steps  []string
		says   string
	}{
		"all is well":           {func(*payment.Payment) {}, []string{payment.TypeAccepted, payment.TypeReopened, payment.TypeRejected}, ""},
		"too much is captured":  {func(p *payment.Payment) { p.CapturedAmount = eur(7) }, nil, "10 EUR authorized"},
		"too much is refunded":  {func(p *payment.Payment) { p.RefundedAmount = eur(7) }, nil, "refunded"},
		"another currency":      {func(p *payment.Payment) { p.RefundedAmount.Currency = "USD" }, nil, "EUR and USD"},
		"two decisions":         {func(*payment.Payment) {}, []string{payment.TypeAccepted, payment.TypeRejected}, "payment_rejected of payment p took effect, and payment_accepted stood"},
		"reopened what was not": {func(*payment.Payment) {}, []string{payment.TypeReopened}, "was reopened"},
	} {
		s := stream{run: newRun(t)}
		p, steps := sound, []payment.Step{}
		c.change(&p)
		for _, typ := range c.steps {
			steps = append(steps, step(typ))
		}
		s.decisions("p", steps)
		s.sums("p", p)
		if got := fmt.Sprint(s.report.Differences); c.says == "" && s.report.Count > 0 || !strings.Contains(strings.ReplaceAll(got, "0.10", "10"), c.says) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestTotalsOfFrozenLines(t *testing.T) {
	sound := order.Order{BasisPoints: 1_000, Subtotal: eur(30), Total: eur(27), Lines: []order.Line{{SKU: "A", Quantity: 3, Price: eur(10), Total: eur(30)}}}
	for name, change := range map[string]func(*order.Order){
		"a line":     func(o *order.Order) { o.Lines = []order.Line{{SKU: "A", Quantity: 2, Price: eur(10), Total: eur(30)}} },
		"the total":  func(o *order.Order) { o.Total = eur(26) },
		"the lines":  func(o *order.Order) { o.Lines = nil },
		"everything": func(*order.Order) {},
	} {
		s := stream{run: newRun(t)}
		o := sound
		change(&o)
		if s.frozen("o", o); (s.report.Count == 0) != (name == "everything") {
			t.Errorf("%s: %v", name, s.report.Differences)
		}
	}
}

func TestMoneyOfOrders(t *testing.T) {
	kept := fact{Payment: &paymentFact{ID: "p", Authorized: eur(10), Captured: eur(10)}}
	held := fact{Payment: &paymentFact{ID: "q", Authorized: eur(10)}}
	other := fact{Payment: &paymentFact{ID: "r", Authorized: eur(9), Captured: eur(9)}}
	refunded := fact{Payment: &paymentFact{ID: "s", Authorized: eur(10), Captured: eur(10), Refunded: eur(10)}}
	is := func(state order.State, paidBy string) fact { return fact{State: &orderFact{state, eur(10), paidBy}} }
	for name, c := range map[string]struct {
		facts []fact
		wrong int
	}{
		"paid":                  {[]fact{is(order.StatePaid, "p"), kept, refunded}, 0},
		"paid with a hold":      {[]fact{is(order.StatePaid, "p"), kept, held}, 0},
		"paid by nothing":       {[]fact{is(order.StatePaid, "p")}, 1},
		"paid by another":       {[]fact{is(order.StatePaid, "x"), kept}, 1},
		"paid twice":            {[]fact{is(order.StatePaid, "p"), kept, other}, 2}, // and not its total
		"expired":               {[]fact{is(order.StateExpired, ""), refunded}, 0},
		"expired with a hold":   {[]fact{is(order.StateExpired, ""), held}, 1},
		"cancelled with money":  {[]fact{is(order.StateCancelled, ""), kept}, 1},
		"submitted with a hold": {[]fact{is(order.StateSubmitted, ""), held}, 0},
		"submitted with money":  {[]fact{is(order.StateSubmitted, ""), kept}, 1},
		"no order":              {[]fact{kept}, 2}, // its total is not that of nothing
	} {
		if wrong := compareMoney("o", c.facts); len(wrong) != c.wrong {
			t.Errorf("%s: %v", name, wrong)
		}
	}
}

func TestGapsOfNumbers(t *testing.T) {
	r := newRun(t)
	r.numbers = &sorter[string]{dir: r.dir, compare: strings.Compare}
	for _, number := range []string{"2026/12/000002", "2026/11/000001", "2026/11/000003", "2026/12/000001", "2026/11/000004", "2026/10/000001", "2026/10/000001"} {
		if err := r.numbers.add(number, runBytes/2); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.gaps(); err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprint(r.report.Differences)
	if r.report.Count != 2 || !strings.Contains(said, "2026/11/000003, where 2026/11/000002 comes next") || !strings.Contains(said, "2026/10/000001, where 2026/10/000002") {
		t.Error(said)
	}
}

// What comes out is what went in, in order, and equal items as they went in, in memory or in files.
func TestSorter(t *testing.T) {
	type item struct{ Key, N int }
	for _, size := range []int{1, runBytes / 100} {
		s := &sorter[item]{dir: t.TempDir(), compare: func(a, b item) int { return a.Key - b.Key }}
		var want []item
		for n := range 1_000 {
			i := item{n * 7919 % 50, n}
			want = append(want, i)
			if err := s.add(i, size); err != nil {
				t.Fatal(err)
			}
		}
		if files := len(s.files); (size == 1) != (files == 0) || files > 20 {
			t.Errorf("%d files", files)
		}
		slices.SortStableFunc(want, s.compare)
		var got []item
		for i, err := range s.sorted() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, i)
		}
		if !slices.Equal(got, want) {
			t.Errorf("size %d: %v", size, got)
		}
	}
}
