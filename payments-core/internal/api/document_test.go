package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign.example/payments-core/internal/api"
	callers "countersign.example/pkg/api"
	"countersign.example/pkg/api/apitest"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/rights/rightstest"
	"countersign.example/pkg/web"
)

func TestTheDocumentHasEveryRoute(t *testing.T) {
	document := apitest.Load(t, "../../../docs/openapi/payments-core.yaml")
	served := api.New(nil, nil, nil, nil, nil, web.GateConfig{}, slog.New(slog.DiscardHandler), nil)
	parameter := regexp.MustCompile(`:(\w+)`)
	var routes []string
	for _, route := range served.Routes() {
		if route.Method == http.MethodGet || route.Method == http.MethodPost {
			routes = append(routes, route.Method+" "+parameter.ReplaceAllString(route.Path, "{$1}"))
		}
	}
	slices.Sort(routes)
	if described := document.Operations(); !slices.Equal(routes, described) {
		t.Errorf("served are\n%q, described\n%q", routes, described)
	}
}

var tokens = callers.Tokens{
	"contractor-ui": "token-of-contractor-ui|next-token-of-contractor-ui", "manager-ui": "token-of-manager-ui|next-token-of-manager-ui",
	"seed": "token-of-seed-0123456789", "stranger": "token-of-a-stranger-0123",
}

func TestTheTableOfRights(t *testing.T) {
	var log bytes.Buffer
	served := api.New(nil, nil, nil, nil, tokens, web.GateConfig{}, slog.New(slog.NewTextHandler(&log, nil)), nil)
	table := rightstest.Documented(t, "../../../docs/security.md", "payments-core", rights.Roles, served.Routes())
	rightstest.WalkCore(t, served, served.Routes(), table, map[string]rightstest.Service{
		"contractor-ui": {Tokens: []string{"token-of-contractor-ui", "next-token-of-contractor-ui"}, For: []rights.Role{rights.Contractor}},
		"manager-ui":    {Tokens: []string{"token-of-manager-ui", "next-token-of-manager-ui"}, For: []rights.Role{rights.Manager, rights.Operator, rights.Auditor}},
		"seed":          {Tokens: []string{"token-of-seed-0123456789"}},
		"stranger":      {Tokens: []string{"token-of-a-stranger-0123"}},
		"nobody":        {Tokens: []string{"", "token-of-manager-u", "token-of-manager-ui|next-token-of-manager-ui"}, Unknown: true},
	})
	for _, line := range []string{"security=true event=wrong-service-token service=\"\" address=192.0.2.1 method=POST", "event=refused-right service=contractor-ui"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log lacks %q", line)
		}
	}
}
