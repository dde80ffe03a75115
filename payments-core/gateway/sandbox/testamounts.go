package sandbox

import "countersign.example/payments-core/gateway"

// fault is a way in which a definite answer does not come.
type fault int

const (
	none fault = iota
	serverError
	notFound
	dropped  // the connection breaks
	silence  // no answer comes
	nonsense // not JSON
	slow     // a definite answer after all, but late
)

// testAmount is how the gateway treats a hold of a certain amount. The same table is in the package's doc
// comment.
type testAmount struct {
	on      gateway.Kind
	refusal *refusal
	once    bool  // the refusal is given once per payment; else always
	lapses  bool  // the hold lapses as soon as it is there
	before  fault // instead of doing it, while a key's tries are at most tries
	tries   int
	after   fault // instead of the first answer
}

var testAmounts = map[int64]testAmount{
	1:  {on: authorize, refusal: doNotHonor},
	2:  {on: authorize, refusal: insufficientFunds, once: true},
	3:  {on: authorize, refusal: insufficientFunds},
	4:  {on: authorize, after: slow},
	5:  {on: authorize, after: silence},
	6:  {on: authorize, before: serverError, tries: 2},
	7:  {on: capture, refusal: captureRefused},
	8:  {on: capture, after: silence},
	9:  {on: refund, refusal: refundRefused, once: true},
	10: {on: authorize, after: serverError},
	11: {on: authorize, lapses: true},
	12: {on: authorize, before: dropped, tries: 1},
	13: {on: authorize, after: nonsense},
	14: {on: authorize, before: notFound, tries: 2},
	15: {on: release, after: silence},
	16: {on: refund, after: silence},
	17: {on: capture, before: serverError, tries: 2},
	18: {on: refund, refusal: refundImpossible},
	19: {on: release, refusal: releaseRefused},
}

// testAmountFor returns how the gateway treats a request of kind k for a hold of an amount. The zero value is
// normal.
func testAmountFor(k gateway.Kind, holdMinor int64) testAmount {
	if t := testAmounts[holdMinor%100]; t.on == k {
		return t
	}
	return testAmount{}
}
