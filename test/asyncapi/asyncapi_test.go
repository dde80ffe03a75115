package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"countersign.example/pkg/schema"
)

func generated(t *testing.T) []byte {
	t.Helper()
	text, err := generate(topics())
	require.NoError(t, err)
	return text
}

func TestTheDocumentIsCurrent(t *testing.T) {
	kept, err := os.ReadFile(filepath.Join("..", "..", "docs", "asyncapi.yaml"))
	require.NoError(t, err)
	require.Equal(t, string(kept), string(generated(t)), "docs/asyncapi.yaml is not what the registries say: make docs")
}

func TestEveryReferenceLeadsSomewhere(t *testing.T) {
	var document map[string]any
	require.NoError(t, yaml.Unmarshal(generated(t), &document))
	references := 0
	var visit func(at string, value any)
	visit = func(at string, value any) {
		switch v := value.(type) {
		case []any:
			for _, each := range v {
				visit(at, each)
			}
		case map[string]any:
			for name, each := range v {
				if to, ok := each.(string); name == "$ref" && ok {
					references++
					require.NotNil(t, lookup(document, to), "%s refers to %s", at, to)
				}
				visit(at+"/"+name, each)
			}
		}
	}
	visit("", document)
	require.Greater(t, references, 50)
}

func lookup(document map[string]any, reference string) any {
	var at any = document
	for _, name := range strings.Split(strings.TrimPrefix(reference, "#/"), "/") {
		mapping, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = mapping[name]
	}
	return at
}

func TestEachTypeIsWrittenByOneService(t *testing.T) {
	writers := map[string]string{}
	for _, topic := range topics() {
		for _, e := range topic.types {
			require.Emptyf(t, writers[e.Name], "%s is registered twice", e.Name)
			writers[e.Name] = e.Writer
			require.NotEmpty(t, e.Description, e.Name)
			require.Equal(t, "https://countersign.example/schemas/"+e.Name+".json", schema.URI(e.Name))
		}
	}
	require.Equal(t, "/contractor-ui", writers["payment_requested"])
	require.Equal(t, "/ordering-core", writers["order_submitted"])
	require.Equal(t, "/ordering-core", writers["product_added"])
}
