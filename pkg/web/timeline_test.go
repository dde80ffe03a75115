package web_test

import (
	"slices"
	"testing"
	"time"

	"countersign.example/pkg/web"
)

func TestMergeByTimeKeepsEachThreadsOrder(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(0, 0).Add(time.Duration(minute/10) * time.Minute) }
	// The second thread's clock went back between 52 and 31.
	got := web.MergeByTime(at, []int{10, 30, 60}, nil, []int{21, 52, 31, 61})
	if want := []int{10, 21, 30, 52, 31, 60, 61}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := web.MergeByTime(at); got != nil {
		t.Errorf("nothing makes %v", got)
	}
}
