package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrapeTimeout bounds what a scrape asks of a database or of brokers. What cannot be had in time is left
// out.
const scrapeTimeout = 2 * time.Second

// Gauges are read when they are scraped. Read emits the value of a description by its index.
type Gauges struct {
	Descriptions []*prometheus.Desc
	Read         func(ctx context.Context, emit func(description int, value float64, labels ...string))
}

// Describe is for Prometheus.
func (g Gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range g.Descriptions {
		ch <- d
	}
}

// Collect is for Prometheus.
func (g Gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	g.Read(ctx, func(description int, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(g.Descriptions[description], prometheus.GaugeValue, value, labels...)
	})
}

// Description describes a gauge.
func Description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}
