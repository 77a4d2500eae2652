package rancher_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

func TestV2BetaSet(t *testing.T) {
	t.Parallel()
	basic := func(user string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth(user, v2betaJWT)
		return r.Header.Get("Authorization")
	}
	type way func(*rancher.V2Beta) func(*http.Request, token.Token)
	cookie := func(c *rancher.V2Beta) func(*http.Request, token.Token) { return c.Set }
	bearer := func(c *rancher.V2Beta) func(*http.Request, token.Token) { return c.SetBearer }
	password := func(c *rancher.V2Beta) func(*http.Request, token.Token) { return c.SetBasic }
	for _, test := range []struct {
		name    string
		way     way
		project string
		method  string
		header  http.Header // of the request before
		token   string      // empty means a good one
		want    http.Header // without X-API-No-Challenge
	}{
		{name: "cookie", way: cookie, want: http.Header{"Cookie": {"token=" + v2betaJWT}}},
		{name: "Bearer", way: bearer, want: http.Header{"Authorization": {"Bearer " + v2betaJWT}}},
		{name: "Basic", way: password, want: http.Header{"Authorization": {basic("X-API-BEARER")}}},

		{name: "cookie in a project", way: cookie, project: "1a5", want: http.Header{"Cookie": {"token=" + v2betaJWT}, "X-Api-Project-Id": {"1a5"}}},
		{name: "Bearer in a project", way: bearer, project: "1a5", want: http.Header{"Authorization": {"Bearer " + v2betaJWT}, "X-Api-Project-Id": {"1a5"}}},
		{name: "Basic in a project", way: password, project: "1a5", want: http.Header{"Authorization": {basic("X-API-BEARER=1a5")}, "X-Api-Project-Id": {"1a5"}}},

		{name: "cookie that says Bearer", way: cookie, token: "Bearer " + v2betaJWT, want: http.Header{"Cookie": {"token=" + v2betaJWT}}},
		{name: "Bearer twice", way: bearer, token: "bearer " + v2betaJWT, want: http.Header{"Authorization": {"Bearer " + v2betaJWT}}},

		// A stale cookie hides every other place.
		{name: "a stale cookie, cookie", way: cookie, header: http.Header{"Cookie": {"token=stale; PL=rancher"}},
			want: http.Header{"Cookie": {"PL=rancher; token=" + v2betaJWT}}},
		{name: "a stale cookie, Bearer", way: bearer, header: http.Header{"Cookie": {"PL=rancher; Token=stale;LANG=en-us"}},
			want: http.Header{"Cookie": {"PL=rancher; LANG=en-us"}, "Authorization": {"Bearer " + v2betaJWT}}},
		{name: "a stale cookie, Basic", way: password, header: http.Header{"Cookie": {"TOKEN=stale"}},
			want: http.Header{"Authorization": {basic("X-API-BEARER")}}},
		{name: "stale cookies in several lines", way: bearer, header: http.Header{"Cookie": {"token=a", "x=1;token = b; ;token", `y="token=c"`}},
			want: http.Header{"Cookie": {"x=1", `y="token=c"`}, "Authorization": {"Bearer " + v2betaJWT}}},
		{name: "a stale cookie under another spelling", way: bearer, header: http.Header{"cookie": {"token=a; x=1"}, "COOKIE": {"token=b"}},
			want: http.Header{"cookie": {"x=1"}, "Authorization": {"Bearer " + v2betaJWT}}},
		{name: "other cookies", way: bearer, header: http.Header{"Cookie": {"tokens=1; xtoken=2; x=token"}},
			want: http.Header{"Cookie": {"tokens=1; xtoken=2; x=token"}, "Authorization": {"Bearer " + v2betaJWT}}},

		// Cookie or header, never both.
		{name: "a header, cookie", way: cookie, header: http.Header{"Authorization": {"Basic eDp5"}, "authorization": {"Bearer x"}},
			want: http.Header{"Cookie": {"token=" + v2betaJWT}}},
		{name: "a header, Bearer", way: bearer, header: http.Header{"authorization": {"Basic eDp5"}},
			want: http.Header{"Authorization": {"Bearer " + v2betaJWT}}},

		// What cannot be sent is not, and nothing takes its place.
		{name: "no token", way: cookie, token: "Bearer ", header: http.Header{"Cookie": {"token=stale"}}, want: http.Header{}},
		{name: "a token with an end of line, cookie", way: cookie, token: "a\r\nX-API-Roles: admin", want: http.Header{}},
		{name: "a token with an end of line, Bearer", way: bearer, token: "a\r\nX-API-Roles: admin", want: http.Header{}},
		{name: "a token with an end of line, Basic", way: password, token: "a\r\nX-API-Roles: admin", want: http.Header{}},
		{name: "a token with a semicolon", way: cookie, token: "a;CSRF=b", want: http.Header{}},

		// CSRF.
		{name: "CSRF, cookie", way: cookie, method: "POST", header: http.Header{"Cookie": {"CSRF=0123456789"}},
			want: http.Header{"Cookie": {"CSRF=0123456789; token=" + v2betaJWT}, "X-Api-Csrf": {"0123456789"}}},
		{name: "CSRF, Bearer", way: bearer, method: "DELETE", header: http.Header{"Cookie": {"CSRF=0123456789"}, "X-Api-Csrf": {"stale"}},
			want: http.Header{"Cookie": {"CSRF=0123456789"}, "Authorization": {"Bearer " + v2betaJWT}, "X-Api-Csrf": {"0123456789"}}},
		{name: "CSRF, Basic", way: password, method: "PUT", header: http.Header{"Cookie": {"CSRF=0123456789"}},
			want: http.Header{"Cookie": {"CSRF=0123456789"}, "Authorization": {basic("X-API-BEARER")}, "X-Api-Csrf": {"0123456789"}}},
		{name: "no CSRF for a GET", way: cookie, header: http.Header{"Cookie": {"CSRF=0123456789"}},
			want: http.Header{"Cookie": {"CSRF=0123456789; token=" + v2betaJWT}}},
		{name: "no header at all", way: cookie, header: nil, want: http.Header{"Cookie": {"token=" + v2betaJWT}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &rancher.V2Beta{Server: &rancher.Server{URL: v2betaURL}, Project: test.project}
			r := httptest.NewRequest("GET", v2betaURL, nil)
			if test.method != "" {
				r.Method = test.method
			}
			r.Header = test.header
			text := test.token
			if text == "" {
				text = v2betaJWT
			}
			test.way(c)(r, token.New(token.NewSecret(text)))
			if r.Header.Get("X-API-No-Challenge") != "true" {
				t.Error("a challenge is not declined")
			}
			r.Header.Del("X-API-No-Challenge")
			if diff := cmp.Diff(test.want, r.Header); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A request without a credential must not get the former one's place either.
func TestV2BetaSetZero(t *testing.T) {
	t.Parallel()
	c := new(rancher.V2Beta)
	for _, set := range []func(*http.Request, token.Token){c.Set, c.SetBearer, c.SetBasic} {
		r := httptest.NewRequest("POST", v2betaURL, nil)
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Cookie", "token=x")
		set(r, token.Token{})
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Errorf("%v", r.Header)
		}
	}
}

func TestV2BetaRefused(t *testing.T) {
	t.Parallel()
	const jsonType = "application/json;charset=UTF-8"
	for _, test := range []struct {
		name      string
		status    int
		kind      string
		challenge string
		body      string
		want      bool
	}{
		{"A.9 expired token, unknown token, no token", 401, jsonType, "", `{"type":"error","status":401,"code":"Unauthorized"}`, true},
		{"A.9 the same with a challenge", 401, jsonType, `Basic realm="Enter API access key and secret key as username and password"`, `{"type":"error","status":401,"code":"Unauthorized"}`, true},
		{"A.9 provider switched since the token was made", 401, jsonType, "", `{"type":"error","status":401,"code":"AuthProviderChanged"}`, true},
		{"A.9 site access mode refuses the user", 403, jsonType, "", `{"type":"error","status":403,"code":"AuthError"}`, false},
		{"A.9 CSRF mismatch", 403, jsonType, "", `{"type":"error","status":403,"code":"InvalidCSRFToken"}`, false},
		{"without a body", 401, "", "", "", true},
		{"as a page, for a browser", 401, "text/html; charset=utf-8", "", "<html>", true},
		{"a proxy's login", 401, "text/html", `Basic realm="proxy"`, "<html>", false},
		{"200", 200, jsonType, "", "{}", false},
		{"500", 500, jsonType, "", `{"type":"error","status":401,"code":"Unauthorized"}`, false},
	} {
		resp := &http.Response{StatusCode: test.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(test.body))}
		resp.Header.Set("Content-Type", test.kind)
		if test.challenge != "" {
			resp.Header.Set("WWW-Authenticate", test.challenge)
		}
		if got := new(rancher.V2Beta).Refused(resp); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != test.body || err != nil {
			t.Errorf("%s: %q is left of the body, %v", test.name, body, err)
		}
	}
}
