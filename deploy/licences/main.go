// Command licences prints what of others the images and the pages contain, with the licence of each: what
// pkg/web/static/licences holds, which both apps show and every image has. Run it from the repository's root.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"countersign.example/pkg/service"
)

func main() {
	service.Main(func(ctx context.Context, _ []string, out io.Writer) error { return write(ctx, ".", out) })
}

// programs are what images run, by module.
var programs = map[string][]string{
	"contractor-ui": {"."}, "manager-ui": {"."}, "ordering-core": {"."}, "payments-core": {".", "./cmd/sandbox-gateway"},
	"deploy": {"./identity", "./keys", "./seed"},
}

// part is something of others: a module of Go, Go itself, or a package of npm.
type part struct{ name, source, text string }

const beginning = `Countersign is under the licence in its file LICENSE. It contains parts of others, compiled or bundled and otherwise
unchanged. Each is named here with its version and where its source is, and the licence follows under which it is.
`

func write(ctx context.Context, root string, out io.Writer) error {
	parts, err := modules(ctx, root)
	if err != nil {
		return err
	}
	packages, err := bundled(root)
	if err != nil {
		return err
	}
	// Many licences are the same, word by word.
	var texts []string
	of := map[string][]part{}
	for _, p := range append(parts, packages...) {
		if of[p.text] == nil {
			texts = append(texts, p.text)
		}
		of[p.text] = append(of[p.text], p)
	}
	_, _ = io.WriteString(out, beginning)
	for _, text := range texts {
		_, _ = fmt.Fprintf(out, "\n%s\n\n", strings.Repeat("=", 100))
		for _, p := range of[text] {
			_, _ = fmt.Fprintf(out, "%s\n    %s\n", p.name, p.source)
		}
		_, _ = fmt.Fprintf(out, "\n%s\n", text)
	}
	return nil
}

// licenceFile is how files are called that say under which terms something is.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)(\.(md|txt))?$`)

// terms are the texts of a folder's files, one after the other.
func terms(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	var texts []string
	for _, entry := range entries {
		if entry.IsDir() || !licenceFile.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return "", err
		}
		texts = append(texts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	return strings.Join(texts, "\n\n"), nil
}

// modules are Go, and what the programs contain of modules, as the images are built.
func modules(ctx context.Context, root string) ([]part, error) {
	found := map[string]string{} // the folder of a path and version
	for module, mains := range programs {
		const format = "{{with .Module}}{{if and .Version (not .Replace)}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}"
		listed, err := run(ctx, filepath.Join(root, module), append([]string{"list", "-deps", "-f", format}, mains...)...)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(listed) {
			if name, folder, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				found[name] = folder
			}
		}
	}
	version, err := run(ctx, root, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	text, err := terms(strings.TrimSpace(version))
	if err != nil {
		return nil, err
	}
	parts := []part{{"Go, its runtime and standard library", "https://go.dev/dl/", text}}
	for name, folder := range found {
		path, version, _ := strings.Cut(name, " ")
		text, err := terms(folder)
		if err != nil {
			return nil, err
		}
		if text == "" {
			return nil, fmt.Errorf("%s has no licence in %s", name, folder)
		}
		source := "https://pkg.go.dev/" + path + "@" + version
		if strings.Contains(text, "Mozilla Public License") { // which asks to say where its source is
			source = "its source: https://proxy.golang.org/" + escaped(path) + "/@v/" + version + ".zip"
		}
		parts = append(parts, part{name, source, text})
	}
	slices.SortFunc(parts[1:], func(a, b part) int { return strings.Compare(a.name, b.name) })
	return parts, nil
}

// escaped is a module's path as the proxy has it, on whose disks letters may have no case.
func escaped(path string) string {
	return regexp.MustCompile("[A-Z]").ReplaceAllStringFunc(path, func(s string) string { return "!" + strings.ToLower(s) })
}

func run(ctx context.Context, folder string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOOS=linux")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s in %s: %w: %s", args[0], folder, err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

var (
	imported = regexp.MustCompile(`(?m)^(?:@import |import |(?:import|export) [^"\n]*from )"((?:@[\w.-]+/)?[\w-][\w.-]*)`)
	notice   = regexp.MustCompile(`(?s)/\*!(.*?)\*/`)
	leading  = regexp.MustCompile(`(?m)^[ *]+`)
)

// bundled are the packages that the browser's scripts and styles are bundled with.
func bundled(root string) (parts []part, err error) {
	names := map[string]bool{}
	for _, pattern := range []string{"pkg/web/assets/src/*.js", "pkg/web/assets/src/*.css", "pkg/live/client/*.js"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			return nil, errors.Join(err, fmt.Errorf("there is no %s", pattern))
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			for _, m := range imported.FindAllStringSubmatch(string(text), -1) {
				if !strings.HasPrefix(m[1], "node:") && !strings.HasSuffix(path, ".test.js") {
					names[m[1]] = true
				}
			}
		}
	}
	for name := range names {
		p, err := packageOf(root, name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.name, b.name) })
	return parts, nil
}

// packageOf is a package of npm. Some have no file with their licence: they name it, and say whose they are at
// the head of what they bring.
func packageOf(root, name string) (part, error) {
	folder := filepath.Join(root, "pkg/web/assets/node_modules", name)
	text, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return part{}, fmt.Errorf("install the packages of pkg/web/assets first (make assets): %w", err)
	}
	var about struct{ Version, License, Style, Module string }
	if err := json.Unmarshal(text, &about); err != nil {
		return part{}, fmt.Errorf("%s: %w", name, err)
	}
	p := part{name: name + " " + about.Version, source: "https://www.npmjs.com/package/" + name + "/v/" + about.Version}
	if p.text, err = terms(folder); err != nil || p.text != "" {
		return p, err
	}
	head := about.Module
	if about.Style != "" {
		head = about.Style
	}
	brought, err := os.ReadFile(filepath.Join(folder, head))
	if err != nil {
		return part{}, err
	}
	says := notice.FindSubmatch(brought)
	ours, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		return part{}, err
	}
	_, mit, ok := strings.Cut(string(ours), "Permission is hereby granted")
	if says == nil || about.License != "MIT" || !ok {
		return part{}, fmt.Errorf("%s says neither whose it is nor under which licence", name)
	}
	p.text = "MIT License\n\n" + strings.TrimSpace(leading.ReplaceAllString(string(says[1]), "")) + "\n\nPermission is hereby granted" + strings.TrimSpace(mit)
	return p, nil
}
