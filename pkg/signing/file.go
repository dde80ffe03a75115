package signing

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// file is a file's contents as T. It is read again when it has changed. While what it holds cannot be used,
// the former contents go on.
type file[T any] struct {
	path  string
	parse func(content []byte) (T, error)
	log   *slog.Logger

	mu    sync.Mutex
	read  os.FileInfo // of what was read
	value T
	fault error
}

// openFile reads a file that must be there.
func openFile[T any](path string, log *slog.Logger, parse func([]byte) (T, error)) (*file[T], error) {
	f := &file[T]{path: path, parse: parse, log: log}
	f.get()
	return f, f.fault
}

// get returns what the file holds now. It costs a look at the file's metadata.
func (f *file[T]) get() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err == nil && f.fault == nil && f.read != nil && os.SameFile(info, f.read) && info.ModTime().Equal(f.read.ModTime()) && info.Size() == f.read.Size() {
		return f.value
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(f.path)
	}
	var value T
	if err == nil {
		value, err = f.parse(content)
	}
	if err != nil {
		fault := fmt.Errorf("%s: %w", f.path, err)
		if f.read != nil && (f.fault == nil || f.fault.Error() != fault.Error()) {
			f.log.Error("a file of keys cannot be used: what was read of it before goes on", "error", fault)
		}
		f.fault = fault
		return f.value
	}
	if f.read != nil {
		f.log.Info("a file of keys was read again", "file", f.path)
	}
	f.value, f.fault, f.read = value, nil, info
	return f.value
}

// healthy returns why the file cannot be used now, if so.
func (f *file[T]) healthy() error {
	f.get()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault
}
