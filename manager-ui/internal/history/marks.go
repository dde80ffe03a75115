package history

import (
	"hash/fnv"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// markBits is how many bits a mark has. With fewer, more blocks are looked through in vain; with more, the
// index of the marks is larger. With these, of 10,000,000 events a word that is nowhere has marks in some
// six blocks.
const markBits = 23

// The kinds of marks.
const (
	typeMark   = "t:"
	writerMark = "s:"
	actorMark  = "a:"
	wordMark   = "w:"
)

// mark is a number for a type, a writer, an actor or a word. Two may have the same: a mark says where
// something may be, and never that it is there.
func mark(kind, value string) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(kind + value))
	sum := h.Sum32()
	return int32((sum ^ sum>>markBits) & (1<<markBits - 1))
}

// marksOf are the marks of a block's events, each once.
func marksOf(events []Event) []int32 {
	has := map[int32]bool{}
	for _, e := range events {
		has[mark(typeMark, e.Type)] = true
		has[mark(writerMark, e.Source)] = true
		has[mark(actorMark, e.Actor)] = true
		for word := range wordsOf(e) {
			has[mark(wordMark, word)] = true
		}
	}
	marks := make([]int32, 0, len(has))
	for m := range has {
		marks = append(marks, m)
	}
	slices.Sort(marks)
	return marks
}

// marks are those that a block has if it has an event that fits.
func (q Query) marks() (marks []int32) {
	add := func(kind, value string) {
		if value != "" {
			marks = append(marks, mark(kind, value))
		}
	}
	add(typeMark, q.Type)
	add(writerMark, q.Writer)
	add(actorMark, q.Actor)
	for _, text := range []string{q.Correlation, q.Causation, q.Text, streamWord(q.Stream)} {
		eachWord(text, func(word string) { add(wordMark, word) })
	}
	slices.Sort(marks)
	return slices.Compact(marks)
}

// streamWord is the word of a stream's id that a part of its name gives away: all of it, or its first group.
func streamWord(part string) string {
	id := part
	if kind, rest, named := strings.Cut(part, "-"); named && !isHex(kind) {
		id = rest
	}
	switch {
	case uuid.Validate(id) == nil && len(id) == idLength:
		return id
	case len(id) >= idGroup && isHex(id[:idGroup]) && (len(id) == idGroup || id[idGroup] == '-'):
		return id[:idGroup]
	}
	return ""
}

// idGroup is how long the first group of an id is.
const idGroup = 8

func isHex(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}
