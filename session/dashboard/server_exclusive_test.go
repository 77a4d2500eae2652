package dashboard

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// What is unescaped has no escapes left, and a name in it stays one, whatever is
// around it and however often it was escaped.
func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{"", "%", "%2", "%25", "%2%35", "%%32%35", "%252525", "a%zz", "%G0%0", "/api/v1/secret/x", "é%c3%a9"} {
		f.Add(seed, seed, 2)
	}
	escape := regexp.MustCompile("%[0-9A-Fa-f]{2}")
	f.Fuzz(func(t *testing.T, before, behind string, times int) {
		text := before + "kubernetes-dashboard-certs" + behind
		for range times & 7 {
			text = strings.ReplaceAll(url.QueryEscape(text), "-", "%2d")
		}
		plain := unescape(text)
		if escape.MatchString(plain) || !strings.Contains(plain, "kubernetes-dashboard-certs") {
			t.Errorf("%q became %q", text, plain)
		}
	})
}
