package text

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// blank are characters that are symbols to Unicode, and have no ink: an empty Braille pattern and a note
// without a head.
var blank = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}},
	R32: []unicode.Range32{{Lo: 0x1d159, Hi: 0x1d159, Stride: 1}},
}

// ignorable reports whether a character is of Unicode's Default_Ignorable_Code_Point: not shown by a program
// that does not know it. The property is derived, and as in DerivedCoreProperties.txt here.
func ignorable(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case unicode.Is(unicode.White_Space, r), unicode.Is(unicode.Prepended_Concatenation_Mark, r),
		r >= 0xfff9 && r <= 0xfffb, r >= 0x13430 && r <= 0x1345f: // annotations and Egyptian joiners are shown
		return false
	}
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Cf, unicode.Variation_Selector)
}

// nonCharacter reports whether Unicode keeps a code point from ever being a character.
func nonCharacter(r rune) bool { return unicode.Is(unicode.Noncharacter_Code_Point, r) }

// Visible reports whether a character can be seen by itself: no space, no mark for another one, nothing
// without ink. What is not assigned yet counts as seen, since it may be by those whose fonts are newer.
func Visible(r rune) bool {
	switch {
	case r > ' ' && r <= '~':
		return true
	case unicode.IsSpace(r), unicode.In(r, unicode.Z, unicode.M, unicode.Cc, unicode.Cs, blank), nonCharacter(r), ignorable(r):
		return false
	}
	return r < 0xfff9 || r > 0xfffb
}

// trim takes away what is around a text and cannot be seen. What belongs to a character before it stays, and
// what turns the direction: that is told.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool {
		switch {
		case unicode.IsSpace(r), unicode.Is(blank, r):
			return true
		case unicode.In(r, unicode.Bidi_Control, unicode.Variation_Selector, unicode.Join_Control), r >= 0xe0020 && r <= 0xe007f:
			return false
		}
		return ignorable(r)
	})
}

// Visibly is a text without Unicode's Default_Ignorable_Code_Point, which most programs do not show.
func Visibly(s string) string {
	return strings.Map(func(r rune) rune {
		if ignorable(r) {
			return -1
		}
		return r
	}, s)
}

// Revealed is a text in which what cannot be seen, and is no space, stands as its number: "5⟨U+202E⟩". It is
// for whoever has to find such a character.
func Revealed(s string) string {
	var shown strings.Builder
	for _, r := range s {
		isBreak := r == '\n' || r == '\r' || r == '\t'
		if ignorable(r) || unicode.Is(blank, r) || nonCharacter(r) || unicode.IsControl(r) && !isBreak {
			fmt.Fprintf(&shown, "⟨%U⟩", r)
			continue
		}
		shown.WriteRune(r)
	}
	return shown.String()
}

// Key is how texts are told apart where case, width and what cannot be seen make no difference: Unicode's
// NFKC_Casefold.
func Key(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	s = Visibly(norm.NFKC.String(s))
	// Folding once can leave what composes to something that folds again.
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(cases.Fold().String(norm.NFD.String(s)))))
}

// letters are those that look like an ordinary one with an accent, and are no composition to Unicode.
var letters = strings.NewReplacer("ł", "l", "ø", "o", "đ", "d", "ħ", "h", "ŧ", "t", "ı", "i", "æ", "ae", "œ", "oe", "ð", "d", "þ", "th")

// Fold is Key without accents, for finding: "Küche", "KÜCHE" and "kuche" are one.
func Fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	folded := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) && r != '\u3099' && r != '\u309a' { // the voiced kana are other letters
			return -1
		}
		return r
	}, norm.NFKD.String(Key(s)))
	return norm.NFC.String(letters.Replace(folded))
}
