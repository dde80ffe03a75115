package api_test

import (
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"countersign.example/ordering-core/internal/api"
	"countersign.example/ordering-core/internal/products"
	"countersign.example/pkg/api/apitest"
)

func TestTheDocumentHasEveryRoute(t *testing.T) {
	document := apitest.Load(t, "../../../docs/openapi/ordering-core.yaml")
	served := api.New(nil, nil, products.NewService(nil, nil), nil, slog.New(slog.DiscardHandler), nil)
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
