package testsystem

import (
	"maps"
	"testing"

	"countersign.example/deploy/reconcile"
	"countersign.example/payments-core/gateway"
)

// ReconcileConfig is where countersign reconcile finds the system's parts.
func (s *System) ReconcileConfig() reconcile.Config {
	return reconcile.Config{Databases: maps.Clone(s.Database), Kafka: s.Parts.Connection, Gateway: gateway.ClientConfig{URL: s.URL(Gateway), Token: gatewayToken}}
}

// Reconcile compares all that the system has on record.
func (s *System) Reconcile(tb testing.TB) reconcile.Report {
	tb.Helper()
	report, err := reconcile.Run(tb.Context(), s.ReconcileConfig())
	if err != nil {
		tb.Fatalf("reconcile: %v", err)
	}
	return report
}
