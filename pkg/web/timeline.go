package web

import "time"

// MergeByTime puts threads into one: always the earliest of their next entries. Each thread keeps its own
// order, which the clocks of those who wrote it need not agree with.
func MergeByTime[T any](at func(T) time.Time, threads ...[]T) (all []T) {
	for {
		next := -1
		for i, thread := range threads {
			if len(thread) > 0 && (next < 0 || at(thread[0]).Before(at(threads[next][0]))) {
				next = i
			}
		}
		if next < 0 {
			return all
		}
		all, threads[next] = append(all, threads[next][0]), threads[next][1:]
	}
}
