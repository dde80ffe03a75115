// Package csvimport reads and writes the CSV files that people exchange with spreadsheets, and keeps those
// that they upload.
//
// Invariants:
//   - What [Write] wrote, [Read] reads back cell by cell.
//   - No cell is written so that a spreadsheet takes it for a formula.
//   - Whatever is read ends in rows or in problems with what to mend and in which line.
package csvimport

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign.example/pkg/text"
)

// MaxRows is how many rows a file may have below its first line, and MaxBytes how large it may be.
const (
	MaxRows  = 5000
	MaxBytes = 1 << 20
)

// MostRows is MaxRows for people.
var MostRows = fmt.Sprintf("%d,%03d", MaxRows/1000, MaxRows%1000)

// byteOrderMark is what spreadsheets know UTF-8 by.
const byteOrderMark = "\ufeff"

// Row is a row of a file: its cells in the order of the columns asked for, without spaces around them.
type Row struct {
	Line  int // of the file; the first line, with the columns' names, is 1
	Cells []string
}

// Problem is what is wrong with a cell, with a line (Column ""), or with the file (Line 0), in words for the
// person who sent it.
type Problem struct {
	Line    int
	Column  string
	Message string
}

// Read reads a file whose first line names these columns, in any order and case, separated by commas,
// semicolons or tabs. Rows without any text are left out. With problems of lines, the other rows are there
// all the same.
func Read(data []byte, columns ...string) ([]Row, []Problem) {
	content, _ := bytes.CutPrefix(data, []byte(byteOrderMark))
	if !utf8.Valid(content) {
		return nil, ofFile("The file is not UTF-8 text. Save it as “CSV UTF-8”.")
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, ofFile("The file is empty. Its first line must name the columns: %s.", strings.Join(columns, ", "))
	}
	r := csv.NewReader(bytes.NewReader(content))
	r.Comma = separator(content)
	r.FieldsPerRecord = -1 // counted here, to go on after a line that has too few
	names, err := r.Read()
	if err != nil {
		return nil, unreadable(err)
	}
	order, problem := arrange(names, columns)
	if problem != "" {
		return nil, []Problem{{1, "", problem}}
	}
	var rows []Row
	var problems []Problem
	for {
		record, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			if len(rows) == 0 && len(problems) == 0 {
				problems = ofFile("The file has no rows below its first line.")
			}
			return rows, problems
		case err != nil: // what follows cannot be told apart
			return rows, append(problems, unreadable(err)...)
		}
		line, _ := r.FieldPos(0)
		if all, wrong := text.Line(strings.Join(record, "")); all == "" && wrong == "" {
			continue
		}
		if len(record) != len(columns) {
			problems = append(problems, Problem{line, "", fmt.Sprintf("Found %d cells, expected %d. A cell with a %q in it must be in quotes.",
				len(record), len(columns), string(r.Comma))})
			continue
		}
		if len(rows) == MaxRows {
			return nil, ofFile("The file has more than %s lines below its first. Split it, and import the parts one after another.", MostRows)
		}
		row := Row{Line: line, Cells: make([]string, len(columns))}
		for i, cell := range record {
			row.Cells[order[i]] = strings.TrimSpace(plain(cell))
		}
		rows = append(rows, row)
	}
}

// ofFile is one problem of the file as a whole.
func ofFile(format string, args ...any) []Problem {
	return []Problem{{0, "", fmt.Sprintf(format, args...)}}
}

func unreadable(err error) []Problem {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return ofFile("The file cannot be read: %v.", err)
	}
	return []Problem{{parse.StartLine, "", "A quote (\") is not where one can be. Put the whole cell into quotes, and write each quote inside of it twice. " +
		"What follows this line was not read."}}
}

// DecimalComma reports whether a file writes "1,50" for one and a half, as spreadsheets do where they
// separate cells by semicolons.
func DecimalComma(data []byte) bool { return separator(data) == ';' }

// separator is what stands between the columns' names: spreadsheets write what their country does.
func separator(text []byte) rune {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	best, most := ',', bytes.Count(first, []byte(","))
	for _, other := range []rune{';', '\t'} {
		if n := bytes.Count(first, []byte(string(other))); n > most {
			best, most = other, n
		}
	}
	return best
}

// arrange finds the place of each cell among the columns, or says what is wrong with the names.
func arrange(names, columns []string) (order []int, problem string) {
	wanted := "The first line must name the columns: " + strings.Join(columns, ", ") + "."
	seen := make([]bool, len(columns))
	for _, name := range names {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
		switch {
		case i < 0:
			return nil, fmt.Sprintf("%s “%s” is none of them.", wanted, text.Revealed(clip(name)))
		case seen[i]:
			return nil, fmt.Sprintf("%s %s is there twice.", wanted, columns[i])
		}
		seen[i] = true
		order = append(order, i)
	}
	if i := slices.Index(seen, false); i >= 0 {
		return nil, fmt.Sprintf("%s %s is missing.", wanted, columns[i])
	}
	return order, ""
}

func clip(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}

// Write writes a file that Read reads, with the mark by which spreadsheets know UTF-8. It ends at the first
// error of rows.
func Write(w io.Writer, columns []string, rows iter.Seq2[[]string, error]) error {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180
	if err := out.Write(columns); err != nil {
		return err
	}
	cells := make([]string, len(columns))
	for row, err := range rows {
		if err != nil {
			return err
		}
		for i, cell := range row {
			cells[i] = text.Harmless(cell)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// plain takes away what text.Harmless has put before a cell.
func plain(cell string) string {
	if rest, quoted := strings.CutPrefix(cell, "'"); quoted && text.IsFormula(cell) {
		return rest
	}
	return cell
}
