package history_test

import (
	"encoding/json"
	"strings"
	"testing"

	"countersign.example/manager-ui/internal/history"
	"countersign.example/pkg/event"
)

func TestPersonalFieldsAreMasked(t *testing.T) {
	for what, c := range map[string]struct{ typ, data, want string }{
		"a description": {"payment_requested", `{"payment_id": "x", "amount": {"amount": 12345678901234567890, "currency": "EUR"}, "description": "for Jon"}`,
			`{"payment_id":"x","amount":{"amount":12345678901234567890,"currency":"EUR"},"description":"(masked)"}`},
		"a name":                 {"customer_added", `{"name":"Hofmann","email":"h@example.com","customer_id":"c"}`, `{"name":"(masked)","email":"(masked)","customer_id":"c"}`},
		"in a list":              {"order_submitted", `{"customer_name":"H","lines":[{"name":"Nails","total":{"amount":1.50}}]}`, `{"customer_name":"(masked)","lines":[{"name":"Nails","total":{"amount":1.50}}]}`},
		"texts in a list":        {"person_seen_by_manager_ui", `{"name":"Mia","roles":["manager"]}`, `{"name":"(masked)","roles":["manager"]}`},
		"what is not known":      {"payment_accepted", `{"phone":"123","nested":{"a":[1]}}`, `{"phone":"(masked)","nested":"(masked)"}`},
		"a type not known":       {"person_renamed", `{"name":"Mia"}`, `"(masked)"`},
		"a text for an object":   {"payment_requested", `{"amount":"Jon"}`, `{"amount":"(masked)"}`},
		"an object for a text":   {"payment_requested", `{"payment_id":{"name":"Jon"}}`, `{"payment_id":{"name":"(masked)"}}`},
		"a name that is escaped": {"payment_requested", `{"descr\u0069ption":"for Jon","<b>":"x"}`, `{"descr\u0069ption":"(masked)","<b>":"(masked)"}`},
		"nothing":                {"payment_accepted", `{}`, `{}`},
	} {
		got := string(history.Shown(history.Event{Event: event.Event{Type: c.typ, Data: json.RawMessage(c.data)}}))
		if got != c.want || !json.Valid([]byte(got)) {
			t.Errorf("%s: %s becomes %s, not %s", what, c.data, got, c.want)
		}
	}
}

// Every type's example has the fields that are marked, and none of them is seen.
func TestEveryTypeMasksWhatItsSchemaMarks(t *testing.T) {
	marked := 0
	for _, typ := range history.Types {
		shown := string(history.Shown(history.Event{Event: event.Event{Type: typ.Name, Data: typ.Example}}))
		if !json.Valid([]byte(shown)) {
			t.Errorf("%s becomes %s", typ.Name, shown)
		}
		if strings.Contains(string(typ.Schema), `"x-personal": true`) {
			marked++
		} else if strings.Contains(shown, "(masked)") {
			t.Errorf("%s has nothing personal, and becomes %s", typ.Name, shown)
		}
	}
	if marked < 15 {
		t.Errorf("%d types mark something", marked)
	}
}
