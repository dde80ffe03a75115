package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"countersign.example/pkg/schema"
)

// schemas are the definitions that events share, collected from their schemas.
type schemas struct {
	names  []string
	nodes  map[string]*yaml.Node
	sample map[string][]byte // as it was first met, to see that nobody means something else by the name
}

// payload turns a type's JSON Schema into one that stands in a document: what it defines moves to the
// document's components, and its name and dialect, which would change what its references mean, stay behind.
func (s *schemas) payload(t schema.Type) (*yaml.Node, error) {
	root, err := parse(t.Schema)
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", t.Name, err)
	}
	for _, name := range []string{"$schema", "$id", "title", "description", "examples"} {
		cut(root, name)
	}
	definitions := cut(root, "$defs")
	if definitions != nil {
		for i := 0; i+1 < len(definitions.Content); i += 2 {
			if err := s.share(definitions.Content[i].Value, definitions.Content[i+1]); err != nil {
				return nil, fmt.Errorf("schema of %s: %w", t.Name, err)
			}
		}
	}
	return root, move(root)
}

func (s *schemas) share(name string, definition *yaml.Node) error {
	if err := move(definition); err != nil {
		return err
	}
	text, err := yaml.Marshal(definition)
	if err != nil {
		return err
	}
	if before, there := s.sample[name]; there {
		if !bytes.Equal(before, text) {
			return fmt.Errorf("%q means two things", name)
		}
		return nil
	}
	s.names = append(s.names, name)
	s.nodes[name], s.sample[name] = definition, text
	return nil
}

// move has the references to a schema's own definitions point to the document's.
func move(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value != "$ref" {
				continue
			}
			to, own := strings.CutPrefix(n.Content[i+1].Value, "#/$defs/")
			if !own {
				continue
			}
			if strings.Contains(to, "/") {
				return fmt.Errorf("a reference deep into a definition: %s", to)
			}
			n.Content[i+1].Value = "#/components/schemas/" + to
		}
	}
	for _, child := range n.Content {
		if err := move(child); err != nil {
			return err
		}
	}
	return nil
}

// parse reads JSON, keeping the order of its members, and sets it as YAML is written by hand.
func parse(text json.RawMessage) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	restyle(document.Content[0])
	return document.Content[0], nil
}

func restyle(n *yaml.Node) {
	n.Style = 0
	scalars := 0
	for _, child := range n.Content {
		restyle(child)
		if child.Kind == yaml.ScalarNode {
			scalars++
		}
	}
	if n.Kind == yaml.SequenceNode && scalars == len(n.Content) && scalars > 0 {
		n.Style = yaml.FlowStyle // a list of words
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		n.SetString(n.Value) // quoted where it would be read as something else
	}
}

// cut takes a member out of a mapping.
func cut(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			value := n.Content[i+1]
			n.Content = append(n.Content[:i], n.Content[i+2:]...)
			return value
		}
	}
	return nil
}
