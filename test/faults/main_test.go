// Package faults stops and kills what the system needs, while people use it: each
// process, Kafka, Redis, PostgreSQL, sockets. Each test ends with the oracle: nothing is lost or
// doubled, and all agree.
//
// The broker and Redis are the embedded ones, or those of TEST_KAFKA_BROKERS and TEST_REDIS_URL;
// tests that stop one of these are skipped then, and say so.
package faults

import (
	"os"
	"slices"
	"testing"

	"countersign.example/test/browser"
	"countersign.example/test/testsystem"
)

func TestMain(m *testing.M) {
	code := m.Run()
	browser.Quit()
	testsystem.Cleanup()
	os.Exit(code)
}

// newSystem starts a system whose people are a few, and work faster than any could.
func newSystem(tb testing.TB, extra ...string) *testsystem.System {
	tb.Helper()
	return testsystem.New(tb, slices.Concat(testsystem.Unlimited, extra)...)
}

// The gateway's answers that do not come are waited for a second only.
const shortGatewayTimeout = "GATEWAY_TIMEOUT=1s"

const (
	ada = "Ada Nowak"
	mia = "Mia Weber"
)
