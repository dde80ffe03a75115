package paymentview

import (
	"time"

	"countersign.example/pkg/money"
	"countersign.example/pkg/text"
)

// ExportColumns are the columns of a file of payments.
var ExportColumns = []string{
	"ID", "Reference", "Contractor", "Description", "Amount", "Currency", "Decision", "Money", "Requested at", "Decided at", "Decided by", "Order ID",
}

// ExportCells are a payment in such a file: times in UTC, amounts as plain numbers, and texts that no
// spreadsheet runs.
func ExportCells(r Row, amount money.Amount) []string {
	optional := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	decided := ""
	if r.DecidedAt != nil {
		decided = r.DecidedAt.UTC().Format(time.RFC3339)
	}
	return []string{
		r.ID, optional(r.Reference), text.Harmless(r.ContractorName), text.Harmless(r.Description), amount.Decimal(), amount.Currency,
		string(r.Decision), string(r.Money), r.RequestedAt.UTC().Format(time.RFC3339), decided, text.Harmless(r.DecidedByName), optional(r.OrderID),
	}
}
