package reconcile

import (
	"bufio"
	"container/heap"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

// runBytes is about how much is sorted in memory at once.
const runBytes = 32 << 20

// sorter sorts what does not fit into memory: it sorts as much as does, writes that to a file, and merges the
// files when it is read.
type sorter[T any] struct {
	dir     string
	compare func(a, b T) int
	items   []T
	bytes   int
	files   []*os.File
}

// add takes an item of about size bytes.
func (s *sorter[T]) add(item T, size int) error {
	s.items, s.bytes = append(s.items, item), s.bytes+size
	if s.bytes < runBytes {
		return nil
	}
	return s.spill()
}

func (s *sorter[T]) spill() error {
	slices.SortStableFunc(s.items, s.compare)
	file, err := os.CreateTemp(s.dir, "run-")
	if err != nil {
		return fmt.Errorf("sort in %s: %w", s.dir, err)
	}
	s.files = append(s.files, file)
	buffered := bufio.NewWriterSize(file, 1<<20)
	encoder := gob.NewEncoder(buffered)
	for i := range s.items {
		if err := encoder.Encode(&s.items[i]); err != nil {
			return fmt.Errorf("sort in %s: %w", s.dir, err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("sort in %s: %w", s.dir, err)
	}
	clear(s.items)
	s.items, s.bytes = s.items[:0], 0
	return nil
}

// sorted are all items in order, once.
func (s *sorter[T]) sorted() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		slices.SortStableFunc(s.items, s.compare)
		merged := &merge[T]{compare: s.compare}
		for i, file := range s.files {
			defer func() { _ = file.Close() }()
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				yield(none, err)
				return
			}
			decoder := gob.NewDecoder(bufio.NewReaderSize(file, 64<<10))
			merged.runs = append(merged.runs, &sortedRun[T]{number: i, next: func() (item T, err error) { return item, decoder.Decode(&item) }})
		}
		rest := s.items
		merged.runs = append(merged.runs, &sortedRun[T]{number: len(s.files), next: func() (item T, err error) {
			if len(rest) == 0 {
				return item, io.EOF
			}
			item, rest = rest[0], rest[1:]
			return item, nil
		}})
		merged.runs = slices.DeleteFunc(merged.runs, func(r *sortedRun[T]) bool { return !merged.advance(r) })
		heap.Init(merged)
		for merged.err == nil && len(merged.runs) > 0 {
			first := merged.runs[0]
			if !yield(first.head, nil) {
				return
			}
			if merged.advance(first) {
				heap.Fix(merged, 0)
			} else {
				heap.Pop(merged)
			}
		}
		if merged.err != nil {
			yield(none, merged.err)
		}
	}
}

// sortedRun is what was sorted at once; of equal items, those of the run before come first.
type sortedRun[T any] struct {
	number int
	head   T
	next   func() (T, error)
}

// merge is a heap of runs.
type merge[T any] struct {
	runs    []*sortedRun[T]
	compare func(a, b T) int
	err     error
}

// advance reads a run's next item; false at its end.
func (m *merge[T]) advance(r *sortedRun[T]) bool {
	item, err := r.next()
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	r.head = item
	return err == nil
}

func (m *merge[T]) Len() int      { return len(m.runs) }
func (m *merge[T]) Swap(i, j int) { m.runs[i], m.runs[j] = m.runs[j], m.runs[i] }
func (m *merge[T]) Push(any)      {}
func (m *merge[T]) Pop() any      { m.runs = m.runs[:len(m.runs)-1]; return nil }

func (m *merge[T]) Less(i, j int) bool {
	if order := m.compare(m.runs[i].head, m.runs[j].head); order != 0 {
		return order < 0
	}
	return m.runs[i].number < m.runs[j].number
}

// cursor reads what is sorted by a key, key by key.
type cursor[T any] struct {
	next  func() (T, error, bool)
	close func()
	key   func(T) string
	head  T
	more  bool
}

// newCursor reads the first item. Its close must be called.
func newCursor[T any](items iter.Seq2[T, error], key func(T) string) (*cursor[T], error) {
	c := &cursor[T]{key: key}
	c.next, c.close = iter.Pull2(items)
	return c, c.advance()
}

func (c *cursor[T]) advance() (err error) {
	c.head, err, c.more = c.next()
	return err
}

// take returns the items of a key, if the cursor is there.
func (c *cursor[T]) take(key string) (items []T, err error) {
	for c.more && c.key(c.head) == key {
		items = append(items, c.head)
		if err := c.advance(); err != nil {
			return nil, err
		}
	}
	return items, nil
}
