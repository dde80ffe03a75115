package model

import "testing"

func TestMoneyMovesOnce(t *testing.T) {
	sizes := map[string]payout{
		"a payment is paid out":          {decisions: "a", faults: 3},
		"acceptances are taken back":     {decisions: "atw", people: 2, faults: 1},
		"a payment's order ends":         {decisions: "a", forOrder: true, faults: 2, people: 1},
		"a hold is captured or released": {decisions: "a", manual: true, people: 2, faults: 2},
		"a hold's order ends":            {decisions: "a", manual: true, forOrder: true, people: 1, faults: 2},
	}
	if big {
		sizes["a payment is paid out, four faults"] = payout{decisions: "a", faults: 4, people: 1}
		sizes["acceptances are taken back, two faults"] = payout{decisions: "atwr", people: 2, faults: 2}
		sizes["a payment's order ends, three faults"] = payout{decisions: "at", forOrder: true, people: 1, faults: 3}
	}
	for name, size := range sizes {
		holds(t, name, size.machine())
	}
}

func TestMistakesAtTheGatewayAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		property string
		mutated  payout
	}{
		"an authorization without an answer counts as refused": {onceAtGateway, payout{decisions: "a", faults: 2, lostFails: "A"}},
		"a capture without an answer counts as refused":        {recordsAgree, payout{decisions: "a", faults: 2, lostFails: "C"}},
		"each attempt has a key of its own":                    {onceAtGateway, payout{decisions: "a", faults: 2, newKeys: true}},
		"nobody looks whether the gateway has forgotten a key": {onceAtGateway, payout{decisions: "a", faults: 2, neverLooks: true}},
		"an undo does not ask whether an operation is open":    {oneOpen, payout{decisions: "a", people: 1, undoBlind: true}},
		"an answer is recorded, whoever has recorded it":       {oneOpen, payout{decisions: "a", faults: 1, recordsBlind: true}},
		"that an order has ended counts only when it comes":    {deadOrder, payout{decisions: "a", forOrder: true, looksOnce: true}},
	} {
		t.Run(name, func(t *testing.T) { finds(t, test.property, test.mutated.machine()) })
	}
}
