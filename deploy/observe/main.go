// Command observe writes the dashboards of Grafana: `make dashboards`. A test holds the files to it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: observe FOLDER")
		os.Exit(2)
	}
	for name, content := range dashboards() {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// dashboards are the files, by name.
func dashboards() map[string][]byte {
	files := map[string][]byte{}
	for name, build := range map[string]*dashboard.DashboardBuilder{
		"overview": overview(), "web-app": webApp(), "payments-core": paymentsCore(), "ordering-core": orderingCore(),
	} {
		built, err := build.Build()
		if err != nil {
			panic(fmt.Sprintf("%s: %v", name, err)) // a mistake in this program
		}
		content, err := json.MarshalIndent(built, "", "  ")
		if err != nil {
			panic(err)
		}
		files[name+".json"] = append(content, '\n')
	}
	return files
}

// source is the data source of every panel, by the id that deploy/observe/grafana gives it.
var source = common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("prometheus")}

// begin is a dashboard without panels.
func begin(id, title string) *dashboard.DashboardBuilder {
	return dashboard.NewDashboardBuilder(title).Uid("countersign-"+id).Tags([]string{"countersign"}).Refresh("10s").
		Time("now-30m", "now").Timezone("browser").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("Dashboards").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{"countersign"}).KeepTime(true))
}

// query is what a panel shows, and what each line is called.
type query struct{ expression, legend string }

func targets(queries []query) (list []cog.Builder[variants.Dataquery]) {
	for i, q := range queries {
		list = append(list, prometheus.NewDataqueryBuilder().Datasource(source).Expr(q.expression).LegendFormat(q.legend).RefId(string(rune('A'+i))))
	}
	return list
}

// number is a panel that shows the present value, and is red from bad on.
func number(title, help, unit string, bad float64, expression string) *stat.PanelBuilder {
	green, red := dashboard.Threshold{Color: "green"}, dashboard.Threshold{Color: "red", Value: &bad}
	return stat.NewPanelBuilder().Title(title).Description(help).Unit(unit).Span(4).Height(4).Datasource(source).NoValue("–").
		ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeArea).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps([]dashboard.Threshold{green, red})).
		Targets(targets([]query{{expression, ""}}))
}

// graph is a panel with lines over time.
func graph(title, help, unit string, queries ...query) *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().Title(title).Description(help).Unit(unit).Min(0).Span(8).Height(8).Datasource(source).
		FillOpacity(10).LineWidth(1).ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
		Targets(targets(queries))
}
