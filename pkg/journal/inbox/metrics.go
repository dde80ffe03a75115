package inbox

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"countersign.example/pkg/telemetry"
)

// countDeadLetters reads those that wait, and no others.
const countDeadLetters = `select count(*) filter (where kind = 'malformed'), count(*) filter (where kind = 'poison'),
	count(*) filter (where kind = 'parked'), count(*) filter (where kind = 'refused'), (select count(*) from quarantined_keys),
	(select count(*) ` + fromStranded + `) from dead_letters where state = 'waiting'`

// Collectors are the recorder's metrics: what became of messages, and the dead letters that wait.
func (r *Recorder) Collectors() []prometheus.Collector {
	deadLetters := telemetry.Gauges{
		Descriptions: []*prometheus.Desc{
			telemetry.Description("dead_letters", "Dead letters that wait.", "kind"),
			telemetry.Description("quarantined_keys", "Keys whose events wait behind a poison message."),
			telemetry.Description("stranded_keys", "Keys that are quarantined although no poison message holds them; `dead-letters free` frees them."),
		},
		Read: func(ctx context.Context, emit func(int, float64, ...string)) {
			var malformed, poison, parked, refused, keys, stranded int64
			err := r.DB.Pool().QueryRow(ctx, countDeadLetters).Scan(&malformed, &poison, &parked, &refused, &keys, &stranded)
			if err != nil {
				return
			}
			emit(0, float64(malformed), string(Malformed))
			emit(0, float64(poison), string(Poison))
			emit(0, float64(parked), string(Parked))
			emit(0, float64(refused), string(Disallowed))
			emit(1, float64(keys-stranded))
			emit(2, float64(stranded))
		},
	}
	return []prometheus.Collector{r.outcomes, r.disallowed, r.unsigned, deadLetters}
}
