package pages

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"countersign.example/manager-ui/internal/csvimport"
	"countersign.example/manager-ui/internal/readmodel"
	"countersign.example/ordering-core/catalog"
	"countersign.example/pkg/money"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/text"
)

// fileKind is what files of products and files of customers differ in.
type fileKind struct {
	name    string // of the kind, and of the file: "products"
	nav     string
	path    string // of the list's page
	title   string
	noun    string // of one row
	columns []string
	key     int // the column that says which row is meant
	amount  int // the column with amounts; -1 for none
	// read is a row as ordering-core takes it, with its cells as they would be exported. fail gets what is
	// wrong.
	read func(cells []string, amount parser, fail func(field, message string)) (body any, exported []string)
	// there is what there is now, by catalog.Key of the column key.
	there  func(ctx context.Context, db *pg.DB, keys []string) (map[string]seenRow, error)
	all    func(ctx context.Context, db *pg.DB) iter.Seq2[[]string, error]
	stream func(id string) string
}

var productFile = fileKind{
	name: "products", nav: "catalog", path: catalogPath, title: "Import products", noun: "product",
	columns: []string{"SKU", "Name", "Price", "Currency"}, amount: 2, stream: catalog.ProductStream,
	read: func(cells []string, amount parser, fail func(field, message string)) (any, []string) {
		body, _ := newProductBody(cells[0], cells[1], cells[2], strings.ToUpper(cells[3]), amount, fail)
		return body, []string{body.SKU, body.Name, body.Price.Decimal(), body.Price.Currency}
	},
	there: func(ctx context.Context, db *pg.DB, keys []string) (map[string]seenRow, error) {
		return rowsByKey(productCells)(readmodel.ProductsBySKU(ctx, db, keys))
	},
	all: func(ctx context.Context, db *pg.DB) iter.Seq2[[]string, error] {
		return cellsOf(productCells, readmodel.AllProducts(ctx, db))
	},
}

func productCells(p readmodel.Product) []string {
	return []string{p.SKU, p.Name, p.Price().Decimal(), p.Currency}
}

var customerFile = fileKind{
	name: "customers", nav: "customers", path: customersPath, title: "Import customers", noun: "customer",
	columns: []string{"Name", "Email"}, key: 1, amount: -1, stream: catalog.CustomerStream,
	read: func(cells []string, _ parser, fail func(field, message string)) (any, []string) {
		body := newCustomerBody(cells[0], cells[1], fail)
		return body, []string{body.Name, body.Email}
	},
	there: func(ctx context.Context, db *pg.DB, keys []string) (map[string]seenRow, error) {
		return rowsByKey(customerCells)(readmodel.CustomersByEmail(ctx, db, keys))
	},
	all: func(ctx context.Context, db *pg.DB) iter.Seq2[[]string, error] {
		return cellsOf(customerCells, readmodel.AllCustomers(ctx, db))
	},
}

func customerCells(c readmodel.Customer) []string { return []string{c.Name, c.Email} }

// seenRow is a product or a customer as a preview shows it.
type seenRow struct {
	Sequence int64    `json:"sequence"`
	Cells    []string `json:"cells"`
}

// rowsByKey and cellsOf make rows and cells of what a query found.

func rowsByKey[T catalogItem](cells func(T) []string) func(map[string]T, error) (map[string]seenRow, error) {
	return func(found map[string]T, err error) (map[string]seenRow, error) {
		rows := make(map[string]seenRow, len(found))
		for key, one := range found {
			rows[key] = seenRow{one.Common().Sequence, cells(one)}
		}
		return rows, err
	}
}

func cellsOf[T any](cells func(T) []string, found iter.Seq2[T, error]) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for one, err := range found {
			if !yield(cells(one), err) {
				return
			}
		}
	}
}

// plan is what an import would do.
type plan struct {
	Rows                      []planned
	Problems                  []csvimport.Problem
	Added, Changed, Unchanged int
	bodies                    []any // as ordering-core takes them, a row each
	keys                      []string
	there                     map[string]seenRow // by key
}

// planned is a row of a plan.
type planned struct {
	Line  int
	Cells []string
	Wrong []bool // the cells that are
	Does  string // "new", "changes Price from “12.50”", "unchanged"; "" if it cannot be imported
}

// plan reads a file and compares it with what there is in the read model.
func (k fileKind) plan(ctx context.Context, db *pg.DB, content []byte) (p plan, err error) {
	rows, problems := csvimport.Read(content, k.columns...)
	p.Problems = problems
	keys, wrong := make([]string, len(rows)), make([][]bool, len(rows))
	first := make(map[string]int, len(rows))
	amount := money.Parse
	if csvimport.DecimalComma(content) {
		amount = money.ParseDecimalComma
	}
	for i, row := range rows {
		wrong[i] = make([]bool, len(k.columns))
		fail := func(column int, message string) {
			if !wrong[i][column] { // once is enough
				p.Problems = append(p.Problems, csvimport.Problem{Line: row.Line, Column: k.columns[column], Message: message})
			}
			wrong[i][column] = true
		}
		body, cells := k.read(row.Cells, amount, func(field, message string) {
			fail(k.column(field), hidden(row.Cells[k.column(field)], field, message))
		})
		p.bodies = append(p.bodies, body)
		if !slices.Contains(wrong[i], true) {
			rows[i].Cells = cells
		}
		keys[i] = catalog.Key(row.Cells[k.key])
		if line := first[keys[i]]; line > 0 {
			fail(k.key, fmt.Sprintf("Line %d has the same.", line))
		} else {
			first[keys[i]] = row.Line
		}
	}
	slices.SortStableFunc(p.Problems, func(a, b csvimport.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(slices.Index(k.columns, a.Column), slices.Index(k.columns, b.Column)))
	})
	p.keys = keys
	if p.there, err = k.there(ctx, db, keys); err != nil {
		return p, err
	}
	for i, row := range rows {
		one := planned{Line: row.Line, Cells: row.Cells, Wrong: wrong[i]}
		now, isThere := p.there[keys[i]]
		switch changes := k.difference(row.Cells, now.Cells); {
		case slices.Contains(wrong[i], true):
		case !isThere:
			one.Does = "new"
			p.Added++
		case len(changes) == 0:
			one.Does = "unchanged"
			p.Unchanged++
		default:
			one.Does = "changes " + strings.Join(changes, ", ")
			p.Changed++
		}
		p.Rows = append(p.Rows, one)
	}
	return p, nil
}

// hidden is message, or what to do about the invisible characters of a price or a currency: without them
// it looks right, so that nothing else would help. Of texts, package catalog says so.
func hidden(cell, field, message string) string {
	if field != "price" && field != "currency" {
		return message
	}
	if _, wrong := text.Line(cell); wrong == text.Direction {
		return wrong.Message()
	}
	if text.Revealed(cell) != cell {
		return "Remove the invisible characters."
	}
	return message
}

// column is the one that a field of ordering-core is in; the key's, if it is none of them.
func (k fileKind) column(field string) int {
	if i := slices.IndexFunc(k.columns, func(c string) bool { return strings.EqualFold(c, field) }); i >= 0 {
		return i
	}
	return k.key
}

// difference explains what a row changes of what there is now.
func (k fileKind) difference(cells, now []string) (changes []string) {
	for i := range now {
		if cells[i] != now[i] {
			changes = append(changes, fmt.Sprintf("%s from “%s”", k.columns[i], now[i]))
		}
	}
	return changes
}

// differenceBetween explains how what there is differs from what there was.
func (k fileKind) differenceBetween(before, now []string) (changes []string) {
	for i := range before {
		if before[i] != now[i] {
			changes = append(changes, fmt.Sprintf("%s from “%s” to “%s”", k.columns[i], before[i], now[i]))
		}
	}
	return changes
}
