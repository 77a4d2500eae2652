package rancher

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// A v2betaCase is a token of jane, who is a user like others, and what has
// happened to it.
type v2betaCase struct {
	fake    *ranchertest.V2Beta
	c       *V2Beta // its Source has a token of the administrator
	login   Login
	suspect Suspect
}

var v2betaJane = Credentials{Username: "jane", Password: token.NewSecret("hunter2 of jane")}

func newV2BetaCase(t *testing.T) *v2betaCase {
	t.Helper()
	fake := ranchertest.NewV2Beta()
	fake.AddUser("admin", "hunter2", "admin")
	fake.AddUser("jane", v2betaJane.Password.Reveal(), "user")
	s := &v2betaCase{fake: fake, c: &V2Beta{Server: &Server{URL: fake.URL, HTTP: fake.Client()}}}
	s.c.Source = s.loginAs(Credentials{Username: "admin", Password: token.NewSecret("hunter2")})
	admin, err := s.c.Source.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.c.Source = token.Static(token.Token{Value: admin.Value})
	s.logIn(t)
	return s
}

// logIn has jane log in, and the token be diagnosed.
func (s *v2betaCase) logIn(t *testing.T) {
	t.Helper()
	var err error
	if s.login, err = s.c.Login(t.Context(), v2betaJane); err != nil {
		t.Fatal(err)
	}
	s.suspect = Suspect{Token: s.login.Token.Value}
}

// remember has the suspect say what a program knows of its login.
func (s *v2betaCase) remember() {
	s.suspect.Created, s.suspect.Lifetime = time.Now(), s.login.Token.ExpiresIn.Round(time.Minute)
}

// v2betaCases are what happens to tokens. In testdata/diagnose_v2beta.txt is
// what is found out about each.
var v2betaCases = []struct {
	name    string
	happens func(t *testing.T, s *v2betaCase)
}{
	{"a token that is fine", func(t *testing.T, s *v2betaCase) { s.suspect.URL = "/v2-beta/projects" }},
	{"empty", func(t *testing.T, s *v2betaCase) { s.suspect = Suspect{} }},
	{"a whole header", func(t *testing.T, s *v2betaCase) {
		s.suspect.Token = token.NewSecret("Bearer " + s.suspect.Token.Reveal())
	}},
	{"cut off", func(t *testing.T, s *v2betaCase) {
		s.suspect.Token = token.NewSecret(s.suspect.Token.Reveal()[:30])
	}},
	{"mistyped", func(t *testing.T, s *v2betaCase) {
		s.suspect.Token = token.NewSecret("0" + s.suspect.Token.Reveal()[1:])
	}},
	{"of Rancher 2.x", func(t *testing.T, s *v2betaCase) {
		s.suspect.Token = token.NewSecret("token-7d9xk:" + strings.Repeat("b", 54))
	}},
	{"an API key", func(t *testing.T, s *v2betaCase) {
		s.suspect.Token = token.NewSecret("0123456789ABCDEF0123:" + strings.Repeat("b", 40))
	}},
	{"the server is Rancher 2.x", func(t *testing.T, s *v2betaCase) {
		other := ranchertest.NewV3("v2.13.1")
		s.c = &V2Beta{Server: &Server{URL: other.URL, HTTP: other.Client()}}
	}},
	{"no provider", func(t *testing.T, s *v2betaCase) { s.fake.Set("api.auth.provider.configured", "none") }},
	{"security is off", func(t *testing.T, s *v2betaCase) { s.fake.Set("api.security.enabled", "false") }},
	{"expired, by what is known here", func(t *testing.T, s *v2betaCase) {
		s.remember()
		time.Sleep(17 * time.Hour)
		s.c.Source = nil
	}},
	{"expired, by the setting", func(t *testing.T, s *v2betaCase) {
		s.again(t, 8*time.Hour)
		s.suspect.Created = time.Now()
		time.Sleep(9 * time.Hour)
	}},
	{"expired, by a setting that the environment overrides", func(t *testing.T, s *v2betaCase) {
		s.fake.SetEnv("api.auth.jwt.token.expiry", strconv.FormatInt((8*time.Hour).Milliseconds(), 10))
		s.logIn(t)
		s.remember()
		time.Sleep(9 * time.Hour)
	}},
	{"expired, by the default", func(t *testing.T, s *v2betaCase) {
		s.suspect.Created = time.Now()
		time.Sleep(17 * time.Hour)
		s.c.Source = nil
	}},
	{"near its end", func(t *testing.T, s *v2betaCase) {
		s.remember()
		time.Sleep(16*time.Hour + 10*time.Second)
		s.c.Source = nil
	}},
	{"expired or unknown", func(t *testing.T, s *v2betaCase) {
		time.Sleep(17 * time.Hour)
		s.c.Source = nil
	}},
	{"logged out", func(t *testing.T, s *v2betaCase) {
		s.remember()
		if err := s.c.Logout(t.Context(), s.suspect.Token); err != nil {
			t.Fatal(err)
		}
	}},
	{"ended by another login", func(t *testing.T, s *v2betaCase) {
		s.fake.Set("api.auth.restrict.concurrent.sessions", "true")
		first := s.suspect
		s.logIn(t)
		s.suspect = first
		s.remember()
	}},
	{"the provider has changed", func(t *testing.T, s *v2betaCase) {
		s.fake.Set("api.auth.provider.configured", "openldapconfig")
	}},
	{"the access mode", func(t *testing.T, s *v2betaCase) { s.fake.SetAccess("jane", false) }},
	{"the account is not active", func(t *testing.T, s *v2betaCase) { s.fake.SetActive("jane", false) }},
	{"a challenge though the token is live", func(t *testing.T, s *v2betaCase) {
		s.fake.SetFault(ranchertest.On("GET /v2-beta/projects", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WWW-Authenticate", `Basic realm="Enter API access key and secret key as username and password"`)
				ranchertest.Answer(401, `{"id":"x","type":"error","links":{},"actions":{},"status":401,"code":"Unauthorized","message":"Unauthorized","detail":null,"baseType":"error"}`)(h).ServeHTTP(w, r)
			})
		}))
	}},
	{"a stale cookie hides the header", func(t *testing.T, s *v2betaCase) {
		s.jar(t, "V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr")
	}},
	{"the token is in the jar as well", func(t *testing.T, s *v2betaCase) { s.jar(t, s.suspect.Token.Reveal()) }},
	{"a live cookie hides the header", func(t *testing.T, s *v2betaCase) {
		own, err := s.c.Source.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.jar(t, own.Value.Reveal())
	}},
	{"the project", func(t *testing.T, s *v2betaCase) { s.c.Project = "1a77" }},
	{"the project can be none", func(t *testing.T, s *v2betaCase) { s.c.Project = "Default" }},
	{"the role", func(t *testing.T, s *v2betaCase) {
		s.suspect.URL = "/v2-beta/projects/1a5"
		s.fake.SetFault(ranchertest.On("GET /v2-beta/projects/1a5",
			ranchertest.Answer(403, `{"id":"x","type":"error","links":{},"actions":{},"status":403,"code":"Forbidden","message":"Forbidden","detail":null,"baseType":"error"}`)))
	}},
	{"a 401 though the token is live", func(t *testing.T, s *v2betaCase) {
		s.suspect.URL = "/v2-beta/projects/1a5"
		s.fake.SetFault(ranchertest.On("GET /v2-beta/projects/1a5",
			ranchertest.Answer(401, `{"id":"x","type":"error","links":{},"actions":{},"status":401,"code":"Unauthorized","message":"Unauthorized","detail":null,"baseType":"error"}`)))
	}},
	{"not found", func(t *testing.T, s *v2betaCase) { s.suspect.URL = "/v2-beta/projects/1a99" }},
	{"CSRF, by the error of a call", func(t *testing.T, s *v2betaCase) {
		s.suspect.Err = &Error{Op: "log out", From: "DELETE https://rancher.example/v2-beta/token/current", Status: 403, Code: "InvalidCSRFToken", Err: ErrCSRF}
	}},
	{"the clock of this machine is off", func(t *testing.T, s *v2betaCase) {
		s.c.Server.HTTP = &http.Client{Transport: late{s.fake.Client().Transport, -time.Hour}}
	}},
	{"the network", func(t *testing.T, s *v2betaCase) { s.fake.SetFault(ranchertest.Drop) }},
	{"a proxy without a server", func(t *testing.T, s *v2betaCase) { s.fake.SetFault(ranchertest.Status(503)) }},
	{"a login page", func(t *testing.T, s *v2betaCase) { s.fake.SetFault(ranchertest.Page) }},
	{"half an answer", func(t *testing.T, s *v2betaCase) { s.fake.SetFault(ranchertest.Truncate) }},
	{"a Source whose user may not read settings", func(t *testing.T, s *v2betaCase) {
		if err := s.c.Logout(t.Context(), s.suspect.Token); err != nil {
			t.Fatal(err)
		}
		s.c.Source = s.loginAs(v2betaJane)
		own, err := s.c.Source.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.c.Source = token.Static(token.Token{Value: own.Value})
	}},
}

// again has jane log in once more, for another time.
func (s *v2betaCase) again(t *testing.T, d time.Duration) {
	t.Helper()
	s.fake.Set("api.auth.jwt.token.expiry", strconv.FormatInt(d.Milliseconds(), 10))
	s.logIn(t)
}

// jar has the client put a cookie called token on whatever else is sent with it.
func (s *v2betaCase) jar(t *testing.T, value string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(s.fake.URL)
	jar.SetCookies(u, []*http.Cookie{{Name: "Token", Value: value, Path: "/"}})
	s.c.Server.HTTP.Jar = jar
}

// late has a server's clock be off.
type late struct {
	http.RoundTripper
	off time.Duration
}

func (l late) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Header.Set("Date", time.Now().Add(l.off).UTC().Format(http.TimeFormat))
	}
	return resp, err
}

func TestV2BetaDiagnose(t *testing.T) {
	golden := openGolden(t, "testdata/diagnose_v2beta.txt")
	for _, test := range v2betaCases {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newV2BetaCase(t)
				test.happens(t, s)
				live, asked := s.fake.Live("jane")+s.fake.Live("admin"), len(s.fake.Requests())

				got := s.c.Diagnose(t.Context(), s.suspect)

				golden.check(t, test.name, got, s.suspect.Token, s.login.Token.Value)
				for _, r := range s.fake.Requests()[asked:] {
					if !strings.HasPrefix(r, "GET ") {
						t.Errorf("it asked %s, which may change something", r)
					}
				}
				if now := s.fake.Live("jane") + s.fake.Live("admin"); now != live {
					t.Errorf("there were %d live tokens, and now %d", live, now)
				}
			})
		})
	}
	golden.done(t)
}

// loginAs returns a function that logs in.
func (s *v2betaCase) loginAs(cr Credentials) token.SourceFunc {
	return func(ctx context.Context) (token.Token, error) {
		login, err := s.c.Login(ctx, cr)
		return login.Token, err
	}
}
