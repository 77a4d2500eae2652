package ranchertest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

const (
	provider  = "api.auth.provider.configured"
	challenge = `Basic realm="Enter API access key and secret key as username and password"`
)

// failure returns an error's body.
func failure(status int, code, message, field string) string {
	if field != "" {
		field = `,"fieldName":"` + field + `"`
	}
	return fmt.Sprintf(`{"id":"<uuid>","type":"error","links":{},"actions":{},"status":%d,"code":"%s","message":"%s","detail":null,"baseType":"error"%s}`,
		status, code, message, field)
}

// What is answered to a login that fails.
func TestV2BetaLoginErrors(t *testing.T) {
	t.Parallel()
	const (
		good      = `{"code":"bob:pa:ss"}`
		incorrect = "Username or Password incorrect"
		noAccess  = "Your account does not have access"
		trouble   = "Error communicating with authentication provider"
	)
	set := func(name string) func(*ranchertest.V2Beta) {
		return func(s *ranchertest.V2Beta) { s.Set(provider, name) }
	}
	with := func(name string, status int) func(*ranchertest.V2Beta) {
		return func(s *ranchertest.V2Beta) { s.Set(provider, name); s.SetProviderStatus(status) }
	}
	for _, tt := range []struct {
		name  string
		setup func(*ranchertest.V2Beta)
		body  string
		want  string
	}{
		{"body without code", nil, `{"authProvider":"localauthconfig"}`, failure(422, "MissingRequired", "MissingRequired", "code")},
		{"no body", nil, ``, failure(422, "MissingRequired", "MissingRequired", "code")},
		{"code null", nil, `{"code":null}`, failure(403, "Forbidden", "Forbidden", "")},
		{"code without a colon", nil, `{"code":"bob"}`, failure(403, "Forbidden", "Forbidden", "")},
		{"code a number", nil, `{"code":12}`, failure(403, "Forbidden", "Forbidden", "")},
		{"openldap code without a colon", set("openldapconfig"), `{"code":"bob"}`, failure(403, "Forbidden", "Forbidden", "")},
		{"azure code without a colon", set("azureadconfig"), `{"code":"bob"}`, failure(400, "MalformedCode", "MalformedCode", "")},
		{"wrong local password", nil, `{"code":"bob:pa"}`, failure(401, "Unauthorized", "Unauthorized", "")},
		{"unknown user", nil, `{"code":"eve:pa:ss"}`, failure(401, "Unauthorized", "Unauthorized", "")},
		{"inactive account", func(s *ranchertest.V2Beta) { s.SetActive("bob", false) }, good, failure(401, "Unauthorized", "Unauthorized", "")},
		{"external provider says 401", with("shibbolethconfig", 401), good, failure(401, "AuthError", incorrect, "")},
		{"external provider says 401: wrong OAuth code", set("githubconfig"), `{"code":"0123456789"}`, failure(401, "AuthError", incorrect, "")},
		{"external provider says 401: wrong Active Directory password", set("ldapconfig"), `{"code":"bob:pa"}`, failure(401, "AuthError", incorrect, "")},
		{"external provider says 403", with("githubconfig", 403), good, failure(403, "AuthError", noAccess, "")},
		{"external provider other", with("ldapconfig", 502), good, failure(502, "AuthError", trouble, "")},
		{"auth-service unreachable", with("githubconfig", -1), good, failure(400, "codeInvalid", "Code provided is invalid.", "")},
		{"no provider configured", set("none"), good, failure(500, "NoAuthProvider", "No Auth provider is configured.", "")},
		{"local auth chosen but not configured", func(s *ranchertest.V2Beta) { *s = ranchertest.V2Beta{URL: s.URL} }, good,
			failure(503, "LocalAuthConfig", "LocalAuthConfig is not Configured.", "")},
		{"body is not JSON", nil, `code=bob`, failure(400, "InvalidBodyContent", "InvalidBodyContent", "")},
		{"body is JSON but no object", nil, `"bob:pa:ss"`, failure(422, "MissingRequired", "MissingRequired", "code")},
		{"site access mode refuses the user", func(s *ranchertest.V2Beta) { s.SetAccess("bob", false) }, good, failure(403, "AuthError", noAccess, "")},
		{"inactive account, of an external provider", func(s *ranchertest.V2Beta) {
			s.Set(provider, "ldapconfig")
			s.SetActive("bob", false)
		}, good, failure(401, "Unauthorized", "Unauthorized", "")},
		{"site access mode refuses the user, of an external provider", func(s *ranchertest.V2Beta) {
			s.Set(provider, "ldapconfig")
			s.SetAccess("bob", false)
		}, good, failure(403, "AuthError", noAccess, "")},
		{"LDAP down", with("openldapconfig", 503), good, failure(500, "LdapDown", "Could not talk to ldap", "")},
	} {
		t.Run("A.9 "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := newV2Beta()
			if tt.setup != nil {
				tt.setup(s)
			}
			r := ask(t, s, "POST /v2-beta/token", tt.body)
			want := tt.want
			if got := r.known(); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if got := fmt.Sprintf(`"status":%d,`, r.status); !contains(want, got) {
				t.Errorf("status %d", r.status)
			}
			if got := r.header.Get("WWW-Authenticate"); got != "" {
				t.Errorf("challenged to log in: %s", got)
			}
			if s.Live("bob") != 0 {
				t.Error("there is a token nevertheless")
			}
		})
	}
}

// What is answered to a token that is no good, or not good for this.
func TestV2BetaTokenErrors(t *testing.T) {
	t.Parallel()
	unauthorized := failure(401, "Unauthorized", "Unauthorized", "")
	changed := failure(401, "AuthProviderChanged", "Access control has changed since token was created.", "")
	noAccess := failure(403, "AuthError", "Your account does not have access", "")
	type server struct {
		*ranchertest.V2Beta
		jwt string
		now time.Time
	}
	for _, tt := range []struct {
		name      string
		spoil     func(s *server)
		request   string
		header    string
		want      string
		challenge bool
	}{
		{"expired token", func(s *server) { s.now = s.now.Add(16 * time.Hour) }, projects, "", unauthorized, true},
		{"unknown token", func(s *server) { s.jwt = "V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr" }, projects, "", unauthorized, true},
		{"no token", func(s *server) { s.jwt = "" }, projects, "", unauthorized, true},
		{"no token, X-API-No-Challenge", func(s *server) { s.jwt = "" }, projects, "X-Api-No-Challenge: true", unauthorized, false},
		{"no token, Connection: upgrade", func(s *server) { s.jwt = "" }, projects, "Connection: upgrade", unauthorized, false},
		{"inactive account", func(s *server) { s.SetActive("bob", false) }, projects, "", unauthorized, false},
		{"site access mode refuses the user, later", func(s *server) { s.SetAccess("bob", false) }, projects, "", noAccess, false},
		{"site access mode refuses the user, probe", func(s *server) { s.SetAccess("bob", false) }, probe, "", noAccess, false},
		{"provider switched since the token was made", func(s *server) { s.Set(provider, "githubconfig") }, projects, "", changed, false},
		{"provider switched since the token was made, logout", func(s *server) { s.Set(provider, "githubconfig") }, current, "", changed, false},
		{"site access mode refuses the user, logout", func(s *server) { s.SetAccess("bob", false) }, current, "", noAccess, false},
		{"no provider any more", func(s *server) { s.Set(provider, "none") }, projects, "", unauthorized, true},
		{"no provider any more, logout", func(s *server) { s.Set(provider, "none") }, current, "",
			failure(500, "JWTNotProvided", "Request does not contain JWT cookie", ""), false},
		{"project that can be none", func(s *server) {}, projects, "X-Api-Project-Id: five",
			failure(400, "InvalidFormat", "projectId header format is incorrect five", ""), false},
		{"provider switched since the token was made, probe", func(s *server) { s.Set(provider, "githubconfig") }, probe, "", changed, false},
		{"CSRF mismatch", func(s *server) {}, "PUT " + expiry, "User-Agent: Mozilla/5.0",
			failure(403, "InvalidCSRFToken", "CSRF header and cookie do not match", ""), false},
	} {
		t.Run("A.9 "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := &server{V2Beta: newV2Beta(), now: time.Date(2020, 5, 1, 12, 0, 0, 0, time.UTC)}
			s.Now = func() time.Time { return s.now }
			s.jwt = login(t, s.V2Beta, "bob:pa:ss")
			tt.spoil(s)
			headers := []string{"Cookie: token=" + s.jwt + "; CSRF=0123456789"}
			if tt.header != "" {
				headers = append(headers, tt.header)
			}
			r := ask(t, s.V2Beta, tt.request, "", headers...)
			if got := r.known(); got != tt.want || !contains(got, fmt.Sprintf(`"status":%d,`, r.status)) {
				t.Errorf("%d\ngot  %s\nwant %s", r.status, got, tt.want)
			}
			if got := r.header.Get("WWW-Authenticate"); got != "" != tt.challenge || tt.challenge && got != challenge {
				t.Errorf("challenge %q", got)
			}
		})
	}
}

// Where an error has no code of its own, its code and its message are the phrase
// of the status.
func TestV2BetaPhrases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		request, body string
		status        int
		phrase        string
	}{
		{"GET /v2-beta/projects?projectId=1a5", "", 401, "Unauthorized"},
		{"POST /v2-beta/token", `{"code":"bob"}`, 403, "Forbidden"},
		{"GET /v2-beta/nothings", "", 404, "Not Found"},
		{"PUT /v2-beta/projects", "", 405, "Method not allowed"},
		{current, "", 500, "Internal Server Error"},
	} {
		t.Run("A.9 the phrase of the status: "+tt.phrase, func(t *testing.T) {
			t.Parallel()
			s := newV2Beta()
			headers := []string{"Accept: application/json"}
			if tt.status != 401 {
				headers = append(headers, "Authorization: Bearer "+login(t, s, "bob:pa:ss"))
			}
			if r := ask(t, s, tt.request, tt.body, headers...); r.status != tt.status || r.known() != failure(tt.status, tt.phrase, tt.phrase, "") {
				t.Errorf("%d %s", r.status, r.known())
			}
		})
	}
}

// A switch of the provider concerns nobody who is only about to log in.
func TestV2BetaStaleLogin(t *testing.T) {
	t.Parallel()
	s := newV2Beta()
	stale := "Cookie: token=" + login(t, s, "bob:pa:ss")
	s.Set(provider, "openldapconfig")
	if r := ask(t, s, "POST /v2-beta/token", `{"code":"bob:pa:ss"}`, stale); r.status != 201 {
		t.Errorf("%d %s", r.status, r.known())
	}
}
