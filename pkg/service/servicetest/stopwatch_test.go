package servicetest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"countersign.example/pkg/service/servicetest"
)

func TestAStopwatchCountsAllTimeInWhichItGetsToRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servicetest.StartStopwatch(t)
		<-time.After(time.Second)
		if took := s.Took(); took != time.Second {
			t.Errorf("a second took %s", took)
		}
	})
}
