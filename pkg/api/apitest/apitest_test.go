package apitest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"countersign.example/pkg/api/apitest"
)

const document = `
openapi: 3.1.0
info: {title: things, version: "1"}
paths:
  /things/{id}:
    post:
      requestBody: {$ref: "#/components/requestBodies/Thing"}
      responses:
        "200":
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Thing"}
        default:
          content:
            application/problem+json:
              schema: {type: object, required: [detail]}
  /things:
    get: {responses: {"200": {content: {application/json: {schema: {type: array}}}}}}
components:
  requestBodies:
    Thing: {content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
  schemas:
    Thing:
      type: object
      required: [name]
      additionalProperties: false
      properties: {name: {type: string, minLength: 1}}
`

// errorsOf is a test that notes what is reported to it.
type errorsOf struct {
	testing.TB
	found []string
}

func (e *errorsOf) Errorf(format string, _ ...any) { e.found = append(e.found, format) }

func TestTransport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "things.yaml")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path, sent string
		status     int
		media, got string
		fits       bool
	}{
		"fits":                              {"/things/1", `{"name":"a"}`, 200, "application/json", `{"name":"b"}`, true},
		"an answer with too much":           {"/things/1", `{"name":"a"}`, 200, "application/json", `{"name":"b","more":1}`, false},
		"an answer without JSON":            {"/things/1", `{"name":"a"}`, 200, "application/json", `rubbish`, false},
		"another status":                    {"/things/1", `{"name":"a"}`, 201, "application/json", `{"name":"b"}`, false},
		"another media type":                {"/things/1", `{"name":"a"}`, 200, "text/plain", `{"name":"b"}`, false},
		"a bad request that is refused":     {"/things/1", `{"name":""}`, 422, "application/problem+json", `{"detail":"no name"}`, true},
		"a bad request that is done":        {"/things/1", `{"name":""}`, 200, "application/json", `{"name":"b"}`, false},
		"a refusal that is no problem+json": {"/things/1", `{"name":""}`, 422, "application/json", `{"detail":"no name"}`, false},
		"a path that nobody knows":          {"/others", ``, 404, "application/problem+json", `{}`, true},
		"a path that the document lacks":    {"/others", ``, 200, "application/json", `{}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if body, _ := io.ReadAll(r.Body); string(body) != test.sent {
					t.Errorf("the API got %q", body)
				}
				w.Header().Set("Content-Type", test.media)
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.got)
			}))
			defer server.Close()
			reported := &errorsOf{TB: t}
			d := apitest.Load(t, file)
			client := http.Client{Transport: d.Transport(reported, http.DefaultTransport)}
			response, err := client.Post(server.URL+test.path, "application/json", strings.NewReader(test.sent))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if got, _ := io.ReadAll(response.Body); string(got) != test.got {
				t.Errorf("the test got %q", got)
			}
			if fits := len(reported.found) == 0; fits != test.fits {
				t.Errorf("it reports %q", reported.found)
			}
			if test.fits && test.status == http.StatusOK && !slices.Equal(d.Unanswered(), []string{"GET /things"}) {
				t.Errorf("unanswered are %q", d.Unanswered())
			}
		})
	}
}
