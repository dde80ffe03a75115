package service

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"time"
)

// admin adds the listener for operators: metrics, what each check of readiness says, and profiles. All of it
// shows the inside (hosts, roles, code), so it has an address of its own, which only those reach who may
// know. It is the last to stop.
func (rt *Runtime) admin(addr string) {
	if addr == "" {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", rt.Health.livez)
	mux.HandleFunc("GET /readyz", rt.Health.details)
	mux.Handle("GET /metrics", rt.Metrics.Handler())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	server, cutOff := serve("admin", "ADMIN_ADDR", addr, &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      5 * time.Minute, // a profile takes as long as it is asked to
		MaxHeaderBytes:    32 << 10,
	}, rt.Log)
	shutdown := server.Stop
	server.Stop = func(ctx context.Context) error {
		cutOff() // a profile of minutes ends with what it has: nobody's stop waits for it, or fails with it
		return shutdown(ctx)
	}
	rt.Add(server)
}

// details answers with the word and what each check says.
func (h *Health) details(w http.ResponseWriter, r *http.Request) {
	report := h.Report(r.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(report.Status.code())
	_ = json.NewEncoder(w).Encode(report)
}
