package rancher

import (
	"net/url"
	"strings"
	"unicode"
)

// brief returns the beginning of s, as one line that can be printed.
func brief(s string, most int) string {
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

// browsable returns a URL that a browser can be sent to, in one line of at most
// 8192 bytes, or nothing.
func browsable(s string) string {
	u, err := url.Parse(s)
	if err != nil || brief(s, 8192) != s || u.Host == "" || !strings.EqualFold(u.Scheme, "https") && !strings.EqualFold(u.Scheme, "http") {
		return ""
	}
	return s
}
