package ranchertest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// versions are some of 2.x between which things have changed.
var versions = []string{"v2.4.5", "v2.4.6", "v2.5.0", "v2.8.0", "v2.12.0", "v2.13.1", "v2.15.0"}

// newV3 returns a Rancher whose clock stands still but for what a test does to
// it.
func newV3(version string) (s *ranchertest.V3, clock *time.Time) {
	now := time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC)
	s = ranchertest.NewV3(version)
	s.Now = func() time.Time { return now }
	s.AddUser("admin", "s3cret")
	s.AddUser("bob", "pa:ss")
	return s, &now
}

// askV3 sends a request. Headers are "Name: value".
func askV3(t testing.TB, s *ranchertest.V3, request, body string, headers ...string) reply {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

var (
	v3Secret = regexp.MustCompile(`^(token-[bcdfghjklmnpqrstvwxz2456789]{5}|kubeconfig-user-[bcdfghjklmnpqrstvwxz2456789]{5}(\.c-m-12345)?[bcdfghjklmnpqrstvwxz2456789]{5}):[bcdfghjklmnpqrstvwxz2456789]{54}$`)
	random   = []struct {
		in  *regexp.Regexp
		out string
	}{
		{regexp.MustCompile(`:[bcdfghjklmnpqrstvwxz2456789]{54}`), ":<secret>"},
		{regexp.MustCompile(`(token|user)-[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "$1-<5>"},
		{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`), "<uuid>"},
	}
)

// knownV3 returns a body with what is drawn at random replaced, and without the
// end of the line.
func (r reply) knownV3() string {
	body := strings.TrimSuffix(r.body, "\n")
	for _, x := range random {
		body = x.in.ReplaceAllString(body, x.out)
	}
	return body
}

// field returns a field of the body, whatever it is, as text.
func (r reply) field(t testing.TB, name string) string {
	t.Helper()
	var o map[string]json.RawMessage
	if err := json.Unmarshal([]byte(r.body), &o); err != nil {
		t.Fatalf("%d: not an object: %s", r.status, r.knownV3())
	}
	return strings.Trim(string(o[name]), `"`)
}

// want fails the test unless the reply is as written.
func (r reply) want(t testing.TB, status int, body string) {
	t.Helper()
	if got := r.knownV3(); r.status != status || got != body {
		t.Errorf("\n got %d %s\nwant %d %s", r.status, got, status, body)
	}
}

const (
	v3Login  = "POST /v3-public/localProviders/local?action=login"
	v1Login  = "POST /v1-public/login"
	asAdmin  = `{"type":"localProvider","username":"admin","password":"s3cret","responseType":"json","description":"ci"}`
	asBob    = `{"type":"localProvider","username":"bob","password":"pa:ss"}`
	v3Tokens = "/v3/tokens"
	whoami   = "GET /v3/users?me=true"
	maxTTL   = "auth-token-max-ttl-minutes"
)

// loginV3 logs in and returns the token, and the header that presents it.
func loginV3(t testing.TB, s *ranchertest.V3, body string) (secret, header string) {
	t.Helper()
	r := askV3(t, s, v3Login, body)
	secret = r.field(t, "token")
	if r.status != 201 || !v3Secret.MatchString(secret) {
		t.Fatalf("no token: %d %s", r.status, r.knownV3())
	}
	return secret, bearer(secret)
}

// createV3 makes a token with another, and returns both the same.
func createV3(t testing.TB, s *ranchertest.V3, header, body string) (secret, newHeader string) {
	t.Helper()
	r := askV3(t, s, "POST "+v3Tokens, body, header)
	secret = r.field(t, "token")
	if r.status != 201 || !v3Secret.MatchString(secret) {
		t.Fatalf("no token: %d %s", r.status, r.knownV3())
	}
	return secret, bearer(secret)
}

func bearer(secret string) string { return "Authorization: Bearer " + secret }

// nameOf returns the part of a token that is no secret.
func nameOf(secret string) string {
	name, _, _ := strings.Cut(secret, ":")
	return name
}

// The life of a token, in a bubble where its 16 hours pass at once.
func TestV3Life(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := ranchertest.NewV3(version)
				s.AddUser("admin", "s3cret")
				_, session := loginV3(t, s, `{"username":"admin","password":"s3cret","ttl":57600000}`)
				if r := askV3(t, s, whoami, "", session); r.status != 200 || !strings.Contains(r.body, `"username":"admin"`) {
					t.Fatalf("with a new token: %d %s", r.status, r.knownV3())
				}
				time.Sleep(16*time.Hour - time.Second)
				if r := askV3(t, s, whoami, "", session); r.status != 200 {
					t.Errorf("a second before its end: %d", r.status)
				}
				time.Sleep(time.Second)
				if r := askV3(t, s, whoami, "", session); r.status != 401 {
					t.Errorf("at its end: %d", r.status)
				}
			})
		})
	}
}

// What a test can see of the server, and do to it.
func TestV3Inspection(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	first, session := loginV3(t, s, asAdmin)
	second, derived := createV3(t, s, session, `{"description":"ci","ttl":3600000,"clusterId":"c-1"}`)
	all := s.Tokens()
	if len(all) != 2 || all[0].Name+":"+all[0].Secret != first || all[1].Name+":"+all[1].Secret != second {
		t.Fatalf("%d tokens", len(all))
	}
	if a, b := all[0], all[1]; a.Derived || a.TTL != 16*time.Hour || !b.Derived || b.TTL != time.Hour || b.Cluster != "c-1" || b.Description != "ci" || a.UserID != b.UserID {
		t.Errorf("the session lives %v, and the other %v", a.TTL, b.TTL)
	}
	s.DisableToken(nameOf(second))
	askV3(t, s, "GET /v3/clusters/c-1", "", derived)
	s.DeleteToken(nameOf(second))
	askV3(t, s, "GET /v3/clusters/c-1", "", derived)
	askV3(t, s, whoami, "")                                          // without a token: nothing to refuse
	askV3(t, s, whoami, "", "Authorization: Bearer "+first+"\u00e9") // a wrong secret is not shown

	want := []string{
		"GET /v3/clusters/c-1: " + nameOf(second) + ": disabled",
		"GET /v3/clusters/c-1: no token: unknown",
		"GET /v3/users: " + nameOf(first) + ": wrong secret",
	}
	if got := s.Refused(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("refused:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := s.Requests(); len(got) != 6 || got[0] != "POST /v3-public/localProviders/local?action=login" || got[1] != "POST /v3/tokens" {
		t.Errorf("requests: %v", got)
	}
	if got := s.AtOnce("POST /v3/tokens"); got != 1 {
		t.Errorf("%d at once, want 1", got)
	}
	s.SetFault(ranchertest.Status(503))
	if r := askV3(t, s, whoami, "", session); r.status != 503 {
		t.Errorf("with a fault: %d", r.status)
	}
	s.SetFault(nil)
	if r := askV3(t, s, whoami, "", session); r.status != 200 {
		t.Errorf("without the fault: %d", r.status)
	}
}

// What no server can mean is told to whoever writes the test.
func TestV3Panics(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	for name, do := range map[string]func(){
		"version 1.6":  func() { ranchertest.NewV3("v1.6.30") },
		"no version":   func() { ranchertest.NewV3("latest") },
		"four parts":   func() { ranchertest.NewV3("v2.13.1.5") },
		"user":         func() { s.DisableUser("nobody", true) },
		"code":         func() { s.AddCode("c", "nobody") },
		"token":        func() { s.DisableToken("token-xxxxx") },
		"delete token": func() { s.DeleteToken("token-xxxxx") },
		"provider":     func() { s.AddProvider("myspace") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "ranchertest: ") {
					t.Errorf("it panics with %q", text)
				}
			}()
			do()
		})
	}
}
