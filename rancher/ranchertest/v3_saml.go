package ranchertest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// samlProviders are those that a browser has to be sent to and that send it back
// with an assertion.
var samlProviders = []string{"ping", "adfs", "keycloak", "okta", "shibboleth"}

// A v3SAML is a login of a program on a command line by way of a browser.
type v3SAML struct {
	provider *v3Provider
	login    v3Login
	key      *rsa.PublicKey
	since    time.Time // when the token was made
	token    *v3Token  // nil until somebody has logged in at the identity provider
	secret   string    // the token, encrypted for whoever asked
}

// loginBySAML sends whoever logs in to the identity provider.
func (s *V3) loginBySAML(p *v3Provider, l v3Login) (*v3User, v3Answer) {
	to := url.URL{Scheme: "https", Host: p.name + ".example", Path: "/sso", RawQuery: url.Values{
		"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(randomText(40)))},
		"RelayState":  {l.RequestID},
	}.Encode()}
	if l.RequestID != "" {
		key, err := samlKey(l.PublicKey)
		if err != nil {
			return nil, s.loginError(http.StatusInternalServerError, "ServerError", "Server error while authenticating")
		}
		s.saml[l.RequestID] = &v3SAML{provider: p, login: l, key: key, since: s.now()}
	}
	return nil, inJSON(http.StatusOK, object{"idpRedirectUrl": to.String(), "type": "samlLoginOutput"})
}

// samlKey reads a public key as Go writes one in JSON, in base64.
func samlKey(text string) (*rsa.PublicKey, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	var k struct {
		N *big.Int
		E int
	}
	if err := json.Unmarshal(b, &k); err != nil {
		return nil, err
	}
	if k.N == nil || k.N.BitLen() < 1024 || k.N.BitLen() > 8192 || k.E < 3 {
		return nil, fmt.Errorf("this is no RSA key that could be used")
	}
	return &rsa.PublicKey{N: k.N, E: k.E}, nil
}

// LogInSAML is what a person does in a browser who was shown a URL: that of the
// identity provider, which a login was answered with, or Rancher's own /login
// with the requestId and publicKey of a program. The person logs in there, as a
// user of a provider of SAML, and comes back; the program finds its token then.
func (s *V3) LogInSAML(where, username string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := url.Parse(where)
	if err != nil {
		return err
	}
	for _, who := range s.users {
		p := s.provider(who.provider)
		if who.username != username || who.disabled || p == nil || p.disabled || !slices.Contains(samlProviders, p.name) {
			continue
		}
		if strings.HasPrefix(where, s.URL+"/login?") && u.Query().Get("cli") == "true" {
			l := v3Login{RequestID: u.Query().Get("requestId"), PublicKey: u.Query().Get("publicKey"), ResponseType: u.Query().Get("responseType")}
			var at object
			if _, a := s.loginBySAML(p, l); json.Unmarshal([]byte(a.body), &at) != nil || a.status != http.StatusOK {
				return fmt.Errorf("ranchertest: the login page says %d: %s", a.status, a.body)
			}
			if u, err = url.Parse(at["idpRedirectUrl"].(string)); err != nil {
				return err
			}
		}
		l := s.saml[u.Query().Get("RelayState")]
		if l == nil || l.provider != p || u.Host != p.name+".example" || u.Query().Get("SAMLRequest") == "" {
			return fmt.Errorf("ranchertest: nobody has asked for a login there")
		}
		return s.finishSAML(l, who)
	}
	return fmt.Errorf("ranchertest: the identity provider has no user %s", username)
}

func (s *V3) finishSAML(l *v3SAML, u *v3User) error {
	t, err := s.tokenFor(u, l.login)
	if err != nil {
		return err
	}
	secret, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, l.key, []byte(t.Name+":"+t.Secret), nil)
	if err != nil {
		return err
	}
	l.token, l.since, l.secret = t, s.now(), base64.StdEncoding.EncodeToString(secret)
	return nil
}

// getV1AuthToken answers GET /v1-public/authtokens/{id}, and getAuthToken the
// path of older versions.
func (s *V3) getV1AuthToken(c *v3Call) v3Answer {
	l := s.saml[c.vars["id"]]
	if l == nil || l.token == nil {
		return inText(http.StatusNotFound, http.StatusText(http.StatusNotFound))
	}
	return inJSON(http.StatusOK, object{"token": l.secret, "expiresAt": l.token.expiresAt()})
}

func (s *V3) getAuthToken(c *v3Call) v3Answer {
	id := c.vars["id"]
	l := s.saml[id]
	if l == nil || l.token == nil {
		return normanError(http.StatusNotFound, "NotFound", "token "+id+" not found")
	}
	return inJSON(http.StatusOK, object{
		"id": id, "name": id, "type": "authToken", "baseType": "authToken",
		"token": l.secret, "expiresAt": l.token.expiresAt(), "links": object{}, "actions": object{},
	})
}

// deleteV1AuthToken does not mind if there is none, and deleteAuthToken does.
func (s *V3) deleteV1AuthToken(c *v3Call) v3Answer {
	delete(s.saml, c.vars["id"])
	return nothing(http.StatusOK)
}

func (s *V3) deleteAuthToken(c *v3Call) v3Answer {
	id := c.vars["id"]
	if l := s.saml[id]; l == nil || l.token == nil {
		return normanError(http.StatusNotFound, "NotFound", "token "+id+" not found")
	}
	delete(s.saml, id)
	return nothing(http.StatusNoContent)
}
