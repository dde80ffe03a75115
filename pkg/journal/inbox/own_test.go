package inbox

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"weak"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign.example/pkg/event"
)

// strangers are rows of dead letters that are nobody's events.
type strangers struct {
	pgx.Rows
	t     *testing.T
	left  int
	first weak.Pointer[byte] // of the payload of the first one
}

func (s *strangers) Query(context.Context, string, ...any) (pgx.Rows, error) { return s, nil }

func (s *strangers) Next() bool {
	if s.left--; s.left == 0 {
		if runtime.GC(); s.first.Value() != nil {
			s.t.Error("a stranger's dead letter is kept in memory")
		}
	}
	return s.left > 0
}

func (s *strangers) Scan(into ...any) error {
	payload := make([]byte, 1<<20)
	if s.first == (weak.Pointer[byte]{}) {
		s.first = weak.Make(&payload[0])
	}
	*into[7].(*[]byte) = payload
	return nil
}

func (*strangers) Close()                        {}
func (*strangers) Err() error                    { return nil }
func (*strangers) CommandTag() pgconn.CommandTag { return pgconn.CommandTag{} }

// noEvents is a format in which nothing is an event.
type noEvents struct{ Format }

func (noEvents) Decode(Message) (event.Event, error) { return event.Event{}, errors.New("it is none") }

func TestDeadLettersOfOthersAreNotKept(t *testing.T) {
	c := Config{Format: noEvents{}}
	for name, read := range map[string]func(*strangers) error{
		"refused": func(s *strangers) error { _, err := c.disallowedOwnDeadLetters(t.Context(), s); return err },
		"waiting": func(s *strangers) error { _, err := c.WaitingOwnEvents(t.Context(), s, 0, nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			if err := read(&strangers{t: t, left: 10}); err != nil {
				t.Error(err)
			}
		})
	}
}
