package k8s

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
)

// Kubernetes' schemas come from PyPI's kubernetes-validate, once for each machine. They are of the oldest
// Kubernetes that deploy/k8s is for: what it knows, newer ones know.
const (
	schemasURL    = "https://files.pythonhosted.org/packages/b0/50/104f3b5a41aba6737c5f2ffe76270398f3a7320dc4a4f3f88dfd5bc9af63/kubernetes_validate-1.37.0-py3-none-any.whl"
	schemasSHA256 = "85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9"
	schemasFolder = "kubernetes_validate/kubernetes-json-schema/v1.35.0-local-strict"
)

var fetchSchemas = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "countersign", "kubernetes-schemas-"+schemasSHA256[:12])
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o750); err != nil {
		return "", err
	}
	wheel, err := fetch()
	if err != nil {
		return "", err
	}
	// A folder under its last name is whole.
	fresh, err := os.MkdirTemp(filepath.Dir(folder), "kubernetes-schemas-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := extract(wheel, fresh); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, folder); err != nil {
		if _, there := os.Stat(folder); there != nil { // not made by another test meanwhile
			return "", err
		}
	}
	return folder, nil
})

// A schema of the wheel has an id, and names others by theirs.
var (
	id          = regexp.MustCompile(`,\s*"\$id": "[^"]*"`)
	definitions = regexp.MustCompile(`"/api/_definitions.json#`)
)

// extract writes the schemas into a folder, without ids, so that a reference leads to the file beside.
func extract(wheel []byte, folder string) error {
	archive, err := zip.NewReader(bytes.NewReader(wheel), int64(len(wheel)))
	if err != nil {
		return err
	}
	names, err := fs.Glob(archive, schemasFolder+"/*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(archive, name)
		if err != nil {
			return err
		}
		text = id.ReplaceAll(definitions.ReplaceAll(text, []byte(`"_definitions.json#`)), nil)
		if err := os.WriteFile(filepath.Join(folder, path.Base(name)), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func fetch() ([]byte, error) {
	answer, err := http.Get(schemasURL)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", schemasURL, answer.Status)
	}
	wheel, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(wheel); hex.EncodeToString(sum[:]) != schemasSHA256 {
		return nil, fmt.Errorf("%s: is not what it was: SHA-256 %x", schemasURL, sum)
	}
	return wheel, nil
}

// schemas is the folder of Kubernetes' schemas.
func schemas(t *testing.T) string {
	t.Helper()
	folder, err := fetchSchemas()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}
