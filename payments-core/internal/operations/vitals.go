package operations

import (
	"context"
	"fmt"

	"countersign.example/pkg/vitals"
)

// Vitals are the calls of the gateway that wait for an answer, for those who watch over the service. All that
// are open are read, 10,000 at most.
func (s *Service) Vitals(ctx context.Context) ([]vitals.Job, error) {
	calls := vitals.Job{Name: "Calls of the gateway"}
	err := s.db.Pool().QueryRow(ctx, `select count(*) filter (where stuck_at is null), count(*) filter (where stuck_at is null and attempts > 0),
		count(*) filter (where stuck_at is not null), coalesce(extract(epoch from now() - min(opened_at) filter (where stuck_at is null)), 0)::float8
		from (select stuck_at, attempts, opened_at from operations where state = 'open' order by opened_at, id limit 10000) open`).
		Scan(&calls.Count, &calls.Failing, &calls.Stuck, &calls.Oldest)
	if err != nil {
		return nil, fmt.Errorf("count what is open at the gateway: %w", err)
	}
	return []vitals.Job{calls}, nil
}
