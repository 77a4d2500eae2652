package ranchertest

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

// checkCSRF has a browser repeat the cookie CSRF in a header. That is norman's
// way on /v3 and /v3-public, and steve's on /v1, which lets a first request pass;
// others do not ask.
func (s *V3) checkCSRF(c *v3Call) (a v3Answer, refused bool) {
	norman, steve := c.below("/v3", "/v3-public"), c.below("/v1") && c.URL.Path != "/v1/logout"
	if !norman && !steve || !c.isBrowser(false) {
		return v3Answer{}, false
	}
	method := c.Method
	if m := c.URL.Query().Get("_method"); m != "" {
		method = m
	}
	invalid := normanError(http.StatusUnprocessableEntity, "InvalidCSRFToken", "Invalid CSRF token")
	cookie, err := c.Cookie("CSRF")
	known := err == nil
	switch {
	case err != nil:
		cookie = &http.Cookie{Name: "CSRF", Value: newCSRF()}
		refused = norman && method != http.MethodGet && s.is.since(2, 4, 0)
	case method != http.MethodGet && cookie.Value != c.Header.Get("X-API-CSRF") && cookie.Value != c.URL.Query().Get("CSRF"):
		return invalid, true
	}
	if steve && known {
		return v3Answer{}, false // only norman sets it again
	}
	set := http.Cookie{Name: "CSRF", Value: cookie.Value, Path: "/"}
	if s.is.since(2, 15, 0) {
		set.Secure, set.SameSite = true, http.SameSiteLaxMode
	}
	c.set("Set-Cookie", set.String())
	return invalid, refused
}

func newCSRF() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
