package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// overview shows the way of a payment through all services, and what is worth an alarm.
func overview() *dashboard.DashboardBuilder {
	return begin("overview", "Countersign: overview").
		WithRow(dashboard.NewRowBuilder("Now")).
		WithPanel(number("Alarms", "that begin or have begun: deploy/observe/rules.yaml", "short", 1, `count(ALERTS{alertstate="firing"}) or vector(0)`)).
		WithPanel(number("Processes that do not answer", "", "short", 1, `count(up{job=~"countersign|metrics"} == 0) or vector(0)`)).
		WithPanel(number("Oldest event not published", "of all services", "s", 60, `max(outbox_age_seconds)`)).
		WithPanel(number("Messages not recorded", "of all services", "short", 1000, `sum(consumer_lag_messages)`)).
		WithPanel(number("Dead letters", "that wait for somebody", "short", 1, `sum(max by (service, kind) (dead_letters))`)).
		WithPanel(number("Stuck at the gateway", "operations that wait for an operator", "short", 1, `max(payment_operations_stuck)`)).
		WithRow(dashboard.NewRowBuilder("People")).
		WithPanel(graph("Requests", "", "reqps", query{`sum by (service) (rate(http_request_duration_seconds_count[$__rate_interval]))`, "{{service}}"})).
		WithPanel(graph("Payments asked for, and decided", "presses in the two apps, also those that were refused", "reqps",
			presses("asked for", "/payments"), presses("accepted", "/payments/:id/accept"), presses("rejected", "/payments/:id/reject"), presses("undone", "/payments/:id/undo"))).
		WithPanel(graph("Requests that fail", "answers of 500 and more", "reqps",
			query{`sum by (service, route) (rate(http_request_duration_seconds_count{status=~"5.."}[$__rate_interval]))`, "{{service}} {{route}}"})).
		WithRow(dashboard.NewRowBuilder("Events")).
		WithPanel(graph("Published", "acknowledged by Kafka", "ops", query{`sum by (service) (rate(relay_published_total[$__rate_interval]))`, "{{service}}"})).
		WithPanel(graph("Recorded", "from the topics", "ops", query{`sum by (service) (rate(received_total{outcome="recorded"}[$__rate_interval]))`, "{{service}}"})).
		WithPanel(graph("Set aside, or known already", "", "ops",
			query{`sum by (service, outcome) (rate(received_total{outcome!="recorded"}[$__rate_interval])) > 0`, "{{service}} {{outcome}}"})).
		WithPanel(graph("Oldest event not published", "", "s", query{`max by (service) (outbox_age_seconds)`, "{{service}}"})).
		WithPanel(graph("Messages not recorded", "", "short", query{`sum by (service) (consumer_lag_messages)`, "{{service}}"})).
		WithPanel(graph("Pushing what has changed", "from the list of changes until Redis has them: half, and 99 of 100, take no longer", "s",
			query{quantile(0.5, "live_push_duration_seconds", "service", ""), "{{service}} half"}, query{quantile(0.99, "live_push_duration_seconds", "service", ""), "{{service}} 99 %"})).
		WithRow(dashboard.NewRowBuilder("Money")).
		WithPanel(graph("Calls of the gateway", "", "ops", query{`sum by (kind, outcome) (rate(gateway_call_duration_seconds_count[$__rate_interval]))`, "{{kind}} {{outcome}}"})).
		WithPanel(graph("Time of a call", "99 of 100 take no longer", "s", query{quantile(0.99, "gateway_call_duration_seconds", "kind", ""), "{{kind}}"})).
		WithPanel(graph("Open pages", "", "short", query{`sum by (service) (live_sockets)`, "{{service}}"}))
}

// presses are the requests of a form.
func presses(what, route string) query {
	return query{fmt.Sprintf(`sum(rate(http_request_duration_seconds_count{method="POST", route="%s", service=~".*-ui"}[$__rate_interval]))`, route), what}
}

// quantile is how long a share of what a histogram has measured takes at most, by a label.
func quantile(share float64, histogram, by, where string) string {
	return fmt.Sprintf(`histogram_quantile(%v, sum by (le, %s) (rate(%s_bucket{%s}[$__rate_interval])))`, share, by, histogram, where)
}

// webApp shows one of the two apps.
func webApp() *dashboard.DashboardBuilder {
	const where = `service="$service"`
	chosen := dashboard.StringOrArrayOfString{String: cog.ToPtr("manager-ui")}
	d := begin("web-app", "Countersign: a web app").
		WithVariable(dashboard.NewCustomVariableBuilder("service").Label("App").Values(dashboard.StringOrMap{String: cog.ToPtr("contractor-ui,manager-ui")}).
			Current(dashboard.VariableOption{Text: chosen, Value: chosen}))
	requests(d, where).
		WithPanel(graph("Refused for a limit", "", "ops", query{`sum by (limit) (rate(http_limited_total{` + where + `}[$__rate_interval]))`, "{{limit}}"})).
		WithRow(dashboard.NewRowBuilder("Open pages")).
		WithPanel(graph("Sockets", "", "short", query{`live_sockets{` + where + `}`, "{{instance}}"})).
		WithPanel(graph("Fetched again, and refused", "pages that could not be brought up to date by what is pushed; sockets above a limit", "ops",
			query{`sum(rate(live_resets_total{` + where + `}[$__rate_interval]))`, "fetched again"}, query{`sum(rate(live_refused_total{` + where + `}[$__rate_interval]))`, "refused"})).
		WithPanel(graph("Redis is read", "1 while it is", "short", query{`live_healthy{` + where + `}`, "{{instance}}"})).
		WithPanel(graph("Changes not pushed", "", "short", query{`max(unpushed_changes{` + where + `})`, "changes"})).
		WithPanel(graph("Pushing what has changed", "from the list of changes until Redis has them", "s",
			query{quantile(0.5, "live_push_duration_seconds", "service", where), "half"}, query{quantile(0.99, "live_push_duration_seconds", "service", where), "99 %"})).
		WithPanel(graph("Catching up", "events until a rebuilt copy is there", "short", query{`max(catching_up_events{` + where + `})`, "events"},
			query{`max(catching_up_events_per_second{` + where + `})`, "each second"}))
	return process(events(d, where), where)
}

// paymentsCore shows the core that moves the money.
func paymentsCore() *dashboard.DashboardBuilder {
	const where = `service="payments-core"`
	d := begin("payments-core", "Countersign: payments-core").
		WithRow(dashboard.NewRowBuilder("Money")).
		WithPanel(graph("Calls of the gateway", "", "ops", query{`sum by (kind, outcome) (rate(gateway_call_duration_seconds_count[$__rate_interval]))`, "{{kind}} {{outcome}}"})).
		WithPanel(graph("Time of a call", "half, and 99 of 100, take no longer", "s",
			query{quantile(0.5, "gateway_call_duration_seconds", "kind", ""), "{{kind}} half"}, query{quantile(0.99, "gateway_call_duration_seconds", "kind", ""), "{{kind}} 99 %"})).
		WithPanel(graph("Alarms, and what is stuck", "", "short", query{`sum by (reason) (payment_alarms_total)`, "{{reason}}"}, query{`max(payment_operations_stuck)`, "stuck now"}))
	return process(events(requests(d, where), where), where)
}

// orderingCore shows the core that has the orders.
func orderingCore() *dashboard.DashboardBuilder {
	const where = `service="ordering-core"`
	d := begin("ordering-core", "Countersign: ordering-core").
		WithRow(dashboard.NewRowBuilder("Orders")).
		WithPanel(graph("Commands", "", "reqps", query{`sum by (route) (rate(http_request_duration_seconds_count{method="POST", ` + where + `}[$__rate_interval]))`, "{{route}}"})).
		WithPanel(graph("Expired by themselves", "", "ops", query{`sum(rate(orders_expired_total[$__rate_interval]))`, "orders"})).
		WithPanel(graph("Could not be expired", "attempts, which are repeated", "ops", query{`sum(rate(order_expiry_failures_total[$__rate_interval]))`, "attempts"}))
	return process(events(requests(d, where), where), where)
}

// requests adds what a service answers.
func requests(d *dashboard.DashboardBuilder, where string) *dashboard.DashboardBuilder {
	return d.WithRow(dashboard.NewRowBuilder("Requests")).
		WithPanel(graph("By route", "", "reqps", query{`sum by (method, route) (rate(http_request_duration_seconds_count{` + where + `}[$__rate_interval]))`, "{{method}} {{route}}"})).
		WithPanel(graph("Time of an answer", "99 of 100 take no longer", "s", query{quantile(0.99, "http_request_duration_seconds", "route", where), "{{route}}"})).
		WithPanel(graph("Refused or failed", "answers of 400 and more", "reqps",
			query{`sum by (status, route) (rate(http_request_duration_seconds_count{status=~"[45]..", ` + where + `}[$__rate_interval]))`, "{{status}} {{route}}"}))
}

// events adds what a service publishes and receives.
func events(d *dashboard.DashboardBuilder, where string) *dashboard.DashboardBuilder {
	return d.WithRow(dashboard.NewRowBuilder("Events")).
		WithPanel(graph("Published", "acknowledged by Kafka, and attempts that failed", "ops",
			query{`sum(rate(relay_published_total{` + where + `}[$__rate_interval]))`, "published"}, query{`sum(rate(relay_failures_total{` + where + `}[$__rate_interval]))`, "failed"})).
		WithPanel(graph("Outbox", "events that wait", "short", query{`max(outbox_events{` + where + `})`, "events"})).
		WithPanel(graph("Oldest in the outbox", "", "s", query{`max(outbox_age_seconds{` + where + `})`, "age"})).
		WithPanel(graph("Received", "by what became of it", "ops", query{`sum by (outcome) (rate(received_total{` + where + `}[$__rate_interval]))`, "{{outcome}}"},
			query{`sum(rate(unsigned_events_total{` + where + `}[$__rate_interval]))`, "of it without a signature"})).
		WithPanel(graph("Not recorded yet", "by partition", "short", query{`sum by (topic, partition) (consumer_lag_messages{` + where + `})`, "{{topic}} {{partition}}"})).
		WithPanel(graph("Kafka denies", "1 while it does", "short", query{`max by (to) (kafka_denied{` + where + `})`, "to {{to}}"})).
		WithPanel(graph("Dead letters", "", "short", query{`max by (kind) (dead_letters{` + where + `})`, "{{kind}}"},
			query{`max(quarantined_keys{` + where + `})`, "quarantined keys"}, query{`max(stranded_keys{` + where + `})`, "stranded keys"})).
		WithPanel(graph("Refused", "events that their sender must not have written, since the start", "short",
			query{`sum by (reason) (refused_events_total{` + where + `})`, "{{reason}}"})).
		WithPanel(graph("The signing key is valid for", "", "s", query{`min(signing_key_valid_until_seconds{` + where + `}) - time()`, "seconds"}))
}

// process adds what a service's processes take.
func process(d *dashboard.DashboardBuilder, where string) *dashboard.DashboardBuilder {
	return d.WithRow(dashboard.NewRowBuilder("Processes")).
		WithPanel(graph("CPU", "", "short", query{`rate(process_cpu_seconds_total{` + where + `}[$__rate_interval])`, "{{instance}}"})).
		WithPanel(graph("Memory", "", "bytes", query{`process_resident_memory_bytes{` + where + `}`, "{{instance}}"})).
		WithPanel(graph("Goroutines", "", "short", query{`go_goroutines{` + where + `}`, "{{instance}}"}))
}
