package sandbox_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"

	"countersign.example/payments-core/gateway"
	"countersign.example/pkg/money"
)

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

// newRequest is the first request for a hold of a new payment.
func newRequest(amount money.Amount) gateway.Request {
	id := uuid.NewString()
	return gateway.Request{Key: id + ":authorize:1", PaymentID: id, Amount: amount, Description: "Ladders"}
}

// mustAuthorize gets a hold.
func mustAuthorize(tb testing.TB, g gateway.Gateway, r gateway.Request) gateway.Result {
	tb.Helper()
	return mustApprove(tb)(g.Authorize(tb.Context(), r))
}

// mustApprove takes the result of a call that must be approved.
func mustApprove(tb testing.TB) func(gateway.Result, error) gateway.Result {
	return func(result gateway.Result, err error) gateway.Result {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		if !result.Approved() {
			tb.Fatalf("refused: %+v", *result.Refusal)
		}
		return result
	}
}

// mustRefuse takes the result of a call that must be refused with the code.
func mustRefuse(tb testing.TB, code string) func(gateway.Result, error) gateway.Result {
	return func(result gateway.Result, err error) gateway.Result {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		if result.Approved() || result.Refusal.Code != code {
			tb.Fatalf("got %+v (%+v), want it refused with %s", result, result.Refusal, code)
		}
		return result
	}
}

func recordsOf(tb testing.TB, g gateway.Gateway, paymentID string) []gateway.Record {
	tb.Helper()
	var list []gateway.Record
	for record, err := range g.Records(tb.Context(), paymentID) {
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, record)
	}
	return list
}

type called struct {
	result gateway.Result
	err    error
}

// atOnce makes n calls side by side and waits for all.
func atOnce(n int, call func(i int) (gateway.Result, error)) []called {
	results := make([]called, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { results[i].result, results[i].err = call(i) })
	}
	wg.Wait()
	return results
}
