package ranchertest_test

import (
	"regexp"
	"testing"
)

// A browser, and nobody else, has to echo its cookie.
func TestV2BetaCSRF(t *testing.T) {
	t.Parallel()
	const (
		browser = "User-Agent: Opera/9.80 MOZILLA"
		cookie  = "; CSRF=0123456789"
		good    = `{"value":"28800000"}`
	)
	for _, tt := range []struct {
		name, request, body string
		cookie, agent       string
		echo                string
		status              int
		issued              string // a pattern for the cookie that is set; empty for none
	}{
		{"applies only to browsers", "PUT " + expiry, good, cookie, "User-Agent: curl/7.1", "X-Api-Csrf: 9876543210", 200, ""},
		{"no cookie: one is issued, and a PUT is let through", "PUT " + expiry, good, "", browser, "", 200, "^CSRF=[0-9A-F]{10};Path=/$"},
		{"no cookie: one is issued, and a POST is let through", "POST /v2-beta/token", `{"code":"admin:s3cret"}`, "", browser, "", 201, "^CSRF=[0-9A-F]{10};Path=/$"},
		{"cookie without an echo", "PUT " + expiry, good, cookie, browser, "", 403, ""},
		{"cookie and another echo", "PUT " + expiry, good, cookie, browser, "X-Api-Csrf: 9876543210", 403, ""},
		{"empty cookie without an echo", "PUT " + expiry, good, "; CSRF=", browser, "", 403, ""},
		{"cookie and its echo", "PUT " + expiry, good, cookie, browser, "X-Api-Csrf: 0123456789", 200, "^CSRF=0123456789;Path=/$"},
		{"echo in the query", "PUT " + expiry + "?CSRF=0123456789", good, cookie, browser, "", 200, "^CSRF=0123456789;Path=/$"},
		{"echo in a form", "PUT " + expiry, "value=28800000&CSRF=0123456789", cookie, browser, "Content-Type: application/x-www-form-urlencoded", 200, "^CSRF=0123456789;Path=/$"},
		{"either echo will do", "PUT " + expiry + "?CSRF=0123456789", good, cookie, browser, "X-Api-Csrf: 9876543210", 200, "^CSRF=0123456789;Path=/$"},
		{"GET needs no echo", projects, "", cookie, browser, "", 200, "^CSRF=0123456789;Path=/$"},
		{"GET that is a PUT by _method needs one", "GET " + expiry + "?_method=put", "", cookie, browser, "", 403, ""},
		{"POST that is a GET by _method needs none", "POST /v2-beta/projects?_method=get", "", cookie, browser, "", 200, "^CSRF=0123456789;Path=/$"},
		{"401 comes before it", "PUT " + expiry, good, cookie, browser, "Cookie: CSRF=0123456789", 401, ""},
		{"comes before 422", "POST /v2-beta/token", `{}`, cookie, browser, "", 403, ""},
		{"comes before 405", "PUT /v2-beta/token", `{}`, cookie, browser, "", 403, ""},
	} {
		t.Run("A.10 "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := newV2Beta()
			headers := []string{"Cookie: token=" + login(t, s, "admin:s3cret") + tt.cookie, tt.agent}
			if tt.echo != "" {
				headers = append(headers, tt.echo)
			}
			r := ask(t, s, tt.request, tt.body, headers...)
			if r.status != tt.status {
				t.Errorf("%d, want %d: %s", r.status, tt.status, r.known())
			}
			if got := r.header.Get("Set-Cookie"); tt.issued == "" && got != "" || !regexp.MustCompile(tt.issued).MatchString(got) {
				t.Errorf("cookie %q", got)
			}
		})
	}

	t.Run("A.10 whichever way the token is presented", func(t *testing.T) {
		t.Parallel()
		s := newV2Beta()
		s.AddKey("ABCDEF", "key", "admin")
		jwt := login(t, s, "admin:s3cret")
		for _, header := range []string{"Authorization: Bearer " + jwt, "Authorization: " + jwt, basic("X-API-BEARER", jwt), basic("ABCDEF", "key")} {
			for echo, want := range map[string]int{"9876543210": 403, "0123456789": 200} {
				r := ask(t, s, "PUT "+expiry, good, header, "Cookie: CSRF=0123456789", "X-Api-Csrf: "+echo, browser)
				if r.status != want {
					t.Errorf("%d, want %d", r.status, want)
				}
			}
		}
	})
}
