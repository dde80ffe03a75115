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
)

// noteTimeout bounds writing down that a call had no answer.
const noteTimeout = 5 * time.Second

// Caller works the job of an operation: it calls the gateway and records what came of it.
type Caller struct {
	river.WorkerDefaults[callArgs]
	desk    *Desk
	gateway gateway.Gateway
	log     *slog.Logger
	calls   *prometheus.HistogramVec
	alarms  *prometheus.CounterVec
}

// NewCaller returns a caller whose metrics are in registry.
func NewCaller(desk *Desk, g gateway.Gateway, log *slog.Logger, registry prometheus.Registerer) *Caller {
	c := &Caller{
		desk: desk, gateway: g, log: log,
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
	registry.MustRegister(c.calls, c.alarms)
	return c
}

// NextRetry is for failures that Work does not turn into a snooze: a panic, or a lost process.
func (c *Caller) NextRetry(job *river.Job[callArgs]) time.Time {
	return time.Now().Add(Backoff(job.Attempt))
}

// Work asks the gateway once. Without a definite answer the job is put off, and asks again with the same key.
func (c *Caller) Work(ctx context.Context, job *river.Job[callArgs]) error {
	o, err := byID(ctx, c.desk.db.Pool(), job.Args.Operation)
	if err != nil {
		return err
	}
	if o.State != Open {
		return nil // another worker was taken for dead, and was not
	}
	ctx = event.WithMeta(ctx, o.Meta)
	result, err := c.call(ctx, o)
	switch {
	case errors.Is(err, gateway.ErrKeyReused):
		c.alarm(ctx, "key_reused", o, o.Attempts+1, "the gateway knows the key of another request", err)
		return c.putOff(ctx, o, err)
	case err != nil:
		c.log.Log(ctx, level(slog.LevelWarn, o.Attempts+1), "the gateway gave no definite answer; asking again with the same key",
			"payment", o.PaymentID, "key", o.Key, "attempts", o.Attempts+1, "error", err)
		return c.putOff(ctx, o, err)
	}
	if err := c.record(ctx, job, o, result); err != nil {
		c.log.Log(ctx, level(slog.LevelError, o.Attempts+1), "the gateway's answer could not be recorded; asking again with the same key",
			"payment", o.PaymentID, "key", o.Key, "attempts", o.Attempts+1, "error", err)
		return c.putOff(ctx, o, err)
	}
	return nil
}

func (c *Caller) call(ctx context.Context, o Operation) (result gateway.Result, err error) {
	began := time.Now()
	switch o.Kind {
	case payment.Authorize:
		p, _, lookErr := c.desk.Look(ctx, o.PaymentID)
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

// putOff notes why there is no answer, and has the job work again later.
func (c *Caller) putOff(ctx context.Context, o Operation, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	if _, err := c.desk.db.Pool().Exec(ctx, `update operations set attempts = attempts + 1, last_error = $2 where id = $1 and closed_at is null`,
		o.ID, gateway.Clean(cause.Error(), payment.MaxText)); err != nil {
		c.log.WarnContext(ctx, "note a failed call", "key", o.Key, "error", err)
	}
	return river.JobSnooze(Backoff(o.Attempts + 1))
}

// record closes the operation with its event, opens what comes next, and completes the job, all in
// one transaction.
func (c *Caller) record(ctx context.Context, job *river.Job[callArgs], o Operation, result gateway.Result) error {
	var refused *gateway.Refusal
	err := c.desk.db.InTx(ctx, func(tx *pg.Tx) error {
		d, err := c.desk.load(ctx, tx, o.PaymentID)
		if err != nil {
			return err
		}
		if open, is := d.history.Open(); !is || open.ID != o.ID {
			return nil // closed by another worker since
		}
		done := OutcomeOf(d.payment, d.order, o, result)
		if done.Err != nil {
			return done.Err
		}
		done.Closed.ClosedAt = time.Now()
		if err := closeRow(ctx, tx, done.Closed); err != nil {
			return err
		}
		for i := range d.history {
			if d.history[i].ID == o.ID {
				d.history[i] = done.Closed
			}
		}
		if done.Body != nil {
			if err := c.desk.write(ctx, tx, d, done.Body, done.meta()); err != nil {
				return err
			}
		}
		if done.Again {
			refused = result.Refusal
			next := NewOperation(d.payment, d.history, o.Kind, o.Reason, o.Meta)
			err = c.desk.open(ctx, tx, []*Operation{&next}, nil, time.Now().Add(Backoff(o.N)))
		} else {
			err = c.desk.follow(ctx, tx, d)
		}
		if err != nil {
			return err
		}
		_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx.Tx, job)
		return err
	})
	if err == nil && refused != nil {
		c.alarm(ctx, string(o.Kind)+"_refused", o, o.N, "the gateway refused what must be done; asking again", errors.New(describe(*refused)))
	}
	return err
}

// alarm counts every time, and logs as often as level has it.
func (c *Caller) alarm(ctx context.Context, reason string, o Operation, times int, message string, err error) {
	c.alarms.WithLabelValues(reason).Inc()
	c.log.Log(ctx, level(slog.LevelError, times), message, "alarm", reason, "payment", o.PaymentID, "key", o.Key, "times", times, "error", err)
}

// level is wanted the first time, and then whenever the times have doubled; else it is debug. In an outage of
// the gateway every open payment fails every 30 s, and would drown all else.
func level(wanted slog.Level, times int) slog.Level {
	if times&(times-1) == 0 {
		return wanted
	}
	return slog.LevelDebug
}

// Outcome is what a definite answer comes to.
type Outcome struct {
	Closed Operation
	Body   payment.Body // the event to write; nil if the payment does not change by it
	Again  bool         // refused, but it must be done: with a new key, after a while
	Err    error
}

// OutcomeOf decides what the gateway's answer to o means for p, which is for order.
func OutcomeOf(p payment.Payment, order releasing.Order, o Operation, result gateway.Result) (done Outcome) {
	o.State, o.GatewayReference, o.HoldExpiresAt, o.LastError = Succeeded, result.Reference, result.ExpiresAt, ""
	if r := result.Refusal; r != nil {
		o.State, o.LastError, o.Final = Failed, describe(*r), r.Final
	}
	done.Closed = o
	switch {
	case o.State == Failed && o.Kind == payment.Authorize:
		done.Body, done.Err = p.Decline(result.Refusal.Code, result.Refusal.Reason, result.Refusal.Final)
	case o.State == Failed && o.Kind == payment.Capture && holdIsGone(result.Refusal.Code):
		done.Body, done.Err = p.Release(refusedCapture(o))
	case o.State == Failed && o.Kind == payment.Release && holdIsGone(result.Refusal.Code):
		done.Body, done.Err = p.Release(o.Reason)
	case o.State == Failed:
		done.Again = again(o, order)
	case o.Kind == payment.Authorize:
		done.Body, done.Err = p.Authorize(result.Reference)
	case o.Kind == payment.Capture:
		done.Body, done.Err = p.Capture(o.Amount, result.Reference)
	case o.Kind == payment.Release:
		done.Body, done.Err = p.Release(o.Reason)
	case o.Kind == payment.Refund:
		done.Body, done.Err = p.Refund(o.Reason, result.Reference)
	}
	if done.Err != nil {
		// The rules open only what the payment can take, and nothing changes it while an
		// operation is open: this is a mistake of ours, and the operation stays open.
		done.Err = fmt.Errorf("the payment cannot take the outcome of %s: %w", o.Key, done.Err)
	}
	return done
}

// meta is on whose behalf the event is: what the gateway refused is not the doing of the person who asked for it.
func (d Outcome) meta() event.Meta {
	m := d.Closed.Meta
	if d.Closed.State == Failed {
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
