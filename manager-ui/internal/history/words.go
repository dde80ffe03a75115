package history

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Words are what a text is found by: each run of letters and digits, in lower case, and each UUID as a whole
// and by its first group, which people read out.
func Words(text string) (found []string) {
	eachWord(text, func(word string) { found = append(found, word) })
	return found
}

// longestWord bounds a word, in bytes: what is longer is no word, and its beginning stands for it.
const longestWord = 100

func eachWord(text string, yield func(string)) {
	for text != "" {
		at := strings.IndexFunc(text, isOfWord)
		if at < 0 {
			return
		}
		text = text[at:]
		if id, is := beginsWithID(text); is {
			yield(id)
			text = text[len(id):]
			continue
		}
		end := strings.IndexFunc(text, func(r rune) bool { return !isOfWord(r) })
		if end < 0 {
			end = len(text)
		}
		yield(strings.ToLower(text[:min(end, longestWord)]))
		text = text[end:]
	}
}

func isOfWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

const idLength = 36

// beginsWithID returns the UUID that a text begins with, in lower case.
func beginsWithID(text string) (string, bool) {
	if len(text) < idLength || text[8] != '-' || text[13] != '-' || uuid.Validate(text[:idLength]) != nil {
		return "", false
	}
	if len(text) > idLength && (isOfWord(rune(text[idLength])) || text[idLength] >= 0x80) {
		return "", false
	}
	return strings.ToLower(text[:idLength]), true
}

// mostWords bounds the words of an event. What a longer text has beyond them is not found.
const mostWords = 10_000

// wordsOf are the words of an event: of its data's values and of its metadata.
func wordsOf(e Event) map[string]bool {
	has := map[string]bool{}
	add := func(word string) {
		if len(has) >= mostWords {
			return
		}
		has[word] = true
		if len(word) == idLength && word[8] == '-' {
			has[word[:8]] = true
		}
	}
	for _, text := range []string{e.Type, e.Actor, e.ActorName, e.CorrelationID, e.CausationID, e.ID.String(), e.Subject, e.Source} {
		eachWord(text, add)
	}
	kind, _, _ := strings.Cut(e.Stream, "-")
	eachWord(kind, add)
	eachValue(e.Data, func(text string) { eachWord(text, add) })
	return has
}

// eachValue yields the values of JSON as text; names are none.
func eachValue(data []byte, yield func(string)) {
	d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return
		}
		switch token.Kind() {
		case '"':
			if kind, n := d.StackIndex(d.StackDepth()); kind != '{' || n%2 == 0 {
				yield(token.String())
			}
		case '0':
			yield(token.String())
		}
	}
}
