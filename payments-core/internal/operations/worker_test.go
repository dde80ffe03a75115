package operations

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/journal"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/pg/pgtest"
)

// told is a gateway that answers what the test tells it to, call by call.
type told struct {
	gateway.Gateway
	calls chan *call
}

type call struct {
	paymentID string
	answer    chan error // nil for a hold
}

func (g *told) Authorize(ctx context.Context, r gateway.Request) (gateway.Result, error) {
	c := &call{paymentID: r.PaymentID, answer: make(chan error, 1)}
	select {
	case g.calls <- c:
	case <-ctx.Done():
		return gateway.Result{}, gateway.ErrUnknown
	}
	select {
	case err := <-c.answer:
		return gateway.Result{Reference: "hold", ExpiresAt: time.Now().Add(time.Hour)}, err
	case <-ctx.Done():
		return gateway.Result{}, gateway.ErrUnknown
	}
}

// next is the next call for a payment.
func (g *told) next(t *testing.T, paymentID string) *call {
	t.Helper()
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	for {
		select {
		case c := <-g.calls:
			if c.paymentID == paymentID {
				return c
			}
			c.answer <- nil
		case <-patience.C:
			t.Fatal("the gateway is not asked")
		}
	}
}

// workable is a database with nothing in it, at an address, that a test receives payments into.
func workable(t *testing.T, address string) *race {
	db, err := pg.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	r := &race{t: t, db: db, journal: journal.New(db, "/payments-core")}
	if r.service, err = NewService(db, r.journal, Rules{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return r
}

// accepted receives a payment that is to be authorized.
func (r *race) accepted() (paymentID string) {
	r.paymentID = uuid.NewString()
	r.receive(nil, r.ofPayment("ada", payment.Requested{PaymentID: r.paymentID, ContractorID: "ada",
		Amount: money.Amount{Minor: 10_00, Currency: "EUR"}, Description: "A fence", CaptureMethod: payment.Manual}),
		r.ofPayment("mia", payment.Accepted{}))
	return r.paymentID
}

func (r *race) authorized(paymentID string) {
	r.t.Helper()
	r.eventually("a hold, and nothing open", func() bool {
		p, history, err := r.service.Get(r.t.Context(), paymentID)
		_, open := history.Open()
		return err == nil && p.Money == payment.MoneyAuthorized && !open
	})
}

func connect(t *testing.T, address string) *pgx.Conn {
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func run(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// River's own rescue takes a job back after half a minute or a whole one, and then only on the leader.
func TestAJobThatWasFetchedWithoutAnAnswerIsWorkedSoon(t *testing.T) {
	t.Parallel()
	// given a worker whose fetching of a job waits in the server
	address := newURL(t)
	network := pgtest.NewProxy(t, address)
	r := workable(t, address)
	worker := workable(t, network.URL())
	conn := connect(t, address)
	run(t, conn, `create function held() returns trigger language plpgsql as
			$$ begin perform pg_advisory_xact_lock_shared(4711); return new; end $$`,
		`create trigger held before update on river_job for each row when (new.state = 'running') execute function held()`,
		`select pg_advisory_lock(4711)`)
	g := &told{calls: make(chan *call)}
	worker.work(g, Timing{RescueAfter: time.Hour, LostAfter: time.Second})
	id := r.accepted()
	r.eventually("a job is being fetched", func() bool {
		var fetching bool
		err := conn.QueryRow(t.Context(), `select exists (select from pg_locks where locktype = 'advisory' and objid = 4711 and not granted)`).Scan(&fetching)
		return err == nil && fetching
	})
	// when the network breaks before the answer
	network.Cut()
	run(t, conn, "select pg_advisory_unlock(4711)")
	r.eventually("the job is the worker's", func() bool {
		var running bool
		err := conn.QueryRow(t.Context(), "select exists (select from river_job where state = 'running')").Scan(&running)
		return err == nil && running
	})
	network.Mend()
	// then the worker asks the gateway all the same
	g.next(t, id).answer <- nil
	r.authorized(id)
}

// What a worker has in memory is of the database that was, whose numbers are given again.
func TestAJobOfADatabaseThatFellBackEndsNoOther(t *testing.T) {
	t.Parallel()
	// given a worker that asks the gateway about a payment
	address, before := newURL(t), newURL(t)
	r := workable(t, address)
	g := &told{calls: make(chan *call)}
	r.work(g, Timing{})
	lost := r.accepted()
	asked := g.next(t, lost)
	conn := connect(t, address)
	var job int64
	var worker string
	const running = "select id, attempted_by[cardinality(attempted_by)] from river_job where state = 'running'"
	if err := conn.QueryRow(t.Context(), running).Scan(&job, &worker); err != nil {
		t.Fatal(err)
	}
	// and the database falls back to before that, where another payment comes
	pgtest.FallBack(t, address, before)
	r.db.Pool().Reset()
	id := r.accepted()
	about := g.next(t, id)
	conn = connect(t, address)
	// when the answers come, and that about the other payment is lost
	asked.answer <- nil
	r.eventually("the job is over, or another worker's", func() bool {
		var over bool
		err := conn.QueryRow(t.Context(), "select finalized_at is not null or attempted_by[cardinality(attempted_by)] <> $2 from river_job where id = $1",
			job, worker).Scan(&over)
		return err == nil && over
	})
	about.answer <- gateway.ErrUnknown
	// then the gateway is asked again about that one
	g.next(t, id).answer <- nil
	r.authorized(id)
}
