package coretest

import (
	"countersign.example/payments-core/internal/operations"
	"countersign.example/payments-core/internal/releasing"
)

// The rules themselves, for the model of them in test/model.
type (
	Rules      = operations.Rules
	Next       = operations.Next
	History    = operations.History
	Operation  = operations.Operation
	Outcome    = operations.Outcome
	Settlement = operations.Settlement
	Order      = releasing.Order
)

// How far an operation is.
const (
	Open      = operations.Open
	Succeeded = operations.Succeeded
	Failed    = operations.Failed
)

// What is decided of an operation, and of a payment's order.
var (
	NewOperation = operations.NewOperation
	OutcomeOf    = operations.OutcomeOf
	RetryOf      = operations.RetryOf
	SettlementOf = operations.SettlementOf
	FoldOrder    = releasing.Fold
)
