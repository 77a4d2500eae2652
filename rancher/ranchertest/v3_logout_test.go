package ranchertest_test

import (
	"strings"
	"testing"
)

func TestV3Logout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ version, request, cookies string }{
		{"v2.4.0", "POST /v3/tokens?action=logout", "R_SESS!\nCSRF!"},
		{"v2.12.0", "POST /v3/tokens?action=logout", "R_SESS!\nCSRF!"},
		{"v2.12.0", "POST /v3/tokens?action=logoutAll", "R_SESS!\nCSRF!"},
		{"v2.13.0", "POST /v3/tokens?action=logout", "R_SESS!\nCSRF!\nR_OIDC_ID!"},
		{"v2.13.0", "POST /v1/logout", "R_SESS!\nCSRF!\nR_OIDC_ID!"},
		{"v2.13.0", "POST /v1/logout?all", "R_SESS!\nCSRF!\nR_OIDC_ID!"},
		{"v2.15.0", "POST /v1/logout", "R_SESS!; SameSite=Lax\nCSRF!; SameSite=Lax\nR_OIDC_ID!; SameSite=Lax"},
	} {
		t.Run("B.5 logout: "+tt.version+" "+tt.request, func(t *testing.T) {
			t.Parallel()
			_, _, alice, _ := noon2x(t, tt.version)
			alice.TB = t
			key := alice.derives()
			r := alice.gets(tt.request, "", 200, "")
			if r.body != "" {
				t.Errorf("the body is %q", r.body)
			}
			if got := r.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
			const end = "=; Path=/; Expires=Wed, 10 Feb 1982 23:00:00 GMT; Max-Age=0; HttpOnly"
			if got := strings.Join(r.header.Values("Set-Cookie"), "\n"); got != strings.ReplaceAll(tt.cookies, "!", end) {
				t.Errorf("cookies:\n%s", got)
			}
			alice.gets("GET /v3/users?me=true", "", 401, "")
			alice.gets(tt.request, "", 401, "") // what is gone cannot log out
			key.gets("GET /v3/users?me=true", "", 200, "")
			key.gets(tt.request, "", 200, "") // a derived one can
			key.gets("GET /v3/users?me=true", "", 401, "")
		})
	}
	t.Run("B.5 logout: ext tokens since 2.15", func(t *testing.T) {
		t.Parallel()
		for version, want := range map[string]int{"v2.12.0": 500, "v2.13.0": 500, "v2.14.2": 500, "v2.15.0": 200} {
			_, _, alice, _ := noon2x(t, version)
			alice.TB = t
			ext := alice.makesExt()
			r := ext.gets("POST /v3/tokens?action=logout", "", want, "")
			if text := r.body == "Internal Server Error\n"; text != (want == 500 && version != "v2.12.0") {
				t.Errorf("%s: %s", version, r.body)
			}
			if want == 200 == ext.live() {
				t.Errorf("%s: the token is good: %v", version, want != 200)
			}
		}
	})
	t.Run("B.5 logout: no /v1/logout before 2.13", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.12.0")
		alice.TB = t
		alice.gets("POST /v1/logout", "", 404, "")
		alice.gets("GET /v3/users?me=true", "", 200, "")
	})
}
