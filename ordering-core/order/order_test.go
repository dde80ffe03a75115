package order_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign.example/ordering-core/order"
	"countersign.example/ordering-core/orderview"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema/schematest"
)

const (
	orderID    = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a00"
	drillID    = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a01"
	customerID = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a02"
	paymentID  = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a03"
	otherID    = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a04"
	sawID      = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a05"
)

var (
	domain = schematest.Of(order.Types(), order.Decode, `1250`, `[]`, `"2026-11-24T09:30:00+01:00"`, `"2026/11/000042"`)
	t0     = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	ada    = event.Meta{Actor: "ada", ActorName: "Ada Nowak"}
	mia    = event.Meta{Actor: "mia", ActorName: "Mia Weber"}
	drill  = order.Product{ID: drillID, SKU: "DR-18", Name: "Cordless drill", Price: eur(129_00)}
	saw    = order.Product{ID: sawID, SKU: "SA-7", Name: "Saw", Price: eur(45_50)}
	shelf  = map[string]order.Product{drillID: drill, sawID: saw}
)

func TestDecoderAndSchemasAgree(t *testing.T) { domain.Run(t) }

func FuzzDecode(f *testing.F) { domain.Fuzz(f) }

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

// history numbers bodies as ordering-core does, a minute apart.
func history(by event.Meta, bodies ...order.Body) (entries []order.Entry) {
	return more(nil, by, bodies...)
}

func more(entries []order.Entry, by event.Meta, bodies ...order.Body) []order.Entry {
	entries = entries[:len(entries):len(entries)]
	for _, b := range bodies {
		e := order.New(order.Source, orderID, b)
		e.Sequence, e.Time, e.Meta = int64(len(entries)+1), t0.Add(time.Duration(len(entries))*time.Minute), by
		entries = append(entries, order.Entry{Event: e, Confirmed: true})
	}
	return entries
}

func added(p order.Product, n int64) order.ItemAdded {
	return order.ItemAdded{ProductID: p.ID, SKU: p.SKU, Name: p.Name, Price: p.Price, Quantity: n}
}

// frozen is what two drills freeze.
func frozen() order.Submitted {
	return order.Submitted{
		Number: "2026/11/000042", ContractorID: "ada", CustomerID: customerID, CustomerName: "Hotel Sonne",
		Lines:    []order.Line{{ProductID: drillID, SKU: "DR-18", Name: "Cordless drill", Price: eur(129_00), Quantity: 2, Total: eur(258_00)}},
		Subtotal: eur(258_00), Total: eur(258_00), ExpiresAt: t0.Add(24 * time.Hour),
	}
}

func draft(bodies ...order.Body) []order.Entry {
	return history(ada, append([]order.Body{order.Draft(orderID, "ada")}, bodies...)...)
}

func full() []order.Entry {
	return draft(added(drill, 2), order.CustomerChosen{CustomerID: customerID, Name: "Hotel Sonne"})
}

// states are an order of two drills in every state, by its history.
func states() map[order.State][]order.Entry {
	submitted := more(full(), ada, frozen())
	return map[order.State][]order.Entry{
		order.StateNone: nil, order.StateDraft: full(), order.StateSubmitted: submitted,
		order.StatePaid:      more(submitted, event.Meta{}, order.Paid{PaymentID: paymentID}),
		order.StateExpired:   more(submitted, event.Meta{}, order.Expired{}),
		order.StateCancelled: more(submitted, mia, order.Cancelled{Reason: "moved away", By: order.ByManager}),
	}
}

func given(entries []order.Entry) order.Order {
	o, _ := order.Fold(entries)
	return o
}

func codeOf(err error) order.Code {
	var refusal *order.Refusal
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// Each command from each state: "" where it is allowed.
func TestCommandsFromEachState(t *testing.T) {
	none, draft, submitted, paid, expired, cancelled := order.StateNone, order.StateDraft, order.StateSubmitted,
		order.StatePaid, order.StateExpired, order.StateCancelled
	edit := map[order.State]order.Code{none: order.NotDrafted, draft: "", submitted: order.WrongState, paid: order.WrongState, expired: order.WrongState, cancelled: order.WrongState}
	end := map[order.State]order.Code{none: order.NotDrafted, draft: "", submitted: "", paid: order.WrongState, expired: order.WrongState, cancelled: order.WrongState}
	for name, test := range map[string]struct {
		run  func(order.Order) (order.Body, error)
		want map[order.State]order.Code
	}{
		"add":      {func(o order.Order) (order.Body, error) { return o.Add(drill, 1) }, edit},
		"remove":   {func(o order.Order) (order.Body, error) { return o.Remove(drillID, 1) }, edit},
		"customer": {func(o order.Order) (order.Body, error) { return o.ChooseCustomer(customerID, "Hotel Sonne", false) }, edit},
		"discount": {func(o order.Order) (order.Body, error) { return o.SetDiscount(1250) }, edit},
		"reset":    {func(o order.Order) (order.Body, error) { return o.ResetDiscount() }, edit},
		"submit": {func(o order.Order) (order.Body, error) {
			return o.Submit(order.Submission{Sequence: o.Sequence, Total: o.Total, Current: shelf, Number: "2026/11/000042", ExpiresAt: t0})
		}, edit},
		"pay": {func(o order.Order) (order.Body, error) { return o.Pay(otherID, eur(258_00), "ada") },
			map[order.State]order.Code{none: order.NotDrafted, draft: order.NotSubmitted, submitted: "", paid: order.WrongState, expired: order.WrongState, cancelled: order.WrongState}},
		"expire": {func(o order.Order) (order.Body, error) { return o.Expire("") }, end},
		"cancel": {func(o order.Order) (order.Body, error) { return o.Cancel("", order.ByContractor) }, end},
		"refuse": {func(o order.Order) (order.Body, error) { return o.RefusePayment(otherID, "not now") },
			map[order.State]order.Code{}},
	} {
		for state, entries := range states() {
			o := given(entries)
			body, err := test.run(o)
			if (err == nil) != (test.want[state] == "") || codeOf(err) != test.want[state] {
				t.Errorf("%s when %q: %v, want %q", name, state, err, test.want[state])
			}
			if err != nil {
				if strings.TrimSpace(err.Error()) == "" {
					t.Errorf("%s when %q is refused without words", name, state)
				}
				continue
			}
			if _, steps := order.Fold(more(entries, ada, body)); !steps[len(steps)-1].Effect {
				t.Errorf("%s when %q: the event has no effect: %v", name, state, steps[len(steps)-1].Refusal)
			}
		}
	}
}

func TestRemovingOneOfTwoLeavesOne(t *testing.T) {
	o := given(more(full(), ada, order.ItemRemoved{ProductID: drillID, Quantity: 1}))
	if line, _ := o.Line(drillID); line.Quantity != 1 || o.Total != eur(129_00) {
		t.Errorf("left %v, %s", o.Lines, o.Total)
	}
	if _, err := o.Remove(drillID, 2); codeOf(err) != order.NotThatMany {
		t.Errorf("removing two of one: %v", err)
	}
	if o = given(more(full(), ada, order.ItemRemoved{ProductID: drillID, Quantity: 2})); len(o.Lines) != 0 || !o.Total.IsZero() {
		t.Errorf("left %v, %s", o.Lines, o.Total)
	}
}

func TestBadInputIsRefused(t *testing.T) {
	o := given(full())
	yen, gone, dear := saw, saw, saw
	yen.Price, gone.Archived, dear.Price = money.Amount{Minor: 5, Currency: "JPY"}, true, eur(money.Max)
	for name, test := range map[string]struct {
		run  func() (order.Body, error)
		want order.Code
	}{
		"none of it":           {func() (order.Body, error) { return o.Add(drill, 0) }, order.Invalid},
		"a negative quantity":  {func() (order.Body, error) { return o.Add(drill, -1) }, order.Invalid},
		"a billion":            {func() (order.Body, error) { return o.Add(drill, 1_000_000_000) }, order.Invalid},
		"the largest integer":  {func() (order.Body, error) { return o.Remove(drillID, math.MaxInt64) }, order.Invalid},
		"a million more":       {func() (order.Body, error) { return o.Add(drill, order.MaxQuantity) }, order.TooMuch},
		"a fortune":            {func() (order.Body, error) { return o.Add(dear, 1_000_000) }, order.TooMuch},
		"another currency":     {func() (order.Body, error) { return o.Add(yen, 1) }, order.CurrencyDiffers},
		"an archived product":  {func() (order.Body, error) { return o.Add(gone, 1) }, order.Archived},
		"an archived customer": {func() (order.Body, error) { return o.ChooseCustomer(otherID, "Meyer", true) }, order.Archived},
		"no customer":          {func() (order.Body, error) { return o.ChooseCustomer("", "", false) }, order.Invalid},
		"a discount of 0":      {func() (order.Body, error) { return o.SetDiscount(0) }, order.Invalid},
		"of everything":        {func() (order.Body, error) { return o.SetDiscount(10_000) }, order.Invalid},
		"a manager's silence":  {func() (order.Body, error) { return o.Cancel(" ", order.ByManager) }, order.Invalid},
		"too long a reason":    {func() (order.Body, error) { return o.Cancel(strings.Repeat("x", 2001), order.ByManager) }, order.Invalid},
	} {
		if _, err := test.run(); codeOf(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestSubmitFreezesWhatThePersonSaw(t *testing.T) {
	o := given(more(full(), mia, order.DiscountSet{BasisPoints: 1250}))
	good := order.Submission{Sequence: o.Sequence, Total: eur(225_75), Current: shelf, Number: "2026/11/000042", ExpiresAt: t0}
	body, err := o.Submit(good)
	if err != nil || body.Subtotal != eur(258_00) || body.Total != eur(225_75) || body.BasisPoints != 1250 {
		t.Fatalf("submitted %+v, %v", body, err)
	}
	dearer, archived := drill, drill
	dearer.Price, archived.Archived = eur(150_00), true
	for name, test := range map[string]struct {
		change func(*order.Order, *order.Submission)
		want   order.Code
	}{
		"an older version":   {func(_ *order.Order, s *order.Submission) { s.Sequence-- }, order.StaleVersion},
		"another total":      {func(_ *order.Order, s *order.Submission) { s.Total.Minor++ }, order.TotalDiffers},
		"another price":      {func(_ *order.Order, s *order.Submission) { s.Current = map[string]order.Product{drillID: dearer} }, order.TotalDiffers},
		"an archived one":    {func(_ *order.Order, s *order.Submission) { s.Current = map[string]order.Product{drillID: archived} }, order.Archived},
		"an unknown product": {func(_ *order.Order, s *order.Submission) { s.Current = nil }, order.Archived},
		"no line":            {func(o *order.Order, _ *order.Submission) { o.Lines = nil }, order.NeedsLine},
		"no customer":        {func(o *order.Order, _ *order.Submission) { o.CustomerID = "" }, order.NeedsCustomer},
	} {
		changed, s := o, good
		test.change(&changed, &s)
		if _, err := changed.Submit(s); codeOf(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	var refusal *order.Refusal
	good.Current = map[string]order.Product{drillID: dearer}
	if _, err = o.Submit(good); !errors.As(err, &refusal) || refusal.Seen != eur(225_75) || refusal.Now != eur(262_50) {
		t.Errorf("another price: %+v", refusal)
	}
	quoted, err := order.Quote(o.Lines, good.Current, o.BasisPoints)
	if err != nil || quoted.Lines[0].Was != eur(129_00) || quoted.Lines[0].Price != eur(150_00) || quoted.Total != refusal.Now {
		t.Errorf("quoted %+v, %v", quoted, err)
	}
	cheap := given(draft(added(order.Product{ID: sawID, SKU: "S", Name: "Screw", Price: eur(1)}, 1),
		order.CustomerChosen{CustomerID: customerID, Name: "Sonne"}, order.DiscountSet{BasisPoints: 9999}))
	screw := order.Product{ID: sawID, Price: eur(1)}
	if _, err := cheap.Submit(order.Submission{Sequence: cheap.Sequence, Total: cheap.Total, Current: map[string]order.Product{sawID: screw}}); codeOf(err) != order.TotalTooSmall {
		t.Errorf("a total of nothing: %v", err)
	}
}

func TestPayTakesTheWholeTotalOnceFromItsContractor(t *testing.T) {
	o := given(states()[order.StateSubmitted])
	for name, test := range map[string]struct {
		amount     money.Amount
		contractor string
		want       order.Code
	}{
		"all of it": {eur(258_00), "ada", ""}, "less": {eur(257_99), "ada", order.AmountDiffers}, "more": {eur(258_01), "ada", order.AmountDiffers},
		"another currency": {money.Amount{Minor: 258_00, Currency: "USD"}, "ada", order.AmountDiffers}, "another's": {eur(258_00), "ben", order.ContractorDiffers},
	} {
		if _, err := o.Pay(paymentID, test.amount, test.contractor); codeOf(err) != test.want {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if _, err := given(states()[order.StatePaid]).RefusePayment(paymentID, "late"); codeOf(err) != order.AlreadyRefused {
		t.Errorf("refusing the one that paid: %v", err)
	}
	refused := given(more(states()[order.StateSubmitted], event.Meta{}, order.PaymentRefused{PaymentID: paymentID, Reason: "late"}))
	if _, err := refused.Pay(paymentID, eur(258_00), "ada"); codeOf(err) != order.AlreadyRefused {
		t.Errorf("paying by a refused one: %v", err)
	}
	if _, err := refused.RefusePayment(paymentID, "late"); codeOf(err) != order.AlreadyRefused {
		t.Errorf("refusing twice: %v", err)
	}
}

func TestAPaymentIsRefusedForAnOrderThatIsDraftedLater(t *testing.T) {
	o := given(history(ada, order.PaymentRefused{PaymentID: paymentID, Reason: "no such order"}, order.Draft(orderID, "ada")))
	if o.State != order.StateDraft || o.Sequence != 2 || len(o.Refused) != 1 {
		t.Errorf("%+v", o)
	}
}

func TestEventsThatDoNotCountHaveNoEffect(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*order.Entry)
		want   order.Code
	}{
		"another service's": {func(e *order.Entry) { e.Source = "/contractor-ui" }, order.OtherWriter},
		"received again":    {func(e *order.Entry) { e.Sequence-- }, order.OutOfSequence},
		"after a gap":       {func(e *order.Entry) { e.Sequence++ }, order.OutOfSequence},
		"without a number":  {func(e *order.Entry) { e.Sequence = 0 }, order.OutOfSequence},
		"unknown":           {func(e *order.Entry) { e.Type = "order_blessed" }, order.UnknownType},
		"unreadable":        {func(e *order.Entry) { e.Data = []byte(`{}`) }, order.InvalidEvent},
	} {
		entries := more(full(), ada, frozen())
		test.change(&entries[len(entries)-1])
		o, steps := order.Fold(entries)
		last := steps[len(steps)-1]
		if last.Effect || last.Refusal.Code != test.want || o.State != order.StateDraft || orderview.StepText(last) == "" {
			t.Errorf("%s: %+v, %s", name, last.Refusal, o.State)
		}
	}
	for name, change := range map[string]func(*order.Submitted){
		"another total":        func(b *order.Submitted) { b.Total.Minor-- },
		"another subtotal":     func(b *order.Submitted) { b.Subtotal.Minor-- },
		"another line's":       func(b *order.Submitted) { b.Lines[0].Total.Minor-- },
		"another discount":     func(b *order.Submitted) { b.BasisPoints = 1 },
		"another contractor's": func(b *order.Submitted) { b.ContractorID = "ben" },
	} {
		b := frozen()
		change(&b)
		if o := given(more(full(), ada, b)); o.State != order.StateDraft {
			t.Errorf("%s was submitted", name)
		}
	}
}

func TestParsePercent(t *testing.T) {
	for text, want := range map[string]int64{"12.5": 1250, " 12.5 % ": 1250, "0.01": 1, "99.99": 9999, "33.330": 3333, "007": 700, "5%": 500} {
		if got, err := order.ParsePercent(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "%", "0", "0.00", "100", "-5", "33.333", "12,5", "1e1", "a", ".5", "5.", "1.2.3", "+5", "٥", strings.Repeat("9", 1000)} {
		if got, err := order.ParsePercent(text); codeOf(err) != order.Invalid || err.Error() == "" {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	if got := order.Percent(1250) + order.Percent(500) + order.Percent(1); got != "12.5%5%0.01%" {
		t.Error(got)
	}
}

// The discount is that of unbounded integers, for any amount there is.
func TestDiscountIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor, points := rapid.Int64Range(0, math.MaxInt64).Draw(t, "minor"), rapid.Int64Range(0, order.MaxBasisPoints).Draw(t, "basis points")
		exact := new(big.Int).Mul(big.NewInt(minor), big.NewInt(points))
		exact.Div(exact.Add(exact, big.NewInt(5_000)), big.NewInt(10_000))
		if got := order.DiscountOf(eur(minor), points); got.Minor != exact.Int64() {
			t.Fatalf("%d, want %s", got.Minor, exact)
		}
	})
}

func TestDiscountRoundsHalfUp(t *testing.T) {
	for _, test := range []struct{ minor, points, want int64 }{
		{1, 4999, 0}, {1, 5000, 1}, {3, 5000, 2}, {258_00, 1250, 32_25}, {100, 1, 0}, {5_000, 1, 1}, {money.Max, 9999, 99_989_999_999}, {-5, 5000, 0}, {5, 0, 0},
	} {
		if got := order.DiscountOf(eur(test.minor), test.points); got != eur(test.want) {
			t.Errorf("%d at %d: %s, want %d", test.minor, test.points, got, test.want)
		}
	}
}
