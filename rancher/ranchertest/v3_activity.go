package ranchertest

import (
	"fmt"
	"net/http"
	"time"
)

// getActivity tells when somebody was last seen at a session, or why it has no
// more of that.
func (s *V3) getActivity(c *v3Call) v3Answer {
	name := c.vars["name"]
	t := s.anyToken(name)
	if t == nil {
		return extBadRequest(fmt.Sprintf("token not found %s: tokens.ext.cattle.io %q not found", name, name))
	}
	if why := s.inactive(c.token, t); why != "" {
		return extForbidden("useractivities", name, why)
	}
	return inJSON(http.StatusOK, s.activityResource(t))
}

// putActivity records that somebody was seen at a session: at the time that is
// given, unless that is in the future or before what is known already.
func (s *V3) putActivity(c *v3Call) v3Answer {
	name := c.vars["name"]
	t := s.anyToken(name)
	if t == nil {
		return extNotFound("useractivities", name)
	}
	var asked struct {
		Metadata struct{ Name *string } `json:"metadata"`
		Spec     struct {
			SeenAt *time.Time `json:"seenAt"`
		} `json:"spec"`
	}
	if a, refused := decodeExt(c, "UserActivity", &asked); refused {
		return a
	}
	if named := or(asked.Metadata.Name, ""); named != name && (named != "" || c.Method != http.MethodPatch) {
		return extBadRequest(fmt.Sprintf("the name of the object (%s) does not match the name on the URL (%s)", named, name))
	}
	if why := s.inactive(c.token, t); why != "" {
		return extForbidden("useractivities", name, why)
	}
	seen := s.now().UTC().Truncate(time.Second)
	if at := asked.Spec.SeenAt; at != nil && at.Before(seen) {
		seen = at.UTC().Truncate(time.Second)
	}
	if seen.After(t.LastActive) {
		t.LastActive = seen
	}
	return inJSON(http.StatusOK, s.activityResource(t))
}

// anyToken returns the token of a name, of either kind, or nil.
func (s *V3) anyToken(name string) *v3Token {
	if t := s.findToken(name, false); t != nil {
		return t
	}
	return s.findToken(name, true)
}

// inactive returns why one who asks with a token is told nothing of the activity
// of another, or the same; empty if it is.
func (s *V3) inactive(asking, t *v3Token) string {
	switch {
	case asking.UserID != t.UserID:
		return "users don't match"
	case asking.provider != t.provider:
		return "auth providers don't match"
	case asking.principal != t.principal:
		return "user principals don't match"
	case t.Derived:
		return "not a session token"
	case !t.Enabled:
		return "token is disabled"
	case s.expired(t):
		return "token is expired"
	case s.idle(t):
		return "session idle timeout expired"
	}
	return ""
}

// SetLogin has a token come from another login of its user's: by a provider, and
// as a principal of it. What is empty stays as it is.
func (s *V3) SetLogin(token, provider, principal string) {
	s.mustFindToken("SetLogin", token, func(t *v3Token) {
		if provider != "" {
			t.provider = provider
		}
		if principal != "" {
			t.principal = principal
		}
	})
}

func (s *V3) activityResource(t *v3Token) object {
	spec, expiresAt := object{}, ""
	if !t.LastActive.IsZero() {
		spec["seenAt"] = moment(t.LastActive)
		expiresAt = t.LastActive.Add(s.minutes("auth-user-session-idle-ttl-minutes")).UTC().Format(time.RFC3339)
	}
	return object{
		"kind": "UserActivity", "apiVersion": "ext.cattle.io/v1",
		"metadata": object{"name": t.Name, "uid": t.uuid, "creationTimestamp": moment(t.Created), "resourceVersion": "1"},
		"spec":     spec, "status": object{"expiresAt": expiresAt},
	}
}

// createSelfUser tells who asks.
func (s *V3) createSelfUser(c *v3Call) v3Answer {
	if a, refused := decodeExt(c, "SelfUser", &struct{}{}); refused {
		return a
	}
	return inJSON(http.StatusCreated, object{
		"kind": "SelfUser", "apiVersion": "ext.cattle.io/v1",
		"metadata": object{"creationTimestamp": nil}, "status": object{"userID": c.user.id},
	})
}
