package operations

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"countersign.example/pkg/pg"
)

// scrapeTimeout bounds the query of a scrape. Without an answer in time the metric is left out.
const scrapeTimeout = 2 * time.Second

var stuckNow = prometheus.NewDesc("payment_operations_stuck", "Operations that wait for an operator.", nil, nil)

// stuckGauge reads the table when it is scraped, so that a restart does not change it.
type stuckGauge struct{ db *pg.DB }

func (g stuckGauge) Describe(ch chan<- *prometheus.Desc) { ch <- stuckNow }

func (g stuckGauge) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var n int64
	const query = "select count(*) from operations where stuck_at is not null and closed_at is null"
	if err := g.db.Pool().QueryRow(ctx, query).Scan(&n); err != nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(stuckNow, prometheus.GaugeValue, float64(n))
}
