package ranchertest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// A person asks a Rancher for things with a token.
type person struct {
	testing.TB
	s     *ranchertest.V3
	id    string // "user-abcde"
	token string // "token-7d9xk:…"
}

// name returns that of p's token.
func (p person) name() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(p.token, "ext/"), ":")
	return name
}

// with returns p with another token.
func (p person) with(token string) person { p.token = token; return p }

// asks sends a request with p's token.
func (p person) asks(request, body string, headers ...string) reply {
	p.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(p.Context(), method, p.s.URL+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := p.s.Client().Do(r)
	if err != nil {
		p.Fatalf("%s: %v", request, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatalf("%s: %v", request, err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// gets fails the test unless a request is answered as wanted, but for what is
// drawn at random; an empty want is any body.
func (p person) gets(request, body string, status int, want string) reply {
	p.Helper()
	r := p.asks(request, body)
	if got := anonymous(r.body, p.id); r.status != status || want != "" && got != want && got != want+"\n" {
		p.Errorf("%s: %d\n got %swant %d %s\n%s", anonymous(request, p.id), r.status, got, status, want, cmp.Diff(want, strings.TrimSuffix(got, "\n")))
	}
	return r
}

var anyOf2x = []struct {
	pattern *regexp.Regexp
	known   string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`), "<uuid>"},
	{regexp.MustCompile(`:[bcdfghjklmnpqrstvwxz2456789]{54}\b`), ":<secret>"},
	{regexp.MustCompile(`"[bcdfghjklmnpqrstvwxz2456789]{54}"`), `"<secret>"`},
	{regexp.MustCompile(`\btoken-[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "token-7d9xk"},
	{regexp.MustCompile(`kubeconfig-<user>(\.[a-z0-9-]+)?[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "kubeconfig-<user>$1<5>"},
	{regexp.MustCompile(`\bkubeconfig-[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "kubeconfig-x7k2p"},
}

// anonymous returns a text with what is drawn at random replaced.
func anonymous(text, id string) string {
	if id != "" {
		text = strings.ReplaceAll(text, id, "<user>")
	}
	for _, any := range anyOf2x {
		text = any.pattern.ReplaceAllString(text, any.known)
	}
	return text
}

// A hand moves the clock of a Rancher.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) forward(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }
func (h *hand) read() time.Time         { h.mu.Lock(); defer h.mu.Unlock(); return h.now }

// noon2x returns a Rancher with an administrator and a user, both logged in at
// 16:00 of 2026-08-19, and what moves its clock.
func noon2x(t testing.TB, version string) (s *ranchertest.V3, admin, alice person, clock *hand) {
	t.Helper()
	clock = &hand{now: time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC)}
	s = ranchertest.NewV3(version)
	s.Now = clock.read
	admin = person{t, s, s.AddUser("admin", "s3cret"), ""}
	alice = person{t, s, s.AddUser("alice", "wonder"), ""}
	return s, admin.logsIn("admin", "s3cret"), alice.logsIn("alice", "wonder"), clock
}

// logsIn returns p with the token of a login.
func (p person) logsIn(username, password string) person {
	p.Helper()
	r := p.with("").asks("POST /v3-public/localProviders/local?action=login",
		fmt.Sprintf(`{"username":%q,"password":%q,"responseType":"json"}`, username, password))
	return p.with(p.text(r, "token"))
}

// derives returns p with an API key that its token has made.
func (p person) derives() person {
	p.Helper()
	return p.with(p.text(p.asks("POST /v3/tokens", `{"type":"token","description":"ci"}`), "token"))
}

// text returns a text in the body of a reply.
func (p person) text(r reply, path ...string) string {
	p.Helper()
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		p.Fatalf("%d %v: %s", r.status, err, anonymous(r.body, p.id))
	}
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, ok := v.(string)
	if !ok {
		p.Fatalf("%d: no %s in %s", r.status, strings.Join(path, "."), anonymous(r.body, p.id))
	}
	return s
}

const (
	extTokens     = "/ext/apis/ext.cattle.io/v1/tokens"
	extActivities = "/ext/apis/ext.cattle.io/v1/useractivities/"

	anExtToken = `{"apiVersion":"ext.cattle.io/v1","kind":"Token","metadata":{},"spec":{"description":"ci","ttl":3600000}}`
)

// makesExt returns p with a token of ext.cattle.io.
func (p person) makesExt() person {
	p.Helper()
	return p.with(p.extOf(p.asks("POST "+extTokens, anExtToken)))
}

// extOf puts together the token of ext.cattle.io that was made.
func (p person) extOf(made reply) string {
	p.Helper()
	return "ext/" + p.text(made, "metadata", "name") + ":" + p.text(made, "status", "value")
}

// spec returns the body of a Token.
func tokenSpec(spec string) string {
	return `{"apiVersion":"ext.cattle.io/v1","kind":"Token","metadata":{"name":"chosen"},"spec":{` + spec + `}}`
}

func badRequest(message string) string {
	return `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"` + message + `","reason":"BadRequest","details":{},"code":400}`
}

func TestV3ExtTokens(t *testing.T) {
	t.Parallel()
	const shown = `{"apiVersion":"ext.cattle.io/v1","kind":"Token",` +
		`"metadata":{"creationTimestamp":"2026-08-19T16:00:00Z","labels":{"cattle.io/user-id":"<user>"},"name":"token-7d9xk","resourceVersion":"1","uid":"<uuid>"},` +
		`"spec":{"clusterName":"","description":"ci","enabled":true,"kind":"","ttl":3600000,"userID":"<user>",` +
		`"userPrincipal":{"displayName":"alice","loginName":"alice","me":true,"name":"local://<user>","principalType":"user","provider":"local"}},` +
		`"status":{`
	const life = `"current":false,"expired":false,"expiresAt":"2026-08-19T17:00:00Z","lastUpdateTime":"2026-08-19T16:00:00Z"`
	const missing = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"tokens.ext.cattle.io \"token-7d9xk\" not found",` +
		`"reason":"NotFound","details":{"group":"ext.cattle.io","kind":"tokens","name":"token-7d9xk"},"code":404}`

	t.Run("B.8 Token: create, without bearerToken before 2.13", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.12.3")
		alice.TB = t
		r := alice.gets("POST "+extTokens, anExtToken, 201, shown+life+`,"value":"<secret>"}}`)
		if !alice.with(alice.extOf(r)).live() {
			t.Error("the token is dead")
		}
	})
	t.Run("B.8 Token: create, with the secret once", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		r := alice.gets("POST "+extTokens, anExtToken, 201, shown+`"bearerToken":"ext/token-7d9xk:<secret>",`+life+`,"value":"<secret>"}}`)
		made := alice.with(alice.text(r, "status", "bearerToken"))
		alice.gets("GET "+extTokens+"/"+made.name(), "", 200, shown+life+`}}`)
		alice.gets("GET "+extTokens, "", 200, `{"apiVersion":"ext.cattle.io/v1","items":[`+shown+life+`}}],"kind":"TokenList","metadata":{"resourceVersion":"1"}}`)
		made.gets("GET /v3/users?me=true", "", 200, "")
		alice.gets("GET /v3/tokens/"+made.name(), "", 404, "") // it is not of that API
		own := made.asks("GET "+extTokens+"/"+made.name(), "")
		if !strings.Contains(own.body, `"current":true`) || !strings.Contains(own.body, `"lastUsedAt":"2026-08-19T16:00:00Z"`) {
			t.Errorf("of itself: %s", anonymous(own.body, alice.id))
		}
	})
	t.Run("B.8 Token: the name is always the server's", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		if name := alice.text(alice.asks("POST "+extTokens, tokenSpec(`"ttl":1000`)), "metadata", "name"); !regexp.MustCompile(`^token-[a-z0-9]{5}$`).MatchString(name) {
			t.Errorf("it is called %q", name)
		}
	})
	t.Run("B.8 Token: other user, unknown cluster", func(t *testing.T) {
		t.Parallel()
		s, admin, alice, _ := noon2x(t, "v2.13.1")
		alice.TB, admin.TB = t, t
		s.AddCluster("c-m-x")
		alice.gets("POST "+extTokens, tokenSpec(`"userID":"`+admin.id+`"`), 400, badRequest("unable to create token for other user"))
		admin.gets("POST "+extTokens, tokenSpec(`"userID":"`+alice.id+`"`), 400, badRequest("unable to create token for other user"))
		alice.gets("POST "+extTokens, tokenSpec(`"clusterName":"c-m-y"`), 400, badRequest("cluster c-m-y not found"))
		scoped := alice.with(alice.text(alice.asks("POST "+extTokens, tokenSpec(`"clusterName":"c-m-x"`)), "status", "bearerToken"))
		scoped.gets("GET /v3/users?me=true", "", 401, "")
		scoped.gets("GET /v3/clusters/c-m-x", "", 200, "")
	})
	for _, tt := range []struct {
		max  string
		ttl  string
		want string
	}{
		{"0", `"ttl":0`, `"ttl":-1,`},
		{"0", `"ttl":-5`, `"ttl":-1,`},
		{"0", `"ttl":3600000`, `"ttl":3600000,`},
		{"0", `"description":"no ttl"`, `"ttl":-1,`},
		{"60", `"ttl":0`, `"ttl":3600000,`},
		{"60", `"ttl":-1`, `"ttl":3600000,`},
		{"60", `"ttl":3600001`, `"ttl":3600000,`},
		{"60", `"ttl":1000`, `"ttl":1000,`},
	} {
		t.Run("B.8 Token: ttl clamp, max "+tt.max+", asked "+tt.ttl, func(t *testing.T) {
			t.Parallel()
			s, _, alice, _ := noon2x(t, "v2.12.0")
			alice.TB = t
			s.Set("auth-token-max-ttl-minutes", tt.max)
			if r := alice.asks("POST "+extTokens, tokenSpec(tt.ttl)); r.status != 201 || !strings.Contains(r.body, tt.want) {
				t.Errorf("%d %s, want %s", r.status, anonymous(r.body, alice.id), tt.want)
			}
		})
	}
	t.Run("B.8 Token: update shortens, and extends for nobody", func(t *testing.T) {
		t.Parallel()
		s, admin, alice, _ := noon2x(t, "v2.13.1")
		alice.TB, admin.TB = t, t
		s.Set("auth-token-max-ttl-minutes", "0")
		at := extTokens + "/" + alice.makesExt().name()
		alice.gets("PUT "+at, tokenSpec(`"userID":"`+alice.id+`","ttl":60000,"description":"short","enabled":false`), 200, "")
		alice.gets("PUT "+at, tokenSpec(`"ttl":60000`), 400, badRequest("spec.userID is immutable"))
		if r := alice.asks("GET "+at, ""); !strings.Contains(r.body, `"description":"short","enabled":false,"kind":"","ttl":60000,`) {
			t.Errorf("after the update: %s", anonymous(r.body, alice.id))
		}
		for _, longer := range []string{`"ttl":60001`, `"ttl":-1`, `"ttl":0`} {
			alice.gets("PATCH "+at, `{"spec":{`+longer+`}}`, 400, badRequest("forbidden to extend time-to-live"))
		}
		admin.gets("PATCH "+at, `{"spec":{"ttl":7200000}}`, 400, badRequest("forbidden to extend time-to-live"))
		s.Set("auth-token-max-ttl-minutes", "0.5")
		if r := alice.gets("PATCH "+at, `{"spec":{"description":"cut"}}`, 200, ""); !strings.Contains(r.body, `"ttl":30000,`) {
			t.Errorf("under a lower maximum: %s", anonymous(r.body, alice.id))
		}
		alice.gets("PATCH "+at, `{"spec":{"userID":"`+admin.id+`"}}`, 400, badRequest("spec.userID is immutable"))
		alice.gets("PATCH "+at, `{"spec":{"kind":"session"}}`, 400, badRequest("spec.kind is immutable"))
		alice.gets("PATCH "+at, `{"spec":{"clusterName":"local"}}`, 400, badRequest("spec.clusterName is immutable"))
	})
	t.Run("B.8 Token: own ones; an administrator lists and revokes all", func(t *testing.T) {
		t.Parallel()
		s, admin, alice, _ := noon2x(t, "v2.13.1")
		alice.TB, admin.TB = t, t
		his := admin.makesExt()
		alice.gets("GET "+extTokens+"/"+his.name(), "", 404, missing)
		alice.gets("DELETE "+extTokens+"/"+his.name(), "", 404, missing)
		alice.gets("PUT "+extTokens+"/"+his.name(), anExtToken, 404, missing)
		alice.gets("GET "+extTokens, "", 200, `{"apiVersion":"ext.cattle.io/v1","items":[],"kind":"TokenList","metadata":{"resourceVersion":"1"}}`)
		hers := alice.makesExt()
		if r := admin.asks("GET "+extTokens, ""); strings.Count(r.body, `"kind":"Token"`) != 2 {
			t.Errorf("an administrator sees %s", r.body)
		}
		admin.gets("DELETE "+extTokens+"/"+hers.name(), "", 200,
			`{"apiVersion":"v1","details":{"group":"ext.cattle.io","kind":"tokens","name":"token-7d9xk","uid":"<uuid>"},"kind":"Status","metadata":{},"status":"Success"}`)
		hers.gets("GET /v3/users?me=true", "", 401, "")
		if n := len(s.Tokens()); n != 3 {
			t.Errorf("%d tokens are left", n)
		}
	})
	t.Run("B.6 ext: expired when now is after created + ttl", func(t *testing.T) {
		t.Parallel()
		_, _, alice, clock := noon2x(t, "v2.13.1")
		alice.TB = t
		ext := alice.makesExt()
		clock.forward(time.Hour)
		ext.gets("GET /v3/users?me=true", "", 200, "")
		clock.forward(time.Nanosecond)
		ext.gets("GET /v3/users?me=true", "", 401, "")
	})
	t.Run("B.6 ext: ttl < 0 never", func(t *testing.T) {
		t.Parallel()
		s, _, alice, clock := noon2x(t, "v2.13.1")
		alice.TB = t
		s.Set(maxTTL, "0")
		r := alice.gets("POST "+extTokens, tokenSpec(`"ttl":-1`), 201, "")
		ext := alice.with(alice.extOf(r))
		if !strings.Contains(r.body, `"ttl":-1`) {
			t.Errorf("%s", anonymous(r.body, alice.id))
		}
		clock.forward(200 * 365 * 24 * time.Hour)
		ext.gets("GET /v3/users?me=true", "", 200, "")
	})
	t.Run("B.8 reached by /ext, by the local cluster and by /apis", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		for _, prefix := range []string{"/ext", "/k8s/clusters/local", ""} {
			alice.gets("GET "+prefix+"/apis/ext.cattle.io/v1/tokens", "", 200, "")
			alice.with("").gets("GET "+prefix+"/apis/ext.cattle.io/v1/tokens", "", 403,
				`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"tokens.ext.cattle.io is forbidden: User \"system:cattle:error\" cannot list resource \"tokens\" in API group \"ext.cattle.io\" at the cluster scope","reason":"Forbidden","details":{},"code":403}`)
		}
	})
	t.Run("B.8 SelfUser tells who asks", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		alice.gets("POST /ext/apis/ext.cattle.io/v1/selfusers", `{"apiVersion":"ext.cattle.io/v1","kind":"SelfUser"}`, 201,
			`{"apiVersion":"ext.cattle.io/v1","kind":"SelfUser","metadata":{"creationTimestamp":null},"status":{"userID":"<user>"}}`)
	})
	const none = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server could not find the requested resource","reason":"NotFound","details":{},"code":404}`
	for _, tt := range []struct {
		version                       string
		tokens, kubeconfigs, activity bool
		off                           string
	}{
		{"v2.10.3", false, false, false, ""},
		{"v2.11.0", false, false, true, ""},
		{"v2.12.0", true, true, true, ""},
		{"v2.12.0", false, true, true, "ext-tokens"},
		{"v2.12.0", true, false, true, "ext-kubeconfigs"},
		{"v2.13.0", true, true, true, "ext-tokens"}, // always on from here
	} {
		t.Run("B.1 ext.cattle.io in "+tt.version+" without "+tt.off, func(t *testing.T) {
			t.Parallel()
			s, _, alice, _ := noon2x(t, tt.version)
			alice.TB = t
			s.SetFeature(tt.off, false)
			for path, has := range map[string]bool{
				extTokens: tt.tokens, "/ext/apis/ext.cattle.io/v1/kubeconfigs": tt.kubeconfigs, extActivities + alice.name(): tt.activity,
			} {
				if has {
					alice.gets("GET "+path, "", 200, "")
				} else {
					alice.gets("GET "+path, "", 404, none)
				}
			}
		})
	}
	t.Run("B.8 what is none of its kinds", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		for _, body := range []string{``, `{`, `[]`, `{"kind":"Token"}`, `{"apiVersion":"ext.cattle.io/v1","kind":"Kubeconfig"}`, `{"apiVersion":"ext.cattle.io/v1","kind":"Token","spec":{"ttl":"x"}}`} {
			alice.gets("POST "+extTokens, body, 400, "")
		}
		alice.gets("POST "+extTokens, strings.Repeat(" ", 2<<20), 413, "")
		alice.gets("PATCH "+extTokens, "{}", 404, "")
	})
}
