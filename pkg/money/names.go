package money

import (
	"slices"
	"strings"
)

// signs are how people write currencies beside their codes, in small letters. A sign of several stands for
// whichever of them was chosen.
var signs = map[string][]string{
	"€": {"EUR"}, "euro": {"EUR"}, "euros": {"EUR"},
	"£":   {"GBP", "EGP", "FKP", "GIP", "LBP", "SHP", "SSP", "SYP"},
	"$":   {"USD", "ARS", "AUD", "BBD", "BMD", "BND", "BSD", "BZD", "CAD", "CLP", "COP", "DOP", "FJD", "GYD", "HKD", "JMD", "KYD", "LRD", "MXN", "NAD", "NZD", "SBD", "SGD", "SRD", "TTD", "TWD", "UYU", "XCD"},
	"us$": {"USD"}, "a$": {"AUD"}, "c$": {"CAD"}, "ca$": {"CAD"}, "hk$": {"HKD"}, "nz$": {"NZD"}, "s$": {"SGD"}, "r$": {"BRL"},
	"¥": {"JPY", "CNY"}, "円": {"JPY"}, "元": {"CNY"},
	"kr": {"SEK", "NOK", "DKK", "ISK"}, "kr.": {"DKK", "SEK", "NOK", "ISK"},
	"kč": {"CZK"}, "zł": {"PLN"}, "zl": {"PLN"}, "fr": {"CHF"}, "fr.": {"CHF"}, "sfr": {"CHF"}, "sfr.": {"CHF"},
	"kd": {"KWD"}, "د.ك": {"KWD"}, "د.ك.": {"KWD"},
	"₹": {"INR"}, "₽": {"RUB"}, "₩": {"KRW", "KPW"}, "₺": {"TRY"}, "₪": {"ILS"}, "₴": {"UAH"}, "₫": {"VND"}, "฿": {"THB"}, "₦": {"NGN"},
	"₱": {"PHP", "CUP"}, "ft": {"HUF"}, "lei": {"RON", "MDL"}, "лв": {"BGN"}, "лв.": {"BGN"}, "₡": {"CRC"}, "₲": {"PYG"}, "₸": {"KZT"},
}

// otherThan says which currency a name means, if not the one of code: "" if it may be that one. It is not ok
// if it is no name.
func otherThan(code, name string) (other string, ok bool) {
	if upper := strings.ToUpper(name); IsKnown(upper) {
		if upper == code {
			return "", true
		}
		return upper, true
	}
	codes := signs[strings.ToLower(name)]
	switch {
	case len(codes) == 0:
		return "", false
	case slices.Contains(codes, code):
		return "", true
	case len(codes) == 1:
		return codes[0], true
	}
	return name, true
}
