package ranchertest

import (
	"net/http"
	"time"
)

// logout answers POST /v1/logout, and POST /v3/tokens with the action logout or
// logoutAll: the token that the request came with is deleted, whichever kind it
// is of; one of ext.cattle.io only since 2.15. What goes wrong is said in plain
// text since 2.13.
func (s *V3) logout(c *v3Call) v3Answer {
	all := c.URL.Query().Has("all") || c.action() == "logoutAll"
	for _, name := range s.loginCookies() {
		ended := http.Cookie{
			Name: name, Path: "/", HttpOnly: true,
			MaxAge: -1, Expires: time.Date(1982, time.February, 10, 23, 0, 0, 0, time.UTC),
		}
		if s.is.since(2, 15, 0) {
			ended.SameSite = http.SameSiteLaxMode
		}
		c.set("Set-Cookie", ended.String())
	}
	if a, refused := s.stranger(c, http.StatusInternalServerError, "ServerError"); refused {
		if s.is.since(2, 13, 0) {
			a = inText(http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
		}
		return a
	}
	p := s.provider(c.token.provider)
	switch forced := p != nil && p.forcesLogoutAll; {
	case forced && !all && !s.is.since(2, 13, 0):
		return normanError(http.StatusInternalServerError, "ServerError",
			"SAML [logout]: Rancher provider resource `"+p.name+"` configured for forced SLO, rejecting regular logout")
	case forced && !all:
		return inText(http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
	case forced:
		s.removeToken(c.token)
		return inJSON(http.StatusOK, object{
			"type": "authConfigLogoutOutput", "baseType": "authConfigLogoutOutput",
			"idpRedirectUrl": "https://" + p.name + ".example/slo?SAMLRequest=" + randomText(24),
		})
	}
	s.removeToken(c.token)
	a := nothing(http.StatusOK)
	a.header = http.Header{"Content-Type": {"application/json"}} // of nothing
	return a
}

// loginCookies are those that a logout ends, whether there are any or not.
func (s *V3) loginCookies() []string {
	names := []string{"R_SESS", "CSRF"}
	if s.is.since(2, 13, 0) {
		names = append(names, "R_OIDC_ID")
	}
	return names
}
