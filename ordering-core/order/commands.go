package order

import (
	"fmt"
	"time"
	"unicode/utf8"

	"countersign.example/pkg/money"
	"countersign.example/pkg/schema"
	"countersign.example/pkg/text"
)

// Commands answer with the body of the event to write, or with a *Refusal as the error.
// They change nothing: the event does, once it is in the journal.

// Draft begins an order. That the id is a UUID nobody has used is for the caller to see to.
func Draft(id, contractorID string) Drafted { return Drafted{OrderID: id, ContractorID: contractorID} }

// Add puts so many of a product into the draft, at its price of now.
func (o Order) Add(p Product, quantity int64) (ItemAdded, error) {
	body := ItemAdded{ProductID: p.ID, SKU: p.SKU, Name: p.Name, Price: p.Price, Quantity: quantity}
	if refusal := o.editable(TypeItemAdded); refusal != nil {
		return ItemAdded{}, refusal
	}
	if refusal := wrongQuantity(TypeItemAdded, quantity); refusal != nil {
		return ItemAdded{}, refusal
	}
	if p.Archived {
		return ItemAdded{}, refused(Archived, TypeItemAdded, p.Name+" cannot be ordered any more")
	}
	return checked(o, body, nil)
}

// Remove takes so many of a product out of the draft: one of two leaves one.
func (o Order) Remove(productID string, quantity int64) (ItemRemoved, error) {
	if refusal := o.editable(TypeItemRemoved); refusal != nil {
		return ItemRemoved{}, refusal
	}
	if refusal := wrongQuantity(TypeItemRemoved, quantity); refusal != nil {
		return ItemRemoved{}, refusal
	}
	return checked(o, ItemRemoved{ProductID: productID, Quantity: quantity}, nil)
}

// ChooseCustomer says for whom the order is.
func (o Order) ChooseCustomer(id, name string, archived bool) (CustomerChosen, error) {
	var wrong *Refusal
	switch {
	case !schema.IsID(id):
		wrong = invalid(TypeCustomerChosen, "customer_id", "Choose a customer from the list.")
	case archived:
		wrong = refused(Archived, TypeCustomerChosen, name+" cannot be chosen any more")
	}
	return checked(o, CustomerChosen{CustomerID: id, Name: name}, wrong)
}

// SetDiscount gives a discount, in hundredths of a percent, in place of the one before.
func (o Order) SetDiscount(basisPoints int64) (DiscountSet, error) {
	var wrong *Refusal
	if basisPoints < 1 || basisPoints > MaxBasisPoints {
		wrong = invalid(TypeDiscountSet, "basis_points", "Enter a discount above 0 and below 100 percent.")
	}
	return checked(o, DiscountSet{BasisPoints: basisPoints}, wrong)
}

// ResetDiscount takes the discount away. There need not be one.
func (o Order) ResetDiscount() (DiscountReset, error) { return checked(o, DiscountReset{}, nil) }

// Submission is what a person submits: the version and the total that they saw, and what
// the writer knows.
type Submission struct {
	Sequence  int64
	Total     money.Amount
	Current   map[string]Product
	Number    string
	ExpiresAt time.Time
}

// Submit freezes the order at the prices of now, if that is what the person saw.
func (o Order) Submit(s Submission) (Submitted, error) {
	none := Submitted{}
	if refusal := o.editable(TypeSubmitted); refusal != nil {
		return none, refusal
	}
	switch {
	case s.Sequence != o.Sequence:
		return none, refused(StaleVersion, TypeSubmitted, "the order has changed since you looked at it")
	case len(o.Lines) == 0:
		return none, refused(NeedsLine, TypeSubmitted, "add a product first")
	case o.CustomerID == "":
		return none, refused(NeedsCustomer, TypeSubmitted, "choose a customer first")
	}
	quoted, err := Quote(o.Lines, s.Current, o.BasisPoints)
	if err != nil {
		return none, err
	}
	lines := make([]Line, len(quoted.Lines))
	for i, l := range quoted.Lines {
		if l.Archived {
			return none, refused(Archived, TypeSubmitted, l.Name+" cannot be ordered any more: remove it")
		}
		lines[i] = l.Line
	}
	if quoted.Total != s.Total {
		r := refused(TotalDiffers, TypeSubmitted, fmt.Sprintf("the total is %s now, and you saw %s", quoted.Total, s.Total))
		r.Seen, r.Now = s.Total, quoted.Total
		return none, r
	}
	if quoted.Total.Minor < 1 {
		return none, refused(TotalTooSmall, TypeSubmitted, "there is nothing left to pay")
	}
	return checked(o, Submitted{
		Number: s.Number, ContractorID: o.ContractorID, CustomerID: o.CustomerID, CustomerName: o.CustomerName, Lines: lines,
		BasisPoints: o.BasisPoints, Subtotal: quoted.Subtotal, Total: quoted.Total, ExpiresAt: s.ExpiresAt.UTC().Truncate(time.Microsecond), // what databases keep
	}, nil)
}

// Pay marks the order paid by a captured payment: the whole total, for the order's own
// contractor, once.
func (o Order) Pay(paymentID string, amount money.Amount, contractorID string) (Paid, error) {
	var wrong *Refusal
	switch {
	case contractorID != o.ContractorID:
		wrong = refused(ContractorDiffers, TypePaid, "the order is another contractor's")
	case amount != o.Total:
		wrong = refused(AmountDiffers, TypePaid, fmt.Sprintf("the payment is of %s, and the order of %s", amount, o.Total))
	}
	return checked(o, Paid{PaymentID: paymentID}, wrong)
}

// Expire ends an order whose time is up.
func (o Order) Expire(reason string) (Expired, error) {
	reason, wrong := cleanText(TypeExpired, reason, "")
	return checked(o, Expired{Reason: reason}, wrong)
}

// Cancel ends an order that is wanted no more, by ByContractor or ByManager. A manager says why.
func (o Order) Cancel(reason, by string) (Cancelled, error) {
	missing := ""
	if by == ByManager {
		missing = "Say why, for the contractor to read."
	}
	reason, wrong := cleanText(TypeCancelled, reason, missing)
	if by != ByContractor && by != ByManager {
		wrong = &Refusal{Code: NotAllowed, Tried: TypeCancelled}
	}
	return checked(o, Cancelled{Reason: reason, By: by}, wrong)
}

// RefusePayment says that a captured payment cannot pay this order, which may be one that
// nobody drafted.
func (o Order) RefusePayment(paymentID, reason string) (PaymentRefused, error) {
	reason, wrong := cleanText(TypePaymentRefused, reason, "Say why.")
	return checked(o, PaymentRefused{PaymentID: paymentID, Reason: reason}, wrong)
}

// checked answers with body if the rules allow it now. What already happened is told
// before what is wrong with the input.
func checked[B Body](o Order, body B, wrong *Refusal) (B, error) {
	var none B
	if refusal := o.refuses(body, ""); refusal != nil {
		return none, refusal
	}
	if wrong != nil {
		return none, wrong
	}
	return body, nil
}

// editable tells why the order is not a draft.
func (o Order) editable(tried string) *Refusal {
	switch {
	case !o.Exists():
		return &Refusal{Code: NotDrafted, Tried: tried}
	case o.State != StateDraft:
		return o.inTheWay(tried)
	}
	return nil
}

func wrongQuantity(tried string, quantity int64) *Refusal {
	if quantity < 1 || quantity > MaxQuantity {
		return invalid(tried, "quantity", "Enter a quantity from 1 to 1,000,000.")
	}
	return nil
}

// cleanText is what is kept of a reason (see package text), or a refusal of what cannot be kept. missing is what to say if there is
// none; "" if there may be none.
func cleanText(tried, typed, missing string) (string, *Refusal) {
	kept, wrong := text.Lines(typed)
	switch n := utf8.RuneCountInString(kept); {
	case wrong != "":
		return "", invalid(tried, "reason", wrong.Message())
	case n > MaxText:
		return "", invalid(tried, "reason", fmt.Sprintf("Write 2,000 characters at most (these are %d).", n))
	case n == 0 && missing != "":
		return "", invalid(tried, "reason", missing)
	}
	return kept, nil
}
