package ranchertest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// checkCSRF asks browsers, and nobody else, for an echo of the cookie CSRF. It
// lets those through that have no cookie yet.
func (c *v2betaCall) checkCSRF() *v2betaError {
	if !strings.Contains(strings.ToLower(c.r.UserAgent()), "mozilla") {
		return nil
	}
	var value string
	if cookie, err := c.r.Cookie("CSRF"); err == nil {
		value = cookie.Value
		if c.method != http.MethodGet && !slices.Contains(slices.Concat(c.r.Header.Values("X-Api-Csrf"), c.params["CSRF"]), value) {
			return &v2betaError{status: 403, code: "InvalidCSRFToken", message: "CSRF header and cookie do not match"}
		}
	} else {
		var b [5]byte
		rand.Read(b[:])
		value = fmt.Sprintf("%X", b)
	}
	c.w.Header().Add("Set-Cookie", "CSRF="+value+";Path=/")
	return nil
}
