package text

import "strings"

// starters are what a spreadsheet begins a formula at, also in their wide forms.
//
// https://owasp.org/www-community/attacks/CSV_Injection
const starters = "=+-@\t\r\n＝＋－＠"

// IsFormula reports whether a spreadsheet would run a cell, or whether it looks like one that Harmless has
// changed.
func IsFormula(cell string) bool {
	rest := strings.TrimLeft(cell, "'")
	return rest != "" && strings.ContainsRune(starters, []rune(rest)[0])
}

// Harmless puts the quote before such a cell by which spreadsheets know text.
func Harmless(cell string) string {
	if IsFormula(cell) {
		return "'" + cell
	}
	return cell
}
