package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Wrong are the dead letters of services that are not as they must be, once all topics are received: each
// message that was sent, and nothing else. databases are addresses, and consumed topics, by service.
func (m *Messages) Wrong(ctx context.Context, databases map[string]string, consumed map[string][]string) (list []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for service, topics := range consumed {
		there := map[string]bool{}
		err := each(ctx, databases[service], "true", func(l found) {
			sent, ours := m.sent[l.mark]
			switch {
			case !ours:
				list = append(list, fmt.Sprintf("%s: %s of %s at offset %d is a dead letter, and nothing was wrong with it: %s", service, l.kind, l.topic, l.offset, l.cause))
			case !slices.Contains(sent.kinds, l.kind):
				list = append(list, fmt.Sprintf("%s: %s of %s at offset %d should be %v: %s", service, l.kind, l.topic, l.offset, sent.kinds, l.cause))
			}
			there[l.mark] = true
		})
		if err != nil {
			return nil, fmt.Errorf("read the dead letters of %s: %w", service, err)
		}
		for name, l := range m.sent {
			if l.served && slices.Contains(topics, l.topic) && !there[name] {
				list = append(list, fmt.Sprintf("%s: message %s of %s was sent, and should be %v there", service, name, l.topic, l.kinds))
			}
		}
	}
	slices.Sort(list)
	return list, nil
}

// GiveUp has a service give up every dead letter that waits, as an operator does: first those that hold keys
// up, behind which others may hold them up then. command is one of the service's.
func GiveUp(ctx context.Context, database string, command func(args ...string) *exec.Cmd) error {
	for _, which := range []string{"kind = 'poison'", "kind in ('refused', 'malformed')"} {
		for {
			var ids []string
			if err := each(ctx, database, "state = 'waiting' and "+which, func(l found) { ids = append(ids, fmt.Sprint(l.id)) }); err != nil {
				return err
			}
			if len(ids) == 0 {
				break
			}
			for _, id := range ids {
				if out, err := command("dead-letters", "discard", id).CombinedOutput(); err != nil {
					return fmt.Errorf("dead-letters discard %s: %w\n%s", id, err, out)
				}
			}
		}
	}
	var left []string
	err := each(ctx, database, "state = 'waiting'", func(l found) { left = append(left, fmt.Sprintf("%d (%s)", l.id, l.kind)) })
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("dead letters wait still: %v", left)
	}
	return err
}

// found is a dead letter of a service.
type found struct {
	id, offset               int64
	mark, topic, kind, cause string
}

// each calls do with the dead letters that a condition holds for, in order.
func each(ctx context.Context, database, condition string, do func(found)) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, `select id, "offset", topic, kind, error, headers from dead_letters where `+condition+" order by id")
	if err != nil {
		return err
	}
	var l found
	var headers []struct{ Key, Value []byte }
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&l.id, &l.offset, &l.topic, &l.kind, &l.cause, &raw}, func() error {
		headers, l.mark = nil, ""
		if err := json.Unmarshal(raw, &headers); err != nil {
			return err
		}
		for _, h := range headers {
			if bytes.Equal(h.Key, []byte(mark)) {
				l.mark = string(h.Value)
			}
		}
		do(l)
		return nil
	})
	return err
}
