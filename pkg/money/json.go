package money

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// MarshalJSON writes {"amount":1099,"currency":"EUR"}.
func (a Amount) MarshalJSON() ([]byte, error) {
	if !IsKnown(a.Currency) {
		return nil, fmt.Errorf("money: unknown currency %q", a.Currency)
	}
	return fmt.Appendf(nil, `{"amount":%d,"currency":"%s"}`, a.Minor, a.Currency), nil
}

// UnmarshalJSON reads what MarshalJSON writes and nothing else: both members once, by
// their exact names; the amount an integer that fits an int64, without fraction or exponent;
// the currency one that is known. encoding/json alone would let null, "AMOUNT" and
// repeated members pass.
func (a *Amount) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return errors.New("money: not a JSON object")
	}
	var read Amount
	var hasAmount, hasCurrency bool
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return fmt.Errorf("money: %w", err)
		}
		value, err := d.Token()
		if err != nil {
			return fmt.Errorf("money: %w", err)
		}
		switch {
		case name == "amount" && !hasAmount:
			number, _ := value.(json.Number)
			if read.Minor, err = strconv.ParseInt(number.String(), 10, 64); err != nil {
				return errors.New("money: amount is not an integer of minor units")
			}
			hasAmount = true
		case name == "currency" && !hasCurrency:
			read.Currency, _ = value.(string)
			if !IsKnown(read.Currency) {
				return errors.New("money: currency is not an ISO 4217 code")
			}
			hasCurrency = true
		default:
			return fmt.Errorf("money: unexpected member %q", name)
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("money: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("money: text after the JSON object")
	}
	if !hasAmount || !hasCurrency {
		return errors.New("money: amount and currency are both required")
	}
	*a = read
	return nil
}
