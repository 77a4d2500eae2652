package ranchertest

import (
	"net/http"
	"time"
)

// logout answers POST /v1/logout, and POST /v3/tokens with the action logout or
// logoutAll: the token that the request came with is deleted, whichever kind it
// is of. What goes wrong is said in plain text.
func (s *V3) logout(c *v3Call) v3Answer {
	all := c.URL.Query().Has("all") || c.action() == "logoutAll"
	for _, name := range []string{"R_SESS", "CSRF", "R_OIDC_ID"} {
		ended := http.Cookie{
			Name: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
			MaxAge: -1, Expires: time.Date(1982, time.February, 10, 23, 0, 0, 0, time.UTC),
		}
		c.set("Set-Cookie", ended.String())
	}
	p := s.provider(c.token.provider)
	if p != nil && p.forcesLogoutAll && !all {
		return inText(http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
	}
	s.removeToken(c.token)
	if p != nil && p.forcesLogoutAll {
		return inJSON(http.StatusOK, object{
			"type": "authConfigLogoutOutput", "baseType": "authConfigLogoutOutput",
			"idpRedirectUrl": "https://" + p.name + ".example/slo?SAMLRequest=" + randomText(24),
		})
	}
	return nothing(http.StatusOK)
}
