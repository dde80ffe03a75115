package kafka_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
)

func TestEncodeAndDecodeAgree(t *testing.T) {
	t.Parallel()
	e := newEvent("1", 1)
	e.DataSchema, e.Sequence = "/schemas/thing", 7
	e.Meta = event.Meta{CorrelationID: "c", CausationID: "d", Actor: "mia", ActorName: "Mia Wëber", TraceParent: "00-1"}

	m := kafka.Encode("things", e)

	require.Equal(t, "1", string(m.Key))
	decoded, err := kafka.Decode(m)
	require.NoError(t, err)
	require.Equal(t, e, decoded)
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func(*kafkago.Message) {
		return func(m *kafkago.Message) {
			for i := range m.Headers {
				if m.Headers[i].Key == name {
					m.Headers[i].Value = []byte(value)
				}
			}
		}
	}
	data := func(text string) func(*kafkago.Message) {
		return func(m *kafkago.Message) { m.Value = []byte(text) }
	}
	for want, change := range map[string]func(*kafkago.Message){
		"header ce_specversion is missing": func(m *kafkago.Message) { m.Headers = nil },
		"header ce_type is missing":        set("ce_type", ""),
		"not 1.0":                          set("ce_specversion", "0.3"),
		"content-type is":                  set("content-type", "text/plain"),
		"is not a UUID":                    set("ce_id", "1"),
		`ce_id "{`:                         set("ce_id", "{"+uuid.NewString()+"}"),
		"is not a time":                    set("ce_time", "yesterday"),
		"is there twice":                   func(m *kafkago.Message) { m.Headers = append(m.Headers, m.Headers[0]) },
		"is not text":                      set("ce_source", "\xff"),
		"the key is":                       func(m *kafkago.Message) { m.Key = nil },
		"not a JSON object":                data(`[1]`),
		"not UTF-8":                        data(`{"n":1,"text":"\ud800"}`),
		"a name twice":                     data(`{"n":1,"x":{"y":1,"y":2}}`),
		"more than 1000 digits":            data(`{"n":1e200000}`),
		"has more than 1000":               data(`{"n":-0.1E-99999999999999999999}`),
		"written out":                      data(`{"n":[` + strings.Repeat("1e900,", 2_000) + `1]}`),
		"nested more than":                 data(`{"n":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`),
		"a NUL character":                  data(`{"n":1,"text":"a\\\u0000"}`),
		"bytes, more than":                 func(m *kafkago.Message) { m.Value = make([]byte, 1<<20+1) },
	} {
		t.Run(want, func(t *testing.T) {
			m := kafka.Encode("things", newEvent("1", 1))
			change(&m)
			_, err := kafka.Decode(m)
			require.ErrorIs(t, err, kafka.ErrMalformed)
			require.ErrorContains(t, err, want)
		})
	}
}

// What Decode takes, Encode writes again, and it is the same event.
func FuzzDecode(f *testing.F) {
	f.Add("1", uuid.NewString(), "thing_happened", "2026-11-22T10:00:00.123456Z", "3", "1", []byte(`{"n":1}`))
	f.Add("", "", "", "", "", "", []byte(nil))
	f.Add("\x00", uuid.NewString(), "\xff", "0000-01-01T00:00:00+24:00", "-1", "\x00", []byte(`{"n":`))
	f.Fuzz(func(t *testing.T, subject, id, typ, at, sequence, key string, data []byte) {
		m := kafkago.Message{Key: []byte(key), Value: data}
		for name, value := range map[string]string{
			"ce_specversion": "1.0", "ce_id": id, "ce_type": typ, "ce_source": "/there", "ce_subject": subject, "ce_time": at,
			"ce_sequence": sequence, "content-type": "application/json",
		} {
			m.Headers = append(m.Headers, kafkago.Header{Key: name, Value: []byte(value)})
		}
		e, err := kafka.Decode(m)
		if err != nil {
			require.ErrorIs(t, err, kafka.ErrMalformed)
			return
		}
		require.True(t, json.Valid(e.Data))
		require.Equal(t, key, e.Subject)
		require.Equal(t, time.UTC, e.Time.Location())
		again, err := kafka.Decode(kafka.Encode("things", e))
		require.NoError(t, err)
		require.Equal(t, e, again)
	})
}
