package operations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"countersign.example/payments-core/gateway"
	"countersign.example/payments-core/internal/releasing"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/telemetry"
	"countersign.example/pkg/tracing"
)

// recordTimeout bounds storing that a call had no answer.
const recordTimeout = 5 * time.Second

// Caller works the job of an operation: it calls the gateway and records the outcome.
type Caller struct {
	river.WorkerDefaults[callArgs]
	service *Service
	gateway gateway.Gateway
	keyLife time.Duration
	log     *slog.Logger
	calls   *prometheus.HistogramVec
	alarms  *prometheus.CounterVec
}

// NewCaller returns a caller whose metrics are in registry. keyLife is how long the gateway remembers a key.
func NewCaller(
	service *Service, g gateway.Gateway, keyLife time.Duration, log *slog.Logger, registry prometheus.Registerer,
) *Caller {
	c := &Caller{
		service: service, gateway: g, keyLife: keyLife, log: log,
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gateway_call_duration_seconds",
			Help:    "Time of calls to the payment gateway, by kind and by outcome: approved, refused, unknown or key_reused.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"kind", "outcome"}),
		alarms: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "payment_alarms_total",
			Help: "Things about money that a person must look at, by reason.",
		}, []string{"reason"}),
	}
	registry.MustRegister(c.calls, c.alarms, stuckGauge(service.db))
	return c
}

// stuckGauge reads the table when it is scraped, so that a restart does not change it.
func stuckGauge(db *pg.DB) prometheus.Collector {
	return telemetry.Gauges{
		Descriptions: []*prometheus.Desc{telemetry.Description("payment_operations_stuck", "Operations that wait for an operator.")},
		Read: func(ctx context.Context, emit func(int, float64, ...string)) {
			var n int64
			const query = "select count(*) from operations where stuck_at is not null and closed_at is null"
			if err := db.Pool().QueryRow(ctx, query).Scan(&n); err == nil {
				emit(0, float64(n))
			}
		},
	}
}

// NextRetry is for failures that Work does not turn into a snooze: a panic, or a lost process.
func (c *Caller) NextRetry(job *river.Job[callArgs]) time.Time {
	return time.Now().Add(Backoff(job.Attempt))
}

// Work asks the gateway once. Without a definite answer the job is snoozed, and asks again with the same key.
// A stuck operation is left to an operator.
func (c *Caller) Work(ctx context.Context, job *river.Job[callArgs]) (failed error) {
	o, err := byID(ctx, c.service.db.Pool(), job.Args.Operation)
	if err != nil {
		return err
	}
	if o.State != Open || o.Stuck() {
		return nil // another worker was taken for dead, and was not
	}
	ctx, end := tracing.Within(tracing.Resume(event.WithMeta(ctx, o.Meta), o.TraceParent), tracing.Job(job.Kind), tracing.Attempt(o.Attempts+1))
	defer func() { end(failed) }()
	result, err := c.call(ctx, o)
	failed = err
	decide := func(locked *lockedPayment) Outcome { return OutcomeOf(locked.payment, locked.order, o, result) }
	switch {
	case errors.Is(err, gateway.ErrKeyReused):
		decide = func(locked *lockedPayment) Outcome {
			return stuckBy(locked.payment, o, "the gateway knows the key of another request")
		}
	case err != nil:
		c.log.Log(ctx, level(slog.LevelWarn, o.Attempts+1),
			"the gateway gave no definite answer; asking again with the same key",
			"payment", o.PaymentID, "key", o.Key, "attempts", o.Attempts+1, "error", err)
		return c.retryLater(ctx, o, err)
	}
	if err := c.record(ctx, job, o, decide); err != nil {
		c.log.Log(ctx, level(slog.LevelError, o.Attempts+1),
			"the gateway's answer could not be recorded; asking again with the same key",
			"payment", o.PaymentID, "key", o.Key, "attempts", o.Attempts+1, "error", err)
		return c.retryLater(ctx, o, err)
	}
	return nil
}

// call asks the gateway. Where the gateway may have forgotten the key, call looks in its record first, or it
// would do the same twice.
func (c *Caller) call(ctx context.Context, o Operation) (result gateway.Result, err error) {
	began := time.Now()
	if time.Since(o.OpenedAt) > c.keyLife-c.keyLife/10 {
		if result, known, err := c.recorded(ctx, o); known || err != nil {
			return result, err
		}
	}
	switch o.Kind {
	case payment.Authorize:
		p, _, lookErr := c.service.Get(ctx, o.PaymentID)
		if lookErr != nil {
			return result, lookErr
		}
		result, err = c.gateway.Authorize(ctx, gateway.Request{
			Key: o.Key, PaymentID: o.PaymentID, Amount: o.Amount, Description: p.Description,
		})
	case payment.Capture:
		result, err = c.gateway.Capture(ctx, o.Key, o.HoldReference, o.Amount)
	case payment.Release:
		result, err = c.gateway.Release(ctx, o.Key, o.HoldReference, o.Amount)
	case payment.Refund:
		result, err = c.gateway.Refund(ctx, o.Key, o.HoldReference, o.Amount)
	default:
		return result, fmt.Errorf("operation of unknown kind %q", o.Kind)
	}
	outcome := "approved"
	switch {
	case errors.Is(err, gateway.ErrKeyReused):
		outcome = "key_reused"
	case err != nil:
		outcome = "unknown"
	case !result.Approved():
		outcome = "refused"
	}
	c.calls.WithLabelValues(string(o.Kind), outcome).Observe(time.Since(began).Seconds())
	return result, err
}

// recorded looks for the outcome of o in the gateway's record.
func (c *Caller) recorded(ctx context.Context, o Operation) (result gateway.Result, known bool, err error) {
	for record, err := range c.gateway.Records(ctx, o.PaymentID) {
		switch {
		case err != nil:
			return result, false, fmt.Errorf("look for %s in the gateway's record: %w", o.Key, err)
		case record.Key != o.Key:
		case string(record.Kind) != string(o.Kind) || record.Amount != o.Amount:
			return result, false, fmt.Errorf("%w: %s of %s", gateway.ErrKeyReused, record.Kind, record.Amount)
		default:
			return record.Result, true, nil
		}
	}
	return result, false, nil
}

// retryLater stores why there is no answer, and snoozes the job.
func (c *Caller) retryLater(ctx context.Context, o Operation, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	_, err := c.service.db.Pool().Exec(ctx, `update operations set attempts = attempts + 1, last_error = $2
		where id = $1 and closed_at is null`, o.ID, gateway.Clean(cause.Error(), payment.MaxText))
	if err != nil {
		c.log.WarnContext(ctx, "note a failed call", "key", o.Key, "error", err)
	}
	return river.JobSnooze(Backoff(o.Attempts + 1))
}

// record closes the operation with its event, opens what comes next, and completes the job, in one
// transaction.
func (c *Caller) record(
	ctx context.Context, job *river.Job[callArgs], o Operation, decide func(*lockedPayment) Outcome,
) error {
	var done Outcome
	err := c.service.db.InTx(ctx, func(tx *pg.Tx) error {
		locked, err := c.service.load(ctx, tx, o.PaymentID)
		if err != nil {
			return err
		}
		if open, is := locked.history.Open(); !is || open.ID != o.ID {
			return nil // closed by another worker since
		}
		done = decide(locked)
		if _, err := c.service.conclude(ctx, tx, locked, &done); err != nil {
			return err
		}
		_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx.Tx, job)
		return err
	})
	reason := errors.New(done.Operation.LastError)
	switch {
	case err != nil:
	case done.Operation.Stuck():
		c.alarm(ctx, "operation_stuck", o, 1, "the gateway cannot be asked again: "+
			"an operator must retry or settle it, with `payments-core operations`", reason)
	case done.Again:
		c.alarm(ctx, string(o.Kind)+"_refused", o, o.N, "the gateway refused what must be done; asking again", reason)
	}
	return err
}

// conclude records the outcome of a payment's open operation, with its event, and opens what comes next. It
// returns the operation that asks again, if one does.
func (s *Service) conclude(
	ctx context.Context, tx *pg.Tx, locked *lockedPayment, done *Outcome,
) (again Operation, err error) {
	if done.Err != nil {
		return again, done.Err
	}
	o := &done.Operation
	o.happened(time.Now())
	if err := update(ctx, tx, *o); err != nil {
		return again, err
	}
	for i := range locked.history {
		if locked.history[i].ID == o.ID {
			locked.history[i] = *o
		}
	}
	if done.Body != nil {
		if err := s.write(ctx, tx, locked, done.Body, done.meta()); err != nil {
			return again, err
		}
	}
	if !done.Again {
		return again, s.applyRules(ctx, tx, locked)
	}
	again = NewOperation(locked.payment, locked.history, o.Kind, o.Reason, o.Meta)
	return again, s.open(ctx, tx, []*Operation{&again}, nil, time.Now().Add(done.Wait))
}

// alarm counts each alarm, and logs as often as level allows.
func (c *Caller) alarm(ctx context.Context, reason string, o Operation, times int, message string, err error) {
	c.alarms.WithLabelValues(reason).Inc()
	c.log.Log(ctx, level(slog.LevelError, times), message,
		"alarm", reason, "payment", o.PaymentID, "key", o.Key, "times", times, "error", err)
}

// level is wanted the first time and whenever the times have doubled, and debug otherwise: in an outage of
// the gateway every open payment fails every 30 s, and would drown all else.
func level(wanted slog.Level, times int) slog.Level {
	if times&(times-1) == 0 {
		return wanted
	}
	return slog.LevelDebug
}

// Outcome is what a definite answer means for an operation and its payment.
type Outcome struct {
	Operation Operation     // closed; or open still, which is stuck
	Body      payment.Body  // the event to write; nil if the payment does not change by it
	Again     bool          // refused, but it must be done: with a new key
	Wait      time.Duration // before that
	Err       error
}

// OutcomeOf decides what the gateway's answer to o means for p, which is for order.
func OutcomeOf(p payment.Payment, order releasing.Order, o Operation, result gateway.Result) (done Outcome) {
	o.State, o.GatewayReference, o.HoldExpiresAt, o.LastError = Succeeded, result.Reference, result.ExpiresAt, ""
	if r := result.Refusal; r != nil {
		o.State, o.LastError, o.Final = Failed, describe(*r), r.Final
	}
	done.Operation = o
	switch {
	case o.State == Failed && o.Kind == payment.Authorize:
		done.Body, done.Err = p.Decline(result.Refusal.Code, result.Refusal.Reason, result.Refusal.Final)
	case o.State == Failed && o.Kind == payment.Capture && holdIsGone(result.Refusal.Code):
		done.Body, done.Err = p.Release(refusedCapture(o))
	case o.State == Failed && o.Kind == payment.Release && holdIsGone(result.Refusal.Code):
		done.Body, done.Err = p.Release(o.Reason)
	case o.State == Failed && o.Final && o.Kind != payment.Capture:
		return stuckBy(p, o, o.LastError)
	case o.State == Failed:
		done.Again, done.Wait = again(o, order), RefusedBackoff(o.N)
	case o.Kind == payment.Authorize:
		done.Body, done.Err = p.Authorize(result.Reference)
	case o.Kind == payment.Capture:
		done.Body, done.Err = p.Capture(o.Amount, result.Reference)
	case o.Kind == payment.Release:
		done.Body, done.Err = p.Release(o.Reason)
	case o.Kind == payment.Refund:
		done.Body, done.Err = p.Refund(o.Reason, result.Reference)
	}
	return done.checked()
}

// stuckBy is the outcome of an operation that must be done and cannot be asked again: it waits for an
// operator.
func stuckBy(p payment.Payment, o Operation, reason string) (done Outcome) {
	o.State, o.LastError, o.GatewayReference = Open, gateway.Clean(reason, payment.MaxText), ""
	done.Operation = o
	done.Body, done.Err = p.GetStuck(o.Kind, reason)
	return done.checked()
}

func (o Outcome) checked() Outcome {
	if o.Err != nil {
		// The rules open only what the payment can take, and nothing changes it while an
		// operation is open: this is a mistake of ours, and the operation stays open.
		o.Err = fmt.Errorf("the payment cannot take the outcome of %s: %w", o.Operation.Key, o.Err)
	}
	return o
}

// meta is on whose behalf the event is written: nobody's where the gateway refused. What is stuck is still
// wanted by whoever asked for it.
func (o Outcome) meta() event.Meta {
	m := o.Operation.Meta
	switch {
	case o.Operation.Handled.By != "":
		m.Actor, m.ActorName = o.Operation.Handled.By, o.Operation.Handled.By
	case o.Operation.State == Failed:
		m.Actor, m.ActorName = "", ""
	}
	return m
}

// refusedCapture is why there is no hold any more after a refused capture, for people.
func refusedCapture(o Operation) string {
	by := ""
	if o.ActorName != "" {
		by = " by " + o.ActorName
	}
	return gateway.Clean("the capture"+by+" was refused: "+o.LastError, payment.MaxText)
}

// holdIsGone reports whether a refusal says that nothing is held any more.
func holdIsGone(code string) bool {
	switch code {
	case gateway.CaptureRefused, gateway.HoldExpired, gateway.HoldNotActive:
		return true
	}
	return false
}

func describe(r gateway.Refusal) string {
	if r.Reason != "" {
		return r.Reason
	}
	return r.Code
}
