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
	return a.read(data, func(_ *jsontext.Decoder, name string) error {
		return fmt.Errorf("money: unexpected member %q", name)
	})
}

// FromJSON reads an amount as UnmarshalJSON does, but for members that it does not know: a newer writer may
// add some.
func FromJSON(data []byte) (a Amount, err error) {
	err = a.read(data, func(d *jsontext.Decoder, _ string) error { return d.SkipValue() })
	return a, err
}

// read calls unknown with each member that is none of an amount's; its value comes next.
func (a *Amount) read(data []byte, unknown func(d *jsontext.Decoder, name string) error) error {
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
		if name != "amount" && name != "currency" {
			if err := unknown(&d, name); err != nil {
				return err
			}
			continue
		}
		value, err := d.ReadToken()
		if err != nil {
			return fmt.Errorf("money: %w", err)
		}
		if name == "amount" {
			if read.Minor, err = strconv.ParseInt(value.String(), 10, 64); value.Kind() != '0' || err != nil {
				return errors.New("money: amount is not an integer of minor units")
			}
			hasAmount = true
			continue
		}
		if read.Currency = value.String(); value.Kind() != '"' || !IsKnown(read.Currency) {
			return errors.New("money: currency is not an ISO 4217 code")
		}
		hasCurrency = true
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
