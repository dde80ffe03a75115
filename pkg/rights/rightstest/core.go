package rightstest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"countersign.example/pkg/rights"
)

// Service is who calls a core.
type Service struct {
	Tokens  []string
	For     []rights.Role // it may speak for; the first is meant where it says none
	Unknown bool          // no token of it is one
}

// WalkCore calls every route of a core as every service, for people of every role, and of none that is said.
// The core has nothing behind it: only whether it refuses counts.
func WalkCore(t *testing.T, core http.Handler, routes []rights.Route, table Table, services map[string]Service) {
	t.Helper()
	for name, service := range services {
		for _, token := range service.Tokens {
			for _, r := range routes {
				for _, said := range append([]rights.Role{"", "root"}, rights.Roles...) {
					may := slices.ContainsFunc(service.For, func(role rights.Role) bool {
						return (said == "" || said == role) && slices.Contains(table[r.Method+" "+r.Path], role)
					})
					want := 0 // anything else
					switch {
					case service.Unknown:
						want = http.StatusUnauthorized
					case !may:
						want = http.StatusForbidden
					}
					got := call(t, core, r, token, said)
					if refused := got == http.StatusUnauthorized || got == http.StatusForbidden; refused != (want != 0) || refused && got != want {
						t.Errorf("%s for %q: %s %s is answered with %d, not %d", name, said, r.Method, r.Path, got, want)
					}
				}
			}
		}
	}
}

func call(t *testing.T, core http.Handler, r rights.Route, token string, said rights.Role) int {
	t.Helper()
	body := `{"actor":{"id":"ada","role":"` + string(said) + `"}}`
	if said == "" {
		body = `{"actor":{"id":"ada"}}`
	}
	request := httptest.NewRequestWithContext(t.Context(), r.Method, strings.Replace(r.Path, ":id", uuid.NewString(), 1), strings.NewReader(body))
	for header, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json", "Idempotency-Key": "key", "Actor-Id": "ada", "Actor-Role": string(said),
	} {
		request.Header.Set(header, value)
	}
	answer := httptest.NewRecorder()
	core.ServeHTTP(answer, request)
	return answer.Code
}
