package ranchertest_test

import (
	"strings"
	"testing"
)

// What tells anybody which Rancher it is.
func TestV3Product(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run("B.1 rancherversion "+version, func(t *testing.T) {
			s, _ := newV3(version)
			r := askV3(t, s, "GET /rancherversion", "")
			r.want(t, 200, `{"Version":"`+version+`","GitCommit":"0123456","RancherPrime":"false"}`)
			if got := r.header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("Content-Type is %q", got)
			}
		})
		t.Run("B.1 not 1.6 "+version, func(t *testing.T) {
			s, _ := newV3(version)
			for _, path := range []string{"/v2-beta", "/v2-beta/token", "/v1/token"} {
				if r := askV3(t, s, "GET "+path, ""); r.header.Get("Content-Type") == "application/json" && r.status != 401 {
					t.Errorf("%s: %d %s", path, r.status, r.body)
				}
			}
		})
	}
	t.Run("B.1 Prime", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		s.Prime = true
		askV3(t, s, "GET /rancherversion", "").want(t, 200, `{"Version":"v2.13.1","GitCommit":"0123456","RancherPrime":"true"}`)
	})
}

// The documents at the roots of the APIs.
func TestV3Roots(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	_, session := loginV3(t, s, asAdmin)
	for path, part := range map[string]string{
		"/":           `"resourceType":"apiRoot"`,
		"/v3":         `"tokens":"https://rancher.example/v3/tokens"`,
		"/v3/":        `"apiVersion":{"group":"management.cattle.io","path":"/v3","version":"v3"}`,
		"/v3-public":  `"authProviders":"https://rancher.example/v3-public/authProviders"`,
		"/v3-public/": `"path":"/v3-public"`,
	} {
		if r := askV3(t, s, "GET "+path, "", session); r.status != 200 || !strings.Contains(r.body, part) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	s.URL = "https://proxy.example:8443"
	if r := askV3(t, s, "GET /v3-public", ""); !strings.Contains(r.body, `"self":"https://proxy.example:8443/v3-public"`) {
		t.Errorf("with another URL: %s", r.body)
	}
}

// What there is not is the UI for a browser, and up to 2.5 for everybody.
func TestV3UnknownPaths(t *testing.T) {
	t.Parallel()
	browser := []string{"User-Agent: Mozilla/5.0", "Accept: text/html,application/xhtml+xml"}
	for _, tt := range []struct {
		version, request string
		headers          []string
		status           int
		kind             string
	}{
		{"v2.4.5", "GET /no/such", nil, 200, "text/html; charset=utf-8"},
		{"v2.5.0", "POST /no/such", nil, 200, "text/html; charset=utf-8"},
		{"v2.8.0", "GET /no/such", nil, 404, "text/plain; charset=utf-8"},
		{"v2.8.0", "GET /no/such", browser, 200, "text/html; charset=utf-8"},
		{"v2.8.0", "GET /no/such", browser[:1], 404, "text/plain; charset=utf-8"},
		{"v2.12.0", "GET /v1-public/authproviders", nil, 404, "text/plain; charset=utf-8"},
		{"v2.13.1", "GET /login", nil, 404, "text/plain; charset=utf-8"},
		{"v2.13.1", "GET /", browser, 302, ""},
		{"v2.4.5", "GET /", browser, 200, "text/html; charset=utf-8"},
		{"v2.13.1", "GET /v3-public/no/such/thing", nil, 404, "application/json"},
		{"v2.13.1", "PUT /v3-public/authProviders", nil, 405, "application/json"},
		{"v2.4.5", "GET /v1/no.such", nil, 200, "text/html; charset=utf-8"},
		{"v2.4.5", "GET /v1/management.cattle.io.settings/ui-pl", nil, 200, "text/html; charset=utf-8"},
	} {
		s, _ := newV3(tt.version)
		r := askV3(t, s, tt.request, "", tt.headers...)
		if got := r.header.Get("Content-Type"); r.status != tt.status || got != tt.kind {
			t.Errorf("%s %s: %d %q, want %d %q", tt.version, tt.request, r.status, got, tt.status, tt.kind)
		}
	}
}

// Who asks is told who they are; a standard user is told of nobody else.
func TestV3Users(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	_, admin := loginV3(t, s, asAdmin)
	_, bob := loginV3(t, s, asBob)
	id := func(header string) string {
		r := askV3(t, s, whoami, "", header)
		_, rest, _ := strings.Cut(r.body, `"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}
	if got, want := id(admin), s.Tokens()[0].UserID; got != want {
		t.Errorf("the administrator is %s, want %s", got, want)
	}
	if got, want := id(bob), s.Tokens()[1].UserID; got != want {
		t.Errorf("bob is %s, want %s", got, want)
	}
	for _, tt := range []struct {
		request, header string
		status, users   int
	}{
		{whoami, admin, 200, 1},
		{"GET /v3/users", admin, 200, 2},
		{"GET /v3/users", bob, 200, 1},
		{"GET /v3/users/" + id(bob), bob, 200, 1},
		{"GET /v3/users/" + id(bob), admin, 200, 1},
		{"GET /v3/users/" + id(admin), bob, 403, 0},
		{"GET /v3/users/user-zzzzz", admin, 404, 0},
	} {
		r := askV3(t, s, tt.request, "", tt.header)
		if got := strings.Count(r.body, `"type":"user"`); r.status != tt.status || got != tt.users {
			t.Errorf("%s: %d with %d users, want %d with %d", tt.request, r.status, got, tt.status, tt.users)
		}
	}
	s.DisableUser("bob", true)
	if r := askV3(t, s, "GET /v3/users/"+s.Tokens()[1].UserID, "", admin); r.field(t, "enabled") != "false" || r.field(t, "me") != "false" || r.field(t, "username") != "bob" {
		t.Errorf("%s", r.body)
	}
}
