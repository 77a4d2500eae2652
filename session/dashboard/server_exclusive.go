package dashboard

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

var errExclusive = errors.New("dashboard: a request that names a Secret of the Dashboard's own")

// exclusive reports whether a URL names a Secret whose contents would let whoever
// has them open everybody's sessions. Any name that has it as a part is meant,
// whatever the namespace, and however often it is escaped.
func exclusive(u *url.URL) bool {
	text := unescape(u.RequestURI())
	return strings.Contains(text, "kubernetes-dashboard-key-holder") || strings.Contains(text, "kubernetes-dashboard-certs")
}

// unescape undoes the escapes of a URL, and those that come to light by that, until
// there are none. Unlike net/url it passes over what is no escape, as what reads the
// URL next may do.
func unescape(text string) string {
	plain := make([]byte, 0, len(text))
	for i := range len(text) {
		plain = append(plain, text[i])
		for n := len(plain) - 3; n >= 0 && plain[n] == '%'; n -= 2 {
			c, err := strconv.ParseUint(string(plain[n+1:]), 16, 8)
			if err != nil {
				break
			}
			plain = append(plain[:n], byte(c))
		}
	}
	return string(plain)
}
