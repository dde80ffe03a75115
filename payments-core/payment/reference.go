package payment

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"countersign.example/pkg/text"
)

// A reference is what people call a payment by: P-2026-004217 is number 4,217 of those asked for in 2026.
// From a million a year on it has more digits. contractor-ui gives each once; a payment from before it did
// has none.
var (
	references = regexp.MustCompile(`^P-[0-9]{4}-([0-9]{6}|[1-9][0-9]{6,11})$`)
	saidAloud  = regexp.MustCompile(`^p[ -]*([0-9]{4})(?:[ -]+([1-9][0-9]{0,4})|[ -]*([0-9]{6,12}))$`)
)

// exampleReference is in messages about what is no reference.
const exampleReference = "P-2026-004217"

// Reference is the reference of the year's payment number n, from 1 on.
func Reference(year int, n int64) string { return fmt.Sprintf("P-%04d-%06d", year, n) }

// ReferenceNumber is what Reference made a reference of; false for anything else.
func ReferenceNumber(reference string) (year int, n int64, ok bool) {
	if !references.MatchString(reference) {
		return 0, 0, false
	}
	digits := strings.Split(reference, "-")
	year, _ = strconv.Atoi(digits[1]) // the pattern bounds both
	n, _ = strconv.ParseInt(digits[2], 10, 64)
	return year, n, n > 0
}

// ReadReference reads a reference as people type it: in any case and width, without dashes, without the zeros
// where something stands between year and number ("p2026 4217"). Digits without the P, and a number without
// its year, mean other things, too: they are no reference. Nor is the beginning of one (P-2026-0042).
func ReadReference(typed string) (reference string, ok bool) {
	said := saidAloud.FindStringSubmatch(text.Fold(strings.TrimSpace(typed)))
	if said == nil {
		return "", false
	}
	year, _ := strconv.Atoi(said[1])
	n, _ := strconv.ParseInt(said[2]+said[3], 10, 64)
	return Reference(year, n), n > 0
}
