package model

import (
	"testing"

	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
)

func TestTheLogArbitrates(t *testing.T) {
	sizes := map[string]arbitration{
		"three services write, two events each":                  {writes: [3]int8{2, 2, 2}},
		"three services write, a relay repeats":                  {writes: [3]int8{2, 1, 1}, again: 1},
		"two services write, a relay repeats, consumers go back": {writes: [3]int8{2, 1, 0}, again: 1, back: 1},
		"an event is forged":                                     {writes: [3]int8{2, 1, 0}, forged: 1},
	}
	if big {
		sizes["three services write, a relay repeats, a consumer goes back"] = arbitration{writes: [3]int8{2, 1, 1}, again: 1, back: 1}
		sizes["three services write, three events of the core"] = arbitration{writes: [3]int8{2, 3, 3}}
	}
	for name, size := range sizes {
		holds(t, name, size.machine())
	}
}

func TestMistakesOfArbitrationAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		property string
		mutated  arbitration
	}{
		"an own event that comes back is recorded as another's": {onceEach, arbitration{
			receive: func(r received) stream { return stream{r.stream.confirmed + one(r.event), r.stream.pending} },
		}},
		"a redelivered event is recorded again": {onceEach, arbitration{
			back: 1,
			receive: func(r received) stream {
				if after := receive(r); after != r.stream {
					return after
				}
				return stream{r.stream.confirmed + one(r.event), r.stream.pending}
			},
		}},
		"what a service has written itself counts before what it receives": {copyIsFold, arbitration{
			receive: func(r received) stream {
				after := receive(r)
				if after.pending == r.stream.pending {
					return stream{r.stream.confirmed + r.stream.pending + one(r.event), ""}
				}
				return after
			},
		}},
		"events leave the outbox before they are published": {everywhereOnce, arbitration{marksFirst: true}},
		"it does not matter who has written an event": {ownWriter, arbitration{
			forged: 1,
			fold: memo(func(s stream) folded {
				entries := journal.Entries(s.journal())
				for i := range entries {
					entries[i].Source = payment.Writer(entries[i].Type)
				}
				return foldEntries(entries)
			}),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			test.mutated.writes = [3]int8{2, 1, 0}
			finds(t, test.property, test.mutated.machine())
		})
	}
}
