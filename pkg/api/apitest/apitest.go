// Package apitest holds an HTTP API against its OpenAPI 3.1 document: what a test sends and is answered must
// be what the document says.
//
// The schemas of OpenAPI 3.1 are JSON Schema 2020-12, and are checked as such.
//
// https://spec.openapis.org/oas/v3.1.0
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const documentURL = "file:///openapi.json"

// Document is an API's description.
type Document struct {
	root     any // as JSON decodes it
	compiler *jsonschema.Compiler
	// operations finds the operation of a request: the paths of a document are patterns of net/http.
	operations *http.ServeMux

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
	answered map[string]bool // operations that Transport has seen answered with success
}

// Load reads a document from a file.
func Load(tb testing.TB, file string) *Document {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var read any
	if err := yaml.Unmarshal(text, &read); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	asJSON, err := json.Marshal(read)
	if err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	d := &Document{compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}, answered: map[string]bool{}}
	if d.root, err = jsonschema.UnmarshalJSON(bytes.NewReader(asJSON)); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(documentURL, d.root); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	if version, _ := at(d.root, "openapi").(string); !strings.HasPrefix(version, "3.1.") {
		tb.Fatalf("%s: openapi is %q, not 3.1", file, version)
	}
	d.operations = http.NewServeMux()
	for _, operation := range d.Operations() {
		d.operations.Handle(operation, http.NotFoundHandler())
	}
	return d
}

// Operations are all that the document describes: "POST /orders/{id}", sorted.
func (d *Document) Operations() (list []string) {
	paths, _ := at(d.root, "paths").(map[string]any)
	for path, item := range paths {
		for method := range item.(map[string]any) {
			if method = strings.ToUpper(method); slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, method) {
				list = append(list, method+" "+path)
			}
		}
	}
	slices.Sort(list)
	return list
}

// Unanswered are the operations that no request through Transport has succeeded with.
func (d *Document) Unanswered() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(d.Operations(), func(operation string) bool { return d.answered[operation] })
}

// Transport passes requests to the API and holds them and the answers against the document. A request that
// the document does not allow must not succeed.
func (d *Document) Transport(tb testing.TB, next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(request *http.Request) (*http.Response, error) {
		var sent []byte
		if request.Body != nil {
			var err error
			if sent, err = io.ReadAll(request.Body); err != nil {
				return nil, err
			}
			request.Body = io.NopCloser(bytes.NewReader(sent))
		}
		response, err := next.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		got, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return nil, err
		}
		response.Body = io.NopCloser(bytes.NewReader(got))
		if err := d.check(request, sent, response, got); err != nil {
			tb.Errorf("%s %s: %v", request.Method, request.URL.Path, err)
		}
		return response, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (d *Document) check(request *http.Request, sent []byte, response *http.Response, got []byte) error {
	_, operation := d.operations.Handler(request) // "POST /orders/{id}"
	method, path, known := strings.Cut(operation, " ")
	place := []string{"paths", path, strings.ToLower(method)}
	if !known {
		if response.StatusCode < http.StatusBadRequest {
			return fmt.Errorf("answered %d, and is not in the document", response.StatusCode)
		}
		return nil
	}
	// The answer.
	answers := append(slices.Clone(place), "responses")
	status := strconv.Itoa(response.StatusCode)
	if at(d.root, append(answers, status)...) == nil {
		status = "default"
		if response.StatusCode < http.StatusBadRequest {
			return fmt.Errorf("answered %d, which is not in the document", response.StatusCode)
		}
	}
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err := d.fits(got, d.follow(append(answers, status)), "content", media, "schema"); err != nil {
		return fmt.Errorf("answer %s %s %s: %w", status, media, got, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil
	}
	d.mu.Lock()
	d.answered[operation] = true
	d.mu.Unlock()
	// A request that was done must have been one that the document allows.
	if at(d.root, append(slices.Clone(place), "requestBody")...) == nil {
		return nil
	}
	media, _, _ = mime.ParseMediaType(request.Header.Get("Content-Type"))
	if err := d.fits(sent, d.follow(append(place, "requestBody")), "content", media, "schema"); err != nil {
		return fmt.Errorf("request %s was done: %w", sent, err)
	}
	return nil
}

// follow goes where a place refers to.
func (d *Document) follow(place []string) []string {
	ref, ok := at(d.root, append(slices.Clone(place), "$ref")...).(string)
	if !ok {
		return place
	}
	return strings.Split(strings.TrimPrefix(ref, "#/"), "/")
}

// fits holds JSON against the schema at place/more.
func (d *Document) fits(text []byte, place []string, more ...string) error {
	place = append(slices.Clone(place), more...)
	if at(d.root, place...) == nil {
		return fmt.Errorf("the document has no %s", strings.Join(place, " > "))
	}
	schema, err := d.schema(place)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	return schema.Validate(value)
}

func (d *Document) schema(place []string) (*jsonschema.Schema, error) {
	escaped := make([]string, len(place))
	for i, step := range place {
		step = strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
		escaped[i] = strings.NewReplacer("{", "%7B", "}", "%7D").Replace(step)
	}
	pointer := "/" + strings.Join(escaped, "/")
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.compiled[pointer]; ok {
		return known, nil
	}
	schema, err := d.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		return nil, fmt.Errorf("compile the schema at %s: %w", pointer, err)
	}
	d.compiled[pointer] = schema
	return schema, nil
}

// at is what a JSON value holds at a place; nil if nothing.
func at(value any, place ...string) any {
	for _, step := range place {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[step]
	}
	return value
}
