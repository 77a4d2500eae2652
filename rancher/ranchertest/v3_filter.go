package ranchertest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// authenticate returns the token that a request came with, and whose it is, if
// it is good for this request; nil otherwise.
func (s *V3) authenticate(r *http.Request) (*v3Token, *v3User) {
	presented := presentedToken(r)
	if presented == "" {
		return nil, nil
	}
	t, u, why := s.verify(presented, r.URL.Path)
	if why != "" {
		called := "no token"
		if t != nil {
			called = t.Name
		}
		s.refused = append(s.refused, name(r)+": "+called+": "+why)
		return nil, nil
	}
	// It is written at most once a second.
	if now := s.now().UTC().Truncate(time.Second); now.After(t.LastUsed) {
		t.LastUsed = now
	}
	return t, u
}

// presentedToken returns what a request says its token is. A header
// Authorization hides the cookie, whatever is in it.
func presentedToken(r *http.Request) string {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
		rest = strings.TrimSpace(rest)
		switch strings.ToLower(scheme) {
		case "bearer":
			return rest
		case "basic":
			if text, err := base64.URLEncoding.DecodeString(rest); err == nil {
				return string(text)
			}
		}
		return ""
	}
	if c, err := r.Cookie("R_SESS"); err == nil {
		return c.Value
	}
	return ""
}

// verify returns the token that a text is, whose it is, and why it is not good
// for a path; empty if it is.
func (s *V3) verify(presented, path string) (t *v3Token, u *v3User, why string) {
	plain, ext := strings.CutPrefix(presented, "ext/")
	name, secret, ok := strings.Cut(plain, ":")
	if !ok || name == "" || secret == "" || strings.Contains(secret, ":") {
		return nil, nil, "malformed"
	}
	if t = s.findToken(name, ext); t == nil {
		return nil, nil, "unknown"
	}
	u = s.user(t.UserID)
	switch {
	case t.Secret != secret:
		why = "wrong secret"
	case s.expired(t):
		why = "expired"
	case s.idle(t):
		why = "idle"
	case !t.Enabled:
		why = "disabled"
	case u == nil:
		why = "user deleted"
	case u.disabled:
		why = "user disabled"
	case s.provider(t.provider) == nil || s.provider(t.provider).disabled:
		why = "provider disabled"
	case t.Cluster != "" && clusterOf(path) != t.Cluster:
		why = "for another cluster"
	}
	return t, u, why
}

// clusterOf returns the cluster that a path is about, or "".
func clusterOf(path string) string {
	part := strings.Split(path, "/")
	if len(part) < 4 || part[0] != "" || part[1] != "k8s" && part[1] != "v3" {
		return ""
	}
	switch part[2] {
	case "clusters", "cluster", "proxy":
		return part[3]
	}
	return ""
}

// filter answers requests that came without a token that is good, unless what
// they ask for is open to all.
func (s *V3) filter(c *v3Call) (a v3Answer, refused bool) {
	switch {
	case c.below("/api", "/apis", "/ext", "/k8s/clusters/local"):
		return kubeError(http.StatusForbidden, "Forbidden", kubeForbidden("system:cattle:error", c.Method, c.URL.Path), nil), true
	case c.below("/v3") && !isPublicSetting(c), c.below("/k8s/clusters"),
		c.below("/v1") && !c.below("/v1/management.cattle.io.settings") && s.is.since(2, 5, 0):
		message := "must authenticate"
		if s.is.since(2, 5, 0) {
			message = "Unauthorized 401: must authenticate"
		}
		return inJSON(http.StatusUnauthorized, struct {
			Type    string `json:"type"`
			Status  string `json:"status"` // this one is text
			Message string `json:"message"`
		}{"error", "401", message}), true
	}
	return v3Answer{}, false
}
