package model

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// big asks for the sizes that take minutes.
var big = os.Getenv("MODEL_BIG") != ""

// holds searches a whole model, and says how much there was to see.
func holds[S comparable](t *testing.T, name string, m Machine[S]) {
	t.Helper()
	began := time.Now()
	result := m.Search()
	fmt.Printf("model: %s: %d states, %d at rest, %d steps deep, in %s\n",
		name, result.States, result.Rests, result.Depth, time.Since(began).Round(time.Millisecond))
	if result.Found != nil {
		t.Fatalf("%s", result.Found)
	}
}

// finds searches a model with a mistake in it until the mistake breaks the property.
func finds[S comparable](t *testing.T, property string, m Machine[S]) {
	t.Helper()
	result := m.Search()
	switch {
	case result.Found == nil:
		t.Fatalf("nothing is broken in %d states, and %q should be", result.States, property)
	case result.Found.Property != property:
		t.Fatalf("another property is broken than %q: %s", property, result.Found)
	}
	t.Logf("found in %d states: %s", result.States, result.Found)
}
