package tidy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	alertName  = regexp.MustCompile(`(?m)^      - alert: (\w+)$`)
	runbook    = regexp.MustCompile(`(?m)^          runbook_url: (\S+)$`)
	ruleExpr   = regexp.MustCompile(`(?m)^        expr: (?:\|\n((?:          .*\n)+)|(.*)$)`)
	panelExpr  = regexp.MustCompile(`"expr": ("(?:[^"\\]|\\.)*")`)
	notMetrics = regexp.MustCompile(`"[^"]*"|\{[^{}]*\}|\b(?:by|without|on|ignoring|group_left|group_right) *\([^)]*\)|\[[^\]]*\]`)
	identifier = regexp.MustCompile(`\b[a-zA-Z_]\w*\b *\(?`)
	suffix     = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// ofPrometheus are what Prometheus and its client for Go make, as far as anybody asks for it.
var ofPrometheus = []string{"up", "ALERTS", "go_goroutines", "process_resident_memory_bytes", "process_cpu_seconds_total"}

// asked are the metrics that an expression asks for.
func asked(expression string) (names []string) {
	for _, found := range identifier.FindAllString(notMetrics.ReplaceAllString(expression, " "), -1) {
		if !slices.Contains([]string{"and", "or", "unless", "bool", "offset"}, strings.TrimSpace(found)) && !strings.HasSuffix(found, "(") {
			names = append(names, strings.TrimSpace(found))
		}
	}
	return names
}

func TestRulesAndDashboardsAskForMetricsThatThereAre(t *testing.T) {
	made := metrics(t)
	check := func(path, expression string) {
		for _, name := range asked(expression) {
			if made[name] == "" && made[suffix.ReplaceAllString(name, "")] == "" && !slices.Contains(ofPrometheus, name) {
				t.Errorf("%s asks for %s, which no code makes: %s", path, name, expression)
			}
		}
	}
	expressions := 0
	for _, m := range ruleExpr.FindAllStringSubmatch(read(t, "deploy/observe/rules.yaml"), -1) {
		check("deploy/observe/rules.yaml", m[1]+m[2])
		expressions++
	}
	if alarms := len(alertName.FindAllString(read(t, "deploy/observe/rules.yaml"), -1)); expressions < 10 || expressions != alarms {
		t.Errorf("%d expressions were found for %d alarms", expressions, alarms)
	}
	for _, path := range files(t, ".json") {
		if strings.HasPrefix(path, "deploy/observe/dashboards/") {
			for _, m := range panelExpr.FindAllStringSubmatch(read(t, path), -1) {
				var expression string
				if err := json.Unmarshal([]byte(m[1]), &expression); err != nil {
					t.Errorf("%s: %s: %v", path, m[1], err)
				}
				check(path, expression)
			}
		}
	}
	if names := asked(`sum by (service) (rate(x_total{a="b"}[5m])) / on (a) y_count offset 5m > 2 * z`); !slices.Equal(names, []string{"x_total", "y_count", "z"}) {
		t.Errorf("of an expression it found %q", names)
	}
}

func TestEveryAlarmHasARunbook(t *testing.T) {
	rules := read(t, "deploy/observe/rules.yaml")
	const document = "docs/observability.md"
	_, sections, _ := strings.Cut(read(t, document), "\n## Runbook\n")
	var said []string
	for _, m := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(sections, -1) {
		said = append(said, m[1])
	}
	var alarms []string
	for _, m := range alertName.FindAllStringSubmatch(rules, -1) {
		alarms = append(alarms, m[1])
	}
	if !slices.Equal(alarms, said) {
		t.Errorf("the alarms are %q, and the runbook's sections %q: they are the same, in the same order", alarms, said)
	}
	for i, m := range runbook.FindAllStringSubmatch(rules, -1) {
		if want := document + "#" + strings.ToLower(alarms[i]); m[1] != want {
			t.Errorf("the runbook of %s is %s, not %s", alarms[i], m[1], want)
		}
	}
}
