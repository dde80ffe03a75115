package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// resources are what a process holds.
type resources struct {
	Goroutines, Files float64
	Memory            float64 // resident, in bytes
}

var resourceMetrics = map[string]func(*resources) *float64{
	"go_goroutines":                 func(r *resources) *float64 { return &r.Goroutines },
	"process_open_fds":              func(r *resources) *float64 { return &r.Files },
	"process_resident_memory_bytes": func(r *resources) *float64 { return &r.Memory },
}

// resources reads what each process says at its operators' address.
func (s *system) resources(ctx context.Context) (map[string]resources, error) {
	all := map[string]resources{}
	for _, p := range s.processes {
		r, err := p.resources(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		all[p.name] = r
	}
	return all, nil
}

func (p *process) resources(ctx context.Context) (r resources, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.admin+"/metrics", nil)
	if err != nil {
		return r, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return r, err
	}
	defer func() { _ = response.Body.Close() }()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if of := resourceMetrics[name]; of != nil {
			if *of(&r), err = strconv.ParseFloat(value, 64); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// What a process may hold more than in the beginning: its caches have filled, and so have its pools of
// connections.
const (
	moreGoroutines = 150
	moreFiles      = 60
	moreMemory     = 200 << 20
)

// leaks are the processes that hold much more than they did.
func leaks(before, after map[string]resources) (list []string) {
	for name, now := range after {
		was := before[name]
		for _, of := range []struct {
			what           string
			was, now, more float64
		}{
			{"goroutines", was.Goroutines, now.Goroutines, moreGoroutines}, {"files and connections", was.Files, now.Files, moreFiles},
			{"bytes of memory", was.Memory, now.Memory, moreMemory},
		} {
			if of.now > of.was+of.more {
				list = append(list, fmt.Sprintf("%s: %.0f %s, and %.0f in the beginning", name, of.now, of.what, of.was))
			}
		}
	}
	return list
}
