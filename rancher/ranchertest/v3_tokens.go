package ranchertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// stranger refuses one who asks with a token of ext.cattle.io, which norman took
// for one of its own before 2.15, and did not find.
func (s *V3) stranger(c *v3Call, status int, code string) (a v3Answer, refused bool) {
	if !c.token.Ext || s.is.since(2, 15, 0) {
		return v3Answer{}, false
	}
	return normanError(status, code, fmt.Sprintf(
		"failed to retrieve auth token, error: &errors.errorString{s:%q}", `invalid resource name "ext/`+c.token.Name+`": [may not contain '/']`)), true
}

func (s *V3) listTokens(c *v3Call) v3Answer {
	if a, refused := s.stranger(c, http.StatusUnauthorized, "Unauthorized"); refused {
		return a
	}
	var data []object
	for _, t := range s.tokens {
		if t.UserID == c.user.id && !t.Ext {
			data = append(data, s.tokenResource(t, c.token))
		}
	}
	return s.collection("token", "/v3/tokens", data, "logout", "logoutAll")
}

func (s *V3) getToken(c *v3Call) v3Answer {
	if a, refused := s.stranger(c, http.StatusInternalServerError, "ServerError"); refused {
		return a
	}
	t, a := s.ownToken(c)
	if t == nil {
		return a
	}
	return inJSON(http.StatusOK, s.tokenResource(t, c.token))
}

// ownToken returns the caller's token that a request is about, or what is
// answered because there is none. Somebody else's is none.
func (s *V3) ownToken(c *v3Call) (*v3Token, v3Answer) {
	name := c.vars["name"]
	switch t := s.findToken(name, false); {
	case t == nil:
		return nil, normanError(http.StatusNotFound, "NotFound", fmt.Sprintf("tokens.management.cattle.io %q not found", name))
	case t.UserID != c.user.id:
		return nil, normanError(http.StatusNotFound, "NotFound", name+" not found")
	default:
		return t, v3Answer{}
	}
}

// createToken makes a token from the one that the request came with.
func (s *V3) createToken(c *v3Call) v3Answer {
	if c.bodyErr != nil {
		return normanError(http.StatusUnprocessableEntity, "InvalidBodyContent", c.bodyErr.Error())
	}
	var asked struct {
		Description string `json:"description"`
		ClusterID   string `json:"clusterId"`
		TTL         int64  `json:"ttl"`
	}
	if err := json.Unmarshal(c.body, &asked); err != nil {
		return normanError(http.StatusUnprocessableEntity, "InvalidFormat", err.Error())
	}
	if a, refused := s.stranger(c, http.StatusUnauthorized, "Unauthorized"); refused {
		return a
	}
	unit := time.Millisecond
	if s.is == (v3Version{2, 4, 6}) {
		unit = time.Minute // this one only
	}
	ttl, err := s.clamp(time.Duration(asked.TTL) * unit)
	if err != nil {
		return normanError(http.StatusInternalServerError, "ServerError", "error validating max-ttl "+err.Error())
	}
	t := s.addToken(c.user, V3Token{Description: asked.Description, Cluster: asked.ClusterID, TTL: ttl, Derived: true})

	made := s.tokenResource(t, c.token)
	made["token"] = t.Name + ":" + t.Secret
	made["expiresAt"] = "" // a controller fills it in a moment later
	return inJSON(http.StatusCreated, made)
}

// clamp returns what is granted of a lifetime, 0 being for ever.
func (s *V3) clamp(asked time.Duration) (time.Duration, error) {
	most, err := s.lifetime("auth-token-max-ttl-minutes")
	switch {
	case err != nil:
		return 0, err
	case most != 0 && (asked == 0 || asked > most):
		return most, nil
	}
	return asked, nil
}

func (s *V3) deleteToken(c *v3Call) v3Answer {
	if a, refused := s.stranger(c, http.StatusUnauthorized, "Unauthorized"); refused {
		return a
	}
	t, a := s.ownToken(c)
	switch {
	case t == nil:
		return a
	case t == c.token && !t.Derived:
		return normanError(http.StatusBadRequest, "ServerError", "Cannot delete token for current session. Use logout instead")
	}
	s.removeToken(t)
	return nothing(http.StatusNoContent)
}

// tokenResource is how norman shows a token to one who asks with another, or the
// same; nil is nobody.
func (s *V3) tokenResource(t, asking *v3Token) object {
	u := s.user(t.UserID)
	labels := object{"authn.management.cattle.io/token-userId": t.UserID}
	switch {
	case t.Kubeconfig:
		labels["authn.management.cattle.io/kind"] = "kubeconfig"
	case !t.Derived:
		labels["authn.management.cattle.io/kind"] = "session"
	}
	o := object{
		"id": t.Name, "name": t.Name, "type": "token", "baseType": "token", "uuid": t.uuid,
		"created": t.Created.Format(time.RFC3339), "createdTS": t.Created.UnixMilli(), "creatorId": nil,
		"userId": t.UserID, "groupPrincipals": nil, "providerInfo": nil, "authProvider": t.provider,
		"userPrincipal": fmt.Sprintf("map[displayName:%s loginName:%s me:true metadata:map[creationTimestamp:<nil> name:%s] principalType:user provider:%s]",
			u.name, u.username, t.principal, t.provider),
		"ttl": t.TTL.Milliseconds(), "expired": s.expired(t), "expiresAt": t.expiresAt(),
		"current": t == asking && !t.Derived, "isDerived": t.Derived, "enabled": t.Enabled,
		"description": t.Description, "clusterId": nil, "labels": labels, "annotations": object{},
		"links":   object{"self": s.URL + "/v3/tokens/" + t.Name, "remove": s.URL + "/v3/tokens/" + t.Name},
		"actions": object{},
	}
	if t.Cluster != "" {
		o["clusterId"] = t.Cluster
	}
	if s.is.since(2, 10, 0) {
		o["lastUsedAt"] = moment(t.LastUsed)
	} else {
		o["lastUpdateTime"] = ""
	}
	if s.is.since(2, 11, 0) {
		o["activityLastSeenAt"] = moment(t.LastActive)
	}
	return o
}

// moment is a time in the form of Kubernetes'; null if there is none.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}
