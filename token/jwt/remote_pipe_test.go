package jwt_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
	"github.com/tokenlife/tokenlife/token/jwt/jwttest"
)

// Against an HTTP server at the other end of a pipe, in a bubble, which cannot
// end while anything is left running.
func TestRemoteInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := jwttest.NewIssuer(t)
		keys, err := jwt.Discover(t.Context(), iss.Client(), iss.URL)
		if err != nil {
			t.Fatal(err)
		}
		policy := &jwt.Policy{Issuer: iss.URL, Audience: []string{audience}, Keys: keys}
		mint := func() token.Secret {
			return iss.Mint(map[string]any{"aud": audience, "exp": time.Now().Add(48 * time.Hour)}).Value
		}
		old := mint()
		if _, err := policy.Verify(t.Context(), old); err != nil {
			t.Error(err)
		}

		// A rotation without an overlap: the new token is good at once.
		iss.Rotate()
		time.Sleep(time.Second)
		if _, err := policy.Verify(t.Context(), mint()); err != nil {
			t.Error(err)
		}
		if _, err := policy.Verify(t.Context(), old); !errors.Is(err, token.ErrSignature) {
			t.Errorf("the withdrawn key: %v", err)
		}

		for _, status := range []int{503, 0} { // 0 breaks the connection off
			good := mint()
			iss.Down(status)
			time.Sleep(24 * time.Hour)
			for range 3 {
				if _, err := policy.Verify(t.Context(), good); err != nil {
					t.Errorf("down with %d for a day: %v", status, err)
				}
				time.Sleep(time.Minute)
			}
			iss.Up()
			if err := keys.Fetch(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// Require answers 503 for what nobody can tell, with the time to come back at,
// and 401 for a verdict.
func TestRemoteBehindRequire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		policy := &jwt.Policy{Issuer: issuer, Audience: []string{audience}, Keys: s.remote()}
		api := token.Require(policy, http.NotFoundHandler())
		ask := func(id string) string {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", "Bearer "+siteToken(t, id).Reveal())
			w := httptest.NewRecorder()
			api.ServeHTTP(w, r)
			return fmt.Sprint(w.Code, w.Header()["Retry-After"])
		}
		for _, test := range []struct{ id, want string }{{"a", "404 []"}, {"b", "401 []"}} {
			if got := ask(test.id); got != test.want {
				t.Errorf("%s: %s, want %s", test.id, got, test.want)
			}
		}
		time.Sleep(time.Minute)
		s.say(503, http.Header{"Retry-After": {"120"}}, "")
		for _, test := range []struct{ id, want string }{{"a", "404 []"}, {"b", "503 [120]"}, {"b", "503 [120]"}} {
			if got := ask(test.id); got != test.want {
				t.Errorf("an outage, %s: %s, want %s", test.id, got, test.want)
			}
		}
	})
}
