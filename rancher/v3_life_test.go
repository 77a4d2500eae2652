package rancher

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// v3Versions are the versions that differ in what a client sees.
var v3Versions = []string{"v2.4.6", "v2.5.0", "v2.8.0", "v2.12.0", "v2.13.1", "v2.15.0"}

// everyV3 runs a test against a server of each version, with the user admin.
func everyV3(t *testing.T, test func(t *testing.T, fake *ranchertest.V3, c *V3)) {
	t.Helper()
	for _, version := range v3Versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			fake, c := newV3(version)
			test(t, fake, c)
		})
	}
}

const adminPassword = "hunter2 of the admin"

var admin = Credentials{Username: "admin", Password: token.NewSecret(adminPassword)}

func newV3(version string) (*ranchertest.V3, *V3) {
	fake := ranchertest.NewV3(version)
	fake.AddUser("admin", adminPassword)
	return fake, &V3{Server: &Server{URL: fake.URL, HTTP: fake.Client()}}
}

// loginV3 logs the admin in, and has c use the token.
func loginV3(t *testing.T, c *V3) Login {
	t.Helper()
	login, err := c.Login(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	c.Source = token.Static(token.Token{Value: login.Token.Value})
	return login
}

// The whole life of a token, on each version.
func TestV3Life(t *testing.T) {
	t.Parallel()
	everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
		login := loginV3(t, c)
		if got := login.Token.ExpiresIn; got > 16*time.Hour-time.Second || got < 16*time.Hour-time.Minute {
			t.Errorf("the login lives for %v", got)
		}
		tok, made, err := c.Create(t.Context(), V3Request{Description: "ci", Lifetime: 2 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if made.Lifetime != 2*time.Hour || !made.Derived || made.Current || !made.Enabled || made.Description != "ci" {
			t.Errorf("%+v", made)
		}
		probe, err := c.Probe(t.Context(), tok.Value)
		if err != nil || !probe.Live || probe.User.Login != "admin" || probe.User.ID != made.UserID {
			t.Errorf("probe: %+v, %v", probe, err)
		}
		list, err := c.Tokens(t.Context())
		if err != nil || len(list) != 2 {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err = c.Get(t.Context(), made.Name); err != nil {
			t.Error(err)
		}
		if err = c.Delete(t.Context(), login.Name); !errors.Is(err, ErrCurrent) {
			t.Errorf("deleting the login's own token: %v", err)
		}
		for range 2 {
			if err = c.Delete(t.Context(), made.Name); err != nil {
				t.Error(err)
			}
		}
		if _, err = c.Get(t.Context(), made.Name); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if probe, err := c.Probe(t.Context(), tok.Value); err != nil || probe.Live || probe.Err != ErrNotAuthenticated {
			t.Errorf("probe of a deleted one: %+v, %v", probe, err)
		}
		for range 2 {
			if err := c.Logout(t.Context(), login.Token.Value); err != nil {
				t.Error(err)
			}
		}
		if left := fake.Tokens(); len(left) != 0 {
			t.Errorf("left: %+v", left)
		}
	})
}

// The rows of B.4: to a server that takes the client for a browser, because a
// proxy has changed the User-Agent, each call is made as it wants it.
func TestV3Browser(t *testing.T) {
	t.Parallel()
	everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
		direct := c.Server.HTTP.Transport
		refused := 0
		c.Server.HTTP = &http.Client{Transport: tripFunc(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Header.Set("User-Agent", "Mozilla/5.0 (proxy)")
			resp, err := direct.RoundTrip(r)
			if err == nil && resp.StatusCode == 422 {
				refused++
			}
			return resp, err
		})}
		login := loginV3(t, c)
		if refused > 1 {
			t.Errorf("the login was refused %d times", refused)
		}
		fresh := func() *V3 { return &V3{Source: c.Source, Server: &Server{URL: fake.URL, HTTP: c.Server.HTTP}} } // it knows no cookie
		t.Run("B.4 norman: no cookie, 422 and a cookie to echo", func(t *testing.T) {
			c, before := fresh(), refused
			_, made, err := c.Create(t.Context(), V3Request{})
			if err != nil || refused != before+1 {
				t.Fatalf("refused %d times, %v", refused-before, err)
			}
			if err := c.Delete(t.Context(), made.Name); err != nil || refused != before+1 {
				t.Errorf("refused %d times, %v", refused-before, err)
			}
		})
		t.Run("B.4 norman: mismatch", func(t *testing.T) {
			strips := &V3{Source: c.Source, Server: &Server{URL: fake.URL, HTTP: &http.Client{Transport: tripFunc(func(r *http.Request) (*http.Response, error) {
				r = r.Clone(r.Context())
				r.Header.Del("X-API-CSRF")
				return c.Server.HTTP.Transport.RoundTrip(r)
			})}}}
			before := len(fake.Tokens())
			_, _, err := strips.Create(t.Context(), V3Request{})
			checkV3Error(t, err, ErrCSRF, 422, "InvalidCSRFToken")
			if len(fake.Tokens()) != before {
				t.Error("a token is made")
			}
		})
		t.Run("B.4 not checked: /v1-public, /v1/logout, /ext", func(t *testing.T) {
			if !strings.Contains(t.Name(), "/v2.13.1/") && !strings.Contains(t.Name(), "/v2.15.0/") {
				t.Skip("this version has not all of them")
			}
			c, before := fresh(), refused
			other, err := c.Login(t.Context(), admin)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.CreateExt(t.Context(), V3Request{}); err != nil {
				t.Error(err)
			}
			if err := c.Logout(t.Context(), other.Token.Value); err != nil || refused != before {
				t.Errorf("refused %d times, %v", refused-before, err)
			}
		})
		if err := c.Logout(t.Context(), login.Token.Value); err != nil {
			t.Error(err)
		}
	})
}
