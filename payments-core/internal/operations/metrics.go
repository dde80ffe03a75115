package operations

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"countersign.example/pkg/pg"
)

// scrapeTimeout bounds what a scrape asks of the database. What cannot be had in time is left out.
const scrapeTimeout = 2 * time.Second

var stuckNow = prometheus.NewDesc("payment_operations_stuck", "Operations that wait for an operator.", nil, nil)

// stuckGauge is read from the table when it is scraped, so that it says after a restart what it said before.
type stuckGauge struct{ db *pg.DB }

func (g stuckGauge) Describe(ch chan<- *prometheus.Desc) { ch <- stuckNow }

func (g stuckGauge) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var n int64
	if err := g.db.Pool().QueryRow(ctx, "select count(*) from operations where stuck_at is not null and closed_at is null").Scan(&n); err != nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(stuckNow, prometheus.GaugeValue, float64(n))
}
