package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
)

// What arrives behind Require: who it is for, and of the headers nothing that was
// meant for the Dashboard, nor anything that asks to be somebody else's unless it
// may.
func TestRequire(t *testing.T) {
	t.Parallel()
	session := sealed(t, keyA(), `{"LocationOfOrigin":"","token":"good"}`, 0, noon)
	basic := sealed(t, keyA(), `{"LocationOfOrigin":"","username":"mira","password":"sesame"}`, 0, noon)
	impersonate := []string{"Impersonate-User", "admin", "Impersonate-Group", "system:masters", "Impersonate-Uid", "1", "Impersonate-Extra-Scopes", "x"}
	for _, test := range []struct {
		name    string
		headers []string
		want    http.Header
	}{
		{"session", []string{"jweToken", session}, http.Header{"Authorization": {"Bearer good"}}},
		{"session of a name", []string{"jweToken", basic}, http.Header{"Authorization": {"Basic bWlyYTpzZXNhbWU="}}},
		{"bearer token", []string{"Authorization", "Bearer other"}, http.Header{"Authorization": {"Bearer other"}}},
		{"both", []string{"jweToken", session, "Authorization", "bearer other"}, http.Header{"Authorization": {"Bearer other"}}},
		{"a bearer token and garbage", []string{"jweToken", "x", "Authorization", "Bearer other"}, http.Header{"Authorization": {"Bearer other"}}},
		{"session beside another scheme", []string{"jweToken", session, "Authorization", "Basic eDp5"}, http.Header{"Authorization": {"Bearer good"}}},
		{"session beside an Authorization with nothing in it", append([]string{"jweToken", session, "Authorization", ""}, impersonate...), http.Header{"Authorization": {"Bearer good"}}},
		{"session with cookies", []string{"jweToken", session, "Cookie", "jweToken=x", "X-CSRF-TOKEN", "x", "Accept", "y"}, http.Header{"Authorization": {"Bearer good"}, "Accept": {"y"}}},
		{"session that asks to be another's", append([]string{"jweToken", session}, impersonate...), http.Header{"Authorization": {"Bearer good"}}},
		{"and beside another scheme", append([]string{"jweToken", session, "Authorization", "Basic eDp5"}, impersonate...), http.Header{"Authorization": {"Bearer good"}}},
		{"bearer token that asks to be another's", append([]string{"Authorization", "Bearer other"}, impersonate...), http.Header{"Authorization": {"Bearer other"},
			"Impersonate-User": {"admin"}, "Impersonate-Group": {"system:masters"}, "Impersonate-Uid": {"1"}, "Impersonate-Extra-Scopes": {"x"}}},
	} {
		d := newSite(nil)
		got := d.do("GET", "/api/v1/pod", "", test.headers...)
		var headers http.Header
		if err := json.Unmarshal([]byte(got.Body), &headers); err != nil {
			t.Errorf("%s: %v", test.name, got)
		}
		same(t, test.name, test.want, headers)
		if err := d.lastTold(); err != nil {
			t.Errorf("%s: told %v", test.name, err)
		}
	}
}

// The request that came in stays as it was, and next does not see the session even
// if it does not call SetHeader.
func TestRequireLeavesRequest(t *testing.T) {
	t.Parallel()
	d := newSite(nil)
	r := httptest.NewRequest("GET", "https://dashboard.test/api/v1/pod", nil)
	r.Header.Set("jweToken", sealed(t, keyA(), `{"token":"good"}`, 0, noon))
	r.Header.Set("Impersonate-User", "admin")
	before := r.Header.Clone()
	called := false
	d.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = true
		if diff := cmp.Diff(http.Header{}, r.Header); diff != "" {
			t.Errorf("next (-want +got):\n%s", diff)
		}
		c, _ := dashboard.CredentialFrom(r.Context())
		same(t, "credential", []string{"good", "", ""}, []string{c.Token.Reveal(), c.Username, c.Password.Reveal()})
	})).ServeHTTP(httptest.NewRecorder(), r)
	if !called {
		t.Error("not let in")
	}
	same(t, "the request", before, r.Header)
	if _, ok := dashboard.CredentialFrom(r.Context()); ok {
		t.Error("a credential of a request that did not pass Require")
	}
}

// All that the Dashboard says of requests that it does not serve, and what it
// should say.
func TestRequireRefusals(t *testing.T) {
	t.Parallel()
	const unauthorized, expired, keyChanged = "MSG_LOGIN_UNAUTHORIZED_ERROR", "MSG_TOKEN_EXPIRED_ERROR", "MSG_ENCRYPTION_KEY_CHANGED"
	const credential = `{"LocationOfOrigin":"","token":"good"}`
	good := sealed(t, keyA(), credential, 0, noon)
	for _, test := range []struct {
		name    string
		headers []string
		text    string
		want    error
	}{
		{"none", nil, unauthorized, nil},
		{"empty", []string{"jweToken", ""}, unauthorized, nil},
		{"only a cookie", []string{"Cookie", "jweToken=" + good}, unauthorized, nil},
		{"another scheme", []string{"Authorization", "Basic bWlyYTpzZXNhbWU="}, unauthorized, nil},
		{"nothing in Authorization", []string{"Authorization", ""}, unauthorized, nil},
		{"a session beside nothing, twice", []string{"jweToken", good, "Authorization", "", "Authorization", ""}, unauthorized, token.ErrMalformed},
		{"only impersonation", []string{"Impersonate-User", "admin"}, unauthorized, nil},
		{"expired", []string{"jweToken", sealed(t, keyA(), credential, 0, noon.Add(-3600e9))}, expired, token.ErrExpired},
		{"without exp", []string{"jweToken", sealed(t, keyA(), credential, -1, noon)}, expired, token.ErrExpired},
		{"other key", []string{"jweToken", sealed(t, keyB(), credential, 0, noon)}, keyChanged, token.ErrSignature},
		{"changed", []string{"jweToken", broken(t, good, "tag")}, keyChanged, token.ErrSignature},
		{"garbage", []string{"jweToken", "x"}, keyChanged, token.ErrMalformed},
		{"no credential in it", []string{"jweToken", sealed(t, keyA(), `{}`, 0, noon)}, keyChanged, token.ErrMalformed},
		{"twice", []string{"jweToken", good, "jweToken", good}, unauthorized, token.ErrMalformed},
		{"a session beside half an Authorization", []string{"jweToken", good, "Authorization", "Bearer"}, unauthorized, token.ErrMalformed},
		{"a session beside two", []string{"jweToken", good, "Authorization", "Bearer a", "Authorization", "Bearer b"}, unauthorized, token.ErrMalformed},
		{"a bearer token in two pieces", []string{"Authorization", "Bearer a b"}, unauthorized, token.ErrMalformed},
	} {
		d := newSite(func(s *dashboard.Server) {})
		d.refusesWith(t, test.name, d.do("GET", "/api/v1/pod", "", test.headers...), 401, test.text, test.want)
	}
}

// Over plain HTTP nobody is served, whatever it has, unless Insecure is set.
func TestRequirePlainHTTP(t *testing.T) {
	t.Parallel()
	good := sealed(t, keyA(), `{"LocationOfOrigin":"","token":"good"}`, 0, noon)
	for _, headers := range [][]string{nil, {"jweToken", good}, {"Authorization", "Bearer x"}, {"jweToken", "x"}, {"jweToken", good, "X-Forwarded-Proto", "https", "Forwarded", "proto=https"}} {
		for _, host := range []string{"dashboard.test", "localhost", "127.0.0.1"} {
			d := newSite(nil)
			d.refusesWith(t, host, d.send(httptest.NewRequest("GET", "http://"+host+"/api/v1/pod", nil), headers...), 401, "MSG_LOGIN_UNAUTHORIZED_ERROR", nil)
		}
	}
	d := newSite(func(s *dashboard.Server) { s.Insecure = true })
	if got := d.send(httptest.NewRequest("GET", "http://dashboard.test/api/v1/pod", nil), "jweToken", good); got.Status != 200 {
		t.Error(got)
	}
	d.refusesWith(t, "nothing", d.send(httptest.NewRequest("GET", "http://dashboard.test/api/v1/pod", nil)), 401, "MSG_LOGIN_UNAUTHORIZED_ERROR", nil)
}

// The Dashboard's own Secrets are nobody's, however their names are written.
func TestRequireExclusive(t *testing.T) {
	t.Parallel()
	good := sealed(t, keyA(), `{"LocationOfOrigin":"","token":"good"}`, 0, noon)
	want := reply{401, "application/json", `"MSG_DASHBOARD_EXCLUSIVE_RESOURCE_ERROR"`}
	for _, path := range []string{
		"/api/v1/secret/kube-system/kubernetes-dashboard-key-holder",
		"/api/v1/secret/other/kubernetes-dashboard-certs",
		"/api/v1/_raw/secret/namespace/x/name/kubernetes-dashboard-key-holder-2",
		"/api/v1/secret/x/kubernetes%2ddashboard-key-holder",
		"/api/v1/secret/x/%6B%75bernetes-dashboard-key-holder",
		"/api/v1/secret/x/kubernetes%252ddashboard-certs",
		"/api/v1/secret/x/kubernetes%25252525252ddashboard-certs",
		"/api/v1/secret?filterBy=name,kubernetes%2%352ddashboard-certs",
		"/api/v1/secret?filterBy=name,kubernetes%%32%64dashboard-certs",
		"/api/v1/secret?filterBy=name,kubernetes-dashboard-certs",
		"/api/v1/secret?filterBy=name,kubernetes-dashboard%2Dcerts",
		"/api/v1/secret?a=%zz&filterBy=name,kubernetes-dashboard%2Dcerts",
		"/api/v1/secret%2Fx%2Fkubernetes-dashboard-certs",
	} {
		for _, headers := range [][]string{{"jweToken", good}, {"Authorization", "Bearer x"}, nil} {
			for _, method := range []string{"GET", "PUT", "POST"} {
				d := newSite(nil)
				same(t, path, want, d.do(method, path, "", headers...))
				if told := d.lastTold(); told == nil || !strings.Contains(told.Error(), "Secret of the Dashboard's own") {
					t.Errorf("%s: told %v", path, told)
				}
			}
		}
	}
	d := newSite(nil)
	for _, path := range []string{"/api/v1/secret/x/kubernetes-dashboard-csrf", "/api/v1/secret/x/dashboard-certs", "/api/v1/pod/x%", "/api/v1/pod?x=%"} {
		r := httptest.NewRequest("GET", "https://dashboard.test/api/v1/pod", nil)
		r.URL.Path = path
		r.Header.Set("jweToken", good)
		w := httptest.NewRecorder()
		d.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
