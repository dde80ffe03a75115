package main

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign.example/pkg/wait"
	"countersign.example/test/faultrun/hostile"
	"countersign.example/test/testsystem"
)

// looksEvery is how often the operator looks for what is stuck.
const looksEvery = 2 * time.Second

// operate settles what the gateway has refused for good, as an operator who has paid it back by other means,
// until the returned function is called. What does not work now is tried again.
func (s *system) operate(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var looking sync.WaitGroup
	looking.Go(func() {
		for wait.Sleep(ctx, looksEvery) {
			keys, _ := s.stuck(ctx)
			for _, key := range keys {
				within, done := context.WithTimeout(ctx, time.Minute)
				_ = s.Command(within, testsystem.Core, "operations", "settle", key, "--outcome", "succeeded", "--by", operatorName, "--why", "paid back by transfer").Run()
				done()
			}
		}
	})
	return func() { cancel(); looking.Wait() }
}

const operatorName = "Olga Brandt"

// stuck are the keys of the operations that wait for an operator.
func (s *system) stuck(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.Database[testsystem.Core])
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, "select key from operations where stuck_at is not null and closed_at is null order by key limit 100")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// giveUpDeadLetters has an operator give up all dead letters of each service.
func (s *system) giveUpDeadLetters(ctx context.Context) error {
	for service := range testsystem.Consumed {
		command := func(args ...string) *exec.Cmd { return s.Command(ctx, service, args...) }
		if err := hostile.GiveUp(ctx, s.Database[service], command); err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
	}
	return nil
}
