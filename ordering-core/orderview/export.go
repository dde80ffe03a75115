package orderview

import (
	"time"

	"countersign.example/ordering-core/order"
	"countersign.example/pkg/text"
)

// ExportColumns are the columns of a file of orders.
var ExportColumns = []string{"ID", "Number", "Contractor ID", "Contractor", "Customer", "Total", "Currency", "State", "Created at", "Submitted at", "Pay by"}

// ExportCells are an order in such a file, as paymentview.ExportCells are a payment. A draft's total is what
// it costs at this moment.
func ExportCells(r Row, contractor string, minor int64) []string {
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	total, currency := "", ""
	if t := r.TotalOf(minor); t != nil {
		total, currency = t.Decimal(), t.Currency
	}
	payBy := ""
	if r.State == order.StateSubmitted {
		payBy = at(r.ExpiresAt)
	}
	return []string{
		r.ID, r.Number, r.ContractorID, text.Harmless(contractor), text.Harmless(r.CustomerName), total, currency, string(r.State),
		at(&r.DraftedAt), at(r.SubmittedAt), payBy,
	}
}
