package rancher_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// A v2betaStory is a client and the whole of a 1.6 server, with an administrator
// and a user.
type v2betaStory struct {
	*testing.T
	fake *ranchertest.V2Beta
	*rancher.V2Beta
}

func (s v2betaStory) login(username, password string) (rancher.Login, error) {
	return s.Login(s.Context(), rancher.Credentials{Username: username, Password: token.NewSecret(password)})
}

// loggedIn returns a good token of the administrator, which Source supplies too.
func (s v2betaStory) loggedIn() token.Secret {
	s.Helper()
	login, err := s.login("admin", "pass:word")
	if err != nil {
		s.Fatal(err)
	}
	s.Source = token.Static(token.Token{Value: login.Token.Value})
	return login.Token.Value
}

// wants checks an error against the kind that it should be of.
func (s v2betaStory) wants(err, want error) {
	s.Helper()
	checkV2BetaError(s.T, err, "pass:word", "wrong")
	if !errors.Is(err, want) || err == nil {
		s.Errorf("%v, want %v", err, want)
	}
}

// Each row of the tables, told from its beginning.
func TestV2BetaRows(t *testing.T) {
	t.Parallel()
	const provider = "api.auth.provider.configured"
	code := func(s v2betaStory, code string) error {
		_, err := s.Login(s.Context(), rancher.Credentials{Code: token.NewSecret(code)})
		return err
	}
	setting := func(s v2betaStory) error {
		_, err := s.Setting(s.Context(), "api.auth.jwt.token.expiry")
		return err
	}
	for _, test := range []struct {
		name string
		tell func(s v2betaStory)
	}{
		{"A.7 cookie", func(s v2betaStory) {
			tok := s.loggedIn()
			if err := s.Logout(s.Context(), tok); err != nil || s.fake.Live("admin") != 0 {
				s.Errorf("%v, %d live", err, s.fake.Live("admin"))
			}
			s.wants(setting(s), rancher.ErrNotAuthenticated)
		}},
		{"A.7 Authorization: Bearer", func(s v2betaStory) {
			tok := token.NewSecret("Bearer " + s.loggedIn().Reveal())
			if err := s.Logout(s.Context(), tok); err != nil || s.fake.Live("admin") != 0 {
				s.Errorf("%v, %d live", err, s.fake.Live("admin"))
			}
		}},
		{"A.7 no or expired token", func(s v2betaStory) {
			tok := s.loggedIn()
			time.Sleep(16 * time.Hour)
			for _, tok := range []token.Secret{tok, token.NewSecret(v2betaJWT)} {
				if err := s.Logout(s.Context(), tok); err != nil {
					s.Error(err)
				}
			}
		}},
		{"A.9 code without a colon", func(s v2betaStory) {
			s.wants(code(s, "3f8a9b0c"), rancher.ErrRequest)
			s.fake.Set(provider, "openldapconfig")
			s.wants(code(s, "3f8a9b0c"), rancher.ErrRequest)
		}},
		{"A.9 azure code without a colon", func(s v2betaStory) {
			s.fake.Set(provider, "azureadconfig")
			s.wants(code(s, "3f8a9b0c"), rancher.ErrRequest)
		}},
		{"A.9 wrong local password, unknown user, inactive account", func(s v2betaStory) {
			_, err := s.login("admin", "wrong")
			s.wants(err, rancher.ErrCredentials)
			_, err = s.login("nobody", "pass:word")
			s.wants(err, rancher.ErrCredentials)
			s.fake.SetActive("admin", false)
			_, err = s.login("admin", "pass:word")
			s.wants(err, rancher.ErrCredentials)
			s.wants(err, token.ErrRefused)
		}},
		{"A.9 external provider says 401", func(s v2betaStory) {
			s.fake.Set(provider, "githubconfig")
			s.wants(code(s, "3f8a9b0c"), rancher.ErrCredentials)
			s.fake.SetProviderStatus(401)
			s.fake.Set(provider, "ldapconfig")
			_, err := s.login("admin", "pass:word")
			s.wants(err, rancher.ErrCredentials)
		}},
		{"A.9 external provider says 403", func(s v2betaStory) {
			s.fake.Set(provider, "ldapconfig")
			s.fake.SetProviderStatus(403)
			_, err := s.login("admin", "pass:word")
			s.wants(err, rancher.ErrNoAccess)
		}},
		{"A.9 external provider other", func(s v2betaStory) {
			s.fake.Set(provider, "ldapconfig")
			for _, status := range []int{400, 404, 429, 500, 502} {
				s.fake.SetProviderStatus(status)
				_, err := s.login("admin", "pass:word")
				s.wants(err, rancher.ErrProvider)
			}
		}},
		{"A.9 auth-service unreachable", func(s v2betaStory) {
			s.fake.Set(provider, "githubconfig")
			s.fake.SetProviderStatus(-1)
			s.wants(code(s, "3f8a9b0c"), rancher.ErrProvider)
		}},
		{"A.9 no provider configured", func(s v2betaStory) {
			s.fake.Set(provider, "none")
			_, err := s.login("admin", "pass:word")
			s.wants(err, rancher.ErrProvider)
		}},
		{"A.9 local auth chosen but not configured", func(s v2betaStory) {
			empty := ranchertest.NewV2Beta()
			s.Server = &rancher.Server{URL: empty.URL, HTTP: empty.Client()}
			_, err := s.login("admin", "pass:word")
			s.wants(err, rancher.ErrProvider)
		}},
		{"A.9 site access mode refuses the user", func(s v2betaStory) {
			tok := s.loggedIn()
			s.fake.SetAccess("admin", false)
			_, err := s.login("admin", "pass:word")
			s.wants(err, rancher.ErrNoAccess)
			s.wants(setting(s), rancher.ErrNoAccess)
			if p, err := s.Probe(s.Context(), tok); err != nil || p.Live || p.Err != rancher.ErrNoAccess {
				s.Errorf("%+v, %v", p, err)
			}
		}},
		{"A.9 provider switched since the token was made", func(s v2betaStory) {
			tok := s.loggedIn()
			s.fake.Set(provider, "openldapconfig")
			s.wants(setting(s), rancher.ErrProviderChanged)
			if p, err := s.Probe(s.Context(), tok); err != nil || p.Live || p.Err != rancher.ErrProviderChanged {
				s.Errorf("%+v, %v", p, err)
			}
		}},
		{"A.9 CSRF mismatch", func(s v2betaStory) {
			tok := s.loggedIn()
			browserlike(s.V2Beta)
			base := s.Server.HTTP.Transport
			s.Server.HTTP.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				r.Header.Del("X-Api-Csrf")
				return base.RoundTrip(r)
			})
			if _, err := s.Probe(s.Context(), tok); err != nil { // from which it learns the cookie
				s.Error(err)
			}
			s.wants(s.Logout(s.Context(), tok), rancher.ErrCSRF)
		}},
		{"A.9 expired token, unknown token, no token", func(s v2betaStory) {
			tok := s.loggedIn()
			time.Sleep(16*time.Hour - time.Second)
			if p, err := s.Probe(s.Context(), tok); err != nil || !p.Live {
				s.Errorf("%+v, %v: one second is left", p, err)
			}
			time.Sleep(time.Second)
			if p, err := s.Probe(s.Context(), tok); err != nil || p.Live || p.Err != nil {
				s.Errorf("%+v, %v: none is left", p, err)
			}
			s.wants(setting(s), rancher.ErrNotAuthenticated)
			s.Source = token.Static(token.New(token.NewSecret(v2betaJWT)))
			s.wants(setting(s), rancher.ErrNotAuthenticated)
			resp, err := (&http.Client{Transport: s.Transport(s.Source)}).Get(s.fake.URL + "/v2-beta/projects")
			if err != nil || !s.Refused(resp) || resp.Header.Get("WWW-Authenticate") != "" {
				s.Fatalf("%v, %v", resp, err)
			}
			resp.Body.Close()
		}},
		{"A.9 LDAP down", func(s v2betaStory) {
			s.fake.Set(provider, "openldapconfig")
			s.fake.SetProviderStatus(-1)
			_, err := s.login("admin", "pass:word")
			s.wants(err, rancher.ErrProvider)
		}},
		{"A.10 only for a User-Agent with mozilla", func(s v2betaStory) {
			base := s.Server.HTTP.Transport
			s.Server.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Header.Get("X-Api-Csrf") != "" {
					s.Errorf("an echo of a cookie that was never set")
				}
				r = r.Clone(r.Context())
				r.Header.Add("Cookie", "CSRF=0A1B2C3D4E") // of something in between, and without an echo
				return base.RoundTrip(r)
			})}
			if err := s.Logout(s.Context(), s.loggedIn()); err != nil || s.fake.Live("admin") != 0 {
				s.Errorf("%v, %d live", err, s.fake.Live("admin"))
			}
		}},
		{"A.10 no cookie: one is issued, and the request is let through", func(s v2betaStory) {
			browserlike(s.V2Beta)
			s.loggedIn()
			if got := s.fake.Requests()[0]; got != "POST /v2-beta/token" {
				s.Errorf("%s", got)
			}
			if got := strings.Join(s.fake.Requests(), ", "); strings.Count(got, "POST") != 1 {
				s.Errorf("%s", got)
			}
		}},
		{"A.10 not for a GET", func(s v2betaStory) {
			tok := s.loggedIn()
			browserlike(s.V2Beta)
			for range 2 {
				if p, err := s.Probe(s.Context(), tok); err != nil || !p.Live {
					s.Errorf("%+v, %v", p, err)
				}
			}
		}},
		{"A.10 a browser", func(s v2betaStory) {
			browserlike(s.V2Beta)
			for range 2 {
				if err := s.Logout(s.Context(), s.loggedIn()); err != nil {
					s.Error(err)
				}
			}
		}},
		{"A.5 the setting says how long", func(s v2betaStory) {
			s.fake.Set("api.auth.jwt.token.expiry", "5400000")
			login, err := s.login("admin", "pass:word")
			if err != nil || login.Token.ExpiresIn != 90*time.Minute {
				s.Errorf("%v, %v", login.Token.ExpiresIn, err)
			}
			s.fake.SetEnv("api.auth.jwt.token.expiry", "60000")
			login, err = s.login("admin", "pass:word")
			if err != nil || login.Token.ExpiresIn != time.Minute {
				s.Errorf("%v, %v", login.Token.ExpiresIn, err)
			}
			other := &rancher.V2Beta{Server: s.Server} // which has never read it
			login, err = other.Login(s.Context(), rancher.Credentials{Username: "jane", Password: token.NewSecret("päss")})
			if err != nil || login.Token.ExpiresIn != 16*time.Hour {
				s.Errorf("%v, %v: a user may not read it", login.Token.ExpiresIn, err)
			}
		}},
		{"A.4 each way to present a token", func(s v2betaStory) {
			tok := token.Token{Value: s.loggedIn()}
			s.Project = "1a5"
			for _, set := range []func(*http.Request, token.Token){s.Set, s.SetBearer, s.SetBasic} {
				r, err := http.NewRequestWithContext(s.Context(), "GET", s.fake.URL+"/v2-beta/projects", nil)
				if err != nil {
					s.Fatal(err)
				}
				r.Header.Set("Cookie", "token=stale")
				set(r, tok)
				resp, err := s.fake.Client().Do(r)
				if err != nil || resp.StatusCode != 200 || resp.Header.Get("X-Api-Account-Id") != "1a5" || resp.Header.Get("X-Api-User-Id") != "1a1" {
					s.Fatalf("%v, %v", resp, err)
				}
				resp.Body.Close()
			}
		}},
		{"A.6 a Bearer is echoed", func(s v2betaStory) {
			tok := s.loggedIn()
			base := s.fake.Client().Transport
			s.Server.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				r = r.Clone(r.Context())
				s.SetBearer(r, token.Token{Value: tok})
				return base.RoundTrip(r)
			})}
			if p, err := s.Probe(s.Context(), tok); err != nil || !p.Live || p.User.ID != "1a1" {
				s.Errorf("%+v, %v", p, err)
			}
		}},
		{"A.8 a GitHub code", func(s v2betaStory) {
			s.fake.Set(provider, "githubconfig")
			s.fake.AddCode("3f8a9b0c", "jane")
			login, err := s.Login(s.Context(), rancher.Credentials{Provider: "githubConfig", Code: token.NewSecret("3f8a9b0c")})
			if err != nil || login.User.Login != "jane" || login.User.Provider != "githubconfig" {
				s.Errorf("%+v, %v", login, err)
			}
			p, err := s.Probe(s.Context(), token.Secret{})
			if err != nil || !strings.HasPrefix(p.RedirectURL, "https://github.com/login/oauth/authorize?") {
				s.Errorf("%+v, %v", p, err)
			}
		}},
		{"A.6 security off", func(s v2betaStory) {
			s.fake.Set("api.security.enabled", "false")
			if p, err := s.Probe(s.Context(), token.Secret{}); err != nil || !p.Open || p.Live {
				s.Errorf("%+v, %v", p, err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := ranchertest.NewV2Beta()
				fake.AddUser("admin", "pass:word", "admin")
				fake.AddUser("jane", "päss", "user")
				test.tell(v2betaStory{t, fake, &rancher.V2Beta{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}}})
			})
		})
	}
}

// v2betaAttentive has a fault hear a request to its end first: whoever is
// answered before may find the connection closed instead of the answer.
func v2betaAttentive(f ranchertest.Fault) ranchertest.Fault {
	return func(h http.Handler) http.Handler {
		bad := f(h)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			bad.ServeHTTP(w, r)
		})
	}
}

// What goes wrong on the way is an error that says what was seen, and repeats
// nothing.
func TestV2BetaFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault ranchertest.Fault
		want  error
	}{
		{"page", ranchertest.Page, rancher.ErrNotRancher},
		{"redirect", ranchertest.Redirect("https://other.example/login"), rancher.ErrNotRancher},
		{"truncated", ranchertest.Truncate, rancher.ErrNotRancher},
		{"cut", ranchertest.Cut, rancher.ErrUnavailable},
		{"dropped", ranchertest.Drop, rancher.ErrUnavailable},
		{"lost", ranchertest.DropAfter, rancher.ErrUnavailable},
		{"endless", ranchertest.Endless, rancher.ErrNotRancher},
		{"502", ranchertest.Status(502), rancher.ErrUnavailable},
		{"slow", ranchertest.Slow(time.Minute), rancher.ErrUnavailable},
		{"an error with the status of a success", ranchertest.Answer(200, `{"type":"error","status":401,"code":"Unauthorized","message":"pass:word"}`), rancher.ErrNotRancher},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := ranchertest.NewV2Beta()
				fake.AddUser("admin", "pass:word", "admin")
				s := v2betaStory{t, fake, &rancher.V2Beta{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}}}
				tok := s.loggedIn()
				fake.SetFault(v2betaAttentive(test.fault))
				_, err := s.login("admin", "pass:word")
				s.wants(err, test.want)
				_, err = s.Probe(t.Context(), tok)
				s.wants(err, test.want)
				_, err = s.Setting(t.Context(), "api.host")
				s.wants(err, test.want)
				err = s.Logout(t.Context(), tok)
				switch test.name {
				case "truncated", "cut", "endless": // of an answer without a body
				default:
					s.wants(err, test.want)
				}

				// A caller who goes gets the error of that.
				fake.SetFault(ranchertest.Slow(time.Minute))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err = s.Login(ctx, rancher.Credentials{Username: "admin", Password: token.NewSecret("pass:word")})
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, token.ErrRefused) {
					t.Errorf("%v", err)
				}
				time.Sleep(time.Minute) // until the server has done
			})
		})
	}
}
