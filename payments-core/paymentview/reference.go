package paymentview

import (
	"cmp"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/web"
)

// Titled is a title, or the words of a link, after the reference of the payment that it is about; of one
// without a reference, the words alone.
func Titled(reference, words string) string {
	if reference == "" {
		return words
	}
	return reference + " · " + words
}

// Called is the payment's reference; "" of one without.
func (r Row) Called() string {
	if r.Reference == nil {
		return ""
	}
	return *r.Reference
}

// Sought is what a search looks for where somebody typed this: a reference in its one spelling, or the text
// as it is.
func Sought(typed string) string {
	if reference, ok := payment.ReadReference(typed); ok {
		return reference
	}
	return typed
}

// Others links the payments that p asks again for, and that ask again for it, by their references; nil where
// there is none. find reads rows.
func Others(p payment.Payment, find func(ids []string) ([]Row, error)) (earlier, later *web.Link, err error) {
	var ids []string
	for _, other := range []struct {
		id, words string
		link      **web.Link
	}{{p.Supersedes, "an earlier payment", &earlier}, {p.SupersededBy, "a later payment", &later}} {
		if other.id != "" {
			*other.link, ids = &web.Link{Label: other.words, Href: "/payments/" + other.id}, append(ids, other.id)
		}
	}
	if ids == nil {
		return nil, nil, nil
	}
	rows, err := find(ids)
	for _, r := range rows {
		for _, link := range []*web.Link{earlier, later} {
			if link != nil && link.Href == "/payments/"+r.ID && r.ContractorID == p.ContractorID {
				link.Label = cmp.Or(r.Called(), link.Label)
			}
		}
	}
	return earlier, later, err
}
