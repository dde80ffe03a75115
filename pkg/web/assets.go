package web

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed all:assets/dist
var built embed.FS

// Assets are the browser's files, named by a hash of their content: a new version is a new
// address, and an address can be cached for ever.
type Assets struct {
	files    fs.FS
	manifest map[string]string // "app.js" to "app-X7K2.js"
}

// errNoAssets says what to do before the first start from source.
var errNoAssets = errors.New("the browser's files are not built into this binary: run `make assets` and build it again")

// BuiltAssets returns what `make assets` built into the binary.
func BuiltAssets() (*Assets, error) {
	dist, err := fs.Sub(built, "assets/dist")
	if err != nil {
		return nil, err
	}
	return NewAssets(dist)
}

// TestAssets stands in for the built files in tests that look at HTML only, so that they run
// where npm never did.
func TestAssets() *Assets {
	return &Assets{files: embed.FS{}, manifest: map[string]string{"app.js": "app.js", "app.css": "app.css", "theme.js": "theme.js"}}
}

// NewAssets reads the manifest that assets/build.mjs wrote.
func NewAssets(dist fs.FS) (*Assets, error) {
	data, err := fs.ReadFile(dist, "manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoAssets
	}
	if err != nil {
		return nil, fmt.Errorf("read the assets' manifest: %w", err)
	}
	a := &Assets{files: dist, manifest: map[string]string{}}
	if err := json.Unmarshal(data, &a.manifest); err != nil {
		return nil, fmt.Errorf("read the assets' manifest: %w", err)
	}
	for _, name := range []string{"app.js", "app.css", "theme.js"} {
		if a.manifest[name] == "" {
			return nil, fmt.Errorf("the assets' manifest lacks %s: run `make assets` again", name)
		}
	}
	return a, nil
}

// Path returns the address of a file by its plain name, or "" when it has none.
func (a *Assets) Path(name string) string {
	if file, ok := a.manifest[name]; ok {
		return "/assets/" + file
	}
	return ""
}

// ServeHTTP serves /assets/<file>, in the smallest encoding that the client takes.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	h := w.Header()
	if _, err := fs.Stat(a.files, name); err != nil || !strings.Contains(name, "-") {
		h.Set("Cache-Control", "no-store")
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	file, encoding := a.negotiate(name, r.Header.Get("Accept-Encoding"))
	// The name holds the content's hash already; an encoding is another representation.
	etag := `"` + file + `"`
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", etag)
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data, err := fs.ReadFile(a.files, file)
	if err != nil {
		http.Error(w, "This file cannot be read.", http.StatusInternalServerError)
		return
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	h.Set("Content-Length", fmt.Sprint(len(data)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(data)
	}
}

func (a *Assets) negotiate(name, accept string) (file, encoding string) {
	for _, e := range []struct{ token, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !accepts(accept, e.token) {
			continue
		}
		if _, err := fs.Stat(a.files, name+e.suffix); err == nil {
			return name + e.suffix, e.token
		}
	}
	return name, ""
}

// accepts reads Accept-Encoding (RFC 9110, 12.5.3): a token counts unless its weight is 0.
func accepts(header, token string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), token) {
			continue
		}
		weight = strings.TrimSpace(weight)
		return weight != "q=0" && !strings.HasPrefix(weight, "q=0.000") && weight != "q=0.0" && weight != "q=0.00"
	}
	return false
}
