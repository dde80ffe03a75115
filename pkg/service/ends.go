package service

import (
	"context"
	"crypto/x509"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// endsSoon is how early the end of a certificate or key is said, and lookForEnds how often it is looked for.
	endsSoon    = 14 * 24 * time.Hour
	lookForEnds = 12 * time.Hour
)

// Ending is a certificate or a key, which ends by time.
type Ending struct {
	What  string
	Until time.Time
	Then  string // what happens then
}

// Ends has the service warn of what ends within two weeks: when it starts, and twice a day.
func (rt *Runtime) Ends(list func() []Ending) { rt.ends = append(rt.ends, list) }

// Certificate is Ends for a certificate of this service's, with its metric. until reads it as it is now.
func (rt *Runtime) Certificate(of, variable, then string, until func() (time.Time, error)) {
	rt.Metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "certificate_valid_until_seconds", ConstLabels: prometheus.Labels{"of": of},
		Help: "When this service's certificate ends to be valid, as Unix time, by what it is shown to: http, kafka or postgres.",
	}, func() float64 {
		end, err := until()
		if err != nil {
			return math.NaN()
		}
		return float64(end.Unix())
	}))
	rt.Ends(func() []Ending {
		end, err := until()
		if err != nil {
			rt.Log.Error("a certificate cannot be read", "variable", variable, "error", err)
			return nil
		}
		return []Ending{{"the certificate of " + variable, end, then}}
	})
}

// certificates are those that every service may have.
func (rt *Runtime) certificates() {
	if rt.secure != nil {
		rt.Certificate("http", "TLS_CERT_FILE", "no browser and no service trusts this one any more", func() (time.Time, error) {
			pair, err := rt.secure.GetCertificate(nil)
			if err != nil {
				return time.Time{}, err
			}
			return pair.Leaf.NotAfter, nil
		})
	}
	config, err := pgx.ParseConfig(rt.base.DatabaseURL)
	if err != nil || config.TLSConfig == nil || len(config.TLSConfig.Certificates) == 0 {
		return // it has none, or connecting will say what is wrong
	}
	// As the connections do, it reads the file at the start alone.
	leaf, err := x509.ParseCertificate(config.TLSConfig.Certificates[0].Certificate[0])
	rt.Certificate("postgres", "DATABASE_URL (sslcert)", "PostgreSQL lets this service in no more", func() (time.Time, error) {
		if err != nil {
			return time.Time{}, err
		}
		return leaf.NotAfter, nil
	})
}

// watchEnds warns until ctx ends.
func (rt *Runtime) watchEnds(ctx context.Context) error {
	tick := time.NewTicker(lookForEnds)
	defer tick.Stop()
	for {
		rt.warnOfEnds(time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (rt *Runtime) warnOfEnds(now time.Time) {
	for _, list := range rt.ends {
		for _, e := range list() {
			log := rt.Log.With("what", e.What, "until", e.Until.UTC().Format(time.RFC3339), "then", e.Then)
			switch left := e.Until.Sub(now); {
			case left <= 0:
				log.Error("it has ended: renew it")
			case left < endsSoon:
				log.Warn("it ends soon: renew it", "days", int(left.Hours()/24))
			}
		}
	}
}
