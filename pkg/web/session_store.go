package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/pg"
)

// seenEvery is how often a session's use is written down.
const seenEvery = time.Minute

// sessionStore keeps scs's sessions in the table sessions, each under the hash of its token: who reads the
// table cannot take a session over. It ends what lies idle.
type sessionStore struct {
	scs.Store // its methods without a context are never called
	db        *pg.DB
	idle      time.Duration
}

// hashOf is what a session is called wherever its token must not be; "" without a token.
func hashOf(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// commitWait bounds the writing of a session.
const commitWait = 5 * time.Second

// unusedKey marks the context of a request that a page makes by itself.
type unusedKey struct{}

// FindCtx reads a session and, where a person uses it, puts off its end: all in one statement, which writes
// once a minute at most.
func (s *sessionStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	used, renew := ctx.Value(unusedKey{}) == nil, false
	err = s.db.Pool().QueryRow(ctx, `with used as (
			update sessions set seen = now(), expiry = least(deadline, now() + $2::interval)
			where token = $1 and $3 and expiry > now() and seen < now() - $4::interval)
		select data, renew from sessions where token = $1 and expiry > now() and not `+isBlocked,
		hashOf(token), s.idle, used, min(seenEvery, s.idle/4)).Scan(&data, &renew)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if f, ok := ctx.Value(foundKey{}).(*foundSession); ok {
		f.token, f.renew = token, renew
	}
	return data, err == nil, err
}

// foundSession is what is read of a session beside its data.
type foundSession struct {
	token string
	renew bool
}

type foundKey struct{}

// sessionOwner is what is known of a session beside its data.
type sessionOwner struct{ person, browser, providerSession string }

type sessionOwnerKey struct{}

// CommitCtx writes a session, with the owner that ctx names. One that was found is written only while it is
// there: a request that is under way when the session ends does not bring it back.
func (s *sessionStore) CommitCtx(ctx context.Context, token string, data []byte, deadline time.Time) error {
	owner, _ := ctx.Value(sessionOwnerKey{}).(sessionOwner)
	// An error's page is written when the request's own time has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWait)
	defer cancel()
	found, _ := ctx.Value(foundKey{}).(*foundSession)
	_, err := s.db.Pool().Exec(ctx, `insert into sessions (token, data, expiry, deadline, person, browser, provider_session)
		select $1, $2, least($3::timestamptz, now() + $4::interval), $3, nullif($5, ''), $6, nullif($7, '')
		where not $8 or exists (select from sessions where token = $1 for update)
		on conflict (token) do update set data = excluded.data, expiry = excluded.expiry, deadline = excluded.deadline, seen = now(),
			person = excluded.person, browser = excluded.browser, provider_session = excluded.provider_session`,
		hashOf(token), data, deadline, s.idle, owner.person, owner.browser, owner.providerSession, found != nil && found.token == token)
	return err
}

// DeleteCtx ends a session.
func (s *sessionStore) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.db.Pool().Exec(ctx, "delete from sessions where token = $1", hashOf(token))
	return err
}

// sessionLine is a session in the list of its person's.
type sessionLine struct {
	Token, Browser string
	Began, Seen    time.Time
}

// sessionsShown is how many of a person's sessions are listed.
const sessionsShown = 50

// of lists a person's sessions, the last used first.
func (s *sessionStore) of(ctx context.Context, person string) ([]sessionLine, error) {
	return pg.Rows(ctx, s.db.Pool(), pgx.RowToStructByPos[sessionLine], `select token, coalesce(browser, ''), began, seen from sessions
		where person = $1 and expiry > now() order by seen desc limit $2`, person, sessionsShown)
}

// endAll ends a person's sessions, and returns how many those were.
func (s *sessionStore) endAll(ctx context.Context, person string) (int64, error) {
	tag, err := s.db.Pool().Exec(ctx, "delete from sessions where person = $1", person)
	return tag.RowsAffected(), err
}
