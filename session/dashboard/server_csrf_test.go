package dashboard_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
)

// What golang.org/x/net/xsrftoken makes, in the version that the Dashboard 2.7.0
// has, for the user "none".
var xsrfTokens = []struct {
	key, action string
	now         time.Time
	token       string
}{
	{csrfKey, "login", noon, "1tOhVPJK2NIXymWwc9NtRZQ0l18:1795348800000"},
	{csrfKey, "token", noon, "e-5dkZE_Ix2dq3oOhiar8Px_kqI:1795348800000"},
	{csrfKey, "login", noon.Add(1), "47Dljn1787drLdRbbEVJpuCg9VU:1795348800001"}, // rounded up
	{csrfKey, "login", noon.Add(999999), "47Dljn1787drLdRbbEVJpuCg9VU:1795348800001"},
	{csrfKey, "login", noon.Add(time.Millisecond), "47Dljn1787drLdRbbEVJpuCg9VU:1795348800001"},
	{csrfKey, "a:b", noon, "sQpCj8qNpzWrVtubWNf4qtNSfPo:1795348800000"}, // colons are doubled
	{csrfKey, "a::b", noon, "ZDXTKXfHiwqdv9vlC-4sf8TWXTM:1795348800000"},
	{csrfKey, "_raw", noon, "OHhbZHOsbJ0ZCl1ITlc6YTT-WfY:1795348800000"},
	{csrfKey, "é/ x", noon, "VgDkyJu6yg44YRYOzLNzeYJitQw:1795348800000"},
	{strings.Repeat("k", 256), "login", noon, "CKe6W9K82UK-d4p-oC3KjauABDM:1795348800000"},
	{csrfKey, "login", time.Unix(0, 0), "yN6Yo4SKJUafY0LuIgW8K4KGSz8:0"},
}

func TestCSRFTokens(t *testing.T) {
	t.Parallel()
	for _, test := range xsrfTokens {
		d := newSite(func(s *dashboard.Server) { s.CSRFKey = token.NewSecret(test.key) })
		d.now = test.now
		want := reply{200, "application/json", fmt.Sprintf("{\n \"token\": %q\n}", test.token)}
		same(t, test.action, want, d.do("GET", "/api/v1/csrftoken/"+url.PathEscape(test.action), ""))
	}
}

// A token is good for its action from a minute before its time to a day after it.
func TestCSRFCheck(t *testing.T) {
	t.Parallel()
	const good, mac = "1tOhVPJK2NIXymWwc9NtRZQ0l18:1795348800000", "1tOhVPJK2NIXymWwc9NtRZQ0l18"
	for _, test := range []struct {
		name    string
		now     time.Time
		headers []string
		refused bool
	}{
		{"good", noon, []string{"X-CSRF-TOKEN", good}, false},
		{"again", noon, []string{"x-csrf-token", good}, false},
		{"nearly a day old", noon.Add(24*time.Hour - 1), []string{"X-CSRF-TOKEN", good}, false},
		{"a day old", noon.Add(24 * time.Hour), []string{"X-CSRF-TOKEN", good}, true},
		{"from the near future", noon.Add(-time.Minute), []string{"X-CSRF-TOKEN", good}, false},
		{"from the future", noon.Add(-time.Minute - 1), []string{"X-CSRF-TOKEN", good}, true},
		{"none", noon, nil, true},
		{"empty", noon, []string{"X-CSRF-TOKEN", ""}, true},
		{"in a cookie", noon, []string{"Cookie", "X-CSRF-TOKEN=" + good}, true},
		{"for another action", noon, []string{"X-CSRF-TOKEN", "e-5dkZE_Ix2dq3oOhiar8Px_kqI:1795348800000"}, true},
		{"under another key", noon, []string{"X-CSRF-TOKEN", "CKe6W9K82UK-d4p-oC3KjauABDM:1795348800000"}, true},
		{"another time", noon, []string{"X-CSRF-TOKEN", mac + ":1795348800001"}, true},
		{"no time", noon, []string{"X-CSRF-TOKEN", mac}, true},
		{"an empty time", noon, []string{"X-CSRF-TOKEN", mac + ":"}, true},
		{"no MAC", noon, []string{"X-CSRF-TOKEN", ":1795348800000"}, true},
		{"another spelling of the time", noon, []string{"X-CSRF-TOKEN", mac + ":+1795348800000"}, true},
		{"leading zeros", noon, []string{"X-CSRF-TOKEN", mac + ":0" + "1795348800000"}, true},
		{"padding", noon, []string{"X-CSRF-TOKEN", mac + "=:1795348800000"}, true},
		{"more behind it", noon, []string{"X-CSRF-TOKEN", good + " "}, true},
		{"a time that overflows", noon, []string{"X-CSRF-TOKEN", mac + ":9223372036854775807"}, true},
		{"a time that overflows below", noon, []string{"X-CSRF-TOKEN", mac + ":-9223372036854775808"}, true},
		{"no number", noon, []string{"X-CSRF-TOKEN", mac + ":1e3"}, true},
		{"long", noon, []string{"X-CSRF-TOKEN", strings.Repeat("A", 1<<16) + ":1795348800000"}, true},
	} {
		d := newSite(nil)
		d.now = test.now
		got := d.do("POST", "/api/v1/login", `{"token":"good"}`, test.headers...)
		if test.refused {
			d.refusesWith(t, test.name, got, 401, "CSRF validation failed", nil)
		} else if got.Status != 200 {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// Below Require a POST needs the token of what follows /api/v1/, and nothing else
// needs one.
func TestCSRFRequire(t *testing.T) {
	t.Parallel()
	d := newSite(nil)
	for _, test := range []struct {
		method, path, action string
		status               int
	}{
		{"POST", "/api/v1/appdeployment", "appdeployment", 200},
		{"POST", "/api/v1/appdeployment", "login", 401},
		{"POST", "/api/v1/appdeployment", "", 401},
		{"POST", "/api/v1/scale/deployment/ns/x", "scale", 200},
		{"POST", "/api/v1/a%2Fb", "a", 200},
		{"POST", "/api/v1/appdeployment/validate/name", "", 200},
		{"POST", "/api/v1/appdeployment/validate%2F..%2Fx", "", 401},
		{"POST", "/api/v1/appdeployment/validate/../../secret/x", "", 401},
		{"POST", "/api/v1/_raw/..%2Fappdeployment/validate/name", "", 401},
		{"POST", "/api/v1/_raw/../appdeployment/validate/name", "", 401},
		{"POST", "/api/v1/appdeployment/validate", "", 401},
		{"POST", "/elsewhere", "", 401},
		{"GET", "/api/v1/pod", "", 200},
		{"PUT", "/api/v1/_raw/pod/name/x", "", 200},
		{"DELETE", "/api/v1/_raw/pod/name/x", "", 200},
	} {
		r := httptest.NewRequest(test.method, "https://dashboard.test"+test.path, nil)
		r.Header.Set("Authorization", "Bearer x")
		if test.action != "" {
			got := d.do("GET", "/api/v1/csrftoken/"+test.action, "").Body
			r.Header.Set("X-CSRF-TOKEN", strings.Split(got, `"`)[3])
		}
		w := httptest.NewRecorder()
		d.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if w.Code != test.status || w.Code == 401 && w.Body.String() != "CSRF validation failed\n" {
			t.Errorf("%s %s with a token for %q: %d %s", test.method, test.path, test.action, w.Code, w.Body)
		}
	}
}
