package testsystem

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// versionsKept is how many versions' programs are kept on this machine.
const versionsKept = 2

// Git runs git in the repository and returns what it prints.
func Git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = Root()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// ProgramsOf builds the services' programs of a commit, once on this machine for each commit and this
// version's assets, and returns their folder.
func ProgramsOf(ctx context.Context, commit string) (bin string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	// The pages' assets are made by other tools. Those of this version will do.
	dist := filepath.Join("pkg", "web", "assets", "dist")
	manifest, err := os.ReadFile(filepath.Join(Root(), dist, "manifest.json"))
	if err != nil {
		return "", fmt.Errorf("the browser's files are not built: run `make assets` (%w)", err)
	}
	if commit, err = Git(ctx, "rev-parse", commit); err != nil {
		return "", err
	}
	all := filepath.Join(cache, "countersign", "versions")
	dir := filepath.Join(all, fmt.Sprintf("%s-%x", commit, sha256.Sum256(manifest)))
	bin = filepath.Join(dir, "bin")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	// What a build that was broken off has left, and what was not built lately.
	if err := errors.Join(os.RemoveAll(dir), forgetVersions(all)); err != nil {
		return "", err
	}
	source, building := filepath.Join(dir, "source"), filepath.Join(dir, "building")
	if err := errors.Join(os.MkdirAll(source, 0o750), os.MkdirAll(building, 0o750)); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(source)) }()
	if err := unpack(ctx, commit, source); err != nil {
		return "", err
	}
	if err := os.RemoveAll(filepath.Join(source, dist)); err != nil {
		return "", err
	}
	if err := os.CopyFS(filepath.Join(source, dist), os.DirFS(filepath.Join(Root(), dist))); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", building+"/", packages[Gateway], packages[Core], packages[Ordering], packages[Contractor], packages[Manager])
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", commit, err, out)
	}
	return bin, os.Rename(building, bin)
}

// unpack writes a commit's files into a folder.
func unpack(ctx context.Context, commit, folder string) error {
	archive := exec.CommandContext(ctx, "git", "archive", commit)
	archive.Dir = Root()
	tar := exec.CommandContext(ctx, "tar", "-x", "-C", folder)
	var err error
	if tar.Stdin, err = archive.StdoutPipe(); err != nil {
		return err
	}
	if err := tar.Start(); err != nil {
		return err
	}
	return errors.Join(archive.Run(), tar.Wait())
}

// forgetVersions removes all but the versions that were built last, so that one more may be built.
func forgetVersions(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	built := func(entry os.DirEntry) int64 {
		info, err := entry.Info()
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return int(built(b)/1e9 - built(a)/1e9) })
	for _, entry := range entries[min(len(entries), versionsKept-1):] {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, entry.Name())))
	}
	return err
}
