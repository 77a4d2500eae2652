package ranchertest_test

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// The calls of /v3/tokens, each as the table has it.
func TestV3Tokens(t *testing.T) {
	t.Parallel()
	t.Run("B.5 GET list", func(t *testing.T) {
		s, clock := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		_, other := loginV3(t, s, asBob)
		createV3(t, s, session, `{"type":"token","description":"short","ttl":1000}`)
		createV3(t, s, session, `{"type":"token","description":"long","ttl":7776000000}`)
		*clock = clock.Add(time.Hour)
		r := askV3(t, s, "GET /v3/tokens", "", session)
		if r.status != 200 || r.field(t, "type") != "collection" || r.field(t, "resourceType") != "token" || strings.Count(r.body, `"type":"token"`) != 3 {
			t.Errorf("%d %s", r.status, r.knownV3())
		}
		for _, part := range []string{
			`"current":true,"description":"ci"`, // the session
			`"description":"short","enabled":true,"expired":true,"expiresAt":"2026-08-19T16:00:01Z"`,
			`"description":"long","enabled":true,"expired":false,"expiresAt":"2026-11-17T16:00:00Z"`,
			`"actions":{"logout":"https://rancher.example/v3/tokens?action=logout","logoutAll":"https://rancher.example/v3/tokens?action=logoutAll"}`,
		} {
			if !strings.Contains(r.body, part) {
				t.Errorf("no %s in %s", part, r.knownV3())
			}
		}
		if strings.Contains(r.body, `"token":"`) && strings.Contains(r.knownV3(), ":<secret>") {
			t.Error("a list shows secrets")
		}
		// Somebody else sees their own, and those of an administrator are no more to be seen.
		if r := askV3(t, s, "GET /v3/tokens", "", other); strings.Count(r.body, `"type":"token"`) != 1 {
			t.Errorf("another user: %s", r.knownV3())
		}
	})
	t.Run("B.5 GET list: kubeconfigs' are in it, and those of ext.cattle.io are not", func(t *testing.T) {
		_, _, alice, _ := noon2x(t, "v2.13.1")
		key, ext := alice.derives(), alice.makesExt()
		alice.gets("POST /v3/clusters/local?action=generateKubeconfig", "", 200, "")
		r := alice.gets("GET /v3/tokens", "", 200, "")
		for part, want := range map[string]int{
			`"type":"token"`: 3, `"id":"` + alice.name() + `"`: 1, `"id":"` + key.name() + `"`: 1, `"id":"` + ext.name() + `"`: 0,
			`"authn.management.cattle.io/kind":"session"`: 1, `"authn.management.cattle.io/kind":"kubeconfig"`: 1,
		} {
			if got := strings.Count(r.body, part); got != want {
				t.Errorf("%d of %s, want %d", got, anonymous(part, alice.id), want)
			}
		}
		alice.gets("GET /v3/tokens/"+ext.name(), "", 404, "")
	})
	t.Run("B.5 GET one", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		secret, _ := createV3(t, s, session, `{"type":"token","description":"ci","ttl":7776000000}`)
		askV3(t, s, "GET /v3/tokens/"+nameOf(secret), "", session).want(t, 200,
			`{"actions":{},"activityLastSeenAt":null,"annotations":{},"authProvider":"local","baseType":"token","clusterId":null,`+
				`"created":"2026-08-19T16:00:00Z","createdTS":1787155200000,"creatorId":null,"current":false,"description":"ci","enabled":true,`+
				`"expired":false,"expiresAt":"2026-11-17T16:00:00Z","groupPrincipals":null,"id":"token-<5>","isDerived":true,`+
				`"labels":{"authn.management.cattle.io/token-userId":"user-<5>"},"lastUsedAt":null,`+
				`"links":{"remove":"https://rancher.example/v3/tokens/token-<5>","self":"https://rancher.example/v3/tokens/token-<5>"},`+
				`"name":"token-<5>","providerInfo":null,"ttl":7776000000,"type":"token","userId":"user-<5>",`+
				`"userPrincipal":"map[displayName:admin loginName:admin me:true metadata:map[creationTimestamp:\u003cnil\u003e name:local://user-<5>] principalType:user provider:local]","uuid":"<uuid>"}`)
	})
	t.Run("B.5 GET missing", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		askV3(t, s, "GET /v3/tokens/token-zzzzz", "", session).want(t, 404,
			`{"baseType":"error","code":"NotFound","message":"tokens.management.cattle.io \"token-<5>\" not found","status":404,"type":"error"}`)
	})
	t.Run("B.5 GET nothing", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		askV3(t, s, "GET /v3/tokens//", "", session).want(t, 404, `{"baseType":"error","code":"NotFound","status":404,"type":"error"}`)
	})
	t.Run("B.5 another user's", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		_, admin := loginV3(t, s, asAdmin)
		bobs, _ := loginV3(t, s, asBob)
		for _, method := range []string{"GET", "DELETE"} {
			askV3(t, s, method+" /v3/tokens/"+nameOf(bobs), "", admin).want(t, 404,
				`{"baseType":"error","code":"NotFound","message":"token-<5> not found","status":404,"type":"error"}`)
		}
		if got := len(s.Tokens()); got != 2 {
			t.Errorf("%d tokens, want 2", got)
		}
	})
	t.Run("B.5 POST", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		_, session := loginV3(t, s, asBob)
		r := askV3(t, s, "POST /v3/tokens", `{"type":"token","description":"ci","ttl":3600000,"clusterId":"c-m-12345","userId":"u-admin","authProvider":"github","current":true}`, session)
		for name, want := range map[string]string{
			"ttl": "3600000", "expiresAt": "", "clusterId": "c-m-12345", "isDerived": "true", "current": "false",
			"description": "ci", "authProvider": "local", "created": "2026-08-19T16:00:00Z",
		} {
			if got := r.field(t, name); r.status != 201 || got != want {
				t.Errorf("%d, %s is %q, want %q", r.status, name, got, want)
			}
		}
		if r.field(t, "userId") != s.Tokens()[0].UserID {
			t.Error("the token is somebody else's")
		}
		r = askV3(t, s, "GET /v3/tokens/"+r.field(t, "id"), "", session)
		if got := r.field(t, "expiresAt"); got != "2026-08-19T17:00:00Z" {
			t.Errorf("a moment later expiresAt is %q", got)
		}
		if strings.Contains(r.knownV3(), "<secret>") {
			t.Error("the secret is shown a second time")
		}
	})
	t.Run("B.5 POST by a derived one", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		s.AddProviderUser("openldap", "carol", "pw")
		r := askV3(t, s, v1Login, `{"type":"openLdapProvider","username":"carol","password":"pw"}`)
		_, first := createV3(t, s, bearer(r.field(t, "token")), `{}`)
		second, _ := createV3(t, s, first, `{}`)
		if got := askV3(t, s, "GET /v3/tokens/"+nameOf(second), "", first).field(t, "authProvider"); got != "openldap" {
			t.Errorf("its provider is %q", got)
		}
	})
	for row, body := range map[string]string{"not JSON": `{"ttl":`, "ttl is text": `{"ttl":"1h"}`, "no body": ""} {
		t.Run("B.5 POST "+row, func(t *testing.T) {
			s, _ := newV3("v2.13.1")
			_, session := loginV3(t, s, asAdmin)
			r := askV3(t, s, "POST /v3/tokens", body, session)
			if r.status != 422 || r.field(t, "code") != "InvalidFormat" || r.field(t, "status") != "422" || len(s.Tokens()) != 1 {
				t.Errorf("%d %s", r.status, r.knownV3())
			}
		})
	}
	t.Run("B.5 POST too long", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		r := askV3(t, s, "POST /v3/tokens", `{}`+strings.Repeat(" ", 1<<20), session)
		if r.status != 422 || r.field(t, "code") != "InvalidBodyContent" || len(s.Tokens()) != 1 {
			t.Errorf("%d %s", r.status, r.knownV3())
		}
	})
	t.Run("B.5 PUT", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		secret, session := loginV3(t, s, asAdmin)
		for _, request := range []string{"PUT /v3/tokens/" + nameOf(secret), "PUT /v3/tokens", "DELETE /v3/tokens"} {
			r := askV3(t, s, request, `{"ttl":0}`, session)
			if r.status != 405 || r.field(t, "code") != "MethodNotAllow" || r.field(t, "status") != "405" {
				t.Errorf("%s: %d %s", request, r.status, r.knownV3())
			}
		}
	})
	t.Run("B.5 unknown action", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		if r := askV3(t, s, "POST /v3/tokens?action=renew", `{}`, session); r.status != 422 || r.field(t, "code") != "InvalidAction" || len(s.Tokens()) != 1 {
			t.Errorf("%d %s", r.status, r.knownV3())
		}
	})
	t.Run("B.5 DELETE", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		secret, session := loginV3(t, s, asAdmin)
		other, _ := loginV3(t, s, asAdmin)
		derived, byDerived := createV3(t, s, session, `{}`)
		askV3(t, s, "DELETE /v3/tokens/"+nameOf(other), "", session).want(t, 204, "")
		askV3(t, s, "DELETE /v3/tokens/"+nameOf(other), "", session).want(t, 404,
			`{"baseType":"error","code":"NotFound","message":"tokens.management.cattle.io \"token-<5>\" not found","status":404,"type":"error"}`)
		askV3(t, s, "DELETE /v3/tokens/"+nameOf(secret), "", session).want(t, 400,
			`{"baseType":"error","code":"ServerError","message":"Cannot delete token for current session. Use logout instead","status":400,"type":"error"}`)
		if r := askV3(t, s, "GET /v3/tokens/"+nameOf(derived), "", byDerived); r.field(t, "current") != "false" {
			t.Error("a derived token is current")
		}
		askV3(t, s, "DELETE /v3/tokens/"+nameOf(derived), "", byDerived).want(t, 204, "")
		if r := askV3(t, s, whoami, "", byDerived); r.status != 401 {
			t.Errorf("a deleted token: %d, want 401", r.status)
		}
		if got := len(s.Tokens()); got != 1 {
			t.Errorf("%d tokens, want 1", got)
		}
	})
	t.Run("B.5 a session deleted by a derived one", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		secret, session := loginV3(t, s, asAdmin)
		_, derived := createV3(t, s, session, `{}`)
		askV3(t, s, "DELETE /v3/tokens/"+nameOf(secret), "", derived).want(t, 204, "")
		if r := askV3(t, s, whoami, "", derived); r.status != 200 {
			t.Errorf("without its session the derived one: %d, want 200", r.status)
		}
	})
}

// A token is granted what is asked for or the maximum, without a word.
func TestV3Clamp(t *testing.T) {
	t.Parallel()
	const day = 24 * 60 * 60 * 1000
	for _, tt := range []struct {
		version, max string
		ask, want    int64 // milliseconds
	}{
		{"v2.4.5", "", 0, 0},
		{"v2.4.5", "", 365 * day, 365 * day}, // there is no setting yet
		{"v2.5.0", "", 0, 0},
		{"v2.5.0", "", 365 * day, 365 * day},
		{"v2.5.0", "60", 0, 3600000},
		{"v2.8.0", "", 0, 90 * day},
		{"v2.8.0", "", day, day},
		{"v2.8.0", "", 365 * day, 90 * day},
		{"v2.8.0", "", 90 * day, 90 * day},
		{"v2.8.0", "0", 365 * day, 365 * day},
		{"v2.8.0", "0", 0, 0},
		{"v2.13.1", "60", 3600001, 3600000},
		{"v2.13.1", "60", 3599999, 3599999},
		{"v2.15.0", "", 0, 90 * day},

		// One version took minutes for milliseconds, and answers in the latter.
		{"v2.4.6", "", 60, 3600000},
		{"v2.4.6", "", day, day}, // a day's milliseconds are 164 years
		{"v2.4.6", "0", 60, 3600000},
		{"v2.4.6", "0", day, day * 60000},
		{"v2.4.7", "", 60, 60},
	} {
		t.Run("B.5 clamp: "+tt.version+" max "+tt.max+" asked "+strconv.FormatInt(tt.ask, 10), func(t *testing.T) {
			t.Parallel()
			s, _ := newV3(tt.version)
			if tt.max != "" {
				s.Set(maxTTL, tt.max)
			}
			_, session := loginV3(t, s, `{"username":"admin","password":"s3cret","ttl":57600000}`)
			r := askV3(t, s, "POST /v3/tokens", `{"type":"token","ttl":`+strconv.FormatInt(tt.ask, 10)+`}`, session)
			if got := r.field(t, "ttl"); r.status != 201 || got != strconv.FormatInt(tt.want, 10) {
				t.Errorf("%d, ttl %s, want %d", r.status, got, tt.want)
			}
			if got := s.Tokens()[1].TTL; got != time.Duration(tt.want)*time.Millisecond {
				t.Errorf("it lives %v", got)
			}
		})
	}
	t.Run("B.6 a maximum that is no whole number", func(t *testing.T) {
		for most, want := range map[string]string{"0.1": "6000", "1h30": "5400000", "-5": "-300000"} {
			s, _ := newV3("v2.13.1")
			s.Set(maxTTL, most)
			_, session := loginV3(t, s, asAdmin)
			r := askV3(t, s, "POST /v3/tokens", `{"type":"token","ttl":7200000}`, session)
			if got := r.field(t, "ttl"); r.status != 201 || got != want {
				t.Errorf("%s minutes: %d, ttl %s, want %s", most, r.status, got, want)
			}
		}
	})
	t.Run("B.6 a maximum that is no number", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		s.Set(maxTTL, "90d")
		_, session := loginV3(t, s, asAdmin)
		askV3(t, s, "POST /v3/tokens", `{"type":"token","ttl":1000}`, session).want(t, 500,
			`{"baseType":"error","code":"ServerError","message":"error validating max-ttl failed to parse setting 'auth-token-max-ttl-minutes': error parsing token ttl: time: unknown unit \"dm\" in duration \"90dm\"","status":500,"type":"error"}`)
		if got := len(s.Tokens()); got != 1 {
			t.Errorf("%d tokens, want 1", got)
		}
	})
}

// Before 2.15 a token of ext.cattle.io is good for all but the tokens of norman.
func TestV3TokensAskedByExt(t *testing.T) {
	t.Parallel()
	for version, known := range map[string]bool{"v2.12.0": false, "v2.13.1": false, "v2.14.0": false, "v2.15.0": true} {
		t.Run("B.5 asked by a token of ext.cattle.io: "+version, func(t *testing.T) {
			t.Parallel()
			s, _, alice, _ := noon2x(t, version)
			alice.TB = t
			ext, key := alice.makesExt(), alice.derives()
			for _, tt := range []struct {
				request, code  string
				before, status int
			}{
				{"GET /v3/tokens", "Unauthorized", 401, 200},
				{"POST /v3/tokens", "Unauthorized", 401, 201},
				{"GET /v3/tokens/" + key.name(), "ServerError", 500, 200},
				{"DELETE /v3/tokens/" + key.name(), "Unauthorized", 401, 204},
				{"GET /v3/users?me=true", "", 200, 200},
			} {
				want := tt.before
				if known {
					want = tt.status
				}
				r := ext.gets(tt.request, "{}", want, "")
				if want >= 400 && (!strings.HasPrefix(r.body, `{"baseType":"error","code":"`+tt.code+`","message":"failed to retrieve auth token, error: `) || r.header.Get("X-API-Cattle-Auth") != "true") {
					t.Errorf("%s: %s", tt.request, r.body)
				}
			}
			if got := len(s.Tokens()); got != 4 {
				t.Errorf("%d tokens", got)
			}
		})
	}
}

// When a token is over.
func TestV3Expiry(t *testing.T) {
	t.Parallel()
	t.Run("B.6 now - created >= ttl", func(t *testing.T) {
		s, clock := newV3("v2.13.1")
		*clock = clock.Add(900 * time.Millisecond) // what is kept is the whole second
		_, session := loginV3(t, s, asAdmin)
		_, short := createV3(t, s, session, `{"ttl":60000}`)
		for _, tt := range []struct {
			after time.Duration
			want  int
		}{{0, 200}, {59099 * time.Millisecond, 200}, {59100 * time.Millisecond, 401}} {
			was := *clock
			*clock = clock.Add(tt.after)
			if r := askV3(t, s, whoami, "", short); r.status != tt.want {
				t.Errorf("after %v: %d, want %d", tt.after, r.status, tt.want)
			}
			*clock = was
		}
	})
	t.Run("B.6 ttl 0", func(t *testing.T) {
		s, clock := newV3("v2.5.0")
		_, session := loginV3(t, s, asAdmin)
		_, immortal := createV3(t, s, session, `{"ttl":0}`)
		*clock = clock.AddDate(200, 0, 0)
		if r := askV3(t, s, whoami, "", immortal); r.status != 200 {
			t.Errorf("%d, want 200", r.status)
		}
		r := askV3(t, s, "GET /v3/tokens/"+s.Tokens()[1].Name, "", immortal)
		if r.field(t, "expiresAt") != "" || r.field(t, "expired") != "false" || r.field(t, "ttl") != "0" {
			t.Errorf("%s", r.knownV3())
		}
	})
	t.Run("B.6 nothing slides", func(t *testing.T) {
		s, clock := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		for range 15 {
			*clock = clock.Add(time.Hour)
			if r := askV3(t, s, whoami, "", session); r.status != 200 {
				t.Fatalf("at %v: %d", clock, r.status)
			}
		}
		s.Set("auth-user-session-ttl-minutes", "6000") // is for new ones
		*clock = clock.Add(time.Hour)
		if r := askV3(t, s, whoami, "", session); r.status != 401 {
			t.Errorf("at its end: %d, want 401", r.status)
		}
	})
	t.Run("B.6 derived ones outlive their session", func(t *testing.T) {
		s, clock := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		_, derived := createV3(t, s, session, `{"ttl":86400000}`)
		*clock = clock.Add(20 * time.Hour)
		if a, b := askV3(t, s, whoami, "", session), askV3(t, s, whoami, "", derived); a.status != 401 || b.status != 200 {
			t.Errorf("the session: %d, want 401; the derived one: %d, want 200", a.status, b.status)
		}
		_, session = loginV3(t, s, asAdmin)
		_, derived = createV3(t, s, session, `{"ttl":86400000}`)
		askV3(t, s, "POST /v3/tokens?action=logout", "", session)
		if a, b := askV3(t, s, whoami, "", session), askV3(t, s, whoami, "", derived); a.status != 401 || b.status != 200 {
			t.Errorf("after a logout: the session: %d, want 401; the derived one: %d, want 200", a.status, b.status)
		}
	})
	t.Run("B.6 idle", func(t *testing.T) {
		s, clock := newV3("v2.13.1")
		secret, session := loginV3(t, s, asAdmin)
		_, other := loginV3(t, s, asAdmin)
		seen(t, s, session)
		s.Set("auth-user-session-idle-ttl-minutes", "10")
		for _, tt := range []struct {
			after   time.Duration
			setting string
			want    int
		}{
			{10 * time.Minute, "10", 200}, // API calls are no activity, and no end comes before its time
			{10*time.Minute + time.Second, "10", 401},
			{10*time.Minute + time.Second, "0", 200}, // no limit
			{10*time.Minute + time.Second, "11", 200},
		} {
			was := *clock
			*clock = clock.Add(tt.after)
			s.Set("auth-user-session-idle-ttl-minutes", tt.setting)
			if r := askV3(t, s, whoami, "", session); r.status != tt.want {
				t.Errorf("after %v with %s: %d, want %d", tt.after, tt.setting, r.status, tt.want)
			}
			*clock = was
		}
		s.Set("auth-user-session-idle-ttl-minutes", "10")
		*clock = clock.Add(time.Hour)
		if r := askV3(t, s, whoami, "", other); r.status != 200 {
			t.Errorf("a session at which nobody ever was: %d, want 200", r.status)
		}
		r := askV3(t, s, "GET /v3/tokens/"+nameOf(secret), "", other)
		if got := r.field(t, "activityLastSeenAt"); got != "2026-08-19T16:00:00Z" || r.field(t, "expired") != "false" {
			t.Errorf("activityLastSeenAt is %q, expired %s", got, r.field(t, "expired"))
		}
	})
	t.Run("B.6 idle, a limit that is no number is the default", func(t *testing.T) {
		s, clock := newV3("v2.13.1")
		s.Set("auth-user-session-ttl-minutes", "2000")
		s.Set("auth-user-session-idle-ttl-minutes", "soon")
		_, session := loginV3(t, s, asAdmin)
		seen(t, s, session)
		for after, want := range map[time.Duration]int{16 * time.Hour: 200, 16*time.Hour + time.Second: 401} {
			was := *clock
			*clock = clock.Add(after)
			if r := askV3(t, s, whoami, "", session); r.status != want {
				t.Errorf("after %v: %d, want %d", after, r.status, want)
			}
			*clock = was
		}
	})
	t.Run("B.6 a clock that is set back", func(t *testing.T) {
		s, clock := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		*clock = clock.Add(-time.Hour)
		if r := askV3(t, s, whoami, "", session); r.status != 200 || r.header.Get("Date") != "Wed, 19 Aug 2026 15:00:00 GMT" {
			t.Errorf("%d at %s", r.status, r.header.Get("Date"))
		}
	})
}

// What one sees of a token's use, since 2.10.
func TestV3LastUsed(t *testing.T) {
	t.Parallel()
	t.Run("B.5 lastUsedAt is rewritten on every accepted request", func(t *testing.T) {
		t.Parallel()
		s, clock := newV3("v2.13.1")
		secret, session := loginV3(t, s, asAdmin)
		other, byOther := loginV3(t, s, asAdmin)
		if !s.Tokens()[0].LastUsed.IsZero() {
			t.Error("it is used before it was used")
		}
		*clock = clock.Add(90*time.Second + 500*time.Millisecond)
		askV3(t, s, whoami, "", session)
		r := askV3(t, s, "GET /v3/tokens/"+nameOf(secret), "", byOther)
		if got := r.field(t, "lastUsedAt"); got != "2026-08-19T16:01:30Z" {
			t.Errorf("lastUsedAt is %s", got)
		}
		askV3(t, s, whoami, "", "Authorization: Bearer "+nameOf(secret)+":wrong")
		*clock = clock.Add(time.Minute)
		askV3(t, s, whoami, "", "Authorization: Bearer "+nameOf(other)+":wrong")
		if got := s.Tokens()[1].LastUsed.Format("15:04:05.000"); got != "16:01:30.000" {
			t.Errorf("a refused request counts as use: %s", got)
		}
		askV3(t, s, whoami, "", session)
		if got := s.Tokens()[0].LastUsed.Format("15:04:05.000"); got != "16:02:30.000" {
			t.Errorf("used again a minute later: %s", got)
		}
	})
	for version, want := range map[string]string{
		"v2.9.0": "lastUpdateTime", "v2.10.0": "lastUsedAt", "v2.11.0": "activityLastSeenAt lastUsedAt",
	} {
		t.Run("B.5 fields since 2.10 and 2.11: "+version, func(t *testing.T) {
			t.Parallel()
			s, _ := newV3(version)
			secret, session := loginV3(t, s, asAdmin)
			r := askV3(t, s, "GET /v3/tokens/"+nameOf(secret), "", session)
			var got []string
			for _, field := range []string{"activityLastSeenAt", "lastUpdateTime", "lastUsedAt"} {
				if strings.Contains(r.body, `"`+field+`":`) {
					got = append(got, field)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// How long a token of each kind lives, and by which of the settings.
func TestV3Interaction(t *testing.T) {
	t.Parallel()
	s, _, alice, _ := noon2x(t, "v2.13.1")
	s.Set("auth-user-session-ttl-minutes", "50")
	s.Set(maxTTL, "40")
	s.Set("kubeconfig-default-token-ttl-minutes", "30")
	alice = alice.logsIn("alice", "wonder")
	for _, tt := range []struct {
		row    string
		make   func(p person)
		status int // of the last request
		want   time.Duration
	}{
		{"session tokens: the session's ttl only", func(p person) { p.logsIn("alice", "wonder") }, 200, 50 * time.Minute},
		{"derived: what was asked", func(p person) { p.gets("POST /v3/tokens", `{"ttl":60000}`, 201, "") }, 200, time.Minute},
		{"derived: the maximum", func(p person) { p.gets("POST /v3/tokens", `{"ttl":6000000}`, 201, "") }, 200, 40 * time.Minute},
		{"kubeconfig: its default", func(p person) { p.gets("POST /v3/clusters/local?action=generateKubeconfig", "", 200, "") }, 200, 30 * time.Minute},
		{"ext Token: the maximum", func(p person) { p.gets("POST "+extTokens, tokenSpec(`"ttl":6000000`), 201, "") }, 200, 40 * time.Minute},
		{"ext Kubeconfig: what was asked", func(p person) { p.gets("POST "+extKubeconfigs, kubeconfigSpec(`"ttl":60`), 201, "") }, 200, time.Minute},
		{"ext Kubeconfig: 400 above the default", func(p person) { p.gets("POST "+extKubeconfigs, kubeconfigSpec(`"ttl":1801`), 400, "") }, 400, 0},
		{"kubeconfig: clamped to the maximum", func(p person) {
			s.Set(maxTTL, "20")
			p.gets("POST /v3/clusters/local?action=generateKubeconfig", "", 200, "")
		}, 200, 20 * time.Minute},
	} {
		t.Run("B.6 "+tt.row, func(t *testing.T) {
			alice := alice
			alice.TB = t
			before := len(s.Tokens())
			tt.make(alice)
			made := s.Tokens()[before:]
			if tt.status == 400 {
				if len(made) != 0 {
					t.Errorf("%d are made", len(made))
				}
				return
			}
			if len(made) != 1 || made[0].TTL != tt.want {
				t.Errorf("%d are made, want one of %v", len(made), tt.want)
			}
		})
	}
}
