package ranchertest_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

const (
	mustAuthenticate    = `{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`
	oldMustAuthenticate = `{"type":"error","status":"401","message":"must authenticate"}`
)

// Whatever is wrong with a token, what is answered is one and the same.
func TestV3Refusals(t *testing.T) {
	t.Parallel()
	// A spoiler does something to a server, or to a live token's secret, and
	// returns a header that is no good from then on.
	type spoiler func(t *testing.T, s *ranchertest.V3, clock *time.Time, secret string) (header string)
	present := func(how func(secret string) string) spoiler {
		return func(_ *testing.T, _ *ranchertest.V3, _ *time.Time, secret string) string { return how(secret) }
	}
	after := func(what func(s *ranchertest.V3, name string)) spoiler {
		return func(_ *testing.T, s *ranchertest.V3, _ *time.Time, secret string) string {
			what(s, nameOf(secret))
			return bearer(secret)
		}
	}
	for _, tt := range []struct {
		row   string
		why   string // what a test is told; empty where no token was presented
		spoil spoiler
	}{
		{"no token", "", present(func(string) string { return "X-Nothing: at all" })},
		{"malformed, no colon", "malformed", present(func(string) string { return bearer("token-zzzzz") })},
		{"malformed, no secret", "malformed", present(func(secret string) string { return bearer(nameOf(secret) + ":") })},
		{"malformed, no name", "malformed", present(func(secret string) string { return bearer(secret[len("token-zzzzz"):]) })},
		{"malformed, two colons", "malformed", present(func(secret string) string { return bearer(secret + ":") })},
		{"malformed, no scheme", "", present(func(secret string) string { return "Authorization: " + secret })},
		{"malformed, another scheme", "", present(func(secret string) string { return "Authorization: Token " + secret })},
		{"malformed, empty", "", present(func(string) string { return "Authorization: Bearer " })},
		{"malformed, not base64", "", present(func(secret string) string { return "Authorization: Basic " + secret })},
		{"unknown", "unknown", present(func(string) string { return bearer("token-zzzzz:" + strings.Repeat("b", 54)) })},
		{"wrong secret", "wrong secret", present(func(secret string) string { return bearer(secret[:64] + "b") })},
		{"ext of a token that is none", "unknown", present(func(secret string) string { return bearer("ext/" + secret) })},
		{"token disabled", "disabled", after(func(s *ranchertest.V3, name string) { s.DisableToken(name) })},
		{"token deleted", "unknown", after(func(s *ranchertest.V3, name string) { s.DeleteToken(name) })},
		{"user disabled", "user disabled", after(func(s *ranchertest.V3, _ string) { s.DisableUser("admin", true) })},
		{"user deleted", "unknown", after(func(s *ranchertest.V3, _ string) { s.DeleteUser("admin") })},
		{"provider disabled", "provider disabled", after(func(s *ranchertest.V3, _ string) { s.DisableProvider("local", true) })},
		{"expired", "expired", func(_ *testing.T, _ *ranchertest.V3, clock *time.Time, secret string) string {
			*clock = clock.Add(16 * time.Hour)
			return bearer(secret)
		}},
		{"idle", "idle", func(t *testing.T, s *ranchertest.V3, clock *time.Time, secret string) string {
			if askV3(t, s, "GET /v3/settings/auth-user-session-idle-ttl-minutes", "", bearer(secret)).status == 404 {
				t.Skip("this version ends no session for that")
			}
			seen(t, s, bearer(secret))
			s.Set("auth-user-session-idle-ttl-minutes", "10")
			*clock = clock.Add(10*time.Minute + time.Second)
			return bearer(secret)
		}},
		{"cluster scope mismatch", "for another cluster", func(t *testing.T, s *ranchertest.V3, _ *time.Time, secret string) string {
			_, scoped := createV3(t, s, bearer(secret), `{"clusterId":"c-1"}`)
			return scoped
		}},
	} {
		for _, version := range versions {
			t.Run("B.7 "+tt.row+" "+version, func(t *testing.T) {
				t.Parallel()
				want, header := mustAuthenticate, "false"
				switch version {
				case "v2.4.5", "v2.4.6":
					want, header = oldMustAuthenticate, "" // there is none before 2.6
				case "v2.5.0":
					header = ""
				}
				s, clock := newV3(version)
				secret, _ := loginV3(t, s, `{"username":"admin","password":"s3cret","ttl":57600000}`)
				bad := tt.spoil(t, s, clock, secret)
				before := len(s.Refused())
				for _, request := range []string{whoami, "GET /v3/tokens", "DELETE /v3/tokens/token-zzzzz", "GET /v3", "GET /v3/no/such", "GET /k8s/clusters/c-2/api/v1/pods", "GET /v1/no.such"} {
					if request == "GET /v1/no.such" && strings.HasPrefix(version, "v2.4.") {
						continue // there is no steve yet
					}
					r := askV3(t, s, request, "", bad)
					r.want(t, 401, want)
					if got := r.header.Get("X-API-Cattle-Auth"); got != header {
						t.Errorf("X-API-Cattle-Auth is %q, want %q", got, header)
					}
					if got := r.header.Get("Content-Type"); got != "application/json" {
						t.Errorf("Content-Type is %q", got)
					}
					if r.header.Get("WWW-Authenticate") != "" {
						t.Error("there is a WWW-Authenticate")
					}
				}
				refused := s.Refused()[before:]
				if (len(refused) != 0) != (tt.why != "") || tt.why != "" && !strings.HasSuffix(refused[0], ": "+tt.why) {
					t.Errorf("refused: %q, want %q", refused, tt.why)
				}
			})
		}
	}
}

// seen records that somebody is seen at a session.
func seen(t testing.TB, s *ranchertest.V3, session string) {
	t.Helper()
	name := nameOf(strings.TrimPrefix(session, "Authorization: Bearer "))
	r := askV3(t, s, "PUT /ext/apis/ext.cattle.io/v1/useractivities/"+name,
		`{"kind":"UserActivity","apiVersion":"ext.cattle.io/v1","metadata":{"name":"`+name+`"},"spec":{}}`, session)
	if r.status != 200 {
		t.Fatalf("activity: %d %s", r.status, r.knownV3())
	}
}

// On paths of Kubernetes there is no filter: who is not known is somebody who
// may do nothing.
func TestV3KubernetesRefusals(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	const end = `","reason":"Forbidden","details":{},"code":403}`
	const start = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"`
	for request, message := range map[string]string{
		"GET /apis/ext.cattle.io/v1/tokens":                     `tokens.ext.cattle.io is forbidden: User \"system:cattle:error\" cannot list resource \"tokens\" in API group \"ext.cattle.io\" at the cluster scope`,
		"GET /ext/apis/ext.cattle.io/v1/tokens/token-zzzzz":     `tokens.ext.cattle.io \"token-<5>\" is forbidden: User \"system:cattle:error\" cannot get resource \"tokens\" in API group \"ext.cattle.io\" at the cluster scope`,
		"POST /k8s/clusters/local/apis/ext.cattle.io/v1/tokens": `tokens.ext.cattle.io is forbidden: User \"system:cattle:error\" cannot create resource \"tokens\" in API group \"ext.cattle.io\" at the cluster scope`,
		"GET /api/v1/pods": `pods is forbidden: User \"system:cattle:error\" cannot list resource \"pods\" in API group \"\" at the cluster scope`,
		"GET /apis":        `forbidden: User \"system:cattle:error\" cannot get path \"/apis\"`,
		"PATCH /api":       `forbidden: User \"system:cattle:error\" cannot patch path \"/api\"`,
	} {
		t.Run("B.7 "+request, func(t *testing.T) {
			for _, headers := range [][]string{nil, {bearer("token-zzzzz:no")}} {
				r := askV3(t, s, request, "", headers...)
				r.want(t, 403, start+message+end)
				if got := r.header.Get("X-API-Cattle-Auth"); got != "false" {
					t.Errorf("X-API-Cattle-Auth is %q, want false", got)
				}
			}
		})
	}
}

// The header tells a token that is no good from a user who may not do something.
func TestV3CattleAuth(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	_, bob := loginV3(t, s, asBob)
	for _, tt := range []struct {
		row, request, header string
		status               int
		want                 string
	}{
		{"live", whoami, bob, 200, "true"},
		{"forbidden", "PUT /v3/settings/" + maxTTL, bob, 403, "true"},
		{"not found", "GET /v3/no/such", bob, 404, "true"},
		{"no such path of steve's", "GET /v1/no.such", bob, 404, "true"},
		{"refused", whoami, bearer("token-zzzzz:no"), 401, "false"},
		{"steve refuses", "GET /v1/no.such", "X-Nothing: at all", 401, "false"},
		{"anybody", "GET /rancherversion", "X-Nothing: at all", 200, "false"},
	} {
		t.Run("B.7 "+tt.row, func(t *testing.T) {
			r := askV3(t, s, tt.request, `{"value":"0"}`, tt.header)
			if got := r.header.Get("X-API-Cattle-Auth"); r.status != tt.status || got != tt.want {
				t.Errorf("%d, X-API-Cattle-Auth %q, want %d, %q", r.status, got, tt.status, tt.want)
			}
		})
	}
}

// The form of norman's errors.
func TestV3NormanErrors(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	_, bob := loginV3(t, s, asBob)
	for request, want := range map[string]struct {
		status int
		body   string
	}{
		"GET /v3/no/such":        {404, `{"baseType":"error","code":"NotFound","status":404,"type":"error"}`},
		"PUT /v3/tokens":         {405, `{"baseType":"error","code":"MethodNotAllow","message":"Method PUT not supported","status":405,"type":"error"}`},
		"PUT /v3/settings/ui-pl": {403, `{"baseType":"error","code":"Forbidden","message":"settings.management.cattle.io \"ui-pl\" is forbidden: User \"user-<5>\" cannot update resource \"settings\" in API group \"management.cattle.io\" at the cluster scope","status":403,"type":"error"}`},
	} {
		t.Run("B.7 norman: "+request, func(t *testing.T) {
			askV3(t, s, request, `{"value":"0"}`, bob).want(t, want.status, want.body)
		})
	}
}

// What another credential of the same user is told of a token that is refused.
func TestV3Reasons(t *testing.T) {
	t.Parallel()
	for why, tt := range map[string]struct {
		happens func(s *ranchertest.V3, clock *hand, p person)
		body    string // of what is made; empty for the token of a login
		status  int
		want    string
	}{
		"expired:true":            {func(_ *ranchertest.V3, clock *hand, _ person) { clock.forward(time.Hour) }, `{"ttl":3600000}`, 200, `"expired":true`},
		"enabled:false":           {func(s *ranchertest.V3, _ *hand, p person) { s.DisableToken(p.name()) }, `{}`, 200, `"enabled":false`},
		"clusterId set":           {func(*ranchertest.V3, *hand, person) {}, `{"clusterId":"c-m-12345"}`, 200, `"clusterId":"c-m-12345"`},
		"404, because it is gone": {func(s *ranchertest.V3, _ *hand, p person) { s.DeleteToken(p.name()) }, `{}`, 404, `"code":"NotFound"`},
		"activityLastSeenAt old": {func(s *ranchertest.V3, clock *hand, p person) {
			seen(p, s, bearer(p.token))
			clock.forward(16*time.Hour - time.Second)
			s.Set("auth-user-session-idle-ttl-minutes", "60")
		}, "", 200, `"activityLastSeenAt":"2026-08-19T16:00:00Z"`},
	} {
		t.Run("B.7 another credential sees "+why, func(t *testing.T) {
			t.Parallel()
			s, _, alice, clock := noon2x(t, "v2.13.1")
			suspect := alice
			if tt.body != "" {
				suspect = alice.with(alice.text(alice.asks("POST /v3/tokens", tt.body), "token"))
			}
			tt.happens(s, clock, suspect)
			suspect.gets("GET /v3/users?me=true", "", 401, mustAuthenticate)
			other := alice.logsIn("alice", "wonder")
			if r := other.gets("GET /v3/tokens/"+suspect.name(), "", tt.status, ""); !strings.Contains(r.body, tt.want) {
				t.Errorf("%s", anonymous(r.body, alice.id))
			}
		})
	}
}

// How a token is presented, and what hides what.
func TestV3Presenting(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	secret, _ := loginV3(t, s, asAdmin)
	basic := base64.URLEncoding.EncodeToString([]byte(secret))
	for _, tt := range []struct {
		row     string
		headers []string
		want    int
	}{
		{"Bearer", []string{"Authorization: Bearer " + secret}, 200},
		{"bearer", []string{"Authorization: bearer " + secret}, 200},
		{"Bearer, two spaces", []string{"Authorization: Bearer  " + secret}, 200},
		{"Basic", []string{"Authorization: Basic " + basic}, 200},
		{"basic", []string{"Authorization: basic " + basic}, 200},
		{"Basic without padding", []string{"Authorization: Basic " + strings.TrimRight(basic+"=", "=") + "!"}, 401},
		{"cookie", []string{"Cookie: R_SESS=" + secret}, 200},
		{"cookie of another case", []string{"Cookie: r_sess=" + secret}, 401},
		{"cookie among others", []string{"Cookie: a=b; R_SESS=" + secret + "; c=d"}, 200},
		{"a bad header hides a cookie", []string{"Authorization: Bearer x:y", "Cookie: R_SESS=" + secret}, 401},
		{"an unusable header hides a cookie", []string{"Authorization: Digest x", "Cookie: R_SESS=" + secret}, 401},
		{"a header of spaces does not", []string{"Authorization:   ", "Cookie: R_SESS=" + secret}, 200},
		{"a bad cookie does not hide a header", []string{"Authorization: Bearer " + secret, "Cookie: R_SESS=x:y"}, 200},
	} {
		t.Run("B.3 "+tt.row, func(t *testing.T) {
			if r := askV3(t, s, whoami, "", tt.headers...); r.status != tt.want {
				t.Errorf("%d, want %d", r.status, tt.want)
			}
		})
	}
	t.Run("B.3 query", func(t *testing.T) {
		if r := askV3(t, s, whoami+"&token="+secret, ""); r.status != 401 {
			t.Errorf("%d, want 401", r.status)
		}
	})
	t.Run("B.3 names and secrets", func(t *testing.T) {
		seen := map[string]bool{}
		for range 50 {
			secret, _ := loginV3(t, s, asAdmin) // looks at the form
			if seen[secret] || seen[nameOf(secret)] {
				t.Error("a token twice")
			}
			seen[secret] = true
		}
	})
}

// A token that is confined to a cluster is good below that cluster's paths.
func TestV3ClusterScope(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	_, session := loginV3(t, s, asAdmin)
	_, scoped := createV3(t, s, session, `{"clusterId":"c-m-12345"}`)
	for path, want := range map[string]string{
		"/k8s/clusters/c-m-12345/version":                           "true",
		"/v3/clusters/c-m-12345":                                    "true",
		"/v3/clusters/c-m-12345?action=generateKubeconfig":          "true",
		"/v3/cluster/c-m-12345/namespaces":                          "true",
		"/v3/proxy/c-m-12345/x":                                     "true",
		"/k8s/proxy/c-m-12345/x":                                    "true",
		"/k8s/cluster/c-m-12345":                                    "true",
		"/k8s/clusters/c-m-54321/version":                           "false",
		"/v3/clusters/c-m-123456":                                   "false",
		"/v3/clusters":                                              "false",
		"/v3/tokens":                                                "false",
		"/v3/users?me=true":                                         "false",
		"/v1/management.cattle.io.settings/cacerts":                 "false",
		"/v3/settings/" + maxTTL + "?x=/v3/clusters/c-m-12345/tail": "false",
	} {
		t.Run("B.6 clusterId: "+path, func(t *testing.T) {
			r := askV3(t, s, "GET "+path, "", scoped)
			if got := r.header.Get("X-API-Cattle-Auth"); got != want {
				t.Errorf("%d, X-API-Cattle-Auth %q, want %q", r.status, got, want)
			}
		})
	}
}

// A user who is disabled comes back with their tokens.
func TestV3DisabledUser(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	_, session := loginV3(t, s, asBob)
	for _, disabled := range []bool{true, false} {
		s.DisableUser("bob", disabled)
		want := map[bool]int{true: 401, false: 200}[disabled]
		if r := askV3(t, s, whoami, "", session); r.status != want {
			t.Errorf("disabled %t: %d, want %d", disabled, r.status, want)
		}
	}
}
