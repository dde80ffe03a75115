package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/manager-ui/people"
	"countersign.example/ordering-core/catalog"
	"countersign.example/ordering-core/order"
	"countersign.example/payments-core/payment"
	"countersign.example/pkg/event"
	"countersign.example/pkg/kafka"
	"countersign.example/pkg/kafka/kafkatest"
	"countersign.example/pkg/wait"
	"countersign.example/test/faultrun/hostile"
	"countersign.example/test/faultrun/ledger"
	"countersign.example/test/testsystem"
)

const (
	orderTTL      = 15 * time.Second
	quietAtMost   = 3 * time.Minute // until all has come to rest
	rightWithin   = time.Minute     // until every page shows what a reload shows
	restsFor      = 5 * time.Second // before resources are looked at
	recoverWithin = time.Minute
	sayEvery      = time.Minute // how far it is
)

// run has people use the system while it breaks, and writes into sum what came of it.
func run(ctx context.Context, o *testsystem.Outside, cfg settings, sum *summary) {
	fmt.Printf("SEED=%d repeats this run; logs are in %s.\n", cfg.seed, cfg.dir)
	settings := append([]string{"GATEWAY_TIMEOUT=1s", "PAYOUT_GRACE=1500ms", "ORDER_TTL=" + orderTTL.String()}, testsystem.Unlimited...)
	sys := startSystem(o, cfg.dir, settings...)
	sum.step("the system is up")
	goods, pages := offer(o, sys), &known{}
	sys.SettleWithin(o, quietAtMost)
	seen := watch(o, sys, cfg.sockets, pages)
	if late := seen.settleWithin(o.Context(), rightWithin); len(late) > 0 {
		o.Fatalf("pages do not open: %v", late[0])
	}
	before, err := sys.resources(o.Context())
	testsystem.Check(err)
	probes := newProbe(o, sys)
	sum.step("%d pages are open", len(seen.tabs))

	work, err := startLoad(o, sys, cfg, pages, goods)
	testsystem.Check(err)
	sum.step("%d people are signed in", work.people)
	defer sys.operate(o.Context())()
	defer func() { // whatever comes of it
		work.stop()
		sum.Commands, sum.Recovery, sum.Unwelcome = work.ledger.Kinds(), probes.recoveries(), work.unwelcome.list
		sum.Payments, sum.Stories, sum.GivenUp, sum.Probes = work.payments.Load(), work.stories.Load(), work.givenUp.Load(), probes.paidSoFar()
	}()
	messages := hostile.New(sys.Parts.Connection.KafkaBrokers, sys.Keys, kafkatest.NewKeys(o))
	o.Cleanup(func() { testsystem.Check(messages.Close()) })
	breaks := &schedule{seed: cfg.seed, healed: probes.heals, loses: work.ledger.Excuse,
		faults: cfg.chosen(slices.Concat(sys.processFaults(), sys.listenFaults(), sys.releaseFaults(cfg.before), sys.groupFaults(), sys.gatewayFaults(), messages.Faults(nil), sys.parts.faults(sys.environment())))}
	probing, stopProbing := context.WithCancel(o.Context())
	var probed sync.WaitGroup
	probed.Go(func() { probes.run(probing) })
	defer func() { stopProbing(); probed.Wait() }()
	faulty, over := context.WithTimeout(ctx, cfg.last)
	defer over()
	said := time.Now()
	go func() { // what ends it earlier
		for wait.Sleep(faulty, time.Second) {
			if paid, broken := work.payments.Load(), int64(breaks.begun.Load()); cfg.enough(paid, broken) {
				over()
			}
			if time.Since(said) >= sayEvery {
				said = time.Now()
				sum.step("%d payments, %d faults", work.payments.Load(), breaks.begun.Load())
			}
		}
	}()
	breaks.run(faulty)
	sum.Faults, sum.Failed, sum.log = breaks.result()
	sum.step("all faults are over")
	sum.Ended = sys.endedByThemselves()
	testsystem.Check(sys.heal(o.Context()), "heal")
	probes.awaitRecovery(o.Context(), recoverWithin)
	work.stop()
	seen.rest()
	stopProbing()
	probed.Wait()
	sum.step("quiet")

	sys.SettleWithin(o, quietAtMost)
	sum.DeadLetters, err = messages.Wrong(o.Context(), sys.Database, testsystem.Consumed)
	testsystem.Check(err)
	testsystem.Check(sys.giveUpDeadLetters(o.Context()))
	sum.SentAgain = work.ledger.SendAgain(o.Context())
	sys.awaitExpiry(o)
	sys.SettleWithin(o, quietAtMost)
	sum.step("at rest, %d commands sent again", sum.SentAgain)
	sum.Stale = seen.settleWithin(o.Context(), rightWithin)
	sum.Tabs, sum.Sockets = seen.stats(), len(seen.tabs)
	sum.step("every page was compared with a reload")

	sys.effects(o, work.ledger)
	sum.Differences = work.ledger.Compare()
	sum.Diverged = sys.diverged(o.Context())
	sum.Compared = true
	sum.step("the records were compared")
	wait.Sleep(o.Context(), restsFor)
	after, err := sys.resources(o.Context())
	testsystem.Check(err)
	sum.Leaks = leaks(before, after)
}

// awaitExpiry waits until no order waits for its payment any more, so that none expires while all is
// compared.
func (s *system) awaitExpiry(o *testsystem.Outside) {
	testsystem.Eventually(o, "orders end", func() error {
		conn, err := pgx.Connect(o.Context(), s.Database[testsystem.Contractor])
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(o.Context()) }()
		var n int
		if err := conn.QueryRow(o.Context(), "select count(*) from orders where state = 'submitted'").Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%d orders are submitted still", n)
		}
		return nil
	})
}

// effects tells the ledger what is on record of what commands write, by whom, each event once.
func (s *system) effects(o *testsystem.Outside, l *ledger.Ledger) {
	client := kafka.Open("oracle", s.Parts.Connection)
	defer client.Close()
	for _, topic := range []string{payment.Topic, order.Topic, catalog.Topic, people.Topic} {
		testsystem.Check(client.History(o.Context(), topic, func(e event.Event) error {
			l.Found(ledger.Effect{Subject: e.Subject, Type: e.Type, Actor: e.Actor})
			return nil
		}))
	}
	conn, err := pgx.Connect(o.Context(), s.Database[testsystem.Core])
	testsystem.Check(err)
	defer func() { _ = conn.Close(o.Context()) }()
	// A refused operation may be tried again under another key: it is one that was asked for.
	rows, err := conn.Query(o.Context(), "select distinct payment_id, kind from operations")
	testsystem.Check(err)
	var id, kind string
	_, err = pgx.ForEachRow(rows, []any{&id, &kind}, func() error {
		l.Found(ledger.Effect{Subject: id, Type: operation + kind})
		return nil
	})
	testsystem.Check(err)
}

// diverged are the differences that the oracle of the tests finds among topics, journals, copies and the
// gateway.
func (s *system) diverged(ctx context.Context) (n int) {
	err := testsystem.RunOutside(ctx, func(o *testsystem.Outside) {
		s.CheckRecords(o)
		n = o.Errors()
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		n++
	}
	return n
}

// endedByThemselves are the processes that have ended, and nobody has ended them.
func (s *system) endedByThemselves() (names []string) {
	for _, p := range s.processes {
		if p.ended() {
			names = append(names, p.name)
		}
	}
	return names
}

// awaitRecovery waits until a payment has passed since the last fault has healed.
func (p *probe) awaitRecovery(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		p.mu.Lock()
		waiting, last := len(p.healed), p.last
		p.mu.Unlock()
		if waiting == 0 {
			return
		}
		select {
		case <-ctx.Done():
			fmt.Fprintf(os.Stderr, "no payment passes within %s, with everything healed: %v\n", patience, strings.TrimSpace(fmt.Sprint(last)))
			return
		case <-tick.C:
		}
	}
}
