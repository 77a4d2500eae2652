package ranchertest_test

import (
	"regexp"
	"strings"
	"testing"
)

// A browser repeats the cookie CSRF. Who asks for that, and what is answered to
// one that has no cookie yet, depends on the part of the server.
func TestV3CSRF(t *testing.T) {
	t.Parallel()
	const (
		agent   = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)"
		cookie  = "Cookie: CSRF=0123456789abcdef0123456789abcdef"
		right   = "X-API-CSRF: 0123456789abcdef0123456789abcdef"
		wrong   = "X-API-CSRF: 00000000000000000000000000000000"
		refused = `{"baseType":"error","code":"InvalidCSRFToken","message":"Invalid CSRF token","status":422,"type":"error"}`
		create  = "POST /v3/tokens"
		steve   = "POST /v1/no.such"
	)
	same := regexp.MustCompile(`^CSRF=0123456789abcdef0123456789abcdef; Path=/$`)
	fresh := regexp.MustCompile(`^CSRF=[0-9a-f]{32}; Path=/$`)
	none := regexp.MustCompile(`^$`)
	for _, tt := range []struct {
		row, request string
		headers      []string
		status       int
		set          *regexp.Regexp // the cookie in the answer
	}{
		{"norman, no cookie", create, []string{agent}, 422, fresh},
		{"norman, no cookie but the header", create, []string{agent, right}, 422, fresh},
		{"norman, mismatch", create, []string{agent, cookie, wrong}, 422, none},
		{"norman, no header", create, []string{agent, cookie}, 422, none},
		{"norman, match", create, []string{agent, cookie, right}, 201, same},
		{"norman, query", create + "?CSRF=0123456789abcdef0123456789abcdef", []string{agent, cookie}, 201, same},
		{"norman, wrong query", create + "?CSRF=0", []string{agent, cookie}, 422, none},
		{"norman, GET, no cookie", whoami, []string{agent}, 200, fresh},
		{"norman, GET, mismatch", whoami, []string{agent, cookie, wrong}, 200, same},
		{"norman, GET that is none", "GET /v3/tokens?_method=POST", []string{agent, cookie}, 422, none},
		{"norman, POST that is a GET", "POST /v3/settings/cacerts?_method=GET", []string{agent, cookie, wrong}, 405, same},
		{"norman, DELETE, no header", "DELETE /v3/tokens/token-zzzzz", []string{agent, cookie}, 422, none},
		{"norman, MOZILLA", create, []string{"User-Agent: MOZILLA", cookie}, 422, none},
		{"norman, no browser", create, []string{"User-Agent: Go-http-client/1.1", cookie, wrong}, 201, none},
		{"norman, login, no cookie", v3Login, []string{agent}, 422, fresh},
		{"norman, login, match", v3Login, []string{agent, cookie, right}, 201, same},
		{"steve, no cookie", steve, []string{agent}, 404, fresh},
		{"steve, mismatch", steve, []string{agent, cookie, wrong}, 422, none},
		{"steve, match", steve, []string{agent, cookie, right}, 404, none},
		{"steve, GET", "GET /v1/no.such", []string{agent, cookie, wrong}, 404, none},
		{"v1-public, not checked", v1Login, []string{agent, cookie, wrong}, 201, none},
		{"ext, not checked", "POST /ext/apis/no.such/v1/things", []string{agent, cookie, wrong}, 404, none},
		{"apis, not checked", "POST /apis/no.such/v1/things", []string{agent, cookie, wrong}, 404, none},
		{"k8s, not checked", "POST /k8s/clusters/local/no/such", []string{agent, cookie, wrong}, 404, none},
	} {
		t.Run("B.4 "+tt.row, func(t *testing.T) {
			t.Parallel()
			s, _ := newV3("v2.13.1")
			_, session := loginV3(t, s, asAdmin)
			r := askV3(t, s, tt.request, asAdmin, append(tt.headers, session)...)
			if got := r.header.Get("Set-Cookie"); r.status != tt.status || !tt.set.MatchString(got) {
				t.Errorf("%d, Set-Cookie %q, want %d, %v", r.status, got, tt.status, tt.set)
			}
			if tt.status == 422 {
				r.want(t, 422, refused)
			}
			if made := len(s.Tokens()) - 1; (made != 0) != (tt.status == 201) {
				t.Errorf("%d tokens are made", made)
			}
		})
	}
	t.Run("B.4 logout, not checked", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		_, session := loginV3(t, s, asAdmin)
		if r := askV3(t, s, "POST /v1/logout", "", agent, cookie, wrong, session); r.status == 422 {
			t.Errorf("%d %s", r.status, r.knownV3())
		}
	})
	t.Run("B.4 after the filter", func(t *testing.T) {
		s, _ := newV3("v2.13.1")
		if r := askV3(t, s, create, `{}`, agent, cookie, wrong); r.status != 401 {
			t.Errorf("%d, want 401", r.status)
		}
	})
	t.Run("B.4 before 2.4", func(t *testing.T) {
		s, _ := newV3("v2.3.0")
		if r := askV3(t, s, v3Login, asAdmin, agent); r.status != 201 || !fresh.MatchString(r.header.Get("Set-Cookie")) {
			t.Errorf("%d, want 201 and a cookie", r.status)
		}
	})
	t.Run("B.1 SameSite since 2.15", func(t *testing.T) {
		s, _ := newV3("v2.15.0")
		if got := askV3(t, s, v3Login, asAdmin, agent).header.Get("Set-Cookie"); !strings.HasSuffix(got, "; Path=/; Secure; SameSite=Lax") {
			t.Errorf("Set-Cookie %q", got)
		}
	})
}
