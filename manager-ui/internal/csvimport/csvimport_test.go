package csvimport

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"countersign.example/pkg/text"
)

// starters are what a spreadsheet begins a formula at.
const starters = "=+-@\t\r\n＝＋－＠"

func TestRead(t *testing.T) {
	want := []Row{{2, []string{"T-1", "Tiles"}}, {3, []string{"G-2", `Grout, "grey"`}}}
	for name, text := range map[string]string{
		"plain":                 "SKU,Name\nT-1,Tiles\nG-2,\"Grout, \"\"grey\"\"\"\n",
		"a BOM and CRLF":        "\ufeffSKU,Name\r\nT-1,Tiles\r\nG-2,\"Grout, \"\"grey\"\"\"\r\n",
		"other order, case":     "name, sku \nTiles,T-1\n\"Grout, \"\"grey\"\"\",G-2",
		"semicolons":            "SKU;Name\nT-1;Tiles\nG-2;\"Grout, \"\"grey\"\"\"\n",
		"tabs":                  "SKU\tName\nT-1\tTiles\nG-2\t\"Grout, \"\"grey\"\"\"\n",
		"empty rows at the end": "SKU,Name\nT-1,Tiles\nG-2,\"Grout, \"\"grey\"\"\"\n\n,\n , \n",
	} {
		if rows, problems := Read([]byte(text), "SKU", "Name"); len(problems) != 0 || !reflect.DeepEqual(rows, want) {
			t.Errorf("%s: read %+v, %+v", name, rows, problems)
		}
	}
}

func TestProblemsNameTheirLine(t *testing.T) {
	many := func(n int) string { return "SKU,Name\n" + strings.Repeat("a,b\n", n) }
	for _, test := range []struct {
		name, text string
		rows, line int
		says       string
	}{
		{"nothing", "", 0, 0, "empty"},
		{"spaces", "\ufeff \n", 0, 0, "empty"},
		{"a picture", "\x89PNG\r\n\x1a\n", 0, 0, "UTF-8"},
		{"UTF-16", "\xff\xfeS\x00", 0, 0, "UTF-8"},
		{"a wrong column", "SKU,Cost\nx,1\n", 0, 1, "“Cost” is none of them"},
		{"a column less", "SKU\nx\n", 0, 1, "Name is missing"},
		{"a column twice", "SKU,Name,sku\nx,y,z\n", 0, 1, "SKU is there twice"},
		{"no rows", "SKU,Name\n", 0, 0, "no rows"},
		{"too few cells", "SKU,Name\na,b\nc\nd,e\n", 2, 3, "Found 1 cells, expected 2"},
		{"too many cells", "SKU,Name\na,b,c\n", 0, 2, "Found 3 cells"},
		{"a quote inside", "SKU,Name\na,b\nc,5\" pipe\nd,e\n", 1, 3, "quote"},
		{"a quote that does not end", "SKU,Name\na,\"b\nc,d\n", 0, 2, "quote"},
		{"a line break in a cell", "SKU,Name\n\"a\nb\",c\nd\n", 1, 4, "Found 1 cells"},
		{"too many rows", many(MaxRows + 1), 0, 0, "more than 5,000 lines"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows, problems := Read([]byte(test.text), "SKU", "Name")
			if len(rows) != test.rows || len(problems) != 1 || problems[0].Line != test.line || !strings.Contains(problems[0].Message, test.says) {
				t.Errorf("read %d rows and %+v", len(rows), problems)
			}
		})
	}
	if rows, problems := Read([]byte(many(MaxRows)), "SKU", "Name"); len(rows) != MaxRows || problems != nil {
		t.Errorf("of the most rows %d were read: %v", len(rows), problems)
	}
}

func TestDecimalCommas(t *testing.T) {
	for text, want := range map[string]bool{"a;b\n1,5;x\n": true, "a,b\n1;5,x\n": false, "a\tb\n": false} {
		if got := DecimalComma([]byte(text)); got != want {
			t.Errorf("%q has decimal commas: %v", text, got)
		}
	}
}

func TestFormulasDoNotRunAndComeBack(t *testing.T) {
	cells := []string{
		"=cmd()", "+1", "-1+2", "@SUM(A1)", "＝1", "'=already", "''-twice", "'quoted'", "'", "O'Hara", "plain", "a,b", `5" pipe`, "a=b", "",
		`=HYPERLINK("http://evil.example","x")`, "'s-Hertogenbosch", "漢字", "two\nlines",
	}
	rows := make([][]string, 0, len(cells))
	for i, cell := range cells {
		rows = append(rows, []string{fmt.Sprint(i), cell})
	}
	var file bytes.Buffer
	all := func(yield func([]string, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
	if err := Write(&file, []string{"SKU", "Name"}, all); err != nil {
		t.Fatal(err)
	}

	// then no spreadsheet finds a formula
	raw, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.String(), byteOrderMark))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range raw {
		for _, cell := range record {
			if cell != "" && strings.ContainsRune(starters, []rune(cell)[0]) {
				t.Errorf("%q would be run", cell)
			}
		}
	}
	// and what is read is what was written
	read, problems := Read(file.Bytes(), "SKU", "Name")
	if len(problems) > 0 || len(read) != len(rows) {
		t.Fatalf("read %d rows, %v", len(read), problems)
	}
	for i, row := range read {
		if !reflect.DeepEqual(row.Cells, rows[i]) {
			t.Errorf("wrote %q, read %q", rows[i], row.Cells)
		}
	}
}

// Whatever a cell is, it comes back, and is not run.
func FuzzCells(f *testing.F) {
	for _, seed := range []string{"=1", "'=1", "\tx", "", "'", "''", "\r", "-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		written := text.Harmless(cell)
		if plain(written) != cell {
			t.Errorf("%q became %q and %q", cell, written, plain(written))
		}
		if written != "" && strings.ContainsRune(starters, []rune(written)[0]) {
			t.Errorf("%q would be run", written)
		}
	})
}

func TestAFileOfRowsThatCannotBeReadIsNotWritten(t *testing.T) {
	broken := errors.New("no more rows")
	err := Write(&bytes.Buffer{}, []string{"SKU"}, func(yield func([]string, error) bool) {
		if yield([]string{"T-1"}, nil) && yield(nil, broken) {
			t.Error("asked for more after an error")
		}
	})
	if !errors.Is(err, broken) {
		t.Errorf("wrote, and said %v", err)
	}
}
