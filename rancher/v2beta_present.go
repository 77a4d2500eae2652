package rancher

import (
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// Set puts a token on a request as the cookie token, which 1.6 looks for first,
// and which every part of it understands. Another cookie of that name, and an
// Authorization header, are taken off. The cookie CSRF, if there is one, is
// repeated in X-API-CSRF.
//
// A token that no cookie can carry is left off.
func (c *V2Beta) Set(r *http.Request, tok token.Token) {
	text := c.prepare(r, tok)
	if text != "" {
		setV2BetaCookie(r, text)
	}
	echoCSRF(r)
}

// SetBearer puts a token on a request as Authorization: Bearer, for what sends
// no cookies. A cookie called token is taken off: 1.6 would look at that alone,
// and refuse the request if it is stale.
//
// [V2Beta.Logout] does not use it: a logout with it revokes nothing.
func (c *V2Beta) SetBearer(r *http.Request, tok token.Token) {
	if text := c.prepare(r, tok); text != "" {
		r.Header.Set("Authorization", "Bearer "+text)
	}
	echoCSRF(r)
}

// SetBasic puts a token on a request as the password of the user X-API-BEARER,
// or X-API-BEARER=PROJECT, for tools that have a user and a password and nothing
// else. A cookie called token is taken off, as by [V2Beta.SetBearer].
func (c *V2Beta) SetBasic(r *http.Request, tok token.Token) {
	if text := c.prepare(r, tok); text != "" {
		user := "X-API-BEARER"
		if c.Project != "" {
			user += "=" + c.Project
		}
		r.SetBasicAuth(user, text)
	}
	echoCSRF(r)
}

// prepare takes every other credential off a request, puts on what goes with
// any, and returns the text of the token; empty if it is none.
func (c *V2Beta) prepare(r *http.Request, tok token.Token) string {
	bare(r, "token")
	r.Header.Set("X-Api-No-Challenge", "true")
	if c.Project != "" {
		r.Header.Set("X-Api-Project-Id", c.Project)
	}
	text, _ := v2betaText(tok.Value) // empty if there is an error
	return text
}

// setV2BetaCookie puts a token, by its text, on a request that has none.
func setV2BetaCookie(r *http.Request, text string) {
	r.AddCookie(&http.Cookie{Name: "token", Value: text})
}

// Refused reports whether a response says that its request's token is no good: a
// 401. A 403 says that the user may not, whatever the token. A page with a
// challenge of its own is a proxy's, since Set asks 1.6 for none.
func (c *V2Beta) Refused(resp *http.Response) bool {
	if resp == nil || resp.StatusCode != http.StatusUnauthorized {
		return false
	}
	page := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	challenge := resp.Header.Get("WWW-Authenticate") != ""
	return !(page && challenge)
}
