package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// output interleaves the lines of many processes, each line whole and marked with its source.
type output struct {
	mu     sync.Mutex
	to     io.Writer
	colour bool
}

func newOutput(file *os.File) *output {
	info, err := file.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &output{to: file, colour: terminal && os.Getenv("NO_COLOR") == ""}
}

// print prints a line of the launcher's own.
func (o *output) print(format string, args ...any) {
	o.line("local", 0, fmt.Appendf(nil, format, args...))
}

const nameWidth = 15 // of the longest name, sandbox-gateway

// line prints one line; colour 0 is plain, others are ANSI foreground colours.
func (o *output) line(name string, colour int, text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	prefix := fmt.Sprintf("%-*s | ", nameWidth, name)
	if o.colour && colour != 0 {
		prefix = fmt.Sprintf("\x1b[%dm%s\x1b[0m", colour, prefix)
	}
	_, _ = fmt.Fprintf(o.to, "%s%s\n", prefix, text)
}

const keptLines = 20

// stream is the output of one process: it passes lines on and remembers the last ones, to be
// shown again when the process dies.
type stream struct {
	out    *output
	name   string
	colour int

	mu      sync.Mutex
	partial []byte
	last    [][]byte
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partial = append(s.partial, p...)
	for {
		line, rest, found := bytes.Cut(s.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		kept := bytes.Clone(line)
		s.partial = rest
		if s.last = append(s.last, kept); len(s.last) > keptLines {
			s.last = s.last[1:]
		}
		s.out.line(s.name, s.colour, kept)
	}
}

// tail returns what the process printed last, an unfinished line included.
func (s *stream) tail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.last
	if len(s.partial) > 0 {
		lines = append(lines[:len(lines):len(lines)], s.partial)
	}
	return string(bytes.Join(lines, []byte("\n")))
}
