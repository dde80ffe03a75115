package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/test/faultrun/ledger"
)

func TestTheLedgerFindsWhatWasAnsweredOtherwise(t *testing.T) {
	of := func(subject string) ledger.Command {
		return ledger.Command{Kind: "accept", Effect: ledger.Effect{Subject: subject, Type: "payment_accepted", Actor: "mia"}}
	}
	keyed := func(subject string) ledger.Command {
		c := of(subject)
		c.Keyed = true
		return c
	}
	answers := func(outcomes ...ledger.Outcome) func() ledger.Outcome {
		return func() (o ledger.Outcome) { o, outcomes = outcomes[0], append(outcomes[1:], outcomes[0]); return o }
	}
	l := ledger.New()
	l.Answered(of("done"), ledger.Done, false, time.Now())
	l.Answered(of("lost"), ledger.Done, false, time.Now())
	l.Answered(of("doubled"), ledger.Done, false, time.Now())
	l.Answered(of("refused"), ledger.Refused, false, time.Now())
	l.Answered(of("refused, and done"), ledger.Refused, false, time.Now())
	l.Answered(of("undone meanwhile"), ledger.Refused, true, time.Now())
	l.Answered(keyed("keyed, refused, and done"), ledger.Refused, true, time.Now())
	l.Answered(of("long done"), ledger.Done, false, time.Now())
	began := time.Now()
	l.Answered(of("done, and lost with a server"), ledger.Done, false, time.Now())
	l.Excuse(began)
	l.Answered(keyed("done before a loss, and refused"), ledger.Refused, true, began)
	for subject, again := range map[string]func() ledger.Outcome{
		"unknown, done": answers(ledger.Done), "unknown, refused": answers(ledger.Refused), "unknown, in two ways": answers(ledger.Done, ledger.Refused),
	} {
		l.Keep(of(subject), time.Now(), subject, again)
	}
	require.Equal(t, 3, l.SendAgain(t.Context()))

	for subject, n := range map[string]int{"done": 1, "doubled": 2, "refused, and done": 1, "undone meanwhile": 1, "keyed, refused, and done": 1,
		"unknown, done": 1, "unknown, in two ways": 1, "done before a loss, and refused": 1} {
		for range n {
			l.Found(of(subject).Effect)
		}
	}
	d := l.Compare()
	require.Len(t, d.Lost, 2)
	require.Contains(t, d.Lost[0], "of long done by mia")
	require.Contains(t, d.Lost[1], "of lost by mia")
	require.Len(t, d.Doubled, 3)
	require.Contains(t, d.Doubled[0], "of doubled by")
	require.Contains(t, d.Doubled[1], "of keyed, refused, and done by")
	require.Contains(t, d.Doubled[2], "of refused, and done by")
	require.Equal(t, []string{"accept of unknown, in two ways: done, and when sent again refused"}, d.Otherwise)
	require.Equal(t, map[string]ledger.Counts{"accept": {Done: 7, Refused: 6}}, l.Kinds())
}
