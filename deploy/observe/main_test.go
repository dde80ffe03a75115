package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheDashboardsAreWhatTheProgramWrites(t *testing.T) {
	want := dashboards()
	there, err := filepath.Glob("dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(there) != len(want) {
		t.Errorf("there are %d files, and the program writes %d", len(there), len(want))
	}
	for name, content := range want {
		kept, err := os.ReadFile(filepath.Join("dashboards", name))
		if err != nil || !bytes.Equal(kept, content) {
			t.Errorf("%s is not what the program writes (make dashboards): %v", name, err)
		}
	}
}
