package ranchertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A v3Login is what somebody logs in with. Which of it counts depends on the
// provider.
type v3Login struct {
	Type         string `json:"type"`
	ResponseType string `json:"responseType"`
	Description  string `json:"description"`
	TTL          int64  `json:"ttl"` // milliseconds

	Username string `json:"username"`
	Password string `json:"password"`
	Code     string `json:"code"`
	IDToken  string `json:"id_token"`

	FinalRedirectURL string `json:"finalRedirectUrl"`
	RequestID        string `json:"requestId"`
	PublicKey        string `json:"publicKey"`
}

// serveLogin answers POST /v1-public/login, where the body says which type of
// provider it is for.
func (s *V3) serveLogin(c *v3Call) v3Answer {
	l, ok := c.login()
	t, known := v3TypeNamed(l.Type)
	if !ok || !known {
		return normanError(http.StatusUnprocessableEntity, "InvalidBodyContent", "")
	}
	for _, p := range s.offered() {
		if p.kind == t.kind {
			return s.login(p, l)
		}
	}
	return normanError(http.StatusNotFound, "NotFound", "")
}

// serveV3Login answers POST /v3-public/localProviders/local?action=login and its
// like, where the path says so.
func (s *V3) serveV3Login(c *v3Call) v3Answer {
	p := s.offeredAt(c)
	if p == nil {
		return normanError(http.StatusNotFound, "NotFound", "")
	}
	l, ok := c.login()
	if !ok {
		return normanError(http.StatusUnprocessableEntity, "InvalidBodyContent", "")
	}
	return s.login(p, l)
}

// login reads the body of a login.
func (c *v3Call) login() (l v3Login, ok bool) {
	return l, c.bodyErr == nil && json.Unmarshal(c.body, &l) == nil
}

func (s *V3) login(p *v3Provider, l v3Login) v3Answer {
	u, a := p.login(s, p, l)
	switch {
	case u == nil:
		return a
	case u.disabled:
		return s.loginError(http.StatusForbidden, "PermissionDenied", "Permission Denied")
	}
	t, err := s.tokenFor(u, l)
	if err != nil {
		return s.loginError(http.StatusInternalServerError, "ServerError", "Server error while authenticating")
	}
	if l.ResponseType == "cookie" {
		cookie := http.Cookie{Name: "R_SESS", Value: t.Name + ":" + t.Secret, Path: "/", HttpOnly: true, Secure: true}
		if s.is.since(2, 15, 0) {
			cookie.SameSite = http.SameSiteLaxMode
		}
		return v3Answer{http.StatusOK, http.Header{"Set-Cookie": {cookie.String()}}, ""}
	}
	return s.loggedIn(t)
}

// loginError is an error of a login's, which has no words to it since 2.13.
func (s *V3) loginError(status int, code, message string) v3Answer {
	if s.is.since(2, 13, 0) {
		message = ""
	}
	return normanError(status, code, message)
}

// tokenFor makes the token that a login is for.
func (s *V3) tokenFor(u *v3User, l v3Login) (*v3Token, error) {
	if strings.HasPrefix(l.ResponseType, "kubeconfig") {
		_, cluster, _ := strings.Cut(l.ResponseType, "_")
		return s.addKubeconfigToken(u, cluster, "Kubeconfig token")
	}
	return s.addToken(u, V3Token{Description: l.Description, TTL: s.sessionTTL(l.TTL)}), nil
}

// loginByPassword finds a user of a provider by name and password.
func (s *V3) loginByPassword(p *v3Provider, l v3Login) (*v3User, v3Answer) {
	for _, u := range s.users {
		if u.provider == p.name && u.username == l.Username && u.password == l.Password {
			return u, v3Answer{}
		}
	}
	return nil, normanError(http.StatusUnauthorized, "Unauthorized", "authentication failed")
}

// loginByCode finds whom an authorization code is for, which is good once.
func (s *V3) loginByCode(p *v3Provider, l v3Login) (*v3User, v3Answer) {
	code := l.Code
	if code == "" {
		code = l.IDToken
	}
	u := s.codes[code]
	if u == nil || u.provider != p.name || s.user(u.id) == nil {
		return nil, normanError(http.StatusUnauthorized, "Unauthorized", "authentication failed")
	}
	delete(s.codes, code)
	return u, v3Answer{}
}

// sessionTTL is how long a login is good. What was asked for, in milliseconds,
// counts only where there is no setting for it, or none that is a number.
func (s *V3) sessionTTL(asked int64) time.Duration {
	const setting = "auth-user-session-ttl-minutes"
	if _, value, _, ok := s.setting(setting); ok {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return time.Duration(n) * time.Minute
		}
	}
	return time.Duration(asked) * time.Millisecond
}

// addKubeconfigToken makes the token of a kubeconfig, for a cluster if one is
// named.
func (s *V3) addKubeconfigToken(u *v3User, cluster, description string) (*v3Token, error) {
	ttl, err := s.kubeconfigTTL()
	if err != nil {
		return nil, err
	}
	name := "kubeconfig-" + u.id
	if cluster != "" {
		name += "." + cluster
	}
	return s.addToken(u, V3Token{
		Name: name + randomName(), Description: description, Cluster: cluster, TTL: ttl, Derived: true, Kubeconfig: true,
	}), nil
}

// kubeconfigTTL is how long the token of a kubeconfig is good.
func (s *V3) kubeconfigTTL() (time.Duration, error) {
	ttl, err := s.lifetime("kubeconfig-default-token-ttl-minutes")
	if err == nil && ttl == 0 {
		ttl, err = s.lifetime("kubeconfig-token-ttl-minutes")
	}
	if err != nil {
		return 0, err
	}
	if ttl, err = s.clamp(ttl); err != nil {
		return 0, fmt.Errorf("failed to validate token ttl: %w", err)
	}
	return ttl, nil
}

// loggedIn is the answer to a login, which has the whole token in it up to 2.12.
func (s *V3) loggedIn(t *v3Token) v3Answer {
	secret := t.Name + ":" + t.Secret
	if s.is.since(2, 13, 0) {
		return inJSON(http.StatusCreated, object{
			"baseType": "token", "type": "token", "id": t.Name, "token": secret, "expiresAt": t.expiresAt(),
		})
	}
	whole := s.tokenResource(t, nil)
	whole["token"], whole["expiresAt"] = secret, ""
	return inJSON(http.StatusCreated, whole)
}
