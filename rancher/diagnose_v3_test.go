package rancher

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// A v3Case is a token that is refused, and what has happened to it.
type v3Case struct {
	fake    *ranchertest.V3
	c       *V3 // its Source is a second token of the user admin, unless happens takes it away
	login   Login
	suspect Suspect
}

var v3Admin = Credentials{Username: "admin", Password: token.NewSecret("hunter2 of the admin")}

func newV3Case(t *testing.T, version string) *v3Case {
	t.Helper()
	fake := ranchertest.NewV3(version)
	fake.AddUser(v3Admin.Username, v3Admin.Password.Reveal())
	s := &v3Case{fake: fake, c: &V3{Server: &Server{URL: fake.URL, HTTP: fake.Client()}}}
	var err error
	if s.login, err = s.c.Login(t.Context(), v3Admin); err != nil {
		t.Fatal(err)
	}
	s.c.Source = token.Static(token.Token{Value: s.login.Token.Value})
	return s
}

// create makes a token to be diagnosed.
func (s *v3Case) create(t *testing.T, r V3Request) V3Token {
	t.Helper()
	tok, made, err := s.c.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	s.suspect = Suspect{Token: tok.Value}
	return made
}

func (s *v3Case) createExt(t *testing.T) V3Token {
	t.Helper()
	tok, made, err := s.c.CreateExt(t.Context(), V3Request{Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s.suspect = Suspect{Token: tok.Value}
	return made
}

// alone takes the second credential away.
func (s *v3Case) alone() { s.c.Source = nil }

// remember has the suspect say what a program knows of a token that it has made.
func (s *v3Case) remember(made V3Token, asked time.Duration) {
	s.suspect.Created, s.suspect.Lifetime, s.suspect.Asked = made.Created, made.Lifetime, asked
}

// v3Cases are what happens to tokens. In testdata/diagnose_v3.txt is what is
// found out about each.
var v3Cases = []struct {
	name    string
	version string
	happens func(t *testing.T, s *v3Case)
}{
	{"a token that is fine", "v2.13.1", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{Lifetime: time.Hour})
		s.remember(made, time.Hour)
		s.suspect.URL = "/v3/settings"
	}},
	{"empty", "v2.13.1", func(t *testing.T, s *v3Case) {}},
	{"a whole header", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.suspect.Token = token.NewSecret("Bearer " + s.suspect.Token.Reveal())
	}},
	{"no colon", "v2.13.1", func(t *testing.T, s *v3Case) { s.suspect.Token = token.NewSecret("Hunter2") }},
	{"cut off", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.suspect.Token = token.NewSecret(s.suspect.Token.Reveal()[:50])
		s.alone()
	}},
	{"cut off, with a second credential", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.suspect.Token = token.NewSecret(s.suspect.Token.Reveal()[:50])
	}},
	{"of Rancher 1.6", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.suspect.Token = token.NewSecret("V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr")
	}},
	{"the server is Rancher 1.6", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		old := ranchertest.NewV2Beta()
		s.c = &V3{Server: &Server{URL: old.URL, HTTP: old.Client()}}
	}},
	{"ext/ before a token that is none of ext", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.suspect.Token = token.NewSecret("ext/" + s.suspect.Token.Reveal())
	}},
	{"an ext token that is fine", "v2.13.1", func(t *testing.T, s *v3Case) { s.createExt(t) }},
	{"an ext token without ext/", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.createExt(t)
		s.suspect.Token = token.NewSecret(strings.TrimPrefix(s.suspect.Token.Reveal(), "ext/"))
	}},
	{"an ext token that has expired", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.createExt(t)
		time.Sleep(2 * time.Hour)
	}},
	{"an ext token that is disabled", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.DisableToken(s.createExt(t).Name)
	}},
	{"an ext token where there are none", "v2.9.0", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.suspect.Token = token.NewSecret("ext/" + s.suspect.Token.Reveal())
		s.alone()
	}},
	{"expired, and nothing known", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{Lifetime: time.Hour})
		time.Sleep(2 * time.Hour)
		s.alone()
	}},
	{"expired, by what is known here", "v2.13.1", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{Lifetime: time.Hour})
		s.remember(made, time.Hour)
		time.Sleep(2 * time.Hour)
		s.alone()
	}},
	{"expired, by its record", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{Lifetime: time.Hour})
		time.Sleep(2 * time.Hour)
	}},
	{"expired and purged", "v2.13.1", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{Lifetime: time.Hour})
		s.remember(made, time.Hour)
		time.Sleep(2 * time.Hour)
		s.fake.DeleteToken(made.Name)
	}},
	{"near its end", "v2.13.1", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{Lifetime: time.Hour})
		s.remember(made, time.Hour)
		time.Sleep(time.Hour + 10*time.Second)
		s.alone()
	}},
	{"clamped, and alive", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.Set("auth-token-max-ttl-minutes", "60")
		made := s.create(t, V3Request{Lifetime: 24 * time.Hour})
		s.remember(made, 24*time.Hour)
	}},
	{"clamped, and expired", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.Set("auth-token-max-ttl-minutes", "60")
		made := s.create(t, V3Request{Lifetime: 24 * time.Hour})
		s.remember(made, 24*time.Hour)
		time.Sleep(2 * time.Hour)
	}},
	{"clamped by the environment", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.Set("auth-token-max-ttl-minutes", "0")
		s.fake.SetEnv("auth-token-max-ttl-minutes", "60")
		made := s.create(t, V3Request{Lifetime: 24 * time.Hour})
		s.remember(made, 24*time.Hour)
		time.Sleep(2 * time.Hour)
	}},
	{"clamped since an upgrade", "v2.8.0", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{Lifetime: 365 * 24 * time.Hour})
		s.remember(made, 365*24*time.Hour)
	}},
	{"expired as a setting says that the environment overrides", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.SetEnv("auth-user-session-ttl-minutes", "30")
		login, err := s.c.Login(t.Context(), v3Admin)
		if err != nil {
			t.Fatal(err)
		}
		s.suspect.Token = login.Token.Value
		time.Sleep(2 * time.Hour)
	}},
	{"deleted", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.DeleteToken(s.create(t, V3Request{Lifetime: time.Hour}).Name)
	}},
	{"deleted, and nobody to ask", "v2.13.1", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{Lifetime: time.Hour})
		s.remember(made, time.Hour)
		s.fake.DeleteToken(made.Name)
		s.alone()
	}},
	{"deleted, and nobody else to ask", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.DeleteToken(s.create(t, V3Request{Lifetime: time.Hour}).Name)
		s.c.Source = token.Static(token.Token{Value: s.suspect.Token})
	}},
	{"of another user", "v2.13.1", func(t *testing.T, s *v3Case) {
		id := s.fake.AddUser("jane", "password of jane")
		login, err := s.c.Login(t.Context(), Credentials{Username: "jane", Password: token.NewSecret("password of jane")})
		if err != nil {
			t.Fatal(err)
		}
		s.suspect = Suspect{Token: login.Token.Value, User: User{ID: id}}
		s.fake.DeleteToken(login.Name)
	}},
	{"disabled by an administrator", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.fake.DisableToken(s.create(t, V3Request{}).Name)
	}},
	{"disabled by the refresh of a provider", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.as(t, "activedirectory", "jane")
		s.create(t, V3Request{})
		s.create(t, V3Request{})
		s.fake.NoAccess("jane")
		s.again(t, "activedirectory", "jane")
	}},
	{"disabled, by whom nothing tells", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.as(t, "activedirectory", "jane")
		s.fake.DisableToken(s.create(t, V3Request{}).Name)
	}},
	{"the user is disabled", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.fake.DisableUser("admin", true)
	}},
	{"the user is disabled, and an administrator asks", "v2.13.1", func(t *testing.T, s *v3Case) {
		id := s.fake.AddUser("jane", "password of jane")
		login, err := s.c.Login(t.Context(), Credentials{Username: "jane", Password: token.NewSecret("password of jane")})
		if err != nil {
			t.Fatal(err)
		}
		s.suspect = Suspect{Token: login.Token.Value, User: User{ID: id}}
		s.fake.DisableUser("jane", true)
	}},
	{"the provider is disabled", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.as(t, "activedirectory", "jane")
		s.create(t, V3Request{})
		s.suspect.User.Provider = "activedirectory"
		s.fake.DisableProvider("activedirectory", true)
	}},
	{"the provider is disabled, and nothing known", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.as(t, "activedirectory", "jane")
		s.create(t, V3Request{})
		s.fake.DisableProvider("activedirectory", true)
	}},
	{"confined to another cluster", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.AddCluster("c-m-first")
		s.create(t, V3Request{Cluster: "c-m-first"})
	}},
	{"confined to a cluster, and used there", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.AddCluster("c-m-first")
		s.create(t, V3Request{Cluster: "c-m-first"})
		s.suspect.URL = s.fake.URL + "/v3/clusters/c-m-first"
		s.alone()
	}},
	{"idle", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.Set("auth-user-session-idle-ttl-minutes", "30")
		login, err := s.c.Login(t.Context(), v3Admin)
		if err != nil {
			t.Fatal(err)
		}
		s.suspect.Token = login.Token.Value
		if _, err := s.c.Touch(t.Context(), login.Name); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
	}},
	{"a secret that is not its own", "v2.13.1", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{})
		s.suspect.Token = token.NewSecret(made.Name + ":" + strings.Repeat("b", 54))
	}},
	{"the clock of this machine is off", "v2.13.1", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{Lifetime: 2 * time.Hour})
		s.remember(made, 2*time.Hour)
		s.fake.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	}},
	{"expired by the server's clock, which is ahead", "v2.13.1", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{Lifetime: time.Hour})
		s.remember(made, time.Hour)
		s.fake.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
		s.alone()
	}},
	{"permission", "v2.13.1", func(t *testing.T, s *v3Case) {
		id := s.fake.AddUser("boss", "password of boss")
		_ = id
		s.as(t, "activedirectory", "jane")
		s.create(t, V3Request{})
		s.suspect.URL = "/v3/users/" + id + "?secret=hunter2"
	}},
	{"permission, by the error of a call", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.suspect.Err = &Error{Op: "delete a thing", From: "DELETE https://rancher.example/v3/things/x", Status: 403, Code: "Forbidden", Err: ErrForbidden}
	}},
	{"CSRF, by the error of a call", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.suspect.Err = &Error{Op: "create a token", From: "POST https://rancher.example/v3/tokens", Status: 422, Code: "InvalidCSRFToken", Err: ErrCSRF}
	}},
	{"the network", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.fake.SetFault(ranchertest.Drop)
	}},
	{"the network, and expired by this machine's clock", "v2.13.1", func(t *testing.T, s *v3Case) {
		made := s.create(t, V3Request{Lifetime: time.Hour})
		s.remember(made, time.Hour)
		time.Sleep(2 * time.Hour)
		s.fake.SetFault(ranchertest.Drop)
	}},
	{"TLS", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.c.Server.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
		})}
	}},
	{"a proxy without a server", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.fake.SetFault(ranchertest.Status(502))
	}},
	{"Rancher in trouble", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.fake.SetFault(ranchertest.Answer(500, `{"baseType":"error","code":"ServerError","status":500,"type":"error"}`))
	}},
	{"a login page", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.fake.SetFault(ranchertest.Page)
	}},
	{"a redirect", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.fake.SetFault(ranchertest.Redirect("https://sso.example/login?next=x"))
	}},
	{"a proxy that wants a login of its own", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.fake.SetFault(ranchertest.Answer(401, `{"error":"login required"}`))
	}},
	{"CSRF", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.fake.SetFault(ranchertest.Answer(422, `{"baseType":"error","code":"InvalidCSRFToken","message":"Invalid CSRF token","status":422,"type":"error"}`))
	}},
	{"before 2.6 there is no header", "v2.5.0", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{Lifetime: time.Hour})
		time.Sleep(2 * time.Hour)
	}},
	{"a client that is not set up", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.create(t, V3Request{})
		s.c.Server = &Server{}
	}},
	{"a Source that panics", "v2.13.1", func(t *testing.T, s *v3Case) {
		s.fake.DeleteToken(s.create(t, V3Request{}).Name)
		s.c.Source = token.SourceFunc(func(context.Context) (token.Token, error) { panic("hunter2") })
	}},
}

// as has a user of another provider log in, and be the second credential.
func (s *v3Case) as(t *testing.T, provider, username string) {
	t.Helper()
	s.fake.AddProviderUser(provider, username, "password of "+username)
	s.again(t, provider, username)
}

// again has the user log in once more.
func (s *v3Case) again(t *testing.T, provider, username string) {
	t.Helper()
	login, err := s.c.Login(t.Context(), Credentials{Provider: provider, Username: username, Password: token.NewSecret("password of " + username)})
	if err != nil {
		t.Fatal(err)
	}
	s.c.Source = token.Static(token.Token{Value: login.Token.Value})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestV3Diagnose(t *testing.T) {
	golden := openGolden(t, "testdata/diagnose_v3.txt")
	for _, test := range v3Cases {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newV3Case(t, test.version)
				test.happens(t, s)
				before, asked := s.fake.Tokens(), len(s.fake.Requests())

				got := s.c.Diagnose(t.Context(), s.suspect)

				golden.check(t, test.name, got, s.suspect.Token, s.login.Token.Value)
				for _, r := range s.fake.Requests()[asked:] {
					if !strings.HasPrefix(r, "GET ") {
						t.Errorf("it asked %s, which may change something", r)
					}
				}
				after := s.fake.Tokens()
				for _, list := range [][]ranchertest.V3Token{before, after} {
					for i := range list {
						list[i].LastUsed = time.Time{} // which every call sets
					}
				}
				if diff := cmpTokens(before, after); diff != "" {
					t.Errorf("it changed what the server keeps:\n%s", diff)
				}
			})
		})
	}
	golden.done(t)
}
