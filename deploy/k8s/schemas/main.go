// Command schemas keeps, of Kubernetes' schemas, those of the kinds that deploy/k8s uses, without their
// prose. It reads them from the wheel of PyPI's kubernetes-validate:
//
//	pip download --no-deps kubernetes-validate==1.37.0
//	go run ./deploy/k8s/schemas kubernetes_validate-1.37.0-py3-none-any.whl deploy/k8s/schemas
//
// They are Kubernetes' (Apache License 2.0): see NOTICE beside them.
package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"countersign.example/pkg/service"
)

// version is the oldest Kubernetes that deploy/k8s is for: what it knows, newer ones know.
const version = "v1.35.0"

// kinds are files of schemas: a kind, its group and its version.
var kinds = []string{
	"configmap-v1", "deployment-apps-v1", "horizontalpodautoscaler-autoscaling-v2", "ingress-networking-v1", "job-batch-v1", "namespace-v1",
	"networkpolicy-networking-v1", "poddisruptionbudget-policy-v1", "secret-v1", "service-v1",
}

func main() {
	service.Main(func(_ context.Context, args []string, _ io.Writer) error {
		if len(args) != 2 {
			return service.UsageError{Err: errors.New("usage: schemas WHEEL FOLDER")}
		}
		return keep(args[0], args[1])
	})
}

func keep(wheel, folder string) error {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer archive.Close()
	all, err := read(archive, "_definitions")
	if err != nil {
		return err
	}
	definitions, _ := all["$defs"].(map[string]any)
	kept := map[string]any{}
	for _, kind := range kinds {
		schema, err := read(archive, kind)
		if err != nil {
			return err
		}
		take(schema, definitions, kept)
		delete(schema, "$id") // references are to what lies beside
		if err := write(folder, kind, schema); err != nil {
			return err
		}
	}
	return write(folder, "_definitions", map[string]any{"$defs": kept})
}

func read(archive fs.FS, name string) (schema map[string]any, err error) {
	text, err := fs.ReadFile(archive, "kubernetes_validate/kubernetes-json-schema/"+version+"-local-strict/"+name+".json")
	if err != nil {
		return nil, err
	}
	return schema, json.Unmarshal(text, &schema)
}

// take removes the prose from a schema, and keeps each definition that it refers to.
func take(value any, definitions, kept map[string]any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			take(element, definitions, kept)
		}
	case map[string]any:
		if _, prose := value["description"].(string); prose {
			delete(value, "description")
		}
		if path, is := value["$ref"].(string); is {
			name := path[strings.LastIndex(path, "/")+1:]
			value["$ref"] = "_definitions.json#/$defs/" + name
			if _, there := kept[name]; !there {
				kept[name] = definitions[name]
				take(kept[name], definitions, kept)
			}
		}
		for _, member := range value {
			take(member, definitions, kept)
		}
	}
}

func write(folder, name string, schema any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(schema); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(folder, name+".json"), text.Bytes(), 0o600)
}
