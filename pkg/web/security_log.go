package web

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// SecurityLine is a line of the security log, as people look at it.
type SecurityLine struct {
	ID                              int64
	At                              time.Time
	Kind                            SecurityKind
	Event, Person, Session, Address string
	Details                         string // what is besides: "reason=no such attempt"
}

// securityEvents are the events in words.
var securityEvents = map[string]Badge{
	SignedIn: {Tone: Good, Text: "Signed in"}, SignInFailed: {Tone: Bad, Text: "Could not sign in"}, SignedOut: {Tone: Neutral, Text: "Signed out"},
	Confirmed: {Tone: Good, Text: "Proved again who they are"}, Blocked: {Tone: Warning, Text: "Blocked or unblocked somebody"},
	RightsChanged: {Tone: Warning, Text: "Changed what somebody may do"},
	RefusedOrigin: {Tone: Bad, Text: "Refused: sent by another site"}, RefusedRight: {Tone: Bad, Text: "Refused: without the right"},
	Exported: {Tone: Neutral, Text: "Took a file out"},
	Limited:  {Tone: Warning, Text: "Refused: too much at once"},
}

// Badge is the event in words.
func (l SecurityLine) Badge() Badge {
	if words, known := securityEvents[l.Event]; known {
		return words
	}
	return Badge{Tone: Neutral, Text: l.Event}
}

// SecurityKind is what lines are looked at together by.
type SecurityKind string

// The kinds of lines: who came and went, what was refused, and what somebody with rights did.
const (
	SignIns  SecurityKind = "sign-ins"
	Refusals SecurityKind = "refusals"
	Acts     SecurityKind = "acts"
)

func kindOf(event string) SecurityKind {
	switch {
	case strings.HasPrefix(event, "sign-"), event == Confirmed:
		return SignIns
	case strings.HasPrefix(event, "refused-"), event == Limited:
		return Refusals
	}
	return Acts
}

// SecurityLogRetention is for lines that nobody looks at any more.
var SecurityLogRetention = pg.Retention{
	Name: "lines of the security log", Kept: 90 * 24 * time.Hour,
	Delete: `delete from security_log where id = any (array(
		select id from security_log where at < $1 order by at limit $2))`,
}

const (
	linesWaiting = 1024 // that a request never waits for; what comes beyond is in the printed log alone
	linesAtOnce  = 256
	// strangersAtOnce lines of nobody known are stored at once, and one a second from then on.
	strangersAtOnce = 100
	longestDetails  = 500             // in characters
	lastWrite       = 2 * time.Second // for a write, be it the last one
)

// KeepSecurityLog stores what LogSecurity tells, for [Sessions.SecurityLog] to show, until ctx ends. The
// printed log is the record; while the database is away, lines are in it alone.
func (s *Sessions) KeepSecurityLog(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			s.storeLines(ctx, s.waitingLines(nil))
			return ctx.Err()
		case line := <-s.lines:
			s.storeLines(ctx, s.waitingLines([]SecurityLine{line}))
		}
	}
}

// waitingLines adds what waits already.
func (s *Sessions) waitingLines(lines []SecurityLine) []SecurityLine {
	for len(lines) < linesAtOnce {
		select {
		case line := <-s.lines:
			lines = append(lines, line)
		default:
			return lines
		}
	}
	return lines
}

func (s *Sessions) storeLines(ctx context.Context, lines []SecurityLine) {
	if len(lines) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite) // also when the service stops
	defer cancel()
	rows := pgx.CopyFromSlice(len(lines), func(i int) ([]any, error) {
		l := lines[i]
		return []any{l.At, l.Kind, l.Event, l.Person, l.Session, l.Address, l.Details}, nil
	})
	_, err := s.db.Pool().CopyFrom(ctx, pgx.Identifier{"security_log"}, []string{"at", "kind", "event", "person", "session", "address", "details"}, rows)
	if err != nil {
		s.log.WarnContext(ctx, "lines of the security log are in this log only, and not in the database", "lines", len(lines), "error", err)
	}
}

// newLine is what attrs say, beside the fields that each line has.
func newLine(event, person, session, address string, attrs []slog.Attr) SecurityLine {
	details := make([]string, len(attrs))
	for i, a := range attrs {
		details[i] = a.Key + "=" + a.Value.String()
	}
	// A browser may say anything in what it sends, and the database takes only text.
	text := strings.ReplaceAll(strings.ToValidUTF8(strings.Join(details, " "), "\uFFFD"), "\x00", "\uFFFD")
	if runes := []rune(text); len(runes) > longestDetails {
		text = string(runes[:longestDetails]) + "…"
	}
	return SecurityLine{At: time.Now(), Kind: kindOf(event), Event: event, Person: person, Session: session, Address: address, Details: text}
}

// SecurityLog returns at most limit lines before one (0: from the newest on), of a kind and a person where
// these are not empty, the newest first.
func (s *Sessions) SecurityLog(ctx context.Context, kind SecurityKind, person string, before int64, limit int) ([]SecurityLine, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	where := "id < @before"
	if kind != "" {
		where += " and kind = @kind"
	}
	if person != "" {
		where += " and person = @person"
	}
	lines, err := pg.Rows(ctx, s.db.Pool(), pgx.RowToStructByPos[SecurityLine],
		"select id, at, kind, event, person, session, address, details from security_log where "+where+" order by id desc limit @limit",
		pgx.NamedArgs{"before": before, "kind": kind, "person": person, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("read the security log: %w", err)
	}
	return lines, nil
}
