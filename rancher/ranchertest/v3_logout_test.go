package ranchertest_test

import (
	"strings"
	"testing"
)

func TestV3Logout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ version, request string }{
		{"v2.4.0", "POST /v3/tokens?action=logout"},
		{"v2.12.0", "POST /v3/tokens?action=logout"},
		{"v2.12.0", "POST /v3/tokens?action=logoutAll"},
		{"v2.13.0", "POST /v3/tokens?action=logout"},
		{"v2.13.0", "POST /v1/logout"},
		{"v2.13.0", "POST /v1/logout?all"},
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
			ended := map[string]bool{}
			for _, c := range r.header.Values("Set-Cookie") {
				name, rest, _ := strings.Cut(c, "=")
				ended[name] = strings.HasPrefix(rest, "; Path=/; Expires=Wed, 10 Feb 1982 23:00:00 GMT; Max-Age=0;")
			}
			if !ended["R_SESS"] || !ended["CSRF"] || !ended["R_OIDC_ID"] {
				t.Errorf("cookies: %v", ended)
			}
			alice.gets("GET /v3/users?me=true", "", 401, "")
			alice.gets(tt.request, "", 401, "") // what is gone cannot log out
			key.gets("GET /v3/users?me=true", "", 200, "")
			key.gets(tt.request, "", 200, "") // a derived one can
			key.gets("GET /v3/users?me=true", "", 401, "")
		})
	}
	t.Run("B.5 logout: ext tokens too", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.13.0")
		alice.TB = t
		ext := alice.makesExt()
		ext.gets("POST /v1/logout", "", 200, "")
		ext.gets("GET /v3/users?me=true", "", 401, "")
	})
	t.Run("B.5 logout: no /v1/logout before 2.13", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.12.0")
		alice.TB = t
		alice.gets("POST /v1/logout", "", 404, "")
		alice.gets("GET /v3/users?me=true", "", 200, "")
	})
}
