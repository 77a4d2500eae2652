package ranchertest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// Both ways to log in, with what is answered in full.
func TestV3Login(t *testing.T) {
	t.Parallel()
	const slim = `{"baseType":"token","expiresAt":"2026-08-20T08:00:00Z","id":"token-<5>","token":"token-<5>:<secret>","type":"token"}`
	const whole = `{"actions":{},"annotations":{},"authProvider":"local","baseType":"token","clusterId":null,` +
		`"created":"2026-08-19T16:00:00Z","createdTS":1787155200000,"creatorId":null,"current":false,"description":"ci","enabled":true,` +
		`"expired":false,"expiresAt":"","groupPrincipals":null,"id":"token-<5>","isDerived":false,` +
		`"labels":{"authn.management.cattle.io/kind":"session","authn.management.cattle.io/token-userId":"user-<5>"},` +
		`"lastUpdateTime":"","links":{"remove":"https://rancher.example/v3/tokens/token-<5>","self":"https://rancher.example/v3/tokens/token-<5>"},` +
		`"name":"token-<5>","providerInfo":null,"token":"token-<5>:<secret>","ttl":57600000,"type":"token","userId":"user-<5>",` +
		`"userPrincipal":"map[displayName:admin loginName:admin me:true metadata:map[creationTimestamp:\u003cnil\u003e name:local://user-<5>] principalType:user provider:local]",` +
		`"uuid":"<uuid>"}`
	t.Run("B.2 2.13 and later", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		for _, path := range []string{v1Login, v3Login} {
			askV3(t, s, path, asAdmin).want(t, 201, slim)
		}
		s.Set("auth-user-session-ttl-minutes", "0")
		for _, path := range []string{v1Login, v3Login} {
			askV3(t, s, path, asAdmin).want(t, 201, strings.Replace(slim, "2026-08-20T08:00:00Z", "", 1))
		}
	})
	t.Run("B.2 2.12 and older", func(t *testing.T) {
		s, _ := newV3("v2.8.0")
		askV3(t, s, v3Login, asAdmin).want(t, 201, whole)
		s, _ = newV3("v2.12.0")
		newer := strings.Replace(whole, `"lastUpdateTime":""`, `"lastUsedAt":null`, 1)
		newer = strings.Replace(newer, `"actions":{},`, `"actions":{},"activityLastSeenAt":null,`, 1)
		askV3(t, s, v3Login, asAdmin).want(t, 201, newer)
	})
}

// Only from 2.13 on is there /v1-public; what stands in its place before that is
// no answer of an API, nor an error of one.
func TestV3LoginPaths(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		s, _ := newV3(version)
		r := askV3(t, s, v1Login, asAdmin)
		kind := r.header.Get("Content-Type")
		want, wantKind := 200, "text/html; charset=utf-8"
		switch version {
		case "v2.8.0", "v2.12.0":
			want, wantKind = 404, "text/plain; charset=utf-8"
		case "v2.13.1", "v2.15.0":
			want, wantKind = 201, "application/json"
		}
		if r.status != want || kind != wantKind {
			t.Errorf("%s: %d %s, want %d %s", version, r.status, kind, want, wantKind)
		}
		if r := askV3(t, s, v3Login, asAdmin); r.status != 201 {
			t.Errorf("%s: /v3-public: %d", version, r.status)
		}
	}
	t.Run("B.1 feature v3-public", func(t *testing.T) {
		for version, want := range map[string]int{"v2.13.1": 201, "v2.14.0": 404, "v2.15.0": 404} {
			s, _ := newV3(version)
			s.SetFeature("v3-public", false)
			if r := askV3(t, s, v3Login, asAdmin); r.status != want {
				t.Errorf("%s: login: %d, want %d", version, r.status, want)
			}
			if r := askV3(t, s, "GET /v3-public/authProviders", ""); want == 404 && r.status != 404 {
				t.Errorf("%s: providers: %d, want 404", version, r.status)
			}
			if r := askV3(t, s, v1Login, asAdmin); r.status != 201 {
				t.Errorf("%s: /v1-public: %d, want 201", version, r.status)
			}
			s.SetFeature("v3-public", true)
			if r := askV3(t, s, v3Login, asAdmin); r.status != 201 {
				t.Errorf("%s: login again: %d, want 201", version, r.status)
			}
		}
	})
}

// What a login is answered in depends on its responseType.
func TestV3ResponseType(t *testing.T) {
	t.Parallel()
	login := func(responseType string) string {
		return `{"type":"localProvider","username":"admin","password":"s3cret","responseType":"` + responseType + `","ttl":1000}`
	}
	for _, responseType := range []string{"", "json", "token", "whatever"} {
		t.Run("B.2 responseType "+responseType, func(t *testing.T) {
			s, _ := newV3("v2.13.1")
			if r := askV3(t, s, v1Login, login(responseType)); r.status != 201 || !v3Secret.MatchString(r.field(t, "token")) {
				t.Errorf("%d %s", r.status, r.knownV3())
			}
			if got := s.Tokens()[0]; got.Derived || got.Kubeconfig {
				t.Errorf("it is no session")
			}
		})
	}
	t.Run("B.2 responseType cookie", func(t *testing.T) {
		for version, end := range map[string]string{"v2.8.0": "; Path=/; HttpOnly; Secure", "v2.15.0": "; Path=/; HttpOnly; Secure; SameSite=Lax"} {
			s, _ := newV3(version)
			r := askV3(t, s, v3Login, login("cookie"))
			value, ok := strings.CutPrefix(r.header.Get("Set-Cookie"), "R_SESS=")
			value, attributes, _ := strings.Cut(value, ";")
			if r.status != 200 || r.body != "" || !ok || !v3Secret.MatchString(value) || ";"+attributes != end {
				t.Errorf("%s: %d %q, with the attributes %q, want %q", version, r.status, r.knownV3(), ";"+attributes, end)
			}
			if r := askV3(t, s, whoami, "", "Cookie: R_SESS="+value); r.status != 200 {
				t.Errorf("%s: the cookie is not taken: %d", version, r.status)
			}
		}
	})
	for _, tt := range []struct {
		version, responseType, cluster string
		set                            map[string]string
		want                           time.Duration
	}{
		{"v2.13.1", "kubeconfig", "", nil, 30 * 24 * time.Hour},
		{"v2.13.1", "kubeconfig_c-m-12345", "c-m-12345", nil, 30 * 24 * time.Hour},
		{"v2.13.1", "kubeconfig", "", map[string]string{maxTTL: "60"}, time.Hour},
		{"v2.13.1", "kubeconfig", "", map[string]string{"kubeconfig-default-token-ttl-minutes": "0"}, 90 * 24 * time.Hour},
		{"v2.7.0", "kubeconfig", "", nil, 16 * time.Hour},
		{"v2.7.0", "kubeconfig", "", map[string]string{"kubeconfig-default-token-ttl-minutes": "30"}, 30 * time.Minute},
		{"v2.4.5", "kubeconfig", "", nil, 0},
	} {
		t.Run("B.2 responseType "+tt.responseType+" "+tt.version, func(t *testing.T) {
			s, _ := newV3(tt.version)
			for name, value := range tt.set {
				s.Set(name, value)
			}
			r := askV3(t, s, v3Login, login(tt.responseType))
			secret := r.field(t, "token")
			if r.status != 201 || !v3Secret.MatchString(secret) || !strings.HasPrefix(secret, "kubeconfig-user-") {
				t.Fatalf("%d %s", r.status, r.knownV3())
			}
			got := s.Tokens()[0]
			if got.TTL != tt.want || got.Cluster != tt.cluster || !got.Derived || !got.Kubeconfig || strings.Contains(secret, ".") != (tt.cluster != "") {
				t.Errorf("ttl %v, cluster %q, derived %t, want %v, %q, true", got.TTL, got.Cluster, got.Derived, tt.want, tt.cluster)
			}
		})
	}
}

// How long a login is good is the server's to say, since 2.3.
func TestV3SessionTTL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		version, setting string
		want             time.Duration
	}{
		{"v2.2.0", "", time.Second},
		{"v2.2.0", "60", time.Second}, // nobody reads it yet
		{"v2.3.0", "", 16 * time.Hour},
		{"v2.4.6", "", 16 * time.Hour},
		{"v2.13.1", "", 16 * time.Hour},
		{"v2.13.1", "90", 90 * time.Minute},
		{"v2.13.1", "0", 0},
		{"v2.13.1", "soon", time.Second},
	} {
		t.Run("B.2 ttl "+tt.version+" "+tt.setting, func(t *testing.T) {
			s, _ := newV3(tt.version)
			if tt.setting != "" {
				s.Set("auth-user-session-ttl-minutes", tt.setting)
			}
			s.Set(maxTTL, "1") // is not for sessions
			loginV3(t, s, `{"username":"admin","password":"s3cret","ttl":1000}`)
			if got := s.Tokens()[0].TTL; got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// The table of what goes wrong with a login, by both ways.
func TestV3LoginErrors(t *testing.T) {
	t.Parallel()
	const (
		unauthorized = `{"baseType":"error","code":"Unauthorized","message":"authentication failed","status":401,"type":"error"}`
		denied       = `{"baseType":"error","code":"PermissionDenied","status":403,"type":"error"}`
		invalidBody  = `{"baseType":"error","code":"InvalidBodyContent","status":422,"type":"error"}`
		notFound     = `{"baseType":"error","code":"NotFound","status":404,"type":"error"}`
		serverError  = `{"baseType":"error","code":"ServerError","status":500,"type":"error"}`
		csrf         = `{"baseType":"error","code":"InvalidCSRFToken","message":"Invalid CSRF token","status":422,"type":"error"}`
	)
	for _, tt := range []struct {
		row, path, body string
		status          int
		want            string
	}{
		{"wrong password", "", `{"type":"localProvider","username":"admin","password":"no"}`, 401, unauthorized},
		{"unknown user", "", `{"type":"localProvider","username":"eve","password":"s3cret"}`, 401, unauthorized},
		{"no user", "", `{"type":"localProvider"}`, 401, unauthorized},
		{"user disabled", "", asBob, 403, denied},
		{"user disabled, wrong password", "", `{"type":"localProvider","username":"bob","password":"no"}`, 401, unauthorized},
		{"unreadable body", "", `{"type":"localProvider","username":`, 422, invalidBody},
		{"no body", "", "", 422, invalidBody},
		{"ttl is text", "", `{"type":"localProvider","username":"admin","password":"s3cret","ttl":"1h"}`, 422, invalidBody},
		{"unknown type", v1Login, `{"type":"myspaceProvider","username":"admin","password":"s3cret"}`, 422, invalidBody},
		{"no type", v1Login, `{"username":"admin","password":"s3cret"}`, 422, invalidBody},
		{"provider disabled", v1Login, `{"type":"githubProvider","code":"c"}`, 404, notFound},
		{"provider disabled", "POST /v3-public/githubProviders/github?action=login", `{"code":"c"}`, 404, notFound},
		{"unknown provider", "POST /v3-public/localProviders/remote?action=login", asAdmin, 404, notFound},
		{"provider of another type", "POST /v3-public/openLdapProviders/local?action=login", asAdmin, 404, notFound},
		{"internal", "", `{"type":"localProvider","username":"admin","password":"s3cret","responseType":"kubeconfig"}`, 500, serverError},
		{"body over 1 MiB", "", asAdmin + strings.Repeat(" ", 1<<20), 422, invalidBody},
		{"body far over 1 MiB", "", asAdmin + strings.Repeat(" ", 3<<20), 422, invalidBody},
	} {
		t.Run("B.2 "+tt.row, func(t *testing.T) {
			t.Parallel()
			s, _ := newV3("v2.13.1")
			s.DisableUser("bob", true)
			s.Set("kubeconfig-default-token-ttl-minutes", "a month")
			paths := []string{v1Login, v3Login}
			if tt.path != "" {
				paths = []string{tt.path}
			}
			for _, path := range paths {
				askV3(t, s, path, tt.body).want(t, tt.status, tt.want)
			}
			if got := len(s.Tokens()); got != 0 {
				t.Errorf("%d tokens are made all the same", got)
			}
		})
	}
	t.Run("B.2 with words to it, before 2.13", func(t *testing.T) {
		s, _ := newV3("v2.12.3")
		s.DisableUser("bob", true)
		s.Set("kubeconfig-default-token-ttl-minutes", "a month")
		askV3(t, s, v3Login, asBob).want(t, 403,
			`{"baseType":"error","code":"PermissionDenied","message":"Permission Denied","status":403,"type":"error"}`)
		askV3(t, s, v3Login, `{"username":"admin","password":"s3cret","responseType":"kubeconfig"}`).want(t, 500,
			`{"baseType":"error","code":"ServerError","message":"Server error while authenticating","status":500,"type":"error"}`)
	})
	t.Run("B.2 another method", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		askV3(t, s, "GET /v1-public/login", "").want(t, 405, "")
	})
	t.Run("B.2 the code of one who was deleted", func(t *testing.T) {
		for _, version := range []string{"v2.12.3", "v2.13.1"} {
			for name, gone := range map[string]func(*ranchertest.V3){
				"user":     func(s *ranchertest.V3) { s.DeleteUser("eve") },
				"provider": func(s *ranchertest.V3) { s.CleanUpProvider("github") },
			} {
				s, _ := newV3(version)
				s.AddProviderUser("github", "eve", "")
				s.AddCode("c0de", "eve")
				gone(s)
				if r := askV3(t, s, "POST /v3-public/githubProviders/github?action=login", `{"code":"c0de"}`); r.status != 401 {
					t.Errorf("%s deleted, %s: %d", name, version, r.status)
				}
			}
		}
	})
	t.Run("B.2 body of 1 MiB", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		if r := askV3(t, s, v1Login, asAdmin+strings.Repeat(" ", 1<<20-len(asAdmin))); r.status != 201 {
			t.Errorf("%d", r.status)
		}
	})
	t.Run("B.2 local provider hidden", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		s.HideLocal(true)
		for _, path := range []string{v1Login, v3Login} {
			askV3(t, s, path, asAdmin).want(t, 404, notFound)
		}
		if r := askV3(t, s, whoami, "", session); r.status != 200 {
			t.Errorf("a session from before: %d, want 200", r.status)
		}
		s.HideLocal(false)
		if r := askV3(t, s, v1Login, asAdmin); r.status != 201 {
			t.Errorf("not hidden any more: %d", r.status)
		}
	})
	t.Run("B.2 browser without CSRF", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		askV3(t, s, v3Login, asAdmin, "User-Agent: Mozilla/5.0").want(t, 422, csrf)
		if r := askV3(t, s, v1Login, asAdmin, "User-Agent: Mozilla/5.0"); r.status != 201 {
			t.Errorf("/v1-public: %d, want 201", r.status)
		}
	})
	t.Run("B.2 GET", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		if r := askV3(t, s, "GET /v3-public/localProviders/local?action=login", ""); r.status != 200 || r.field(t, "type") != "localProvider" {
			t.Errorf("%d %s", r.status, r.knownV3())
		}
		askV3(t, s, "GET /v3-public/githubProviders/github", "").want(t, 404, notFound)
	})
}

// The providers that one can log in by, and the ones that are no more than that.
func TestV3Providers(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	s.AddProviderUser("activedirectory", "carol", "pw")
	s.AddProviderUser("github", "dave", "")
	s.AddCode("one-time", "dave")
	s.AddProvider("github") // twice is once
	t.Run("B.2 authproviders", func(t *testing.T) {
		askV3(t, s, "GET /v1-public/authproviders", "").want(t, 200,
			`{"data":[{"id":"local","type":"localProvider"},{"id":"activedirectory","type":"activeDirectoryProvider"},{"id":"github","type":"githubProvider"}]}`)
	})
	t.Run("B.2 authProviders", func(t *testing.T) {
		r := askV3(t, s, "GET /v3-public/authProviders", "")
		if r.status != 200 || r.field(t, "resourceType") != "authProvider" ||
			!strings.Contains(r.body, `"actions":{"login":"https://rancher.example/v3-public/localProviders/local?action=login"}`) ||
			!strings.Contains(r.body, `"actions":{"login":"https://rancher.example/v3-public/activeDirectoryProviders/activedirectory?action=login"}`) {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	t.Run("B.2 hidden", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		s.HideLocal(true)
		askV3(t, s, "GET /v1-public/authproviders", "").want(t, 200, `{"data":null}`)
		if r := askV3(t, s, "GET /v3-public/authProviders", ""); r.field(t, "data") != "[]" {
			t.Errorf("%s", r.body)
		}
	})
	t.Run("B.2 activeDirectoryProvider", func(t *testing.T) {
		for _, path := range []string{v1Login, "POST /v3-public/activeDirectoryProviders/activedirectory?action=login"} {
			r := askV3(t, s, path, `{"type":"activeDirectoryProvider","username":"carol","password":"pw"}`)
			if r.status != 201 {
				t.Fatalf("%s: %d %s", path, r.status, r.knownV3())
			}
			me := askV3(t, s, whoami, "", bearer(r.field(t, "token")))
			if !strings.Contains(me.body, `"principalIds":["activedirectory_user://carol"]`) {
				t.Errorf("%s: %s", path, me.body)
			}
		}
		if r := askV3(t, s, v1Login, `{"type":"localProvider","username":"carol","password":"pw"}`); r.status != 401 {
			t.Errorf("by another provider: %d, want 401", r.status)
		}
	})
	t.Run("B.2 githubProvider", func(t *testing.T) {
		if r := askV3(t, s, v1Login, `{"type":"githubProvider","code":"another"}`); r.status != 401 {
			t.Errorf("a wrong code: %d, want 401", r.status)
		}
		s.AddProvider("oidc")
		if r := askV3(t, s, v1Login, `{"type":"oidcProvider","code":"one-time"}`); r.status != 401 {
			t.Errorf("a code of another provider: %d, want 401", r.status)
		}
		for _, want := range []int{201, 401} { // a code is good once
			if r := askV3(t, s, v1Login, `{"type":"githubProvider","code":"one-time"}`); r.status != want {
				t.Errorf("%d %s, want %d", r.status, r.knownV3(), want)
			}
		}
	})
	t.Run("B.2 azureADProvider by id_token", func(t *testing.T) {
		s.AddProviderUser("azuread", "erin", "")
		s.AddCode("eyJ.eyJ.sig", "erin")
		if r := askV3(t, s, v1Login, `{"type":"azureADProvider","id_token":"eyJ.eyJ.sig"}`); r.status != 201 {
			t.Errorf("%d %s", r.status, r.knownV3())
		}
	})
	t.Run("B.2 googleOauthProvider", func(t *testing.T) {
		s.AddProviderUser("googleoauth", "faye", "")
		s.AddCode("g", "faye")
		if r := askV3(t, s, v1Login, `{"type":"googleOauthProvider","code":"g"}`); r.status != 201 {
			t.Errorf("%d %s", r.status, r.knownV3())
		}
	})
}
