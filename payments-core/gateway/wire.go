package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"countersign.example/pkg/money"
)

// Lengths in characters, as payments keep them.
const (
	maxReference = 200 // of references and codes
	maxText      = 2000
)

// Clean makes what the gateway said, or what failed on the way to it, fit for PostgreSQL: valid UTF-8 without
// NUL, and of most characters. The same key gets the same answer: one that cannot be stored would block
// its payment for ever.
func Clean(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// RecordJSON is one record on the wire; the answer to a request is its record.
type RecordJSON struct {
	Key       string       `json:"key"`
	Kind      Kind         `json:"kind"`
	PaymentID string       `json:"payment_id"`
	Amount    money.Amount `json:"amount"`
	Outcome   string       `json:"outcome"` // "approved" or "refused"
	Reference string       `json:"reference,omitempty"`
	ExpiresAt *time.Time   `json:"expires_at,omitempty"` // of an approved hold
	Code      string       `json:"code,omitempty"`       // of a refusal, as are reason and final
	Reason    string       `json:"reason,omitempty"`
	Final     *bool        `json:"final,omitempty"`
	At        time.Time    `json:"at"`
}

// record refuses what is not a definite result whole.
func (r RecordJSON) record() (Record, error) {
	r.Kind, r.Outcome = Kind(Clean(string(r.Kind), maxReference)), Clean(r.Outcome, maxReference)
	r.Code, r.Reason = Clean(r.Code, maxReference), Clean(r.Reason, maxText)
	// A reference is sent back: changed, it would name another hold, or none.
	if strings.ContainsRune(r.Reference, 0) || utf8.RuneCountInString(r.Reference) > maxReference {
		return Record{}, errors.New("the answer has a reference that cannot be kept")
	}
	record := Record{
		Key: r.Key, Kind: r.Kind, PaymentID: r.PaymentID, Amount: r.Amount, At: r.At.UTC(),
		Result: Result{Reference: r.Reference},
	}
	switch r.Kind {
	case KindAuthorize, KindCapture, KindRelease, KindRefund:
	default:
		return Record{}, fmt.Errorf("the answer is of an unknown kind %q", r.Kind)
	}
	switch r.Outcome {
	case "approved":
		if r.Reference == "" {
			return Record{}, errors.New("the answer approves without a reference")
		}
		if r.Kind == KindAuthorize {
			if r.ExpiresAt == nil {
				return Record{}, errors.New("the answer does not say when the hold lapses")
			}
			record.Result.ExpiresAt = r.ExpiresAt.UTC()
		}
	case "refused":
		if r.Code == "" || r.Final == nil {
			return Record{}, errors.New("the answer refuses without a code, or without saying whether for good")
		}
		record.Result.Refusal = &Refusal{Code: r.Code, Reason: r.Reason, Final: *r.Final}
	default:
		return Record{}, fmt.Errorf("the answer has an unknown outcome %q", r.Outcome)
	}
	return record, nil
}

// problemCode returns the code of an application/problem+json body (RFC 9457), or "".
func problemCode(answer []byte) string {
	var problem struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(answer, &problem) != nil {
		return ""
	}
	return Clean(problem.Code, maxReference)
}
