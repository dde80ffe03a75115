package pages_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"countersign.example/manager-ui/internal/csvimport"
)

// importFile uploads a file and presses Import on its preview.
func (m *manager) importFile(path, content string) answer {
	m.tb.Helper()
	preview := m.upload(path+"/import", content).is(http.StatusOK, `class="btn btn-primary" type="submit">Import<`)
	return m.post(preview.path)
}

func TestImport(t *testing.T) {
	s, mia := openShop(t)
	mia.post("/catalog", mia.get("/catalog/new").form("sku", "T-1", "name", "Tiles", "price", "12.50", "currency", "EUR")...).is(200)
	mia.post("/catalog", mia.get("/catalog/new").form("sku", "G-1", "name", "Grout", "price", "8", "currency", "EUR")...).is(200)
	file := "\ufeffsku;NAME;Price;Currency\r\nt-1;\"Tiles; \"\"grey\"\"\";13,5;eur\r\nG-1;Grout;8.00;EUR\r\nP-1;=cmd();1200;JPY\r\nW-1;Wall;1.234,50;EUR\r\n"

	// when it is previewed
	preview := mia.upload("/catalog/import", file).is(200, "2 new, 1 changed, 1 unchanged", ">1234.50</td>",
		"changes SKU from “T-1”, Name from “Tiles”, Price from “12.50”", "unchanged", "=cmd()", "13.50")

	// then nothing has happened yet
	if len(s.sent) != 2 || strings.Contains(mia.get("/catalog").text, "P-1") {
		t.Fatalf("sent %v", s.sent)
	}

	// and when it is imported, everything has
	mia.post(preview.path).is(200, "Imported: 2 added, 1 changed, 1 unchanged.", "t-1", "Tiles; &#34;grey&#34;", "=cmd()", "1,200")

	// and when it is imported again, then it is not
	for _, page := range []answer{mia.post(preview.path), mia.get(preview.path)} {
		page.is(200, "You have imported this file already.", "2 added, 1 changed, 1 unchanged").without("Imported:", `id="import-form"`)
	}
	if len(mia.get("/catalog").things()) != 4 || len(s.sent) != 3 {
		t.Errorf("sent %v", s.sent)
	}
	mia.upload("/catalog/import", file).is(200, "0 new, 0 changed, 4 unchanged")
}

// What somebody has changed since the preview is not overwritten, and nothing is imported by halves.
func TestAnImportOfWhatHasChangedSinceItsPreview(t *testing.T) {
	s, mia := openShop(t)
	tom := s.manager("tom-berg")
	add := func(sku, name, price string) (page string) {
		return "/catalog/" + strings.TrimPrefix(mia.post("/catalog", mia.get("/catalog/new").form("sku", sku, "name", name, "price", price, "currency", "EUR")...).is(200).things()[0], "product-")
	}
	tiles := add("T-1", "Tiles", "20")
	file := "SKU,Name,Price,Currency\nT-1,Tiles,33,EUR\nN-1,New,5,EUR\n"
	preview := mia.upload("/catalog/import", file).is(200, "1 new, 1 changed, 0 unchanged", "Price from “20.00”")
	other := mia.get(preview.path).is(200) // in another tab

	// when Tom changes the price, and adds what was new
	tom.post(tiles, tom.get(tiles).form("sku", "T-1", "name", "Tiles", "price", "44", "currency", "EUR")...).is(200)
	tom.post("/catalog", tom.get("/catalog/new").form("sku", "n-1", "name", "Nails", "price", "1", "currency", "EUR")...).is(200)

	// then the import is refused, naming both rows, and shows what the file would do now
	refused := mia.post(preview.path, preview.form()...).is(409, "Not imported", "2 of 2 rows have changed since you looked at them", "Changed since the preview",
		"Line 2, SKU T-1:</strong> Tom Berg has changed Price from “20.00” to “44.00”.", "Line 3, SKU N-1:</strong> It was added since you looked by Tom Berg",
		"0 new, 2 changed, 0 unchanged", "Price from “44.00”", `type="submit">Import<`)
	mia.get("/catalog").is(200, "44.00", "Nails").without("33.00")

	// and the other tab's preview is not the latest
	mia.post(other.path, other.form()...).is(409, "This was not the latest preview", "Price from “44.00”")

	// and what she has seen now is imported
	mia.post(refused.path, refused.form()...).is(200, "Imported: 0 added, 2 changed, 0 unchanged.", "33.00")
}

func TestAnImportIsPressedTwiceAtOnce(t *testing.T) {
	s, mia := openShop(t)
	preview := mia.upload("/customers/import", "Name,Email\nA,a@b.example\n")
	var presses sync.WaitGroup
	said := make([]answer, 2)
	for i := range said {
		presses.Go(func() { said[i] = mia.post(preview.path) })
	}
	presses.Wait()
	for _, page := range said { // the later one may find it done
		if page.status != 200 || !strings.Contains(page.text, "1 added, 0 changed, 0 unchanged") {
			t.Errorf("answered %d %s", page.status, page.text)
		}
	}
	if len(mia.get("/customers").things()) != 1 {
		t.Errorf("sent %v", s.sent)
	}
}

func TestAFileIsItsOwners(t *testing.T) {
	s, mia := openShop(t)
	tom := s.manager("tom-berg")
	first := mia.upload("/customers/import", "Name,Email\nA,a@b.example\n").is(200, "1 new")

	// it is nobody else's to see or to import
	tom.get(first.path).is(404, "upload it again")
	tom.post(first.path).is(404, "upload it again")
	if len(s.sent) != 0 {
		t.Errorf("sent %v", s.sent)
	}

	// and the oldest goes when its owner has more than are kept, whatever others upload
	for range 10 {
		tom.upload("/customers/import", "Name,Email\nB,b@b.example\n").is(200)
	}
	for range 9 {
		mia.get(first.path).is(200, "1 new")
		mia.upload("/customers/import", "Name,Email\nB,b@b.example\n").is(200)
	}
	mia.get(first.path).is(200, "1 new")
	last := mia.upload("/customers/import", "Name,Email\nC,c@b.example\n").is(200, "1 new")
	mia.get(first.path).is(404, "upload it again")
	mia.get(last.path).is(200, "1 new")
}

func TestExportComesBack(t *testing.T) {
	_, mia := openShop(t)
	file := "Name,Email\n=HYPERLINK(\"\"x\"\"),a@x.example\n+1,b@x.example\n'=quoted,c@x.example\n@sum,d@x.example\n\"A, \"\"B\"\" & Söhne\",=1@x.example\n"
	file = strings.Replace(file, "=HYPERLINK(\"\"x\"\")", "\"=HYPERLINK(\"\"x\"\")\"", 1)
	mia.importFile("/customers", file).is(200, "Imported: 5 added")

	// when what was imported is exported
	response, err := mia.browser.Get(mia.server.URL + "/customers/export")
	mia.must(err)
	response.Body.Close()
	if media, name := response.Header.Get("Content-Type"), response.Header.Get("Content-Disposition"); media != "text/csv; charset=utf-8" ||
		name != `attachment; filename="customers-2026-11-23.csv"` {
		t.Errorf("exported as %s, %s", media, name)
	}
	exported := mia.get("/customers/export").is(200).text

	// then no cell of it runs, and it is the same
	for line := range strings.Lines(exported) {
		for cell := range strings.SplitSeq(line, ",") {
			if strings.ContainsAny(strings.TrimLeft(cell, `"`)[:1], "=+-@") {
				t.Errorf("%q would be run", cell)
			}
		}
	}
	mia.upload("/customers/import", exported).is(200, "0 new, 0 changed, 5 unchanged")
}

func TestFilesThatCannotBeImported(t *testing.T) {
	s, mia := openShop(t)
	head := "SKU,Name,Price,Currency\n"
	for _, test := range []struct {
		name, content string
		says          []string
	}{
		{"wrong columns", "SKU,Name,Cost,Currency\nT-1,Tiles,1,EUR\n", []string{"Line 1:", "SKU, Name, Price, Currency", "“Cost” is none of them"}},
		{"wrong cells", head + "T-1,Tiles,12.50,EUR\nT-2,,1,EUR\nT-3,Tiles,\"1,5.5\",EUR\nT-4,Tiles,1,XXX\nt-1,Again,1,EUR\nT-5,Five,-3,EUR\n",
			[]string{"Line 3, Name:</strong> Enter a name", "Line 4, Price:</strong> Write it with a point before the decimals", "Line 5, Currency:</strong> Choose a currency",
				"Line 6, SKU:</strong> Line 2 has the same.", "Line 7, Price:</strong> Enter an amount above zero", `<td class="amount bad" data-label="Price">1,5.5</td>`}},
		{"a long cell", head + "T-1," + strings.Repeat("long ", 1000) + ",1,EUR\n", []string{"Line 2, Name:</strong> Write 200 characters at most", "long…</td>"}},
		{"two in a line", head + ",Tiles,0,EUR\n", []string{"Line 2, SKU:</strong> Enter an SKU.</li><li class=\"text-break\"><strong>Line 2, Price:"}},
		{"two ways to read", "SKU;Name;Price;Currency\nT-1;Tiles;1.234;KWD\nT-2;Tiles;1,234 EUR;EUR\nT-3;Tiles; 1,234 KWD;KWD\n", []string{
			"Line 2, Price:</strong> “1.234” can be read in two ways", "Line 3, Price:</strong> EUR has 2 decimals at most", `data-label="Price">1.234</td>`}},
		{"many wrong lines", head + strings.Repeat(",Tiles,1,EUR\n", 1000), []string{"Line 51, SKU:", "… and 950 more</li>", "… and 900 more</p>"}},
		{"a quote", head + "T-1,\"Tiles,12.50,EUR\n", []string{"Line 2:</strong> A quote"}},
		{"too many rows", head + strings.Repeat("T-1,Tiles,1,EUR\n", csvimport.MaxRows+1), []string{"more than 5,000 lines"}},
		{"no text", "\x00\x01\xff", []string{"not UTF-8"}},
		{"NUL", head + "T-1,Ti\x00les,1,EUR\n", []string{"Line 2, Name:"}},
		{"nothing", "", []string{"The file is empty"}},
		{"what cannot be seen", head + "T-1,Tiles,5\u202e,EUR\nT-2,Tiles,5,EU\u200bR\nT-3,Ti\u202eles,5,EUR\nT-4,Tiles,x\u200b,EUR\n", []string{
			"Line 2, Price:</strong> Remove the invisible characters that turn the direction", `data-label="Price">5⟨U&#43;202E⟩</td>`,
			"Line 3, Currency:</strong> Remove the invisible characters.", `data-label="Currency">EU⟨U&#43;200B⟩R</td>`,
			"Line 4, Name:</strong> Remove the invisible characters that turn the direction", `data-label="Name">Ti⟨U&#43;202E⟩les</td>`,
			"Line 5, Price:</strong> Remove the invisible characters.", `data-label="Price">x⟨U&#43;200B⟩</td>`}},
		{"a column that looks right", "SKU\u200b,Name,Price,Currency\nT-1,Tiles,1,EUR\n", []string{"“SKU⟨U&#43;200B⟩” is none of them"}},
		{"a script", head + "<script>alert(1)</script>,x\n", []string{"Line 2:"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			page := mia.upload("/catalog/import", test.content).is(200, append(test.says, "cannot be imported", "Nothing was changed")...).
				without(`id="import-form"`, "<script>alert")
			mia.post(page.path).is(422, test.says...) // by hand
		})
	}
	mia.upload("/catalog/import", strings.Repeat("x", csvimport.MaxBytes+1)).is(422, "A file may have 1 MB")
	mia.upload("/catalog/import", strings.Repeat("x", 10*csvimport.MaxBytes)).is(422, `id="file-error">A file may have 1 MB`)
	mia.send(http.MethodPost, "/catalog/import", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n--x--\r\n",
		"multipart/form-data; boundary=x", "").is(422, "Choose a file.")
	mia.post("/catalog/import", "file", "x").is(415)
	mia.get("/catalog/import/rubbish").is(404, "upload it again")
	if customers := mia.upload("/customers/import", "Name,Email\nA,a@b\n"); true {
		mia.get(strings.Replace(customers.path, "/customers", "/catalog", 1)).is(404)
	}
	if len(s.sent) != 0 {
		t.Errorf("ordering-core was asked for %v", s.sent)
	}
}

func TestTheMostRows(t *testing.T) {
	_, mia := openShop(t)
	mia.get("/catalog/import").is(200, "5,000 lines and 1 MB at most")
	file := "Currency,Price,Name,SKU\n"
	for i := range csvimport.MaxRows {
		file += fmt.Sprintf("EUR,%d,Product number %d,SKU-%d\n", i+1, i, i)
	}
	mia.importFile("/catalog", file).is(200, "Imported: 5,000 added, 0 changed, 0 unchanged.", "Product number 0")

	// when there are more than are read at once, an export has them all
	if lines := strings.Count(mia.get("/catalog/export").is(200).text, "\r\n"); lines != 1+csvimport.MaxRows {
		t.Errorf("exported %d lines", lines)
	}
}

func TestTheLargestFile(t *testing.T) {
	_, mia := openShop(t)
	var file strings.Builder
	file.WriteString("SKU,Name,Price,Currency\n")
	rows := 0
	for name := strings.Repeat("<&>", 66); ; rows++ {
		row := fmt.Sprintf("S%d,%s,1,EUR\n", rows, name)
		if file.Len()+len(row) > csvimport.MaxBytes {
			break
		}
		file.WriteString(row)
	}
	mia.importFile("/catalog", file.String()).is(200, fmt.Sprintf("Imported: %d,%03d added", rows/1000, rows%1000))
}

func TestNothingIsImportedByHalves(t *testing.T) {
	s, mia := openShop(t)
	preview := mia.upload("/catalog/import", "SKU,Name,Price,Currency\n\nT-1,Tiles,1,EUR\nT-2,Grout,2,EUR\n")
	for _, test := range []struct {
		core   http.HandlerFunc
		status int
		says   string
	}{
		{nil, 503, "Perhaps not imported"},
		{respond(200, "application/json", `{"added":1}`), 503, "Perhaps not imported"},
		{respond(422, "application/problem+json", `{"detail":"1 of 2 rows cannot be taken.","field":"rows","rows":[{"row":2,"field":"name","detail":"Not this one."}]}`), 422, "Line 4, Name:</strong> Not this one."},
		{respond(422, "application/problem+json", `{"detail":"Not like this."}`), 422, "Not imported.</strong> Not like this."},
	} {
		s.orderingAnswers(test.core)
		mia.post(preview.path).is(test.status, test.says, "Grout")
	}
	s.orderingAnswers(s.answer)
	mia.post(preview.path).is(200, "Imported: 2 added")
}
