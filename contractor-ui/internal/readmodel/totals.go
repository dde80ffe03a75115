package readmodel

import (
	"context"

	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/readmodel"
)

// Totals is how a contractor stands.
type Totals struct {
	Waiting  []money.Amount // asked for, not decided
	Accepted []money.Amount // accepted, and on its way to the contractor
	PaidOut  []money.Amount
	Waits    int // how many are Waiting
}

// ReadTotals says what a contractor's payments come to. The function payment_part of the migrations has the
// rule by which each is counted.
func ReadTotals(ctx context.Context, db *pg.DB, contractor string) (Totals, error) {
	parts, err := readmodel.KeptSums(ctx, db, "payments", contractor)
	waiting := parts["waiting"]
	return Totals{Waiting: waiting.Amounts, Waits: waiting.Count, Accepted: parts["accepted"].Amounts, PaidOut: parts["paid out"].Amounts}, err
}
