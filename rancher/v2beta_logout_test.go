package rancher_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

// v2betaRevokes answers a logout as 1.6 does: what it revokes is what it finds
// in the cookie, or as the whole of the header.
func v2betaRevokes(live map[string]bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "DELETE" || r.URL.Path != "/v2-beta/token/current" {
			v2betaFails(404, "NotFound", "NotFound")(w, r)
			return
		}
		sent := r.Header.Get("Authorization")
		if cookie, err := r.Cookie("token"); err == nil {
			sent = cookie.Value
		}
		switch {
		case live[sent]:
			delete(live, sent)
			w.Header().Set("Set-Cookie", "token=;Path=/;Expires=Thu, 01 Jan 1970 00:00:00 GMT;")
			w.WriteHeader(204)
		case live[strings.TrimPrefix(sent, "Bearer ")]:
			v2betaFails(500, "ServerError", "")(w, r)
		default:
			v2betaFails(500, "JWTNotProvided", "Request does not contain JWT cookie")(w, r)
		}
	}
}

func TestV2BetaLogout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, token string }{
		{"A.7 cookie", v2betaJWT},
		{"A.7 Bearer, which the client takes off", "Bearer " + v2betaJWT},
		{"A.7 bearer in any case", "bEARER  " + v2betaJWT},
		{"A.7 no or expired token", strings.Repeat("x", 40)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			live := map[string]bool{v2betaJWT: true}
			s := &v2betaServer{answer: v2betaRevokes(live)}
			if err := s.client().Logout(t.Context(), token.NewSecret(test.token)); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(test.token, v2betaJWT) == live[v2betaJWT] {
				t.Errorf("live: %t", live[v2betaJWT])
			}
			r := s.asked[0]
			if len(s.asked) != 1 || r.Header.Get("Authorization") != "" || len(r.Cookies()) != 1 {
				t.Errorf("%v, %v", s.calls(), r.Header)
			}
		})
	}
}

func TestV2BetaLogoutErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		token  string
		answer http.HandlerFunc
		want   error
	}{
		{"A.7 the 500 of a Bearer", v2betaJWT, v2betaFails(500, "ServerError", v2betaJWT), rancher.ErrUnavailable},
		{"A.9 provider switched since the token was made", v2betaJWT, v2betaFails(401, "AuthProviderChanged", v2betaJWT), rancher.ErrProviderChanged},
		{"A.9 site access mode refuses the user", v2betaJWT, v2betaFails(403, "AuthError", v2betaJWT), rancher.ErrNoAccess},
		{"A.9 CSRF mismatch", v2betaJWT, v2betaFails(403, "InvalidCSRFToken", v2betaJWT), rancher.ErrCSRF},
		{"A.9 unauthorized", v2betaJWT, v2betaFails(401, "Unauthorized", v2betaJWT), rancher.ErrNotAuthenticated},
		{"JWTNotProvided of another status", v2betaJWT, v2betaFails(503, "JWTNotProvided", ""), rancher.ErrUnavailable},
		{"200", v2betaJWT, v2betaSays(200, `{}`), rancher.ErrNotRancher},
		{"204 of a page", v2betaJWT, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") }, rancher.ErrNotRancher},
		{"nothing to log out", "", nil, nil},
		{"what cannot be sent", v2betaJWT + "\r\nX-API-Roles: admin", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &v2betaServer{answer: test.answer}
			err := s.client().Logout(t.Context(), token.NewSecret(test.token))
			checkV2BetaError(t, err, v2betaJWT)
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if calls := s.calls(); test.answer == nil && calls != nil {
				t.Errorf("it was sent: %v", calls)
			}
		})
	}
}
