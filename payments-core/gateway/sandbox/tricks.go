package sandbox

// trouble is a way of not giving a definite answer.
type trouble int

const (
	none trouble = iota
	serverError
	notFound
	dropped  // the connection breaks
	silence  // no answer comes
	nonsense // not JSON
	slow     // a definite answer after all, but late
)

// trick is how the gateway behaves about a hold of a certain amount. The table in the package's
// documentation says the same in words.
type trick struct {
	on      kind
	refusal *refusal
	once    bool    // the refusal is given once per payment; else always
	lapses  bool    // the hold lapses as soon as it is there
	before  trouble // instead of doing it, while a key's tries are at most tries
	tries   int
	after   trouble // instead of the first answer
}

var tricks = map[int64]trick{
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

// trickFor returns what the hold's amount asks for in an order of this kind; the zero trick is none.
func trickFor(k kind, holdMinor int64) trick {
	if t := tricks[holdMinor%100]; t.on == k {
		return t
	}
	return trick{}
}
