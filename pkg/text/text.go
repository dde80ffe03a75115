// Package text holds the rules for texts that people type, for every way by which they come in: forms,
// files, APIs and commands.
//
// Invariants:
//   - What is kept is in Unicode's NFC, without space or invisible characters around it. Kept again, it stays
//     as it is.
//   - A text in which nothing can be seen is empty.
//   - The characters of what is kept are shown in the order in which they stand: none of them turns the
//     direction of others.
//   - Line breaks are "\n", and only where there may be several lines.
//
// Readers of what was recorded do not ask this package: what is in a topic is read whatever it holds.
package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Problem is what a text has that none may have; "" for nothing.
type Problem string

// The problems, in the order in which they are reported.
const (
	NotText    Problem = "not_text"   // bytes that are not UTF-8, control characters, noncharacters
	Direction  Problem = "direction"  // Unicode's Bidi_Control
	Breaks     Problem = "breaks"     // line breaks or tabs in a text of one line
	Separators Problem = "separators" // line breaks other than "\n" in a text of several
)

// Message is what to do about the problem, for the person who typed the text.
func (p Problem) Message() string {
	switch p {
	case NotText:
		return "Remove the characters that are not text."
	case Direction:
		return "Remove the invisible characters that turn the direction of the text."
	case Breaks:
		return "Use letters, digits and signs in one line."
	case Separators:
		return "Use ordinary line breaks only."
	}
	return ""
}

// Mended is Message for somebody who is shown the text again, without what was wrong with it.
func (p Problem) Mended() string {
	switch p {
	case NotText:
		return "This contains characters that are not text. They are left out now: look at it, and send it again."
	case Direction:
		return "This contains invisible characters that turn the direction of the text. They are left out now: look at it, and send it again."
	case Breaks:
		return "This goes in one line. Its line breaks are spaces now: look at it, and send it again."
	case Separators:
		return "This contains unusual line breaks. They are ordinary ones now: look at it, and send it again."
	}
	return ""
}

// Lines is what is kept of a text that may have several lines, and what is wrong with it. With a problem,
// what is wrong is left out.
func Lines(typed string) (kept string, wrong Problem) { return clean(typed, '\n') }

// Line is Lines for a text of one line; its line breaks become spaces.
func Line(typed string) (kept string, wrong Problem) { return clean(typed, ' ') }

// Code is Line for what is compared letter by letter, such as an address: invisible characters are left out
// of its middle, too.
func Code(typed string) (kept string, wrong Problem) {
	kept, wrong = Line(typed)
	if isASCII(kept) {
		return kept, wrong
	}
	return trim(norm.NFC.String(Visibly(kept))), wrong
}

// Mend is Lines for a text from another system, which nobody can be asked to write again.
func Mend(text string) string {
	kept, _ := Lines(text)
	return kept
}

// clean does the work of Lines; between is what a line break becomes.
func clean(typed string, between rune) (string, Problem) {
	valid := strings.ToValidUTF8(typed, "")
	notText := valid != typed
	if valid = trim(strings.ReplaceAll(valid, "\r\n", "\n")); isPlain(valid) {
		return valid, problem(notText, false, false, between)
	}
	visible, direction, breaks := false, false, false
	kept := strings.Map(func(r rune) rune {
		visible = visible || Visible(r)
		switch {
		case r == '\n':
			breaks = breaks || between != '\n'
			return between
		case r == '\t':
			if between == '\n' {
				return r
			}
			breaks = true
			return between
		case r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			breaks = true
			return between
		case unicode.IsControl(r) || nonCharacter(r):
			notText = true
			return -1
		case unicode.Is(unicode.Bidi_Control, r):
			direction = true
			return -1
		case r == '\u2063' || r == '\u2064': // package locale marks with them what is written out for each reader
			return -1
		}
		return r
	}, valid)
	if !visible {
		return "", problem(notText, false, false, between)
	}
	return trim(norm.NFC.String(kept)), problem(notText, direction, breaks, between)
}

func problem(notText, direction, breaks bool, between rune) Problem {
	switch {
	case notText:
		return NotText
	case direction:
		return Direction
	case breaks && between == '\n':
		return Separators
	case breaks:
		return Breaks
	}
	return ""
}

// isPlain reports whether there is nothing to look for: printable ASCII.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
