package rancher

import (
	"net/http"
	"strings"
	"testing"
)

// A Source that panics when it is told of a refusal does not hide it: see
// TestV3CallPanics.
func TestV2BetaSettingPanics(t *testing.T) {
	t.Parallel()
	c, _ := script(t, map[string]http.HandlerFunc{"GET /v2-beta/settings/" + v2betaExpiry: says(401, "", `{"type":"error","status":401,"code":"Unauthorized"}`)})
	v2beta := &V2Beta{Server: c.Server, Source: panicking{}}
	_, err := v2beta.Setting(t.Context(), v2betaExpiry)
	checkV3Error(t, err, ErrNotAuthenticated, 401, "")
}

// Neither client panics over what it is not given.
func TestNothingGiven(t *testing.T) {
	t.Parallel()
	for _, c := range []API{&V2Beta{Server: at("https://rancher.example", nil)}, &V3{Server: at("https://rancher.example", nil)}} {
		if _, err := c.NewSource(nil).Token(t.Context()); err == nil || !strings.Contains(err.Error(), "nil") {
			t.Errorf("%T: %v", c, err)
		}
		if c.Refused(nil) {
			t.Errorf("%T: no response is a refusal", c)
		}
	}
}
