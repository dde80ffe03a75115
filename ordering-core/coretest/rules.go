package coretest

import "countersign.example/ordering-core/internal/confirming"

// Payment is a payment as the process manager knows it, for the model in test/model.
type Payment = confirming.Payment

// What the process manager decides by.
var (
	Confirm     = confirming.Next
	FoldPayment = confirming.Fold
)
