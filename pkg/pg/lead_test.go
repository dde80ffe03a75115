package pg_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// term is one that a candidate of a test leads.
type term struct {
	name  string
	lease pg.Lease
	began time.Time
	ended chan struct{}
	ctx   context.Context
}

// candidate leads in db whenever it can, until stopped.
func candidate(t *testing.T, db *pg.DB, name string, terms chan<- term) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = db.Lead(ctx, "test", func(ctx context.Context, lease pg.Lease) error {
			this := term{name, lease, time.Now(), make(chan struct{}), ctx}
			defer close(this.ended)
			terms <- this
			<-ctx.Done()
			return nil
		})
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func TestALeaderThatStopsIsFollowedAtOnce(t *testing.T) {
	// given two candidates in two processes, of which one leads
	url := pgtest.NewURL(t)
	terms := make(chan term, 10)
	stopFirst := candidate(t, open(t, url), "first", terms)
	first := receive(t, terms)
	require.Equal(t, "first", first.name)
	second := open(t, url)
	candidate(t, second, "second", terms)
	require.Eventually(t, func() bool { return listeners(t, second) == 2 }, 10*time.Second, 10*time.Millisecond)

	// when it is asked to stop
	asked := time.Now()
	stopFirst()

	// then the other one leads long before the lease would have run out, with a greater token
	next := receive(t, terms)
	require.Equal(t, "second", next.name)
	require.Less(t, next.began.Sub(asked), 3*time.Second)
	require.Greater(t, next.lease.Token, first.lease.Token)
	require.Empty(t, terms)
}

// listeners is how many connections listen to the return of leases.
func listeners(t *testing.T, db *pg.DB) (n int) {
	t.Helper()
	require.NoError(t, db.Pool().QueryRow(t.Context(),
		"select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%leases%' and state = 'idle'").Scan(&n))
	return n
}

func TestALeaderThatLosesItsLeaseStops(t *testing.T) {
	// given a leader
	db := pgtest.New(t)
	terms := make(chan term, 10)
	candidate(t, db, "one", terms)
	first := receive(t, terms)

	// when its lease has been taken over
	_, err := db.Pool().Exec(t.Context(), "update leases set token = token + 1, expires_at = '-infinity'")
	require.NoError(t, err)

	// then it stops, and leads another term
	receive(t, first.ended)
	again := receive(t, terms)
	require.Greater(t, again.lease.Token, first.lease.Token+1)
}

func TestALeaderOutlivesConnectionsThatCarryNothing(t *testing.T) {
	// given a leader on the other side of a network
	url := pgtest.NewURL(t)
	network := pgtest.NewProxy(t, url)
	terms := make(chan term, 10)
	candidate(t, network.Open(t), "one", terms)
	first := receive(t, terms)

	// when every connection that it has carries nothing any more
	network.Swallow()

	// then it makes new ones in time
	direct := open(t, url)
	expires := func() (at time.Time) {
		require.NoError(t, direct.Pool().QueryRow(t.Context(), "select expires_at from leases").Scan(&at))
		return at
	}
	before := expires()
	require.Eventually(t, func() bool { return expires().After(before) }, 15*time.Second, 50*time.Millisecond)
	select {
	case <-first.ended:
		t.Error("it has stopped")
	default:
	}
}

func TestConnectionsNoticeThatAHostHasVanished(t *testing.T) {
	db := pgtest.New(t)
	for setting, want := range map[string]string{
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3", "tcp_user_timeout": "20000",
		"idle_in_transaction_session_timeout": "10s",
	} {
		var got string
		require.NoError(t, db.Pool().QueryRow(t.Context(), "select current_setting($1)", setting).Scan(&got))
		require.Equal(t, want, got, setting)
	}
}

func open(t *testing.T, url string) *pg.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

func TestALeaseOfAClockThatWasAheadHoldsNobodyUp(t *testing.T) {
	// given a lease of somebody who has gone, from before the server's clock was set back by an hour
	db := pgtest.New(t)
	_, err := db.Pool().Exec(t.Context(), "insert into leases (name, holder, token, expires_at) values ('test', 'gone', 1, clock_timestamp() + interval '1 hour')")
	require.NoError(t, err)

	// when there is a candidate, then it leads at once
	terms := make(chan term, 10)
	candidate(t, db, "one", terms)
	require.Greater(t, receive(t, terms).lease.Token, int64(1))
}

func TestALeaseThatIsALittleAheadIsWaitedFor(t *testing.T) {
	// given a lease whose holder may live, of a server whose clock was a few seconds ahead of this one's
	db := pgtest.New(t)
	_, err := db.Pool().Exec(t.Context(), "insert into leases (name, holder, token, expires_at) values ('test', 'alive', 1, clock_timestamp() + interval '12 seconds')")
	require.NoError(t, err)

	// then a candidate does not lead beside it
	terms := make(chan term, 10)
	candidate(t, db, "one", terms)
	select {
	case <-terms:
		t.Fatal("two lead")
	case <-time.After(time.Second):
	}
}

// What a leader has read of the database that was is not to be written into the one that is.
func TestALeaseEndsWithTheDatabaseThatItIsOf(t *testing.T) {
	t.Parallel()
	// given a leader
	address, before := pgtest.NewURL(t), pgtest.NewURL(t)
	db := open(t, address)
	terms := make(chan term, 10)
	candidate(t, db, "only", terms)
	first := receive(t, terms)
	within := context.WithoutCancel(first.ctx)
	require.NoError(t, db.Ping(within))
	// when the database falls back
	pgtest.FallBack(t, address, before)
	// then the leader never gets a connection to it, and leads no more
	for err := error(nil); !errors.Is(err, pg.ErrReplaced); {
		err = db.Ping(within)
		require.Error(t, err)
	}
	<-first.ended
	// and another term begins there
	second := receive(t, terms)
	require.NoError(t, db.Ping(second.ctx))
}
