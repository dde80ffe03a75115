package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// samples are collected by many at once.
type samples[T any] struct {
	mu  sync.Mutex
	all []T
}

func (s *samples[T]) add(v T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, v)
}

// percentileOf is by the nearest rank.
func percentileOf[T any](all []T, p int, of func(T) time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := make([]time.Duration, len(all))
	for i, v := range all {
		sorted[i] = of(v)
	}
	slices.Sort(sorted)
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}

func percentile(all []time.Duration, p int) time.Duration {
	return percentileOf(all, p, func(d time.Duration) time.Duration { return d })
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.2f", float64(a)/float64(b)) }

func perSecond(n float64) string { return strconv.FormatFloat(n, 'f', 0, 64) }

// table is printed as Markdown, so that it can be kept.
type table struct{ rows [][]string }

func newTable(head ...string) *table {
	return &table{rows: [][]string{head, slices.Repeat([]string{"---"}, len(head))}}
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	for _, row := range t.rows {
		fmt.Fprintf(w, "| %s\t|\n", strings.Join(row, "\t| "))
	}
	_ = w.Flush()
}

// compared heads the cells that compare adds.
var compared = []string{"few p50", "few p99", "many p50", "many p99", "p50 many / few", "aim"}

// compare does something so often with few and with many, in turn and in an order that changes, so that
// whatever else the machine does meets both. It stops early where many takes longer than slow: that is clear
// enough.
func (t *table) compare(name []string, rounds int, slow time.Duration, aim string, do func(which int) error) {
	var took [2][]time.Duration
	warmUp := rounds / 10
	for round := range rounds + warmUp {
		for _, which := range rand.Perm(len(took)) {
			began := time.Now()
			check(do(which), name)
			if round >= warmUp {
				took[which] = append(took[which], time.Since(began))
			}
		}
		if len(took[0]) >= warmUp && percentile(took[1], 50) > slow {
			break
		}
	}
	few, many := percentile(took[0], 50), percentile(took[1], 50)
	t.add(append(name, ms(few), ms(percentile(took[0], 99)), ms(many), ms(percentile(took[1], 99)), ratio(many, few), aim)...)
}
