package orders

import "testing"

func TestNumbersAreReadAsTheyAreGiven(t *testing.T) {
	for number, want := range map[string]struct {
		month string
		n     int64
		ok    bool
	}{
		"2026/11/000042":              {"2026/11", 42, true},
		"2026/11/1000000":             {"2026/11", 1_000_000, true},
		"2026/11/9223372036854775807": {},
		"2026/11/0":                   {},
		"2026/11/-1":                  {},
		"2026/13/000001":              {},
		"000042":                      {},
		"":                            {},
	} {
		month, n, ok := numberOf(number)
		if ok != want.ok || ok && (month != want.month || n != want.n) {
			t.Errorf("%q is read as %q, %d, %t", number, month, n, ok)
		}
	}
}
