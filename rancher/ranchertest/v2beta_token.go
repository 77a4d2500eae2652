package ranchertest

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A v2betaToken is a row of the table of tokens.
type v2betaToken struct {
	user     *v2betaUser
	provider string // that was configured when it was made
	expires  time.Time
}

func (s *V2Beta) handleToken(c *v2betaCall) *v2betaError {
	switch {
	case c.method == "GET":
		return s.showToken(c)
	case c.method == "POST" && c.id == "":
		return s.login(c)
	case c.method == "DELETE" && c.id != "":
		return s.logout(c)
	}
	return &v2betaError{status: 405}
}

// login makes a token for a code.
func (s *V2Beta) login(c *v2betaCall) *v2betaError {
	code, ok := c.field("code")
	if !ok {
		return &v2betaError{status: 422, code: "MissingRequired", field: "code"}
	}
	provider := s.setting("api.auth.provider.configured")
	u, e := s.check(provider, code)
	if e != nil {
		return e
	}
	if s.setting("api.auth.restrict.concurrent.sessions") == "true" {
		for text, t := range s.tokens {
			if t.user == u {
				delete(s.tokens, text)
			}
		}
	}
	ms, err := strconv.ParseInt(s.setting("api.auth.jwt.token.expiry"), 10, 64)
	if err != nil {
		ms = 0 // as all that is no number
	}
	ms = min(ms, 1e12) // thirty years
	text := base58(40)
	put(&s.tokens, text, v2betaToken{u, provider, s.now().Add(time.Duration(ms) * time.Millisecond)})
	c.send(201, s.token(c, v2betaShown{
		jwt: text, account: u.id, login: u.login, identity: u, provider: provider,
	}))
	return nil
}

// showToken says of the token that was sent whether it is good.
func (s *V2Beta) showToken(c *v2betaCall) *v2betaError {
	show := v2betaShown{provider: s.setting("api.auth.provider.configured")}
	show.redirect = s.redirect(show.provider)
	sent := presented(c.r, c.params)
	if t, ok := s.live(sent); ok {
		if e := s.admit(t); e != nil {
			return e
		}
		show.jwt, show.identity = sent, t.user // as it was sent, with the word before it
	}
	one := s.token(c, show)
	if c.id == "" {
		one = s.collection(c, "token", "tokens", one)
	}
	c.send(200, one)
	return nil
}

// logout deletes the token that is sent, whatever the path says. It looks for
// the row by all of the header, and so does not find that of a Bearer.
func (s *V2Beta) logout(c *v2betaCall) *v2betaError {
	sent := presented(c.r, c.params)
	t, ok := s.live(sent)
	if !ok {
		return &v2betaError{status: 500, code: "JWTNotProvided", message: "Request does not contain JWT cookie"}
	}
	if e := s.admit(t); e != nil {
		return e
	}
	c.w.Header().Add("Set-Cookie", "token=;Path=/;Expires=Thu, 01 Jan 1970 00:00:00 GMT;")
	if _, ok := s.tokens[strings.TrimSpace(sent)]; !ok {
		return &v2betaError{status: 500}
	}
	delete(s.tokens, strings.TrimSpace(sent))
	c.w.WriteHeader(204)
	return nil
}

// A v2betaShown is what is shown of a token.
type v2betaShown struct {
	jwt, account, login string
	identity            *v2betaUser
	provider            string // that is configured
	redirect            string // JSON
}

// token returns a token as JSON.
func (s *V2Beta) token(c *v2betaCall, show v2betaShown) string {
	identity, kind, original := "null", "null", "null"
	if u := show.identity; u != nil {
		identity, kind = u.identity(show.provider), quote(u.kind)
		if strings.EqualFold(show.provider, "ldapconfig") {
			original = quote(u.login)
		}
	}
	redirect := show.redirect
	if redirect == "" {
		redirect = "null"
	}
	security := s.setting("api.security.enabled") == "true"
	// The older API has other fields, which are all null.
	extra, later := `"clientId":null,`, `"hostname":null,"scheme":null,`
	if c.version == "v2-beta" {
		extra, later = "", fmt.Sprintf(`"originalLogin":%s,"redirectUrl":%s,`, original, redirect)
	}
	return fmt.Sprintf(`{"id":null,"type":"token","links":{},"baseType":"token","%s":{},"accountId":%s,"authProvider":%s,`+
		`%s"code":null,"enabled":%t,"jwt":%s,%s"security":%t,"user":%s,"userIdentity":%s,"userType":%s}`,
		c.actions(), quoteOrNull(show.account), quoteOrNull(show.provider),
		extra, security, quoteOrNull(show.jwt), later, security, quoteOrNull(show.login), identity, kind)
}

// collection returns a list of resources, which are JSON, as JSON.
func (s *V2Beta) collection(c *v2betaCall, kind, plural string, data ...string) string {
	return fmt.Sprintf(`{"type":"collection","resourceType":%q,"links":{"self":"%s/%s/%s"},"createTypes":{},"%s":{},`+
		`"data":[%s],"sortLinks":{},"pagination":null,"sort":null,"filters":{},"createDefaults":{}}`,
		kind, s.URL, c.version, plural, c.actions(), strings.Join(data, ","))
}

// handleSchema says what a token is made of.
func (s *V2Beta) handleSchema(c *v2betaCall) *v2betaError {
	if c.method != "GET" {
		return &v2betaError{status: 405}
	}
	var fields []string
	for _, name := range strings.Fields("accountId authProvider enabled jwt originalLogin redirectUrl security user userIdentity userType") {
		kind := map[string]string{"enabled": "boolean", "security": "boolean", "userIdentity": "identity"}[name]
		if kind == "" {
			kind = "string"
		}
		fields = append(fields, fmt.Sprintf(`%q:{"type":%q,"nullable":true,"create":false,"update":false}`, name, kind))
	}
	fields = append(fields, `"code":{"type":"string","nullable":true,"required":true,"create":true,"update":false}`)
	c.send(200, fmt.Sprintf(`{"id":"token","type":"schema","links":{"self":"%[1]s/%[2]s/schemas/token","collection":"%[1]s/%[2]s/tokens"},`+
		`"%[3]s":{},"pluralName":"tokens","collectionMethods":["GET","POST"],"resourceMethods":["GET","DELETE"],"resourceFields":{%[4]s}}`,
		s.URL, c.version, c.actions(), strings.Join(fields, ",")))
	return nil
}

// base58 returns n characters of those that are left of base64 without the ones
// that look like others.
func base58(n int) string {
	const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"
	var b strings.Builder
	for b.Len() < n {
		var one [1]byte
		rand.Read(one[:])
		if i := int(one[0]); i < len(alphabet)*4 {
			b.WriteByte(alphabet[i%len(alphabet)])
		}
	}
	return b.String()
}
