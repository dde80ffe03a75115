// Package rightstest walks all routes of a service as everybody, and compares what is answered with the table
// of rights that docs/security.md shows.
package rightstest

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign.example/pkg/rights"
)

// Table is who may use a route, as the document says: by method and path.
type Table map[string][]rights.Role

const anybody = "anybody, signed in or not"

// Documented reads the table of a service from the document, and fails where it is not that of routes, which
// are for people of some roles. With UPDATE_DOCS set it writes the document instead.
func Documented(t testing.TB, document, service string, roles []rights.Role, routes []rights.Route) Table {
	t.Helper()
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	text, begin, end := string(raw), "<!-- rights of "+service+" -->\n", "<!-- end -->\n"
	before, rest, found := strings.Cut(text, begin)
	stands, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the rights of %s", document, service)
	}
	if wanted := write(roles, routes); stands != wanted {
		if os.Getenv("UPDATE_DOCS") == "" {
			t.Fatalf("%s says of %s\n%s\nwhich has\n%s\nRun this test with UPDATE_DOCS=1, and read what changed.", document, service, stands, wanted)
		}
		if err := os.WriteFile(document, []byte(before+begin+wanted+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		stands = wanted
	}
	return parse(stands)
}

// write makes the table: a line for each right, with its routes.
func write(roles []rights.Role, routes []rights.Route) string {
	var b strings.Builder
	b.WriteString("| who may |")
	for _, role := range roles {
		fmt.Fprintf(&b, " %s |", role)
	}
	b.WriteString(" by |\n|---|" + strings.Repeat("---|", len(roles)+1) + "\n")
	lines := map[string][]string{}
	var order []string
	for _, r := range routes {
		line := "| " + anybody + " |" + strings.Repeat(" yes |", len(roles))
		if !r.Open {
			line = fmt.Sprintf("| `%s`: %s |", r.Right.Name, r.Right.To)
			for _, role := range roles {
				if r.Right.Has([]rights.Role{role}) {
					line += " yes |"
				} else {
					line += " |"
				}
			}
		}
		if lines[line] == nil {
			order = append(order, line)
		}
		lines[line] = append(lines[line], "`"+r.Method+" "+r.Path+"`")
	}
	slices.Sort(order)
	for _, line := range order {
		slices.Sort(lines[line])
		b.WriteString(line + " " + strings.Join(lines[line], ", ") + " |\n")
	}
	return b.String()
}

var routeIn = regexp.MustCompile("`((?:GET|POST) [^`]+)`")

func parse(table string) Table {
	read := Table{}
	var head []string
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if head == nil {
			head = cells
			continue
		}
		for _, route := range routeIn.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			read[route[1]] = []rights.Role{}
			for i, cell := range cells[1 : len(cells)-1] {
				if strings.TrimSpace(cell) == "yes" {
					read[route[1]] = append(read[route[1]], rights.Role(strings.TrimSpace(head[i+1])))
				}
			}
		}
	}
	return read
}
