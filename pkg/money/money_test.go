package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"countersign.example/pkg/money"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text, currency string
		minor          int64
		decimal, shown string
	}{
		{"1250.00", "EUR", 125000, "1250.00", "1,250.00 EUR"},
		{"1250", "EUR", 125000, "1250.00", "1,250.00 EUR"},
		{"0.01", "EUR", 1, "0.01", "0.01 EUR"},
		{"007.5", "EUR", 750, "7.50", "7.50 EUR"},
		{" 10.99\n", "EUR", 1099, "10.99", "10.99 EUR"},
		{"1099", "JPY", 1099, "1099", "1,099 JPY"},
		{"1.234", "KWD", 1234, "1.234", "1.234 KWD"},
		{"1,234.56", "EUR", 123456, "1234.56", "1,234.56 EUR"},
		{"1.234,56", "EUR", 123456, "1234.56", "1,234.56 EUR"},
		{"1 234,56", "EUR", 123456, "1234.56", "1,234.56 EUR"},
		{"1\u00a0234,56", "EUR", 123456, "1234.56", "1,234.56 EUR"},
		{"1\u202f234,56", "EUR", 123456, "1234.56", "1,234.56 EUR"},
		{"1\u2009234.56", "EUR", 123456, "1234.56", "1,234.56 EUR"},
		{"1'234.56", "CHF", 123456, "1234.56", "1,234.56 CHF"},
		{"1’234.56", "CHF", 123456, "1234.56", "1,234.56 CHF"},
		{"9,99", "EUR", 999, "9.99", "9.99 EUR"},
		{"1,5", "EUR", 150, "1.50", "1.50 EUR"},
		{"€12", "EUR", 1200, "12.00", "12.00 EUR"},
		{"12\u00a0€", "EUR", 1200, "12.00", "12.00 EUR"},
		{"12 EUR", "EUR", 1200, "12.00", "12.00 EUR"},
		{"eur 12.50", "EUR", 1250, "12.50", "12.50 EUR"},
		{"$1,234.56", "CAD", 123456, "1234.56", "1,234.56 CAD"},
		{"¥1,234", "JPY", 1234, "1234", "1,234 JPY"},
		{"￥１，２３４", "JPY", 1234, "1234", "1,234 JPY"},
		{"1 234,50 kr.", "DKK", 123450, "1234.50", "1,234.50 DKK"},
		{"12,50 zł", "PLN", 1250, "12.50", "12.50 PLN"},
		{"１２．５０", "EUR", 1250, "12.50", "12.50 EUR"},
		{"12.50\u200b", "EUR", 1250, "12.50", "12.50 EUR"},
		{"\u200e12.50", "EUR", 1250, "12.50", "12.50 EUR"},
		{"1,234", "EUR", 123400, "1234.00", "1,234.00 EUR"},
		{"1,234", "JPY", 1234, "1234", "1,234 JPY"},
		{"1.234", "JPY", 1234, "1234", "1,234 JPY"},
		{"1 234", "KWD", 1234000, "1234.000", "1,234.000 KWD"},
		{"1.234,5", "KWD", 1234500, "1234.500", "1,234.500 KWD"},
		{"0,123", "KWD", 123, "0.123", "0.123 KWD"},
		{"0.123", "KWD", 123, "0.123", "0.123 KWD"},
		{"001.23", "KWD", 1230, "1.230", "1.230 KWD"},
		{"kr.50", "DKK", 5000, "50.00", "50.00 DKK"},
		{"12,345,678.90", "EUR", 1234567890, "12345678.90", "12,345,678.90 EUR"},
		{"1.234.567", "EUR", 123456700, "1234567.00", "1,234,567.00 EUR"},
		{"1,234,567", "KWD", 1234567000, "1234567.000", "1,234,567.000 KWD"},
		{"999999999.99", "EUR", money.Max, "999999999.99", "999,999,999.99 EUR"},
		{"99999999999", "JPY", money.Max, "99999999999", "99,999,999,999 JPY"},
	} {
		got, err := money.Parse(tt.text, tt.currency)
		if err != nil || got != (money.Amount{Minor: tt.minor, Currency: tt.currency}) {
			t.Errorf("Parse(%q, %s) = %v, %v", tt.text, tt.currency, got, err)
			continue
		}
		if got.Decimal() != tt.decimal || got.String() != tt.shown {
			t.Errorf("%q: Decimal %q, String %q", tt.text, got.Decimal(), got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		text, currency string
		problem        money.Problem
		says           string // part of the message
	}{
		{"", "EUR", money.Empty, "1250.00"},
		{"   ", "EUR", money.Empty, "1250.00"},
		{"0", "EUR", money.NotPositive, "above zero"},
		{"0.00", "EUR", money.NotPositive, "above zero"},
		{"-5", "EUR", money.Negative, "without a minus"},
		{"+5", "EUR", money.NotANumber, "in digits"},
		{"1e9", "EUR", money.NotANumber, "in digits"},
		{"0x10", "EUR", money.NotANumber, "in digits"},
		{"Infinity", "EUR", money.NotANumber, "in digits"},
		{"NaN", "EUR", money.NotANumber, "in digits"},
		{"1_000", "EUR", money.NotANumber, "in digits"},
		{"5\x00", "EUR", money.NotANumber, "in digits"},
		{"\x00", "EUR", money.NotANumber, "in digits"},
		{"💶", "EUR", money.NotANumber, "in digits"},
		{"١٢", "EUR", money.NotANumber, "in digits"},  // Arabic digits are digits to unicode.IsDigit
		{"9⁹⁹", "EUR", money.NotANumber, "in digits"}, // 9.99, as prices are set; its small digits are not 900
		{"12¹", "EUR", money.NotANumber, "in digits"},
		{"5²", "JPY", money.NotANumber, "in digits"},
		{"1⒉50", "EUR", money.NotANumber, "in digits"},
		{"½", "EUR", money.NotANumber, "in digits"},
		{"12\u202e.5", "EUR", money.NotANumber, "in digits"}, // looks like another number
		{"\xff", "EUR", money.NotANumber, "in digits"},
		{".", "EUR", money.NotANumber, "in digits"},
		{".5", "EUR", money.NotANumber, "in digits"},
		{"5.", "EUR", money.NotANumber, "in digits"},
		{"-", "EUR", money.NotANumber, "in digits"},
		{"1.2.3", "EUR", money.Separator, "point"},
		{"1,23.45", "EUR", money.Separator, "1250.00"},
		{"1,23,456", "EUR", money.Separator, "1250.00"},
		{"1.234,56.7", "EUR", money.Separator, "1250.00"},
		{"1..5", "EUR", money.Separator, "1250.00"},
		{"1  234", "EUR", money.Separator, "1250.00"},
		{"12 34", "EUR", money.Separator, "1250.00"},
		{"1 234'567", "EUR", money.Separator, "1250.00"},
		{"1'5", "EUR", money.Separator, "1250.00"},
		{"−5", "EUR", money.Negative, "without a minus"},
		{"-€5", "EUR", money.Negative, "without a minus"},
		{"€-5", "EUR", money.Negative, "without a minus"},
		{"€", "EUR", money.NotANumber, "in digits"},
		{"12 apples", "EUR", money.NotANumber, "in digits"},
		{"5 % EUR", "EUR", money.NotANumber, "in digits"},
		{"1\n234", "EUR", money.NotANumber, "in digits"},
		{"\u200b", "EUR", money.Empty, "1250.00"},
		{"€12", "USD", money.OtherCurrency, "in EUR, and the currency chosen is USD"},
		{"12 usd", "EUR", money.OtherCurrency, "in USD, and the currency chosen is EUR"},
		{"$12", "EUR", money.OtherCurrency, "in $, and the currency chosen is EUR"},
		{"12 kr", "EUR", money.OtherCurrency, "in kr"},
		{"€12 USD", "EUR", money.OtherCurrency, "in USD"},
		{"1234.567", "EUR", money.TooManyDecimals, "2 decimals"},
		{"0.999", "EUR", money.TooManyDecimals, "2 decimals"},
		{"0,999", "EUR", money.TooManyDecimals, "2 decimals"},
		{"1.234,567", "EUR", money.TooManyDecimals, "2 decimals"},
		{"12,3456", "EUR", money.TooManyDecimals, "2 decimals"},
		{"1,5", "JPY", money.TooManyDecimals, "no decimals"},
		{"10.999", "EUR", money.Ambiguous, "10999.00 or 11.00"},
		{"1.234", "EUR", money.Ambiguous, "1.234 can be read in two ways. Write 1234.00 or 1.23."},
		{"€ 1.234", "EUR", money.Ambiguous, "1234.00 or 1.23"},
		{"1,234", "KWD", money.Ambiguous, "1,234 can be read in two ways. Write 1234.000 or 1.234."},
		{"001,234", "KWD", money.Separator, "1250.000"}, // a thousand of a fixed width, or little more than one
		{"001.234", "KWD", money.Separator, "1250.000"},
		{"00,123", "KWD", money.Separator, "1250.000"},
		{"012.345", "CLF", money.Separator, "1250.0000"},
		{"001,234", "EUR", money.Separator, "1250.00"},
		{"001.234", "JPY", money.Separator, "1250"},
		{"10.00", "JPY", money.TooManyDecimals, "no decimals"},
		{"1.2345", "KWD", money.TooManyDecimals, "3 decimals"},
		{"1000000000.00", "EUR", money.OverLimit, "999,999,999.99 EUR"},
		{strings.Repeat("9", 400), "EUR", money.OverLimit, "999,999,999.99 EUR"},
		{strings.Repeat("9", 10<<20), "JPY", money.OverLimit, "99,999,999,999 JPY"},
		{"5", "XYZ", money.UnknownCurrency, "Choose a currency"},
		{"5", "eur", money.UnknownCurrency, "Choose a currency"},
		{"5", "", money.UnknownCurrency, "Choose a currency"},
	} {
		got, err := money.Parse(tt.text, tt.currency)
		if money.ProblemOf(err) != tt.problem || got != (money.Amount{}) {
			t.Errorf("Parse(%.40q, %s) = %v, %v (%s); want %s", tt.text, tt.currency, got, err, money.ProblemOf(err), tt.problem)
			continue
		}
		if !strings.Contains(err.Error(), tt.says) || len(err.Error()) > 120 {
			t.Errorf("%.40q: %q does not say %q", tt.text, err, tt.says)
		}
	}
}

// In a file with decimal commas, a comma is that, whatever stands around the number.
func TestParseDecimalComma(t *testing.T) {
	for _, tt := range []struct {
		text, currency, want string // "" for what is refused
		problem              money.Problem
	}{
		{"1,234", "KWD", "1.234", ""}, {" 1,234", "KWD", "1.234", ""}, {"1,234 KWD", "KWD", "1.234", ""}, {"KWD\u00a01,234", "KWD", "1.234", ""},
		{"１，２３４", "KWD", "1.234", ""}, {"0,001", "KWD", "0.001", ""},
		{"1,50", "EUR", "1.50", ""}, {"1234,5 €", "EUR", "1234.50", ""}, {"1.234,50", "EUR", "1234.50", ""}, {"1 234,50", "EUR", "1234.50", ""},
		{"1.234.567,89", "EUR", "1234567.89", ""}, {"12.50", "EUR", "12.50", ""}, {"1250", "EUR", "1250.00", ""}, {"1234.500", "KWD", "1234.500", ""},
		{"1,234.50", "EUR", "1234.50", ""}, {"1,234", "EUR", "", money.TooManyDecimals}, {"1,234 EUR", "EUR", "", money.TooManyDecimals},
		{"1,234", "JPY", "", money.TooManyDecimals}, {"1.234", "EUR", "", money.Ambiguous}, {"1.234 KWD", "KWD", "", money.Ambiguous},
		{"1.234", "JPY", "", money.Ambiguous}, {"001,234", "KWD", "", money.Separator}, {"-1,5", "EUR", "", money.Negative},
	} {
		got, err := money.ParseDecimalComma(tt.text, tt.currency)
		if tt.want != "" && (err != nil || got.Decimal() != tt.want) || tt.want == "" && money.ProblemOf(err) != tt.problem {
			t.Errorf("%q in %s is %v, %v (%s)", tt.text, tt.currency, got, err, money.ProblemOf(err))
		}
	}
}

func TestNegativeAndLargestAmountsAreWritten(t *testing.T) {
	for amount, want := range map[money.Amount]string{
		{Minor: -5, Currency: "EUR"}:            "-0.05 EUR",
		{Minor: -123456, Currency: "EUR"}:       "-1,234.56 EUR",
		{Minor: math.MinInt64, Currency: "KWD"}: "-9,223,372,036,854,775.808 KWD",
		{Minor: math.MaxInt64, Currency: "JPY"}: "9,223,372,036,854,775,807 JPY",
		{}:                                      "0",
	} {
		if got := amount.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	written, err := json.Marshal(money.Amount{Minor: 1099, Currency: "EUR"})
	if err != nil || string(written) != `{"amount":1099,"currency":"EUR"}` {
		t.Errorf("Marshal: %s, %v", written, err)
	}
	if _, err := json.Marshal(money.Amount{Minor: 1}); err == nil {
		t.Error("an amount without a currency was written")
	}
	var read money.Amount
	if err := json.Unmarshal([]byte(` { "currency" : "EUR", "amount": -7 } `), &read); err != nil || read.Minor != -7 {
		t.Errorf("Unmarshal: %v, %v", read, err)
	}
	for _, text := range []string{
		`null`, `7`, `"7"`, `[]`, `{}`, `{"amount":7}`, `{"currency":"EUR"}`, `{"amount":7,"currency":"EUR","x":1}`,
		`{"Amount":7,"currency":"EUR"}`, `{"amount":7.0,"currency":"EUR"}`, `{"amount":1e2,"currency":"EUR"}`,
		`{"amount":"7","currency":"EUR"}`, `{"amount":null,"currency":"EUR"}`, `{"amount":7,"currency":null}`,
		`{"amount":7,"currency":"XYZ"}`, `{"amount":7,"currency":""}`, `{"amount":9223372036854775808,"currency":"EUR"}`,
		`{"amount":7,"amount":8,"currency":"EUR"}`, `{"amount":{"a":1},"currency":"EUR"}`,
	} {
		read = money.Amount{Minor: 1, Currency: "USD"}
		if err := json.Unmarshal([]byte(text), &read); text != "null" && err == nil {
			t.Errorf("%s was read as %v", text, read)
		}
		if err := read.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s was read as %v", text, read)
		}
		if read != (money.Amount{Minor: 1, Currency: "USD"}) {
			t.Errorf("%s was refused, and changed the amount to %v", text, read)
		}
	}
}

func TestCurrencies(t *testing.T) {
	for code, want := range map[string]int{"EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4, "XYZ": 0} {
		if got := money.Exponent(code); got != want {
			t.Errorf("Exponent(%s) = %d, want %d", code, got, want)
		}
	}
	for _, code := range money.Currencies() {
		if !money.IsKnown(code) {
			t.Errorf("%s is offered and not known", code)
		}
	}
	if known := money.Known(); !slices.IsSorted(known) || len(known) < 100 {
		t.Errorf("known: %v", known)
	}
	money.Currencies()[0] = "changed"
	if money.Currencies()[0] != "EUR" {
		t.Error("the offered list can be changed from outside")
	}
}

// Sums and differences are those of unbounded integers, or an error.
func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1}))
		a, b := money.Amount{Minor: minor.Draw(t, "a"), Currency: "EUR"}, money.Amount{Minor: minor.Draw(t, "b"), Currency: "EUR"}
		x, y := big.NewInt(a.Minor), big.NewInt(b.Minor)
		for _, tt := range []struct {
			name  string
			do    func(money.Amount) (money.Amount, error)
			exact *big.Int
		}{{"Add", a.Add, new(big.Int).Add(x, y)}, {"Sub", a.Sub, new(big.Int).Sub(x, y)}} {
			got, err := tt.do(b)
			if !tt.exact.IsInt64() {
				if !errors.Is(err, money.ErrOverflow) {
					t.Fatalf("%s: %v, %v, want ErrOverflow", tt.name, got, err)
				}
			} else if err != nil || got.Minor != tt.exact.Int64() || got.Currency != "EUR" {
				t.Fatalf("%s: %v, %v, want %s", tt.name, got, err, tt.exact)
			}
		}
		if order, err := a.Cmp(b); err != nil || order != x.Cmp(y) {
			t.Fatalf("Cmp: %d, %v", order, err)
		}
	})
}

func TestCurrenciesAreNotMixed(t *testing.T) {
	a, b := money.Amount{Minor: 1, Currency: "EUR"}, money.Amount{Minor: 1, Currency: "USD"}
	_, add := a.Add(b)
	_, sub := a.Sub(b)
	_, compare := a.Cmp(b)
	for _, err := range []error{add, sub, compare} {
		if !errors.Is(err, money.ErrCurrencyMismatch) {
			t.Errorf("got %v, want ErrCurrencyMismatch", err)
		}
	}
}

// What is in range is written and read back as it was, as text and as JSON.
func TestWrittenAndReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := money.Amount{
			Minor:    rapid.Int64Range(1, money.Max).Draw(t, "minor"),
			Currency: rapid.SampledFrom(money.Known()).Draw(t, "currency"),
		}
		if parsed, err := money.Parse(amount.Decimal(), amount.Currency); err != nil || parsed != amount {
			t.Fatalf("Parse(%q): %v, %v", amount.Decimal(), parsed, err)
		}
		data, err := json.Marshal(amount)
		if err != nil {
			t.Fatal(err)
		}
		var read money.Amount
		if err := json.Unmarshal(data, &read); err != nil || read != amount {
			t.Fatalf("%s: %v, %v", data, read, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"1250.00", "1,250.00", "1.234,56", "-5", "1e9", "\x00", "💶", "999999999.99", "5."} {
		f.Add(text, "EUR")
		f.Add(text, "KWD")
	}
	f.Add("5", "XYZ")
	f.Fuzz(func(t *testing.T, text, currency string) {
		amount, err := money.Parse(text, currency)
		if err != nil {
			if money.ProblemOf(err) == "" || amount != (money.Amount{}) || len(err.Error()) > 120 {
				t.Fatalf("Parse(%q, %q) = %v, %q", text, currency, amount, err)
			}
			return
		}
		if amount.Minor < 1 || amount.Minor > money.Max || amount.Currency != currency {
			t.Fatalf("Parse(%q, %q) = %v", text, currency, amount)
		}
		if again, err := money.Parse(amount.Decimal(), currency); err != nil || again != amount {
			t.Fatalf("%q written as %q is read as %v, %v", text, amount.Decimal(), again, err)
		}
	})
}

func FuzzAmountJSON(f *testing.F) {
	f.Add([]byte(`{"amount":1099,"currency":"EUR"}`))
	f.Add([]byte(`{"amount":1e3,"currency":"EUR"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var amount money.Amount
		if err := amount.UnmarshalJSON(data); err != nil {
			return
		}
		written, err := json.Marshal(amount)
		if err != nil {
			t.Fatalf("%q was read as %v, which cannot be written: %v", data, amount, err)
		}
		var again money.Amount
		if err := json.Unmarshal(written, &again); err != nil || again != amount {
			t.Fatalf("%q: %v, then %v, %v", data, amount, again, err)
		}
	})
}
