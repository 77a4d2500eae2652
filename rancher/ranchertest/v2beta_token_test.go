package ranchertest_test

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// What becomes of a logout.
func TestV2BetaLogout(t *testing.T) {
	t.Parallel()
	notProvided := failure(500, "JWTNotProvided", "Request does not contain JWT cookie", "")
	for _, tt := range []struct {
		name   string
		send   func(jwt string) (query, header string)
		status int
		body   string
		gone   bool
		cookie bool // it is cleared
	}{
		{"cookie token", func(jwt string) (string, string) { return "", "Cookie: token=" + jwt }, 204, "", true, true},
		{"bare Authorization", func(jwt string) (string, string) { return "", "Authorization: " + jwt }, 204, "", true, true},
		{"?token=", func(jwt string) (string, string) { return "?token=" + jwt, "" }, 204, "", true, true},
		{"Authorization: Bearer", func(jwt string) (string, string) { return "", "Authorization: Bearer " + jwt }, 500,
			failure(500, "Internal Server Error", "Internal Server Error", ""), false, true},
		{"no token", func(string) (string, string) { return "", "" }, 500, notProvided, false, false},
		{"expired token", func(jwt string) (string, string) { return "", "Cookie: token=" + jwt }, 500, notProvided, false, false},
		{"unknown token", func(jwt string) (string, string) { return "", "Cookie: token=" + strings.ToLower(jwt) }, 500, notProvided, false, false},
	} {
		t.Run("A.7 "+tt.name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			s := newV2Beta()
			s.Now = func() time.Time { return now }
			jwt := login(t, s, "bob:pa:ss")
			query, header := tt.send(jwt)
			if tt.name == "expired token" {
				now = now.Add(16 * time.Hour)
			}
			headers := []string{"Accept: application/json"}
			if header != "" {
				headers = append(headers, header)
			}
			r := ask(t, s, current+query, "", headers...)
			if r.status != tt.status || r.known() != tt.body {
				t.Errorf("%d %s\nwant %d %s", r.status, r.known(), tt.status, tt.body)
			}
			if cookie := r.header.Get("Set-Cookie"); (cookie == "token=;Path=/;Expires=Thu, 01 Jan 1970 00:00:00 GMT;") != tt.cookie {
				t.Errorf("cookie %q", cookie)
			}
			now = now.Add(-time.Hour)
			if got := s.Live("bob") == 0; got != tt.gone {
				t.Errorf("gone: %t", got)
			}
		})
	}
}

// Where a token is looked for, and what hides what.
func TestV2BetaPresent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		query   string // JWT stands for a good token
		headers []string
		status  int
	}{
		{"cookie", "", []string{"Cookie: token=JWT"}, 200},
		{"cookie, any case", "", []string{"Cookie: ToKeN=JWT"}, 200},
		{"header", "", []string{"Authorization: Bearer JWT"}, 200},
		{"header, any case", "", []string{"Authorization: bEARER JWT"}, 200},
		{"bare header", "", []string{"Authorization: JWT"}, 200},
		{"another scheme", "", []string{"Authorization: Token JWT"}, 401},
		{"three words", "", []string{"Authorization: Bearer JWT JWT"}, 401},
		{"another scheme hides query", "?token=JWT", []string{"Authorization: Token JWT"}, 401},
		{"Basic hides query", "?token=JWT", []string{basic("bob", "pa:ss")}, 401},
		{"another word in the query", "?token=Token+JWT", nil, 401},
		{"query", "?token=JWT", nil, 200},
		{"Basic X-API-BEARER", "", []string{basic("X-API-BEARER", "JWT")}, 200},
		{"Basic X-API-BEARER=<project>", "", []string{basic("X-API-BEARER=1a5", "JWT")}, 200},
		{"Basic X-API-BEARER, any case", "", []string{basic("x-api-bearer", "JWT")}, 200},
		{"Basic another user", "", []string{basic("bob", "JWT")}, 401},
		{"Basic API key", "", []string{basic("ABCDEF", "key")}, 200},
		{"Basic API key, wrong secret", "", []string{basic("ABCDEF", "JWT")}, 401},
		{"stale cookie hides header", "", []string{"Cookie: token=stale", "Authorization: Bearer JWT"}, 401},
		{"stale cookie hides query", "?token=JWT", []string{"Cookie: token=stale"}, 401},
		{"stale header hides query", "?token=JWT", []string{"Authorization: Bearer stale"}, 401},
		{"stale cookie of another case hides cookie", "", []string{"Cookie: TOKEN=stale; token=JWT"}, 401},
		{"good cookie hides stale header", "", []string{"Cookie: token=JWT", "Authorization: Bearer stale"}, 200},
		{"blank cookie hides nothing", "", []string{"Cookie: token=", "Authorization: Bearer JWT"}, 200},
		{"Basic with a stale cookie", "", []string{"Cookie: token=stale", basic("ABCDEF", "key")}, 200},
	} {
		t.Run("A.4 "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := newV2Beta()
			s.AddKey("ABCDEF", "key", "bob")
			jwt := login(t, s, "bob:pa:ss")
			var headers []string
			for _, h := range tt.headers {
				if name, value, ok := strings.Cut(h, " Basic "); ok {
					plain, _ := base64.StdEncoding.DecodeString(value)
					h = name + " Basic " + base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(string(plain), "JWT", jwt)))
				}
				headers = append(headers, strings.ReplaceAll(h, "JWT", jwt))
			}
			r := ask(t, s, projects+strings.ReplaceAll(tt.query, "JWT", jwt), "", headers...)
			if r.status != tt.status {
				t.Errorf("%d, want %d", r.status, tt.status)
			}
		})
	}
}

// Who it is that asks, and for which project.
func TestV2BetaHeaders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path string
		header     string
		status     int
		want       string // account, user, kind, name
	}{
		{"person", "/v2-beta/projects", "", 200, "1a7 1a7 user bob"},
		{"project by header", "/v2-beta/projects", "X-Api-Project-Id: 1a5", 200, "1a5 1a7 project Default"},
		{"project by query", "/v2-beta/projects?projectId=1a5", "", 200, "1a5 1a7 project Default"},
		{"project by path", "/v2-beta/projects/1a5/settings", "", 200, "1a5 1a7 project Default"},
		{"person as a project", "/v2-beta/projects", "X-Api-Project-Id: 1a7", 200, "1a7 1a7 user bob"},
		{"path before header", "/v2-beta/projects/1a5/settings", "X-Api-Project-Id: 1a9", 200, "1a5 1a7 project Default"},
		{"header before query", "/v2-beta/projects?projectId=1a9", "X-Api-Project-Id: 1a5", 200, "1a5 1a7 project Default"},
		{"project of another", "/v2-beta/projects", "X-Api-Project-Id: 1a9", 403, "   "},
		{"malformed project", "/v2-beta/projects", "X-Api-Project-Id: five", 400, "   "},
		{"base of the API", "/v2-beta", "", 200, "1a7 1a7 user bob"},
		{"base of the older API", "/v1", "", 200, "1a7 1a7 user bob"},
		{"nothing is the older API", "/", "", 200, "1a7 1a7 user bob"},
		{"no such thing", "/v2-beta/nothings", "", 404, "1a7 1a7 user bob"},
		{"no such project", "/v2-beta/projects/1a6", "", 404, "1a7 1a7 user bob"},
		{"no such API", "/v2", "", 404, "1a7 1a7 user bob"},
	} {
		t.Run("A.4 "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := newV2Beta()
			headers := []string{"Cookie: token=" + login(t, s, "bob:pa:ss")}
			if tt.header != "" {
				headers = append(headers, tt.header)
			}
			r := ask(t, s, "GET "+tt.path, "", headers...)
			h := r.header
			got := strings.Join([]string{h.Get("X-API-ACCOUNT-ID"), h.Get("X-API-USER-ID"), h.Get("X-API-ACCOUNT-KIND"), h.Get("X-API-ACCOUNT-NAME")}, " ")
			if r.status != tt.status || got != tt.want {
				t.Errorf("%d %q, want %d %q", r.status, got, tt.status, tt.want)
			}
			if h.Get("X-Rancher-Version") != "v1.6.30" || h.Get("X-API-Client-IP") == "" {
				t.Errorf("headers %v", h)
			}
		})
	}
}

// A login with whatever a client may send it as.
func TestV2BetaLoginForms(t *testing.T) {
	t.Parallel()
	const form = "Content-Type: application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, request, body, header string
	}{
		{"JSON", "POST /v2-beta/token", `{"code":"bob:pa:ss"}`, ""},
		{"JSON with what else a UI sends", "POST /v2-beta/token", `{"code":"bob:pa:ss","authProvider":"githubconfig","jwt":"x"}`, ""},
		{"form", "POST /v2-beta/token", `code=bob%3Apa%3Ass`, form},
		{"query", "POST /v2-beta/token?code=bob:pa:ss", "", ""},
		{"plural", "POST /v2-beta/tokens", `{"code":"bob:pa:ss"}`, ""},
		{"older API", "POST /v1/token", `{"code":"bob:pa:ss"}`, ""},
		{"by _method", "GET /v2-beta/token?_method=POST&code=bob:pa:ss", "", ""},
		{"with a stale cookie", "POST /v2-beta/token", `{"code":"bob:pa:ss"}`, "Cookie: token=stale"},
	} {
		t.Run("A.2 "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := newV2Beta()
			headers := []string{"Accept: application/json"}
			if tt.header != "" {
				headers = append(headers, tt.header)
			}
			ask(t, s, tt.request, tt.body, headers...).jwt(t)
			if s.Live("bob") != 1 {
				t.Error("nobody has logged in")
			}
		})
	}
	for _, request := range []string{"PUT /v2-beta/token", "PUT /v2-beta/token/current", "POST /v2-beta/token/current", "DELETE /v2-beta/token"} {
		t.Run("A.1 "+request, func(t *testing.T) {
			t.Parallel()
			if r := ask(t, newV2Beta(), request, `{"code":"bob:pa:ss"}`); r.status != 405 ||
				r.known() != failure(405, "Method not allowed", "Method not allowed", "") {
				t.Errorf("%d %s", r.status, r.known())
			}
		})
	}
}

// What a probe says.
func TestV2BetaProbe(t *testing.T) {
	t.Parallel()
	const (
		nobody   = `"accountId":null,"authProvider":"localAuthConfig","code":null,"enabled":true,"jwt":null,"originalLogin":null,"redirectUrl":null,"security":true,"user":null,"userIdentity":null,"userType":null}`
		somebody = `"originalLogin":null,"redirectUrl":null,"security":true,"user":null,"userIdentity":{"externalId":"1a7","profilePicture":null,"name":"bob","externalIdType":"rancher_id","profileUrl":null,"login":"bob","role":null,"projectId":null,"user":false,"all":null,"id":"rancher_id:1a7"},"userType":"user"}`
	)
	for _, tt := range []struct {
		name    string
		spoil   func(*ranchertest.V2Beta)
		request string
		header  string
		want    string
	}{
		{"no token", nil, probe, "", `"data":[{"id":null,"type":"token","links":{},"baseType":"token","actions":{},` + nobody + `]`},
		{"unknown token", nil, probe, "Cookie: token=unknown", nobody},
		{"Basic is not looked at", nil, probe, basic("X-API-BEARER", "JWT"), nobody},
		{"cookie", nil, probe, "Cookie: token=JWT", `"accountId":null,"authProvider":"localAuthConfig","code":null,"enabled":true,"jwt":"<jwt>",` + somebody},
		{"header, echoed with its word", nil, probe, "Authorization: Bearer JWT", `"jwt":"Bearer <jwt>",` + somebody},
		{"single resource", nil, "GET /v2-beta/token/whatever", "Cookie: token=JWT", `{"id":null,"type":"token","links":{},"baseType":"token","actions":{},"accountId":null`},
		{"actions have another name", nil, probe, "X-Api-Action-Links: actionLinks", `"actionLinks":{}`},
		{"security off", func(s *ranchertest.V2Beta) { s.Set("api.security.enabled", "false") }, probe, "", `"enabled":false,"jwt":null,"originalLogin":null,"redirectUrl":null,"security":false`},
		{"no provider", func(s *ranchertest.V2Beta) { s.Set(provider, "") }, probe, "", `"authProvider":null`},
		{"GitHub", func(s *ranchertest.V2Beta) { s.Set(provider, "githubconfig") }, probe, "",
			`"redirectUrl":"https://github.com/login/oauth/authorize?client_id=0123456789abcdef0123&scope=read:org"`},
		{"shibboleth", func(s *ranchertest.V2Beta) { s.Set(provider, "shibbolethconfig") }, probe, "", `"redirectUrl":"https://rancher.example/v1-auth/saml/login"`},
		{"Active Directory", func(s *ranchertest.V2Beta) { s.Set(provider, "ldapconfig") }, probe, "", `"redirectUrl":""`},
		{"older API", nil, "GET /v1/token", "", `"clientId":null,"code":null,"enabled":true,"jwt":null,"hostname":null,"scheme":null,"security":true`},
	} {
		t.Run("A.6 "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := newV2Beta()
			jwt := login(t, s, "bob:pa:ss")
			if tt.spoil != nil {
				tt.spoil(s)
			}
			headers := []string{"Accept: application/json"}
			if tt.header != "" {
				headers = append(headers, strings.ReplaceAll(tt.header, "JWT", jwt))
			}
			r := ask(t, s, tt.request, "", headers...)
			if r.status != 200 || !contains(r.known(), tt.want) {
				t.Errorf("%d %s\nwant %s", r.status, r.known(), tt.want)
			}
		})
	}
}

// The providers, each with its codes.
func TestV2BetaProviders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ provider, code, want string }{
		{"localAuthConfig", "bob:pa:ss", `"userIdentity":{"externalId":"1a7",`},
		{"openldapconfig", "bob:pa:ss", `"id":"openldap_user:bob"`},
		{"azureadconfig", "bob:pa:ss", `"id":"azuread_user:bob"`},
		{"ldapconfig", "bob:pa:ss", `"originalLogin":"bob","redirectUrl":null`},
		{"githubconfig", "5f3a", `"id":"github_user:bob"`},
		{"shibbolethconfig", "5f3a", `"id":"shibboleth_user:bob"`},
	} {
		t.Run("A.8 "+tt.provider, func(t *testing.T) {
			t.Parallel()
			s := newV2Beta()
			s.Set(provider, tt.provider)
			s.AddCode("5f3a", "bob")
			r := ask(t, s, "POST /v2-beta/token", `{"code":"`+tt.code+`"}`)
			jwt := r.jwt(t)
			if !contains(r.body, tt.want) || !contains(r.body, `"authProvider":"`+tt.provider+`"`) {
				t.Errorf("%s\nwant %s", r.known(), tt.want)
			}
			if r := ask(t, s, projects, "", "Cookie: token="+jwt); r.status != 200 {
				t.Errorf("it is not taken: %d", r.status)
			}
			if again := ask(t, s, "POST /v2-beta/token", `{"code":"`+tt.code+`"}`); (again.status == 201) != contains(tt.code, ":") {
				t.Errorf("the same again: %d", again.status)
			}
		})
	}
}

// A token is good until the setting's time after it was made, and not at it.
func TestV2BetaExpiry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		setting string
		life    time.Duration
	}{{"", 16 * time.Hour}, {"28800000", 8 * time.Hour}, {"1500", 1500 * time.Millisecond}, {"soon", 0}, {"-5", 0}, {"9999999999999999999", 0}} {
		t.Run(fmt.Sprintf("A.5 %q", tt.setting), func(t *testing.T) {
			t.Parallel()
			now := time.Date(2020, 5, 1, 12, 0, 0, 0, time.UTC)
			s := newV2Beta()
			s.Now = func() time.Time { return now }
			if tt.setting != "" {
				s.Set("api.auth.jwt.token.expiry", tt.setting)
			}
			cookie := "Cookie: token=" + login(t, s, "bob:pa:ss")
			s.Set("api.auth.jwt.token.expiry", "1") // which that token does not mind
			made := now
			for _, at := range []time.Duration{0, tt.life / 2, tt.life - 1, tt.life} {
				now = made.Add(max(0, at))
				r := ask(t, s, projects, "", cookie)
				if (r.status == 200) != (max(0, at) < tt.life) {
					t.Errorf("after %v: %d", at, r.status)
				}
				if got, want := r.header.Get("Date"), now.Format("Mon, 02 Jan 2006 15:04:05 GMT"); got != want {
					t.Errorf("Date %s, want %s", got, want)
				}
			}
		})
	}
}

// A login may end all others of the same user.
func TestV2BetaConcurrentSessions(t *testing.T) {
	t.Parallel()
	s := newV2Beta()
	login(t, s, "bob:pa:ss")
	login(t, s, "bob:pa:ss")
	login(t, s, "admin:s3cret")
	s.Set("api.auth.restrict.concurrent.sessions", "true")
	if got := s.Live("bob"); got != 2 {
		t.Errorf("%d live tokens, want 2", got)
	}
	login(t, s, "bob:pa:ss")
	if bob, admin := s.Live("bob"), s.Live("admin"); bob != 1 || admin != 1 {
		t.Errorf("%d and %d live tokens, want 1 each", bob, admin)
	}
}

// Where security is off everybody is the administrator, but who asks not to be.
func TestV2BetaSecurityOff(t *testing.T) {
	t.Parallel()
	s := newV2Beta()
	s.Set("api.security.enabled", "false")
	if r := ask(t, s, projects, ""); r.status != 200 || r.header.Get("X-API-ACCOUNT-KIND") != "admin" {
		t.Errorf("%d %v", r.status, r.header)
	}
	if r := ask(t, s, projects, "", "Cookie: token=stale"); r.status != 200 {
		t.Errorf("with a stale token: %d", r.status)
	}
	if r := ask(t, s, projects, "", "X-Enforce-Authentication: true"); r.status != 401 || r.header.Get("WWW-Authenticate") != "" {
		t.Errorf("enforced: %d %v", r.status, r.header)
	}
}

// Settings are for administrators, but for those that are public.
func TestV2BetaSettings(t *testing.T) {
	t.Parallel()
	s := newV2Beta()
	admin, bob := "Cookie: token="+login(t, s, "admin:s3cret"), "Cookie: token="+login(t, s, "bob:pa:ss")
	const setting = `{"id":"api.auth.jwt.token.expiry","type":"activeSetting","links":{"self":"https://rancher.example/v2-beta/settings/api.auth.jwt.token.expiry"},"actions":{},"baseType":"setting","name":"api.auth.jwt.token.expiry",`
	for _, tt := range []struct {
		request, body, who string
		status             int
		want               string
	}{
		{"GET " + expiry, "", admin, 200, setting + `"activeValue":"57600000","inDb":false,"source":"Code Packaged Defaults","value":"57600000"}`},
		{"GET " + expiry, "", bob, 404, failure(404, "Not Found", "Not Found", "")},
		{"GET " + expiry, "", "Accept: */*", 401, failure(401, "Unauthorized", "Unauthorized", "")},
		{"GET /v2-beta/settings/rancher.server.image", "", bob, 200, `"value":"rancher/server"}`},
		{"GET /v2-beta/settings/no.such.thing", "", admin, 404, failure(404, "Not Found", "Not Found", "")},
		{"GET /v2-beta/settings", "", bob, 200, `"data":[{"id":"api.host",`},
		{"GET /v2-beta/settings", "", admin, 200, `"data":[{"id":"api.auth.jwt.token.expiry",`},
		{"PUT " + expiry, `{"value":"1"}`, bob, 405, failure(405, "Method not allowed", "Method not allowed", "")},
		{"PUT /v2-beta/settings", `{"value":"1"}`, admin, 405, failure(405, "Method not allowed", "Method not allowed", "")},
		{"POST /v2-beta/settings", `{"value":"1"}`, admin, 405, failure(405, "Method not allowed", "Method not allowed", "")},
		{"PUT " + expiry, `{}`, admin, 422, failure(422, "MissingRequired", "MissingRequired", "value")},
		{"PUT " + expiry, `{"value":"28800000"}`, admin, 200, setting + `"activeValue":"28800000","inDb":true,"source":"Database","value":"28800000"}`},
		{"GET " + expiry, "", admin, 200, `"activeValue":"28800000"`},
	} {
		t.Run("A.5 "+tt.request, func(t *testing.T) {
			if r := ask(t, s, tt.request, tt.body, tt.who); r.status != tt.status || !contains(r.known(), tt.want) {
				t.Errorf("%s: %d %s\nwant %d %s", tt.body, r.status, r.known(), tt.status, tt.want)
			}
		})
	}
	s.SetEnv("api.auth.jwt.token.expiry", "60000")
	if r := ask(t, s, "GET "+expiry, "", admin); !contains(r.body, `"activeValue":"60000","inDb":true,"source":"Environment Variables","value":"28800000"}`) {
		t.Errorf("by the environment: %s", r.body)
	}
	if r := ask(t, s, "GET /v2-beta/schemas/token", "", admin); !contains(r.body, `"collectionMethods":["GET","POST"],"resourceMethods":["GET","DELETE"]`) ||
		!contains(r.body, `"code":{"type":"string","nullable":true,"required":true,"create":true,"update":false}`) {
		t.Errorf("schema: %s", r.body)
	}
}

// Tokens are of the alphabet of the real ones, and no two are the same.
func TestV2BetaAlphabet(t *testing.T) {
	t.Parallel()
	s := newV2Beta()
	seen := map[string]bool{}
	all := ""
	for range 200 {
		jwt := login(t, s, "bob:pa:ss")
		if seen[jwt] || !regexp.MustCompile(`^[A-HJ-NP-Za-km-z1-9]{40}$`).MatchString(jwt) {
			t.Fatalf("token of %d characters", len(jwt))
		}
		seen[jwt] = true
		all += jwt
	}
	for _, c := range "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789" {
		if !strings.ContainsRune(all, c) {
			t.Errorf("none of 8000 characters is %c", c)
		}
	}
}
