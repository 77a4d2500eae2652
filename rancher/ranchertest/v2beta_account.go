package ranchertest

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// presented returns the token that a request brings, as it is written there,
// and the place it is in. The first place that has one is all that is looked
// at, whether the token there is good or not.
func presented(r *http.Request, params url.Values) string {
	for _, cookie := range r.Cookies() {
		if strings.EqualFold(cookie.Name, "token") && strings.TrimSpace(cookie.Value) != "" {
			return cookie.Value
		}
	}
	header := r.Header.Get("Authorization")
	switch words := strings.Fields(header); {
	case len(words) == 1, len(words) == 2 && strings.EqualFold(words[0], "bearer"):
		return header
	}
	return strings.TrimSpace(params.Get("token"))
}

// bare returns a token without the word that may be before it.
func bare(presented string) string {
	if words := strings.Fields(presented); len(words) == 2 {
		return words[1]
	}
	return strings.TrimSpace(presented)
}

// live returns the token that goes by a name, if it is good.
func (s *V2Beta) live(presented string) (v2betaToken, bool) {
	t, ok := s.tokens[bare(presented)]
	return t, ok && t.expires.After(s.now())
}

// authenticate finds out who asks.
func (s *V2Beta) authenticate(c *v2betaCall) *v2betaError {
	project := c.r.Header.Get("X-Api-Project-Id")
	if p := c.params.Get("projectId"); p != "" {
		project = p
	}
	t, ok := s.live(presented(c.r, c.params))
	user, password, basic := c.r.BasicAuth()
	if bearer, id, _ := strings.Cut(user, "="); !ok && basic && bearer == "X-API-BEARER" {
		if t, ok = s.live(password); ok && id != "" {
			project = id
		}
	}
	switch key, known := s.keys[user]; {
	case ok:
		if e := s.admit(t); e != nil {
			return e
		}
		c.who = t.user
	case known && basic && key.secret == password:
		c.who = key.user
	case s.setting("api.security.enabled") != "true" && c.r.Header.Get("X-Enforce-Authentication") != "true":
		c.who = &v2betaUser{id: "1a1", login: "admin", kind: "admin"}
	default:
		return &v2betaError{status: 401, challenge: true}
	}
	if c.who.inactive {
		return &v2betaError{status: 401} // who it is is known, so that there is no challenge
	}
	return s.confine(c, project)
}

// admit reports what is in the way of whoever has a good token.
func (s *V2Beta) admit(t v2betaToken) *v2betaError {
	switch {
	case !strings.EqualFold(t.provider, s.setting("api.auth.provider.configured")):
		return &v2betaError{status: 401, code: "AuthProviderChanged", message: "Access control has changed since token was created."}
	case t.user.outside:
		return &v2betaError{status: 403, code: "AuthError", message: "Your account does not have access"}
	}
	return nil
}

var v2betaAccountID = regexp.MustCompile(`^1a[1-9][0-9]*$`)

// confine confines a request to a project, and says in the answer who asks.
func (s *V2Beta) confine(c *v2betaCall, project string) *v2betaError {
	account := c.who.id
	switch {
	case project == "":
	case !v2betaAccountID.MatchString(project):
		return &v2betaError{status: 400, code: "InvalidFormat", field: "projectId"}
	case project != "1a5":
		return &v2betaError{status: 403}
	default:
		account, c.project = project, project
	}
	h := c.w.Header()
	h.Set("X-Api-Account-Id", account)
	h.Set("X-Api-User-Id", c.who.id)
	h.Set("X-Api-Account-Kind", c.who.kind)
	h.Set("X-Api-Account-Name", c.who.login)
	if c.project != "" {
		h.Set("X-Api-Account-Kind", "project")
		h.Set("X-Api-Account-Name", "Default")
	}
	return nil
}

// note takes note of a request with a dead token.
func (s *V2Beta) note(r *http.Request) {
	c := &v2betaCall{r: r, params: r.URL.Query()}
	c.route()
	if c.kind == "token" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := presented(r, c.params)
	if user, password, _ := r.BasicAuth(); sent == "" && strings.HasPrefix(user, "X-API-BEARER") {
		sent = password
	}
	if _, ok := s.live(sent); sent != "" && !ok {
		why := "unknown"
		if _, ok := s.tokens[bare(sent)]; ok {
			why = "expired"
		}
		s.refused = append(s.refused, name(r)+": "+why)
	}
}
