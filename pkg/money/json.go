package money

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
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
	var d jsontext.Decoder // refuses a name that is there twice
	d.Reset(bytes.NewBuffer(data))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return errors.New("money: not a JSON object")
	}
	var read Amount
	var hasAmount, hasCurrency bool
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return fmt.Errorf("money: %w", err)
		}
		name := token.String()
		value, err := d.ReadToken()
		if err != nil {
			return fmt.Errorf("money: %w", err)
		}
		switch name {
		case "amount":
			if read.Minor, err = strconv.ParseInt(value.String(), 10, 64); value.Kind() != '0' || err != nil {
				return errors.New("money: amount is not an integer of minor units")
			}
			hasAmount = true
		case "currency":
			if read.Currency = value.String(); value.Kind() != '"' || !IsKnown(read.Currency) {
				return errors.New("money: currency is not an ISO 4217 code")
			}
			hasCurrency = true
		default:
			return fmt.Errorf("money: unexpected member %q", name)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return fmt.Errorf("money: %w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("money: text after the JSON object")
	}
	if !hasAmount || !hasCurrency {
		return errors.New("money: amount and currency are both required")
	}
	*a = read
	return nil
}
