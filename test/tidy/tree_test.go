// Package tidy holds the rules of this repository as tests: which words it uses, how large a file and how
// wide a comment is, and that the documents name what there is. They read the tree only, and take a second.
package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const root = "../.."

// skipped are folders whose files are fetched or built.
var skipped = []string{".git", ".local", "bin", "dist", "node_modules"}

// paths lists the repository's files, from its root and with slashes.
var paths = sync.OnceValues(func() (list []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skipped, d.Name()):
			return filepath.SkipDir
		case d.Type().IsRegular():
			relative, err := filepath.Rel(root, path)
			list = append(list, filepath.ToSlash(relative))
			return err
		}
		return nil
	})
	return list, err
})

// files returns the repository's files whose names end with suffix.
func files(t *testing.T, suffix string) (list []string) {
	t.Helper()
	all, err := paths()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if strings.HasSuffix(path, suffix) {
			list = append(list, path)
		}
	}
	return list
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// parsed is a Go file with its path and its lines' positions.
type parsed struct {
	path string
	*ast.File
	set *token.FileSet
}

func (p parsed) line(at token.Pos) int { return p.set.Position(at).Line }

var parseAll = sync.OnceValues(func() (all []parsed, err error) {
	list, err := paths()
	if err != nil {
		return nil, err
	}
	for _, path := range list {
		if !strings.HasSuffix(path, ".go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join(root, path), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		all = append(all, parsed{path, file, set})
	}
	return all, nil
})

// goFiles returns every Go file.
func goFiles(t *testing.T) []parsed {
	t.Helper()
	all, err := parseAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
