package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/manager-ui/internal/csvimport"
	"countersign.example/pkg/api"
	"countersign.example/pkg/locale"
	"countersign.example/pkg/pg"
	"countersign.example/pkg/text"
	"countersign.example/pkg/web"
)

const (
	maxUploadForm = 64 << 20 // bytes: so much more than a file may have that one with more gets an answer fit for it
	maxPreview    = 100      // rows that a preview shows
	maxProblems   = 50       // that it lists
)

// uploadPage asks for a file.
type uploadPage struct {
	Title, Path string
	Columns     []string
	HasAmounts  bool
	MostRows    string
	MostSize    string
	Problem     string
}

// previewPage shows what an import would do, or why it cannot be done.
type previewPage struct {
	plan
	Title, Noun, Path, Action string
	Columns                   []string
	Key, Amount               int         // columns, as in fileKind
	Message                   web.Message // what came of a file that was imported
	MoreRows, MoreProblems    int         // that are not shown
	Imported                  bool
	Seen                      string              // names what the preview compared the file with
	Outdated                  []csvimport.Problem // why what an earlier preview showed was not imported
}

var (
	uploadView  = web.NewView[uploadPage]("upload")
	previewView = web.NewView[previewPage]("import")
)

// mostSize is csvimport.MaxBytes for people.
var mostSize = fmt.Sprintf("%d MB", csvimport.MaxBytes>>20)

// uploadForm shows the form for a file.
func (h *handlers) uploadForm(k fileKind) echo.HandlerFunc {
	return func(c echo.Context) error { return h.renderUpload(c, k, http.StatusOK, "") }
}

func (h *handlers) renderUpload(c echo.Context, k fileKind, status int, problem string) error {
	return uploadView.Render(c, status, web.Page{Title: k.title, Nav: k.nav}, uploadPage{
		Title: k.title, Path: k.path, Columns: k.columns, HasAmounts: k.amount >= 0, MostRows: csvimport.MostRows, MostSize: mostSize, Problem: problem,
	})
}

// upload keeps a file and leads to its preview.
func (h *handlers) upload(k fileKind) echo.HandlerFunc {
	return func(c echo.Context) error {
		content, err := web.ReadUpload(c, "file", csvimport.MaxBytes)
		switch {
		case errors.Is(err, web.ErrNoFile):
			return h.renderUpload(c, k, http.StatusUnprocessableEntity, "Choose a file.")
		case errors.Is(err, web.ErrFileTooLarge):
			_, _ = io.Copy(io.Discard, c.Request().Body) // a browser that cannot send all of it shows no answer
			return h.renderUpload(c, k, http.StatusUnprocessableEntity, "A file may have "+mostSize+". Split it, and import the parts one after another.")
		case err != nil:
			return err
		}
		id, err := h.uploads.Keep(c.Request().Context(), web.PersonOf(c).ID, k.name, content)
		if err != nil {
			return err
		}
		return web.Redirect(c, k.path+"/import/"+id)
	}
}

// preview shows what importing a file would do now, or what came of it if it was imported.
func (h *handlers) preview(k fileKind) echo.HandlerFunc {
	return func(c echo.Context) error {
		u, err := h.uploaded(c, k)
		if err != nil {
			return err
		}
		if u.ImportedAt != nil {
			return h.renderImported(c, k, u)
		}
		return h.showPreview(c, k, u, http.StatusOK, web.Message{}, nil)
	}
}

// showPreview compares a file with what there is now, and notes that for its import.
func (h *handlers) showPreview(c echo.Context, k fileKind, u csvimport.Upload, status int, shown web.Message, outdated []csvimport.Problem) error {
	ctx := c.Request().Context()
	p, err := k.plan(ctx, h.db, u.Content)
	if err != nil {
		return err
	}
	seen, err := json.Marshal(p.there)
	if err != nil {
		return err
	}
	if !bytes.Equal(seen, u.Seen) {
		if err := h.uploads.NotePreview(ctx, c.Param("id"), seen); err != nil {
			return err
		}
	}
	return h.renderPreview(c, k, status, p, previewPage{Seen: nameOf(seen), Message: shown, Outdated: outdated})
}

// nameOf names what a preview compared a file with.
func nameOf(seen []byte) string {
	digest := sha256.Sum256(seen)
	return hex.EncodeToString(digest[:8])
}

func (h *handlers) uploaded(c echo.Context, k fileKind) (csvimport.Upload, error) {
	file, err := h.uploads.Read(c.Request().Context(), web.PersonOf(c).ID, k.name, c.Param("id"))
	if errors.Is(err, csvimport.ErrNoUpload) {
		err = web.NotFound("This file is no longer here. Please upload it again.")
	}
	return file, err
}

// renderImported explains what came of a file, instead of what importing it would do.
func (h *handlers) renderImported(c echo.Context, k fileKind, u csvimport.Upload) error {
	return previewView.Render(c, http.StatusOK, web.Page{Title: k.title, Nav: k.nav}, previewPage{
		Title: k.title, Noun: k.noun, Path: k.path, Imported: true, Message: web.Message{
			Tone: web.Info, Title: "You have imported this file already", At: *u.ImportedAt,
			Text: fmt.Sprintf("It is not imported again: upload it again if you want that. Then: %s added, %s changed, %s unchanged",
				locale.Count(u.Added), locale.Count(u.Changed), locale.Count(u.Unchanged)),
		},
	})
}

func (h *handlers) renderPreview(c echo.Context, k fileKind, status int, p plan, page previewPage) error {
	shown := page.Message
	page = previewPage{
		plan: p, Title: k.title, Noun: k.noun, Path: k.path, Action: k.path + "/import/" + c.Param("id"), Columns: k.columns,
		Key: k.key, Amount: k.amount, Seen: page.Seen, Outdated: page.Outdated,
	}
	if page.MoreRows = len(p.Rows) - maxPreview; page.MoreRows > 0 {
		page.Rows = p.Rows[:maxPreview]
	}
	for _, row := range page.Rows {
		for i, cell := range row.Cells {
			row.Cells[i] = clip(cell)
			if row.Wrong[i] { // by what nobody would see, perhaps
				row.Cells[i] = text.Revealed(row.Cells[i])
			}
		}
	}
	if page.MoreProblems = len(p.Problems) - maxProblems; page.MoreProblems > 0 {
		page.Problems = p.Problems[:maxProblems]
	}
	return previewView.Render(c, status, web.Page{Title: k.title, Nav: k.nav, Message: shown}, page)
}

// imported is what ordering-core says to an import.
type imported struct {
	csvimport.Result
	Last *struct {
		ID       string `json:"id"`
		Sequence int64  `json:"sequence"`
	} `json:"last"`
	rows int // that were sent
}

// Check is the client's.
func (i *imported) Check() error {
	if i.Added+i.Changed+i.Unchanged != i.rows || (i.Last == nil) != (i.Added+i.Changed == 0) {
		return fmt.Errorf("about %d rows, not %d", i.Added+i.Changed+i.Unchanged, i.rows)
	}
	return nil
}

// importFile has ordering-core take a file that was previewed, whole or not at all. The file's id is the
// command's key: pressing twice imports once. What came of it stays with the file, so that its page shows
// that later.
func (h *handlers) importFile(k fileKind) echo.HandlerFunc {
	return func(c echo.Context) error {
		form, err := web.ReadForm(c)
		if err != nil {
			return err
		}
		u, err := h.uploaded(c, k)
		if err != nil {
			return err
		}
		if u.ImportedAt != nil {
			return web.Redirect(c, k.path+"/import/"+c.Param("id"))
		}
		name := nameOf(u.Seen)
		if u.Seen == nil || form.Value("seen") != "" && form.Value("seen") != name {
			return h.showPreview(c, k, u, http.StatusConflict, web.Message{
				Tone: web.Warning, Title: "Not imported", Text: "This was not the latest preview of the file: look at what it would do now",
			}, nil)
		}
		ctx := c.Request().Context()
		p, err := k.plan(ctx, h.db, u.Content)
		if err != nil {
			return err
		}
		if len(p.Problems) > 0 {
			return h.renderPreview(c, k, http.StatusUnprocessableEntity, p, previewPage{})
		}
		var seen map[string]seenRow
		if err := json.Unmarshal(u.Seen, &seen); err != nil {
			return err
		}
		sequences := pg.Column(p.keys, func(key string) int64 { return seen[key].Sequence })
		done := imported{rows: len(p.bodies)}
		body := map[string]any{"rows": p.bodies, "sequences": sequences}
		if err := h.ordering.Patient().Post(ctx, "/"+k.name+"/import", "import:"+c.Param("id")+":"+name, body, &done); err != nil {
			a := formState{}
			if err := h.notDone(ctx, &a, orderingCommand{form: form, verb: "imported"}, err); err != nil {
				return err
			}
			if outdated := h.outdatedRows(ctx, k, err, p, seen); len(outdated) > 0 {
				return h.showPreview(c, k, u, a.Status, a.Message, outdated)
			}
			p.Problems = k.refusedRows(err, p)
			return h.renderPreview(c, k, a.Status, p, previewPage{Seen: name, Message: a.Message})
		}
		// If this fails, pressing again has the same answer, and notes it then.
		if err := h.uploads.NoteImport(ctx, c.Param("id"), done.Result); err != nil {
			return err
		}
		message := fmt.Sprintf("Imported: %s added, %s changed, %s unchanged.", locale.Count(done.Added), locale.Count(done.Changed), locale.Count(done.Unchanged))
		if done.Last == nil {
			web.Flash(c, web.Good, message)
		} else {
			h.flashDone(c, k.stream(done.Last.ID), done.Last.Sequence, message)
		}
		return web.Redirect(c, k.path)
	}
}

// refusedRow is what ordering-core says of a row.
type refusedRow struct {
	Row    int      `json:"row"` // the first is 1
	Field  string   `json:"field"`
	Detail string   `json:"detail"`
	Now    *itemNow `json:"now"` // of one that has changed
}

func rowsRefused(err error) (rows []refusedRow, code string) {
	var refusal *api.Refusal
	if errors.As(err, &refusal) {
		_ = json.Unmarshal(refusal.Extra["rows"], &rows)
		code = refusal.Code
	}
	return rows, code
}

// outdatedRows is what is not any more as the preview showed it, by the file's lines. It waits for the read
// model to have it, too.
func (h *handlers) outdatedRows(ctx context.Context, k fileKind, err error, p plan, seen map[string]seenRow) (outdated []csvimport.Problem) {
	rows, code := rowsRefused(err)
	if code != codeStale {
		return nil
	}
	for _, r := range rows {
		if r.Row < 1 || r.Row > len(p.Rows) {
			continue
		}
		row, before := p.Rows[r.Row-1], seen[p.keys[r.Row-1]]
		says := r.Detail
		if r.Now != nil && before.Sequence > 0 {
			if changes := k.differenceBetween(before.Cells, r.Now.cells(k)); len(changes) > 0 {
				says = fmt.Sprintf("%s has changed %s.", nameOr(r.Now.ChangedBy, "Somebody"), strings.Join(changes, ", "))
			}
		}
		if r.Now != nil && len(outdated) == 0 {
			h.awaitShown(ctx, k.stream(r.Now.id()), r.Now.Sequence)
		}
		outdated = append(outdated, csvimport.Problem{Line: row.Line, Column: k.columns[k.key] + " " + row.Cells[k.key], Message: says})
	}
	return outdated
}

// cells are those of a file's row.
func (n itemNow) cells(k fileKind) (cells []string) {
	values := n.values()
	for _, column := range k.columns {
		cells = append(cells, values[strings.ToLower(column)])
	}
	return cells
}

// refusedRows is what ordering-core finds wrong with rows, by the file's lines.
func (k fileKind) refusedRows(err error, p plan) (problems []csvimport.Problem) {
	rows, _ := rowsRefused(err)
	for _, r := range rows {
		if r.Row >= 1 && r.Row <= len(p.Rows) {
			row := p.Rows[r.Row-1]
			row.Wrong[k.column(r.Field)] = true
			problems = append(problems, csvimport.Problem{Line: row.Line, Column: k.columns[k.column(r.Field)], Message: r.Detail})
		}
	}
	return problems
}
