// Package alarms tests the rules with Prometheus' own packages. It is a module of its own, outside the
// workspace: what Prometheus is made of decides nothing for the services. `make alarms` runs it.
//
// promtool would do the same, from the same file (promtool test rules rules_test.yaml), and takes three times
// as long to build.
package alarms

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"go.yaml.in/yaml/v3"
)

const ruleFile = "../rules.yaml"

// file is what promtool reads.
type file struct {
	RuleFiles []string       `yaml:"rule_files"`
	Every     model.Duration `yaml:"evaluation_interval"`
	Tests     []test         `yaml:"tests"`
}

type test struct {
	Name     string         `yaml:"name"`
	Interval model.Duration `yaml:"interval"`
	Series   []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Alerts []struct {
		Name string         `yaml:"alertname"`
		At   model.Duration `yaml:"eval_time"`
		Want []alert        `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

type alert struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

func (a alert) String() string {
	return labels.FromMap(a.Labels).String() + " " + labels.FromMap(a.Annotations).String()
}

func TestAlarmsBeginWhenTheyShould(t *testing.T) {
	raw, err := os.ReadFile("../rules_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all file
	decoder := yaml.NewDecoder(strings.NewReader(string(raw)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, one := range all.Tests {
		t.Run(one.Name, func(t *testing.T) {
			for at, firing := range one.play(t, time.Duration(all.Every)) {
				for _, expected := range one.Alerts {
					if time.Duration(expected.At) != at {
						continue
					}
					var want []string
					for _, a := range expected.Want {
						a.Labels[labels.AlertName] = expected.Name
						want = append(want, a.String())
						tested[expected.Name] = true
					}
					slices.Sort(want)
					if got := firing[expected.Name]; !slices.Equal(got, want) {
						t.Errorf("%s after %s:\n%s\nis not\n%s", expected.Name, at, strings.Join(got, "\n"), strings.Join(want, "\n"))
					}
				}
			}
		})
	}
	for _, name := range alarms(t) {
		if !tested[name] {
			t.Errorf("no test has %s begin", name)
		}
	}
}

// alarms are the names of all.
func alarms(t *testing.T) (names []string) {
	t.Helper()
	raw, err := os.ReadFile(ruleFile)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	if err := yaml.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, group := range all.Groups {
		for _, rule := range group.Rules {
			names = append(names, rule.Alert)
		}
	}
	return names
}

// play evaluates the rules with the test's series, and returns the alarms that fire at each of its times, by
// name.
func (one test) play(t *testing.T, every time.Duration) map[time.Duration]map[string][]string {
	t.Helper()
	load := "load " + one.Interval.String() + "\n"
	for _, s := range one.Series {
		load += fmt.Sprintf("  %s %s\n", s.Series, s.Values)
	}
	loader, err := promqltest.NewLazyLoader(load, promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = loader.Close() }()
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc: rules.EngineQueryFunc(loader.QueryEngine(), loader.Storage()), AppendableV2: loader.Storage(), Context: t.Context(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Logger: slog.New(slog.DiscardHandler),
	})
	groups, errs := manager.LoadGroups(every, labels.EmptyLabels(), "", nil, false, ruleFile)
	if errs != nil {
		t.Fatal(errs)
	}
	var last time.Duration
	for _, a := range one.Alerts {
		last = max(last, time.Duration(a.At))
	}
	firing := map[time.Duration]map[string][]string{}
	for at := time.Duration(0); at <= last; at += every {
		loader.WithSamplesTill(time.Unix(0, 0).Add(at), func(err error) {
			if err != nil {
				t.Fatal(err)
			}
			firing[at] = map[string][]string{}
			for _, group := range groups {
				group.Eval(loader.Context(), time.Unix(0, 0).Add(at))
				for _, rule := range group.AlertingRules() {
					if err := rule.LastError(); err != nil {
						t.Fatalf("%s after %s: %v", rule.Name(), at, err)
					}
					for _, a := range rule.ActiveAlerts() {
						if a.State == rules.StateFiring {
							firing[at][rule.Name()] = append(firing[at][rule.Name()], alert{a.Labels.Map(), a.Annotations.Map()}.String())
						}
					}
					slices.Sort(firing[at][rule.Name()])
				}
			}
		})
	}
	return firing
}

// TestDashboardsAskInPromQL parses what the panels ask, with what Grafana puts into it.
func TestDashboardsAskInPromQL(t *testing.T) {
	paths, err := filepath.Glob("../dashboards/*.json")
	if err != nil || len(paths) < 3 {
		t.Fatalf("%v, %v", paths, err)
	}
	filled := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$service", "manager-ui")
	promQL, asked := parser.NewParser(parser.Options{}), 0
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard any
		if err := json.Unmarshal(raw, &dashboard); err != nil {
			t.Fatal(err)
		}
		for _, expression := range expressions(dashboard) {
			asked++
			if _, err := promQL.ParseExpr(filled.Replace(expression)); err != nil {
				t.Errorf("%s: %s: %v", path, expression, err)
			}
		}
	}
	if asked < 30 {
		t.Errorf("only %d queries were found", asked)
	}
}

// expressions are the values of all members "expr".
func expressions(v any) (found []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if text, is := member.(string); is && name == "expr" {
				found = append(found, text)
			}
			found = append(found, expressions(member)...)
		}
	case []any:
		for _, element := range v {
			found = append(found, expressions(element)...)
		}
	}
	return found
}
