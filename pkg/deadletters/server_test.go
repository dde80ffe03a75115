package deadletters_test

import (
	"log/slog"
	"testing"

	"countersign.example/pkg/api"
	"countersign.example/pkg/deadletters"
	"countersign.example/pkg/rights"
	"countersign.example/pkg/rights/rightstest"
)

func TestOnlyTheOneServiceAsksForOperatorsAndAuditors(t *testing.T) {
	served := deadletters.NewServer(nil, nil, "manager-ui", api.Tokens{"manager-ui": "token-of-manager-ui", "stranger": "token-of-a-stranger-0123"},
		slog.New(slog.DiscardHandler))
	table := rightstest.Table{}
	for _, r := range served.Routes() {
		table[r.Method+" "+r.Path] = r.Right.Roles
	}
	if len(table) != 6 {
		t.Errorf("there are %d routes", len(table))
	}
	rightstest.WalkCore(t, served, served.Routes(), table, map[string]rightstest.Service{
		"manager-ui": {Tokens: []string{"token-of-manager-ui"}, For: []rights.Role{rights.Operator, rights.Auditor}},
		"stranger":   {Tokens: []string{"token-of-a-stranger-0123"}},
		"nobody":     {Tokens: []string{"", "token-of-manager-u"}, Unknown: true},
	})
}
