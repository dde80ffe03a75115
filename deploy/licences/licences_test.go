package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func TestTheLicencesAreThoseOfWhatIsThere(t *testing.T) {
	var now strings.Builder
	if err := write(t.Context(), root, &now); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(root, "pkg/web/static/licences"))
	if err != nil {
		t.Fatal(err)
	}
	if now.String() != string(kept) {
		t.Error("what is contained of others has changed: run make licences")
	}
	// River's licence asks to say where its source is, and these bring no file with theirs.
	for _, want := range []string{"github.com/riverqueue/river v", "its source: https://proxy.golang.org/github.com/riverqueue/river/@v/v", "Mozilla Public License Version 2.0",
		"@hotwired/turbo 8", "37signals LLC", "@tabler/core 1", "The Tabler Authors", "The Go Authors", "Apache License"} {
		if !strings.Contains(now.String(), want) {
			t.Errorf("the licences lack %q", want)
		}
	}
}

func TestTheBundleKeepsItsNotices(t *testing.T) {
	bundles, err := filepath.Glob(filepath.Join(root, "pkg/web/assets/dist/app-*"))
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]string{".js": "37signals LLC", ".css": "The Tabler Authors"} {
		found := false
		for _, path := range bundles {
			if filepath.Ext(path) != kind {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found = true
			if !strings.Contains(string(text), want) {
				t.Errorf("%s does not say whose parts of it are: %q", filepath.Base(path), want)
			}
		}
		if !found {
			t.Errorf("there is no bundle %s: make assets", kind)
		}
	}
}
