package foreign

import (
	"strings"
	"unicode"
)

// Brief returns s in one line of what can be printed, cut after most bytes.
func Brief(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == '\uFFFD' || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
