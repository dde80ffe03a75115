package people_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign.example/manager-ui/people"
	"countersign.example/pkg/aggregate"
	"countersign.example/pkg/event"
	"countersign.example/pkg/money"
	"countersign.example/pkg/schema/schematest"
)

var domain = schematest.Of(people.Types(), people.Decode)

func TestDecoderAndSchemasAgree(t *testing.T) { domain.Run(t) }

func FuzzDecode(f *testing.F) { domain.Fuzz(f) }

var (
	t0   = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	lena = event.Meta{Actor: "lena", ActorName: "Lena Roth"}
	mia  = event.Meta{Actor: "mia", ActorName: "Mia Weber"}
	seen = people.SeenByManagerUI{PersonID: "mia", Name: "Mia Weber", Roles: []string{"manager"}, Sessions: 2}
)

func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "EUR"} }

func plain(a money.Amount) string { return a.String() }

// given is the events of a person, a minute apart.
func given(by event.Meta, bodies ...people.Body) (entries []aggregate.Entry) {
	for _, b := range bodies {
		source := "/manager-ui"
		if b.EventType() == people.TypeSeenByContractorUI {
			source = "/contractor-ui"
		}
		e := people.New(source, b)
		e.Time, e.Meta = t0.Add(time.Duration(len(entries))*time.Minute), by
		entries = append(entries, aggregate.Entry{Event: e})
	}
	return entries
}

func TestCommands(t *testing.T) {
	block := people.Blocked{PersonID: "mia", Reason: "Left."}
	limit := people.LimitSet{PersonID: "mia", Limit: eur(5000_00), Reason: "New."}
	admin := people.Fold(given(lena, people.SeenByManagerUI{PersonID: "lena", Name: "Lena Roth", Roles: []string{"admin"}}))
	barred := people.Fold(given(mia, people.SeenByManagerUI{PersonID: "lena", Name: "Lena Roth"}, people.Blocked{PersonID: "lena", Reason: "x"}))
	blocking := func(reason string) func(p, actor people.Person, by event.Meta) (people.Body, error) {
		return func(p, actor people.Person, by event.Meta) (people.Body, error) { return p.Blocking(actor, by, reason) }
	}
	unblocking := func(p, actor people.Person, by event.Meta) (people.Body, error) {
		return p.Unblocking(actor, by, "Back.")
	}
	limiting := func(limit money.Amount) func(p, actor people.Person, by event.Meta) (people.Body, error) {
		return func(p, actor people.Person, by event.Meta) (people.Body, error) {
			return p.Limiting(actor, by, limit, "New.")
		}
	}
	unlimiting := func(p, actor people.Person, by event.Meta) (people.Body, error) {
		return p.Unlimiting(actor, by, "EUR", "Knows.")
	}
	for name, test := range map[string]struct {
		given []people.Body
		when  func(p, actor people.Person, by event.Meta) (people.Body, error)
		actor people.Person
		by    event.Meta
		then  people.Body // or
		says  string
	}{
		"block":                     {[]people.Body{seen}, blocking(" Left. "), admin, lena, block, ""},
		"block without a reason":    {[]people.Body{seen}, blocking("\u200b"), admin, lena, nil, "Say why, for the record."},
		"block with too long a one": {[]people.Body{seen}, blocking(strings.Repeat("x", 2001)), admin, lena, nil, "Write 2,000 characters at most (these are 2001)."},
		"block nobody":              {nil, blocking("Left."), admin, lena, nil, "There is no such person."},
		"block oneself":             {[]people.Body{seen}, blocking("Left."), people.Person{ID: "mia"}, mia, nil, "Nobody can block themselves: ask another admin."},
		"block as nobody":           {[]people.Body{seen}, blocking("Left."), people.Person{}, event.Meta{}, nil, "Nobody can block themselves: ask another admin."},
		"block twice":               {[]people.Body{seen, block}, blocking("Left."), admin, lena, nil, "Mia Weber is blocked already, by Lena Roth."},
		"block as who is blocked":   {[]people.Body{seen}, blocking("Left."), barred, lena, nil, "Mia Weber has blocked you: you cannot change anything."},
		"unblock":                   {[]people.Body{seen, block}, unblocking, admin, lena, people.Unblocked{PersonID: "mia", Reason: "Back."}, ""},
		"unblock who is not":        {[]people.Body{seen}, unblocking, admin, lena, nil, "Mia Weber is not blocked."},
		"unblock oneself":           {[]people.Body{seen, block}, unblocking, people.Person{ID: "mia"}, mia, nil, "Nobody can unblock themselves: ask another admin."},
		"limit":                     {[]people.Body{seen}, limiting(eur(5000_00)), admin, lena, limit, ""},
		"limit oneself":             {[]people.Body{seen}, limiting(eur(5000_00)), people.Person{ID: "mia"}, mia, nil, "Nobody can limit themselves: ask another admin."},
		"limit to nothing":          {[]people.Body{seen}, limiting(eur(0)), admin, lena, nil, "Enter a limit above zero, 999,999,999.99 EUR at most."},
		"limit in what is no money": {[]people.Body{seen}, limiting(money.Amount{Minor: 1, Currency: "XXX"}), admin, lena, nil, "Enter a limit above zero, 99,999,999,999 XXX at most."},
		"limit to the same":         {[]people.Body{seen, limit}, limiting(eur(5000_00)), admin, lena, nil, "The limit of Mia Weber is 5,000.00 EUR already."},
		"remove a limit":            {[]people.Body{seen, limit}, unlimiting, admin, lena, people.LimitRemoved{PersonID: "mia", Currency: "EUR", Reason: "Knows."}, ""},
		"remove no limit":           {[]people.Body{seen}, unlimiting, admin, lena, nil, "Mia Weber has no limit in EUR."},
	} {
		body, err := test.when(people.Fold(given(lena, test.given...)), test.actor, test.by)
		var refusal *people.Refusal
		switch {
		case test.says == "" && (err != nil || !reflect.DeepEqual(body, test.then)):
			t.Errorf("%s: %+v, %v", name, body, err)
		case test.says != "" && (!errors.As(err, &refusal) || refusal.Message != test.says):
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

func TestLimits(t *testing.T) {
	const ask = " Ask a manager whose limit allows it, or an admin to change yours."
	limits := []people.Body{
		people.LimitSet{PersonID: "mia", Limit: eur(5000_00), Reason: "New."},
		people.LimitSet{PersonID: "mia", Limit: money.Amount{Minor: 700_000, Currency: "JPY"}, Reason: "New."},
	}
	for _, test := range []struct {
		limits []people.Body
		amount money.Amount
		says   string
	}{
		{nil, eur(money.Max), ""},
		{limits, eur(5000_00), ""},
		{limits, eur(5000_01), "Your limit is 5,000.00 EUR; this is 5,000.01 EUR." + ask},
		{limits, money.Amount{Minor: 1, Currency: "USD"}, "You may not accept payments in USD: your limit is 5,000.00 EUR, 700,000 JPY." + ask},
		{append(limits[:2:2], people.LimitRemoved{PersonID: "mia", Currency: "EUR", Reason: "x"}), eur(1), "You may not accept payments in EUR: your limit is 700,000 JPY." + ask},
	} {
		err := people.Fold(given(lena, test.limits...)).Allowed().Allow(test.amount, plain)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.says {
			t.Errorf("%s: %q, want %q", test.amount, got, test.says)
		}
	}
}

func TestAnEventOfAnotherWriterHasNoEffect(t *testing.T) {
	entries := given(lena, seen, people.Blocked{PersonID: "mia", Reason: "Left."})
	entries[1].Source = "/contractor-ui"
	if p := people.Fold(entries); p.Block.Done() {
		t.Errorf("blocked by another writer: %+v", p.Block)
	}
	entries = given(lena, seen, people.Blocked{PersonID: "tom", Reason: "Left."})
	entries[1].Subject = people.ID("mia")
	if p := people.Fold(entries); p.Block.Done() {
		t.Errorf("blocked by an event about somebody else: %+v", p.Block)
	}
}

// Whatever is commanded by whomever, in whatever order, somebody who is not blocked is left among those who
// may block, nobody has changed anything about themselves, and what is recorded folds to the same.
func TestPeopleMachine(t *testing.T) {
	names := []string{"lena", "mia", "tom"}
	rapid.Check(t, func(t *rapid.T) {
		streams := map[string][]aggregate.Entry{}
		for _, name := range names {
			streams[name] = given(event.Meta{Actor: name}, people.SeenByManagerUI{PersonID: name, Name: name, Roles: []string{"admin"}})
		}
		t.Repeat(map[string]func(*rapid.T){
			"command": func(t *rapid.T) {
				actor, whom := rapid.SampledFrom(names).Draw(t, "actor"), rapid.SampledFrom(names).Draw(t, "whom")
				by, p, a := event.Meta{Actor: actor, ActorName: actor}, people.Fold(streams[whom]), people.Fold(streams[actor])
				var body people.Body
				var err error
				switch rapid.SampledFrom([]string{"block", "block", "unblock", "limit", "unlimit", "see"}).Draw(t, "what") {
				case "block":
					body, err = p.Blocking(a, by, "x")
				case "unblock":
					body, err = p.Unblocking(a, by, "x")
				case "limit":
					body, err = p.Limiting(a, by, eur(rapid.Int64Range(-1, 3).Draw(t, "limit")), "x")
				case "unlimit":
					body, err = p.Unlimiting(a, by, "EUR", "x")
				case "see":
					by, body = event.Meta{Actor: whom}, people.SeenByContractorUI{PersonID: whom, Name: whom, Roles: []string{}, Sessions: 1}
				}
				if err != nil {
					return
				}
				if by.Actor == whom && body.EventType() != people.TypeSeenByContractorUI {
					t.Fatalf("%s did %s to themselves", whom, body.EventType())
				}
				more := given(by, body)
				before := people.Fold(streams[whom])
				streams[whom] = append(streams[whom], more...)
				after := people.Fold(streams[whom])
				if after.UpdatedAt != more[0].Time || body.EventType() != people.TypeSeenByContractorUI && reflect.DeepEqual(before, after) {
					t.Fatalf("%s has no effect", body.EventType())
				}
				if _, again := body.(people.Blocked); again && !reflect.DeepEqual(after, people.Fold(append(streams[whom], more...))) {
					t.Fatal("the same twice is not the same once")
				}
			},
			"": func(t *rapid.T) {
				left := 0
				for _, name := range names {
					if !people.Fold(streams[name]).Block.Done() {
						left++
					}
				}
				if left == 0 {
					t.Fatal("nobody is left who could unblock the others")
				}
			},
		})
	})
}
