package rancher

import (
	"net/url"
	"strings"

	"github.com/tokenlife/tokenlife/internal/foreign"
)

// browsable returns a URL that a browser can be sent to, in one line of at most
// 8192 bytes, or nothing.
func browsable(s string) string {
	u, err := url.Parse(s)
	if err != nil || foreign.Brief(s, 8192) != s || u.Host == "" || !strings.EqualFold(u.Scheme, "https") && !strings.EqualFold(u.Scheme, "http") {
		return ""
	}
	return s
}
