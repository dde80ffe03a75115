package journal

import (
	"testing"
	"time"
)

func TestProgressInWords(t *testing.T) {
	for _, test := range []struct {
		p    Progress
		want string
	}{
		{Progress{}, "100%"},
		{Progress{Done: 430, Of: 1000}, "43%"},
		{Progress{Done: 430, Of: 1000, Rate: 100}, "43%, 100 events/s, a few seconds left"},
		{Progress{Done: 999_999, Of: 1_000_000, Rate: 21_340}, "99%, 21,000 events/s, a few seconds left"},
		{Progress{Done: 100_000, Of: 1_000_000, Rate: 21_340}, "10%, 21,000 events/s, about 40 s left"},
		{Progress{Done: 0, Of: 2_600_000, Rate: 21_340}, "0%, 21,000 events/s, about 2 min left"},
		{Progress{Done: 0, Of: 1_000_000_000, Rate: 20_000}, "0%, 20,000 events/s, about 14 h left"},
		{Progress{Done: 1000, Of: 1000, Rate: 1_234_567}, "100%, 1,200,000 events/s"},
	} {
		if got := test.p.String(); got != test.want {
			t.Errorf("%+v: %q, not %q", test.p, got, test.want)
		}
	}
}

func TestTheRateIsThatOfTheLastSeconds(t *testing.T) {
	began := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	var m meter
	for _, step := range []struct {
		seconds int
		done    int64
		want    float64
	}{
		{0, 0, 0},          // nothing is known yet
		{5, 5_000, 1_000},  // since the beginning
		{10, 10_000, 1000}, //
		{20, 10_000, 0},    // nothing has come for ten seconds
		{25, 30_000, 20_000.0 / 15},
	} {
		if got := m.note(began, at(step.seconds), step.done, 100_000).Rate; got != step.want {
			t.Errorf("after %d s the rate is %v, not %v", step.seconds, got, step.want)
		}
	}
	if got := m.note(at(30), at(40), 1_000, 10_000).Rate; got != 100 {
		t.Errorf("of the next one it is %v", got)
	}
}
