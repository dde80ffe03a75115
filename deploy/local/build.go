package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// build makes the assets and the binaries, as far as they are not up to date; those that sign people in only
// where they are asked for.
func (l *launcher) build(ctx context.Context, withProvider bool) error {
	if err := l.assets(ctx); err != nil {
		return err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return usageError{"go is missing: install Go 1.26 or newer from https://go.dev/dl/"}
	}
	if err := os.MkdirAll(l.path("bin"), 0o755); err != nil { //nolint:gosec // programs
		return err
	}
	if _, err := os.Stat(l.path("bin", services[0].name)); err != nil {
		l.out.print("building the services (a minute the first time)")
	}
	args := []string{"build", "-o", l.path("bin") + "/", seedSource}
	for _, s := range services {
		args = append(args, s.source)
	}
	if withProvider {
		args = append(args, identityProvider.source)
	}
	return l.tool(ctx, l.root, "go", args...)
}

// assetSources are what the web assets are made of; a change in any makes them stale.
var assetSources = []string{"pkg/web/assets", "pkg/live/client"}

// assets runs npm in pkg/web/assets when the result is missing or older than its sources. What counts is
// their content, not their time: a fresh clone or another branch has all times new.
func (l *launcher) assets(ctx context.Context) error {
	dir := l.path("pkg", "web", "assets")
	lockSum, err := sum(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	sourceSum, err := sum(l.paths(assetSources)...)
	if err != nil {
		return err
	}
	installed := stamp(filepath.Join(dir, "node_modules", ".countersign"))
	made := stamp(l.path("bin", "assets.sum"))
	if made.is(sourceSum) && hasAssets(filepath.Join(dir, "dist")) {
		return nil
	}
	if err := checkNode(ctx); err != nil {
		return err
	}
	if !installed.is(lockSum) {
		l.out.print("fetching the web assets' packages (npm ci)")
		if err := l.tool(ctx, dir, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
			return err
		}
		if err := installed.set(lockSum); err != nil {
			return err
		}
	}
	l.out.print("building the web assets (npm run build)")
	if err := l.tool(ctx, dir, "npm", "run", "build"); err != nil {
		return err
	}
	return made.set(sourceSum)
}

func (l *launcher) paths(relative []string) []string {
	absolute := make([]string, len(relative))
	for i, path := range relative {
		absolute[i] = l.path(path)
	}
	return absolute
}

func checkNode(ctx context.Context) error {
	const get = "install Node.js 20 or newer, with npm: https://nodejs.org/ (Debian: apt-get install nodejs npm)"
	version, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return usageError{"node is missing: " + get}
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(version)), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		return usageError{fmt.Sprintf("node is %s, too old: %s", strings.TrimSpace(string(version)), get)}
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return usageError{"npm is missing: " + get}
	}
	return nil
}

// tool runs a build tool quietly; what it printed is shown only when it fails.
func (l *launcher) tool(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s %s: %s\n%s", name, strings.Join(args, " "), err.Error(), output)
	}
	return nil
}

// hasAssets reports whether there is anything beside the file that keeps the directory in git.
func hasAssets(dist string) bool {
	entries, err := os.ReadDir(dist)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if entry.Name() != ".keep" {
			return true
		}
	}
	return false
}

// sum is a digest of the names and contents of files, and of what is under directories but for products.
func sum(paths ...string) (string, error) {
	digest := sha256.New()
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist) && path == root:
				return nil
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "dist"):
				return filepath.SkipDir
			case entry.IsDir():
				return nil
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			fmt.Fprintf(digest, "%s %d\n", relative, len(content))
			digest.Write(content)
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// stamp is a file that remembers the sum of what something was made of.
type stamp string

func (s stamp) is(sum string) bool {
	content, err := os.ReadFile(string(s))
	return err == nil && strings.TrimSpace(string(content)) == sum
}

func (s stamp) set(sum string) error {
	if err := os.MkdirAll(filepath.Dir(string(s)), 0o755); err != nil { //nolint:gosec // beside programs
		return err
	}
	return os.WriteFile(string(s), []byte(sum+"\n"), 0o600)
}
