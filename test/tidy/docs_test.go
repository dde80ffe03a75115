package tidy

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link = regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`)
	code = regexp.MustCompile("`([^`\n]+)`")
	path = regexp.MustCompile(`^[\w.-]+(/[\w.*-]+)+/?$`)
)

func TestDocumentsNameFilesThatExist(t *testing.T) {
	for _, document := range files(t, ".md") {
		content := read(t, document)
		for _, m := range link.FindAllStringSubmatch(content, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if target := filepath.Join(root, filepath.Dir(document), m[1]); !exists(target) {
				t.Errorf("%s links %s, which is not there", document, m[1])
			}
		}
		for _, m := range code.FindAllStringSubmatch(content, -1) {
			folder, _, _ := strings.Cut(m[1], "/")
			if path.MatchString(m[1]) && folder != ".local" && exists(filepath.Join(root, folder)) && !exists(filepath.Join(root, m[1])) {
				t.Errorf("%s names %s, which is not there", document, m[1])
			}
		}
	}
}

func exists(path string) bool {
	found, err := filepath.Glob(path)
	return err == nil && len(found) > 0
}

var (
	qualified = regexp.MustCompile("`([a-z]\\w*)\\.([A-Za-z]\\w*)(?:\\.([A-Z]\\w*))?(?:\\(.*\\))?`")
	suffixes  = []string{"go", "md", "mod", "sql", "yaml"}
)

func TestDocumentsNameCodeThatExists(t *testing.T) {
	declared, packages := map[string]bool{}, map[string]bool{}
	for _, file := range goFiles(t) {
		packages[file.Name.Name] = true
		ast.Inspect(file.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				declared[file.Name.Name+"."+n.Name.Name] = true
			case *ast.TypeSpec:
				declared[file.Name.Name+"."+n.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range n.Names {
					declared[file.Name.Name+"."+name.Name] = true
				}
			case *ast.Field: // of a struct or an interface
				for _, name := range n.Names {
					declared[file.Name.Name+"."+name.Name] = true
				}
			}
			return true
		})
	}
	for _, document := range files(t, ".md") {
		for _, m := range qualified.FindAllStringSubmatch(read(t, document), -1) {
			for _, name := range m[2:] {
				if name != "" && packages[m[1]] && !slices.Contains(suffixes, m[2]) && !declared[m[1]+"."+name] {
					t.Errorf("%s names %s, and package %s declares no %s", document, m[0], m[1], name)
				}
			}
		}
	}
}

// TestTheFoldersAreThoseOfTheDocument reads the block in docs/architecture.md that lists a folder's contents
// in each line.
func TestTheFoldersAreThoseOfTheDocument(t *testing.T) {
	_, block, _ := strings.Cut(read(t, "docs/architecture.md"), "## Folders")
	_, block, _ = strings.Cut(block, "```\n")
	block, _, _ = strings.Cut(block, "```")
	explained := regexp.MustCompile(`\([^)]*\)`)
	checked, folder := 0, ""
	for line := range strings.Lines(block) {
		names := strings.Fields(explained.ReplaceAllString(line, ""))
		if !strings.HasPrefix(line, " ") {
			folder, names = names[0], names[1:]
		}
		for _, name := range names {
			before, list, braces := strings.Cut(strings.TrimSuffix(name, "}"), "{")
			for inner := range strings.SplitSeq(list, ",") {
				if inner == "..." || !braces && inner != "" {
					continue
				}
				checked++
				if _, err := os.Stat(filepath.Join(root, folder, before+inner)); err != nil {
					t.Errorf("docs/architecture.md lists %s%s%s, which is not there", folder, before, inner)
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d names were found in the list of folders", checked)
	}
}

// table returns the cells of the rows below a heading of a document.
func table(t *testing.T, document, heading string) (rows [][]string) {
	t.Helper()
	_, section, ok := strings.Cut(read(t, document), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no heading %q", document, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); strings.HasPrefix(line, "| `") {
			for i := range cells {
				cells[i] = strings.Trim(cells[i], "| `")
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

// metrics returns the names of the metrics that the code makes, with the files that do.
func metrics(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file.path, "_test.go") {
			continue
		}
		ast.Inspect(file.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr: // prometheus.NewDesc, and telemetry.Description around it
				selector, ok := n.Fun.(*ast.SelectorExpr)
				if ok && (selector.Sel.Name == "NewDesc" || selector.Sel.Name == "Description") {
					if name, ok := text(n.Args[0]); ok {
						found[name] = file.path
					}
				}
			case *ast.CompositeLit:
				if selector, ok := n.Type.(*ast.SelectorExpr); !ok || !isName(selector.X, "prometheus") || !strings.HasSuffix(selector.Sel.Name, "Opts") {
					return true
				}
				for _, element := range n.Elts {
					if pair, ok := element.(*ast.KeyValueExpr); ok && isName(pair.Key, "Name") {
						if name, ok := text(pair.Value); ok {
							found[name] = file.path
						}
					}
				}
			}
			return true
		})
	}
	return found
}

// formerMetrics are names that docs/operations.md says metrics had.
var formerMetrics = []string{"heard_total", "parked_keys"}

func TestEveryMetricIsDocumented(t *testing.T) {
	made := metrics(t)
	if len(made) < 15 {
		t.Fatalf("only %d metrics were found in the code: %v", len(made), made)
	}
	var documented []string
	for _, row := range table(t, "docs/operations.md", "Metrics") {
		documented = append(documented, row[0])
	}
	for name, path := range made {
		if !slices.Contains(documented, name) {
			t.Errorf("%s makes the metric %s, which docs/operations.md, Metrics, does not list", path, name)
		}
	}
	for _, name := range documented {
		if made[name] == "" {
			t.Errorf("docs/operations.md, Metrics, lists %s, which no code makes", name)
		}
	}
	like := regexp.MustCompile("`(\\w+_(?:total|seconds|keys))(?:\\{[^`]*\\})?`")
	for _, document := range files(t, ".md") {
		for _, m := range like.FindAllStringSubmatch(read(t, document), -1) {
			if made[m[1]] == "" && !slices.Contains(formerMetrics, m[1]) {
				t.Errorf("%s names the metric %s, which no code makes", document, m[1])
			}
		}
	}
}

// variables returns the environment variables of the services' configurations, with what each is for, and
// those that are secrets.
func variables(t *testing.T) (found map[string][]string, secrets []string) {
	t.Helper()
	found = map[string][]string{}
	for _, file := range goFiles(t) {
		ast.Inspect(file.File, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`"))
			if name, _, _ := strings.Cut(tag.Get("env"), ","); name != "" {
				found[name] = append(found[name], tag.Get("desc"))
				if tag.Get("secret") == "true" {
					secrets = append(secrets, name)
				}
			}
			return true
		})
	}
	return found, secrets
}

func TestEveryVariableIsDocumented(t *testing.T) {
	known, secrets := variables(t)
	if len(known) < 20 || len(secrets) < 8 {
		t.Fatalf("only %d variables and %d secrets were found in the code: %v", len(known), len(secrets), known)
	}
	for _, name := range secrets {
		if !strings.Contains(read(t, "README.md"), "`"+name+"_FILE`") {
			t.Errorf("README.md, Configuration, does not say that the secret %s may be in the file of %s_FILE", name, name)
		}
	}
	documented := map[string]string{}
	for _, row := range table(t, "README.md", "Configuration") {
		documented[row[0]] = row[3]
	}
	for name, meanings := range known {
		if !slices.Contains(meanings, documented[name]) {
			t.Errorf("README.md, Configuration, explains %s with %q; the code does with %q", name, documented[name], meanings)
		}
	}
	seeds := fmt.Sprint(literals(t, "deploy/seed/main.go"))
	for name := range documented {
		if len(known[name]) == 0 && !strings.Contains(seeds, name) {
			t.Errorf("README.md, Configuration, lists %s, which nothing reads", name)
		}
	}
}

// literals returns the strings of a Go file.
func literals(t *testing.T, path string) (list []string) {
	t.Helper()
	for _, file := range goFiles(t) {
		if file.path == path {
			ast.Inspect(file.File, func(n ast.Node) bool {
				if expression, ok := n.(ast.Expr); ok {
					if s, ok := text(expression); ok {
						list = append(list, s)
					}
				}
				return true
			})
		}
	}
	return list
}
