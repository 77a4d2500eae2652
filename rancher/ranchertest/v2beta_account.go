package ranchertest

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// presented returns the token that a request brings, as it is written there.
// The first place that has anything is all that is looked at, whether that is a
// token or not.
func presented(r *http.Request, params url.Values) string {
	for _, cookie := range r.Cookies() {
		if strings.EqualFold(cookie.Name, "token") && strings.TrimSpace(cookie.Value) != "" {
			return cookie.Value
		}
	}
	if header := r.Header.Get("Authorization"); header != "" {
		return header
	}
	return strings.TrimSpace(params.Get("token"))
}

// bare returns a token without the word that may be before it, or nothing if
// another word is.
func bare(presented string) string {
	switch words := strings.Fields(presented); {
	case len(words) == 1:
		return words[0]
	case len(words) == 2 && strings.EqualFold(words[0], "bearer"):
		return words[1]
	}
	return ""
}

// live returns the token that was presented, if it is good. Without a provider
// none is.
func (s *V2Beta) live(presented string) (v2betaToken, bool) {
	t, ok := s.tokens[bare(presented)]
	return t, ok && t.expires.After(s.now()) && !isNone(s.setting("api.auth.provider.configured"))
}

// isNone reports whether the name of a provider means that there is none.
func isNone(provider string) bool {
	return provider == "" || strings.EqualFold(provider, "none")
}

// authenticate finds out who asks.
func (s *V2Beta) authenticate(c *v2betaCall) *v2betaError {
	project := cmp.Or(c.project, c.r.Header.Get("X-Api-Project-Id"), c.params.Get("projectId"))
	t, ok := s.live(presented(c.r, c.params))
	user, password, basic := c.r.BasicAuth()
	if id, bearer := basicBearer(user); !ok && bearer {
		if t, ok = s.live(password); ok {
			project = cmp.Or(project, id)
		}
	}
	secure := s.setting("api.security.enabled") == "true"
	switch key, known := s.keys[user]; {
	case ok:
		if e := s.admit(t); e != nil {
			return e
		}
		c.who = t.user
	case known && basic && key.secret == password:
		c.who = key.user
	case !secure && strings.TrimSpace(c.r.Header.Get("X-Enforce-Authentication")) != "true":
		c.who = &v2betaUser{id: "1a1", login: "admin", kind: "admin"}
	default:
		return &v2betaError{status: 401, challenge: secure}
	}
	if c.who.inactive {
		return &v2betaError{status: 401} // who it is is known, so that there is no challenge
	}
	return s.confine(c, project)
}

// basicBearer returns the project in a user's name that says that the password
// is a token, and whether it says so.
func basicBearer(user string) (project string, ok bool) {
	user, project, _ = strings.Cut(user, "=")
	return project, strings.HasPrefix(strings.ToLower(user), "x-api-bearer")
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
	c.project = ""
	switch {
	case project == "", project == c.who.id:
	case !v2betaAccountID.MatchString(project):
		return &v2betaError{status: 400, code: "InvalidFormat", message: "projectId header format is incorrect " + project}
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
	sent := bare(presented(r, c.params))
	if user, password, _ := r.BasicAuth(); sent == "" {
		if _, bearer := basicBearer(user); bearer {
			sent = password
		}
	}
	if _, ok := s.live(sent); sent != "" && !ok {
		why := "unknown"
		switch t, ok := s.tokens[bare(sent)]; {
		case ok && t.expires.After(s.now()):
			why = "no provider"
		case ok:
			why = "expired"
		}
		s.refused = append(s.refused, name(r)+": "+why)
	}
}
