package ranchertest

import (
	"net/http"
	"time"
)

// An extToken is a Token of ext.cattle.io as it is sent.
type extToken struct {
	Spec struct {
		UserID      *string `json:"userID"`
		Kind        *string `json:"kind"`
		Description *string `json:"description"`
		TTL         *int64  `json:"ttl"` // milliseconds
		Enabled     *bool   `json:"enabled"`
		ClusterName *string `json:"clusterName"`
	} `json:"spec"`
}

// or returns what p points to, or else.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// ptr returns p, or what points to nothing.
func ptr[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// extTTL returns what is granted of a lifetime in milliseconds, less than 1
// being for ever: it is kept as 0.
func (s *V3) extTTL(asked int64) (time.Duration, error) {
	most, err := s.lifetime("auth-token-max-ttl-minutes")
	switch ttl := time.Duration(asked) * time.Millisecond; {
	case err != nil:
		return 0, err
	case most < 1:
		return max(ttl, 0), nil
	case ttl <= 0 || ttl > most:
		return most, nil
	default:
		return ttl, nil
	}
}

// createExtToken makes a token for whoever asks. Its name is the server's choice.
func (s *V3) createExtToken(c *v3Call) v3Answer {
	var asked extToken
	if a, refused := decodeExt(c, "Token", &asked); refused {
		return a
	}
	cluster := or(asked.Spec.ClusterName, "")
	switch {
	case or(asked.Spec.UserID, c.user.id) != c.user.id && *asked.Spec.UserID != "":
		return extBadRequest("unable to create token for other user")
	case cluster != "" && !s.hasCluster(cluster):
		return extBadRequest("cluster " + cluster + " not found")
	}
	ttl, err := s.extTTL(or(asked.Spec.TTL, 0))
	if err != nil {
		return kubeError(http.StatusInternalServerError, "InternalError", "Internal error occurred: "+err.Error(), nil)
	}
	t := s.addToken(c.user, V3Token{
		Description: or(asked.Spec.Description, ""), Cluster: cluster, TTL: ttl, Ext: true,
		Derived: or(asked.Spec.Kind, "") != "session",
	})
	t.provider, t.principal = c.token.provider, c.token.principal
	t.Enabled = or(asked.Spec.Enabled, true)

	made := s.extTokenResource(t, nil)
	status := made["status"].(object)
	status["value"] = t.Secret
	if s.is.since(2, 13, 0) {
		status["bearerToken"] = "ext/" + t.Name + ":" + t.Secret
	}
	return inJSON(http.StatusCreated, made)
}

// listExtTokens lists those of whoever asks. An administrator sees all.
func (s *V3) listExtTokens(c *v3Call) v3Answer {
	items := []object{}
	for _, t := range s.tokens {
		if t.Ext && s.mayHave(c.user, t.UserID) {
			items = append(items, s.extTokenResource(t, c.token))
		}
	}
	return inJSON(http.StatusOK, object{"kind": "TokenList", "apiVersion": "ext.cattle.io/v1", "metadata": object{"resourceVersion": "1"}, "items": items})
}

// mayHave reports whether u may see and change what belongs to the user of an id.
func (s *V3) mayHave(u *v3User, id string) bool { return u.id == id || s.isAdmin(u) }

// extTokenOf returns the token that a request is about, or nil if there is none
// for who asks.
func (s *V3) extTokenOf(c *v3Call) *v3Token {
	if t := s.findToken(c.vars["name"], true); t != nil && s.mayHave(c.user, t.UserID) {
		return t
	}
	return nil
}

func (s *V3) getExtToken(c *v3Call) v3Answer {
	t := s.extTokenOf(c)
	if t == nil {
		return extNotFound("tokens", c.vars["name"])
	}
	return inJSON(http.StatusOK, s.extTokenResource(t, c.token))
}

// updateExtToken changes what may be changed of a token: its description,
// whether it is enabled, and its lifetime, which nobody may extend, and which
// each update cuts to the maximum of now. A PUT that leaves something out sets
// it to nothing.
func (s *V3) updateExtToken(c *v3Call) v3Answer {
	t := s.extTokenOf(c)
	if t == nil {
		return extNotFound("tokens", c.vars["name"])
	}
	var asked extToken
	if a, refused := decodeExt(c, "Token", &asked); refused {
		return a
	}
	spec := asked.Spec
	if c.Method == http.MethodPut {
		spec.UserID, spec.Kind, spec.ClusterName = ptr(spec.UserID), ptr(spec.Kind), ptr(spec.ClusterName)
		spec.Description, spec.TTL = ptr(spec.Description), ptr(spec.TTL)
	}
	for _, fixed := range []struct {
		field string
		want  *string
		is    string
	}{{"userID", spec.UserID, t.UserID}, {"kind", spec.Kind, t.extKind()}, {"clusterName", spec.ClusterName, t.Cluster}} {
		if or(fixed.want, fixed.is) != fixed.is {
			return extBadRequest("spec." + fixed.field + " is immutable")
		}
	}
	ttl, err := s.extTTL(or(spec.TTL, t.TTL.Milliseconds()))
	switch {
	case err != nil:
		return kubeError(http.StatusInternalServerError, "InternalError", "Internal error occurred: failed to clamp token time-to-live: "+err.Error(), nil)
	case t.TTL != 0 && (ttl == 0 || ttl > t.TTL):
		return extBadRequest("forbidden to extend time-to-live")
	}
	t.TTL = ttl
	t.Description, t.Enabled = or(spec.Description, t.Description), or(spec.Enabled, t.Enabled)
	return inJSON(http.StatusOK, s.extTokenResource(t, c.token))
}

func (s *V3) deleteExtToken(c *v3Call) v3Answer {
	t := s.extTokenOf(c)
	if t == nil {
		return extNotFound("tokens", c.vars["name"])
	}
	s.removeToken(t)
	return extDeleted("tokens", t.Name, t.uuid)
}

// extKind is what a token is for, in the words of ext.cattle.io.
func (t *v3Token) extKind() string {
	if t.Derived {
		return ""
	}
	return "session"
}

// extTokenResource is how ext.cattle.io shows a token to one who asks with
// another, or the same; nil is nobody.
func (s *V3) extTokenResource(t, asking *v3Token) object {
	ttl := t.TTL.Milliseconds()
	if ttl == 0 {
		ttl = -1
	}
	u := s.user(t.UserID)
	if u == nil {
		u = &v3User{}
	}
	status := object{
		"current": t == asking, "expired": s.expired(t), "expiresAt": t.expiresAt(),
		"lastUpdateTime": t.Created.Format(time.RFC3339),
	}
	for member, at := range map[string]time.Time{"lastUsedAt": t.LastUsed, "lastActivitySeen": t.LastActive} {
		if !at.IsZero() {
			status[member] = moment(at)
		}
	}
	return object{
		"kind": "Token", "apiVersion": "ext.cattle.io/v1",
		"metadata": extMeta(t.Name, t.uuid, t.UserID, t.Created),
		"spec": object{
			"userID": t.UserID, "kind": t.extKind(), "description": t.Description, "ttl": ttl, "enabled": t.Enabled, "clusterName": t.Cluster,
			"userPrincipal": object{
				"name": t.principal, "displayName": u.name, "loginName": u.username, "principalType": "user",
				"me": true, "provider": t.provider,
			},
		},
		"status": status,
	}
}
