package rancher

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// answerWith is Answer with more headers, such as "Age: 5".
func answerWith(code int, body string, headers ...string) ranchertest.Fault {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, line := range headers {
				key, value, _ := strings.Cut(line, ": ")
				w.Header().Set(key, value)
			}
			ranchertest.Answer(code, body)(h).ServeHTTP(w, r)
		})
	}
}

// cached has one answer for all who get the same, whatever their token is; told
// says that it says so.
func cached(told bool) ranchertest.Fault {
	return func(h http.Handler) http.Handler {
		kept := map[string]*httptest.ResponseRecorder{}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			of := r.Method + " " + r.URL.String()
			full, ok := kept[of]
			if !ok {
				full = httptest.NewRecorder()
				h.ServeHTTP(full, r)
				kept[of] = full
			}
			for key, values := range full.Header() {
				w.Header()[key] = values
			}
			if ok && told {
				w.Header().Set("Age", "5")
			}
			w.WriteHeader(full.Code)
			w.Write(full.Body.Bytes())
		})
	}
}

// A changing is what puts something else on each request, or takes it off.
type changing struct {
	http.RoundTripper
	change func(*http.Request)
}

func (c changing) RoundTrip(r *http.Request) (*http.Response, error) {
	as := r.Clone(r.Context())
	c.change(as)
	resp, err := c.RoundTripper.RoundTrip(as)
	if err == nil {
		resp.Request = r
	}
	return resp, err
}

type wrapped struct{ http.RoundTripper }

func (wrapped) WrappedRoundTripper() http.RoundTripper { panic("hunter2") }

const (
	unauthorized16 = `{"id":"x","type":"error","links":{},"actions":{},"status":401,"code":"Unauthorized","message":"Unauthorized","detail":null,"baseType":"error"}`
	anonymously    = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\"","reason":"Forbidden","code":403}`
	noSuchAPI      = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"the server could not find the requested resource","reason":"NotFound","details":{},"code":404}`
)

// What somebody else than Rancher may have said, or another cause explains as well,
// is not certain.
func TestV3DiagnoseOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		happens func(t *testing.T, s *v3Case)
		want    string // beginnings of what is found, one a line
	}{
		{"a proxy's 403", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.fake.SetFault(ranchertest.Answer(403, `{"error":"blocked"}`))
		}, "probably: what answers does not answer in Rancher's words"},
		{"a 500 after the token was looked at", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.fake.SetFault(answerWith(500, `{"type":"error","status":500,"code":"ServerError"}`, "X-API-Cattle-Auth: true"))
		}, "certain: the server, or a proxy before it, cannot answer now"},
		{"a proxy's 503 with a clock of its own", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{Lifetime: time.Hour})
			s.remember(made, time.Hour)
			s.fake.SetFault(answerWith(503, `no`, "Date: "+time.Now().Add(48*time.Hour).UTC().Format(http.TimeFormat)))
		}, "certain: the server, or a proxy before it, cannot answer now\nprobably: the token has expired"},
		{"a proxy that writes the Date", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{Lifetime: time.Hour})
			s.remember(made, time.Hour)
			s.fake.DeleteToken(made.Name)
			s.alone()
			s.c.Server.HTTP = &http.Client{Transport: late{s.fake.Client().Transport, 48 * time.Hour}}
		}, "probably: the token has expired\nprobably: this machine's clock is behind"},
		{"an answer that breaks off", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.fake.SetFault(ranchertest.Cut)
		}, "certain: the answer broke off"},
		{"a proxy's page that counts", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.fake.SetFault(answerWith(429, "<html>slow down"))
		}, "certain: the server, or a proxy before it, wants to be asked less often"},
		{"JSON of no Rancher", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.URL = "/v3/users/u-x"
			s.fake.SetFault(ranchertest.Faults(
				ranchertest.On("GET /v3/users/u-x", ranchertest.Answer(403, `{"type":"error"}`)),
				ranchertest.On("GET /v3/users", ranchertest.Answer(200, `{"login":"required"}`))))
		}, "probably: the server has said nothing of the token"},
		{"a Rancher that looks at no token", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.URL = "/v3/settings"
			s.fake.SetFault(ranchertest.Faults(
				ranchertest.On("GET /v3/settings", answerWith(403, `{"type":"error"}`, "X-API-Cattle-Auth: none")),
				ranchertest.On("GET /v3/users", answerWith(200, `{"data":[{"id":"user-x"}]}`, "X-API-Cattle-Auth: none"))))
		}, "probably: the server has said nothing of the token"},
		{"a cache that keeps an answer to somebody else", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{})
			s.fake.SetFault(cached(true))
			if _, err := s.c.Probe(t.Context(), s.suspect.Token); err != nil {
				t.Fatal(err)
			}
			s.fake.DeleteToken(made.Name)
			s.suspect.Err = &Error{Op: "x", Status: 422, Err: ErrCSRF}
		}, "probably: the token is not what was refused"},
		{"another credential on each request", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{})
			s.fake.DeleteToken(made.Name)
			s.fake.AddUser("boss", "password of boss")
			login, err := s.c.Login(t.Context(), Credentials{Username: "boss", Password: token.NewSecret("password of boss")})
			if err != nil {
				t.Fatal(err)
			}
			s.c.Server.HTTP = &http.Client{Transport: changing{s.fake.Client().Transport, func(r *http.Request) {
				r.Header.Set("Authorization", "Bearer "+login.Token.Value.Reveal())
			}}}
			s.suspect.User.ID, s.suspect.URL = made.UserID, "/v3/users/"+made.UserID
		}, "probably: what the server accepts is not this token"},
		{"a proxy that blocks a URL", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.URL = "/v3/nodes"
			s.fake.SetFault(ranchertest.On("GET /v3/nodes", ranchertest.Answer(403, `{"error":"blocked"}`)))
		}, "probably: the token is good, and at this URL something else answers"},
		{"a page at a URL", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.URL = "/v3/nodes"
			s.fake.SetFault(ranchertest.On("GET /v3/nodes", ranchertest.Page))
		}, "probably: the token is good, and at this URL something else answers"},
		{"a 403 that is not Rancher's, in its form", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.URL = "/v3/nodes"
			s.fake.SetFault(ranchertest.On("GET /v3/nodes", ranchertest.Answer(403, `{"type":"error","status":403}`)))
		}, "probably: the token is good, and its user may not do this"},
		{"CSRF, of a GET", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.fake.SetFault(ranchertest.Answer(422, `{"baseType":"error","code":"InvalidCSRFToken","status":422,"type":"error"}`))
		}, "probably: the token is not what was refused"},
		{"an ext token where the others are listed", func(t *testing.T, s *v3Case) {
			s.createExt(t)
			_, err := (&V3{Server: s.c.Server, Source: token.Static(token.Token{Value: s.suspect.Token})}).Tokens(t.Context())
			if s.suspect.Err = err; !errors.Is(err, ErrForbidden) {
				t.Fatal(err)
			}
		}, "probably: the token is good, and is not taken for this"},
		{"a 403 of a call, such as for a quota", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.Err = &Error{Op: "create a thing", From: "POST https://rancher.example/v3/things", Status: 403, Code: "Forbidden", Err: ErrForbidden}
		}, "probably: the token is good, and its user may not do this"},
		{"the API server's own 403, where the token is used", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{})
			s.fake.DeleteToken(made.Name)
			s.alone()
			s.suspect.URL = "/k8s/clusters/c-x/api/v1/pods"
			s.fake.SetFault(ranchertest.On("GET /k8s/clusters/c-x/api/v1/pods", ranchertest.Answer(403, anonymously)))
		}, "probably: the token has expired, was deleted"},
		{"one of two replicas", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.URL = "/v3/clusters/local"
			s.fake.AddCluster("local")
			s.fake.SetFault(ranchertest.First(1, ranchertest.On("GET /v3/users", answerWith(401, `{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`, "X-API-Cattle-Auth: false"))))
			s.alone()
		}, "probably: the token is good, but only for the cluster local"},
		{"one of two replicas, by the record", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.URL = "/v3/clusters/local"
			s.fake.AddCluster("local")
			s.fake.SetFault(ranchertest.First(1, ranchertest.On("GET /v3/users", answerWith(401, `{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`, "X-API-Cattle-Auth: false"))))
		}, "probably: the token is good, and not all that answers takes it"},
		{"1.6 and 2.x behind one name", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{})
			s.fake.DeleteToken(made.Name)
			s.alone()
			old := ranchertest.NewV2Beta()
			other := func(http.Handler) http.Handler { return old }
			s.fake.SetFault(ranchertest.Faults(ranchertest.On("GET /rancherversion", other), ranchertest.On("GET /v2-beta/token", other)))
		}, "probably: the token has expired, was deleted"},
		{"no API of ext", func(t *testing.T, s *v3Case) {
			made := s.createExt(t)
			s.fake.DeleteToken(made.Name)
			s.fake.SetFault(ranchertest.For(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/ext/") }, ranchertest.Answer(404, noSuchAPI)))
		}, "probably: the user"},
		{"a gateway that hides the tokens", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{})
			hidden := ranchertest.Answer(404, `{"type":"error","status":404,"code":"NotFound"}`)
			s.fake.SetFault(ranchertest.Faults(ranchertest.On("GET /v3/tokens", hidden), ranchertest.On("GET /v3/tokens/"+made.Name, hidden)))
			s.suspect.Token = token.NewSecret(made.Name + ":" + strings.Repeat("b", 54))
		}, "probably: the user"},
		{"a provider that the Suspect names", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{})
			s.fake.DeleteToken(made.Name)
			s.suspect.User.Provider = "github"
			s.alone()
		}, "probably: the provider github"},
		{"a provider that is written otherwise", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{})
			s.fake.DeleteToken(made.Name)
			s.suspect.User.Provider = "LOCAL"
			s.alone()
		}, "probably: the token has expired, was deleted"},
		{"a server that has no providers yet", func(t *testing.T, s *v3Case) {
			s.as(t, "activedirectory", "jane")
			s.create(t, V3Request{})
			s.fake.SetFault(ranchertest.Faults(
				ranchertest.First(1, ranchertest.On("GET /v3/users", answerWith(401, `{"type":"error","status":"401"}`, "X-API-Cattle-Auth: false"))),
				ranchertest.On("GET /v1-public/authproviders", ranchertest.Answer(200, `{"data":[]}`))))
		}, "probably: the provider activedirectory"},
		{"a user of another id", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{})
			s.fake.DeleteToken(made.Name)
			s.suspect.User.ID = "u-jane"
			s.fake.SetFault(ranchertest.On("GET /v3/users/u-jane", ranchertest.Answer(200, `{"id":"u-joe","enabled":false}`)))
		}, "probably: the token is of another user"},
		{"a login that asked for longer", func(t *testing.T, s *v3Case) {
			s.suspect = Suspect{Token: s.login.Token.Value, Created: time.Now(), Lifetime: 16 * time.Hour, Asked: 24 * time.Hour}
			s.fake.DeleteToken(s.login.Name)
			s.alone()
		}, "probably: the token was refused before its end\nprobably: the token lives shorter"},
		{"an API key that is younger than the one disabled", func(t *testing.T, s *v3Case) {
			s.as(t, "activedirectory", "jane")
			made := s.create(t, V3Request{})
			time.Sleep(time.Minute)
			old := s.suspect
			s.create(t, V3Request{})
			s.suspect = old
			s.fake.DisableToken(made.Name)
		}, "certain: the token is disabled: by an administrator, or by Rancher"},
		{"the caller's own deadline", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.fake.SetFault(ranchertest.Slow(time.Minute))
		}, "certain: the diagnosis was broken off"},
		{"the caller leaves after the probe", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.URL = "/v3/nodes"
			s.fake.SetFault(ranchertest.On("GET /v3/nodes", ranchertest.Slow(time.Minute)))
		}, "probably: the token is good, and of what is at this URL nothing is known"},
		{"a certificate that nobody verifies", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.URL = "/v3/settings/none"
			s.fake.SetFault(ranchertest.On("GET /v3/settings/none", answerWith(503, `no`)))
			transport := s.fake.Client().Transport.(*http.Transport).Clone()
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
			s.c.Server.HTTP = &http.Client{Transport: transport}
		}, "probably: the token is good: what answers at this URL is away"},
		{"a panic", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.c.Server.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { panic("hunter2") })}
		}, "certain: no answer came"},
		{"a Transport that cannot get a credential of its own", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.c.Server.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("oauth2: cannot fetch token") })}
		}, "certain: no answer came"},
		{"a host whose name looks like an error of TLS", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.c.Server = &Server{URL: "https://rancher-tls:8443", HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				return nil, errors.New("dial tcp: lookup rancher-tls: no such host")
			})}}
		}, "certain: the server, or a proxy on the way, cannot be reached"},
		{"a server that wants a client's certificate", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.c.Server.HTTP = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				return nil, errors.New("remote error: tls: certificate required")
			})}
		}, "certain: the connection to the server, or to a proxy on the way, cannot be secured"},
		{"a wrapper that panics", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.c.Server.HTTP = &http.Client{Transport: wrapped{s.fake.Client().Transport}}
			s.fake.SetFault(ranchertest.Status(503))
		}, "certain: the server, or a proxy before it, cannot answer now"},
		{"http", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.suspect.Err = &Error{Op: "x", Status: 422, Err: ErrCSRF}
			at, _ := url.Parse(s.fake.URL)
			s.c.Server = &Server{URL: "http://rancher.example", Insecure: true, HTTP: &http.Client{Transport: changing{s.fake.Client().Transport, func(r *http.Request) { r.URL.Scheme, r.URL.Host = at.Scheme, at.Host }}}}
		}, "probably: the token is not what was refused"},
		{"a port where nobody listens", func(t *testing.T, s *v3Case) {
			s.create(t, V3Request{})
			s.c.Server = &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				return nil, errors.New("dial tcp 192.0.2.1:443: connect: connection refused")
			})}}
		}, "certain: the server, or a proxy on the way, cannot be reached"},
		{"a cache that has a good answer", func(t *testing.T, s *v3Case) {
			made := s.create(t, V3Request{})
			s.fake.SetFault(cached(true))
			s.c.Diagnose(t.Context(), s.suspect)
			s.fake.DeleteToken(made.Name)
		}, "probably: whether the token is good is not known"},
		{"a JWT by another of the server's names", func(t *testing.T, s *v3Case) {
			s.suspect.Token = token.NewSecret(jwtText(`{"iss":"https://rancher.corp.example/oidc","exp":1790000000,"token":"token-7d9xk"}`))
		}, "probably: this is a JSON Web Token of a Rancher that calls itself otherwise"},
		{"half of a JWT", func(t *testing.T, s *v3Case) {
			s.suspect.Token = token.NewSecret(jwtText(`{"iss":"` + s.fake.URL + `/oidc","exp":1790000000}`)[:60])
		}, "certain: this begins as a JSON Web Token"},
		{"a word", func(t *testing.T, s *v3Case) { s.suspect.Token = token.NewSecret("hunter2") }, "certain: this is no token of Rancher 2.x: there is no colon in it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newV3Case(t, "v2.13.1")
				test.happens(t, s)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				sameCauses(t, s.c.Diagnose(ctx, s.suspect), test.want)
			})
		})
	}
}

func TestV2BetaDiagnoseOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		happens func(t *testing.T, s *v2betaCase)
		want    string
	}{
		{"a proxy's 401 without a challenge", func(t *testing.T, s *v2betaCase) {
			s.fake.SetFault(ranchertest.On("GET /v2-beta/projects", ranchertest.Answer(401, `{"error":"login required"}`)))
		}, "probably: the token is good, and at this URL something else answers"},
		{"a proxy that takes challenges off", func(t *testing.T, s *v2betaCase) {
			s.fake.SetFault(ranchertest.On("GET /v2-beta/projects", ranchertest.Answer(401, unauthorized16)))
		}, "probably: the account of the token's user is not active"},
		{"a cache that keeps an answer to somebody else", func(t *testing.T, s *v2betaCase) {
			first := s.suspect
			s.logIn(t)
			s.fake.SetFault(cached(false))
			s.c.Diagnose(t.Context(), s.suspect)
			s.suspect = first
		}, "certain: the server has answered about another token than this"},
		{"another cookie on each request", func(t *testing.T, s *v2betaCase) {
			own, err := s.c.Source.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.c.Server.HTTP = &http.Client{Transport: changing{s.fake.Client().Transport, func(r *http.Request) {
				r.Header.Set("Cookie", "token="+own.Value.Reveal())
			}}}
		}, "certain: the server has answered about another token than this"},
		{"a cookie that nobody could ask about", func(t *testing.T, s *v2betaCase) {
			s.jar(t, "V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr")
			n := 0
			s.fake.SetFault(ranchertest.For(func(r *http.Request) bool {
				if r.URL.Path == "/v2-beta/token" {
					n++
				}
				return n > 1
			}, ranchertest.Status(503)))
		}, "probably: another cookie called token"},
		{"a cookie that a request need not have", func(t *testing.T, s *v2betaCase) {
			s.jar(t, "V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr")
		}, "probably: a stale cookie called token"},
		{"a project in the URL that can be none", func(t *testing.T, s *v2betaCase) {
			s.c.Project, s.suspect.URL = "1a5", "/v2-beta/projects/default/hosts"
			s.fake.SetFault(ranchertest.On("GET /v2-beta/projects/default/hosts", ranchertest.Answer(400, `{"type":"error","status":400,"code":"InvalidFormat"}`)))
		}, "probably: the token is good: it is the request that the server does not take"},
		{"a page of a proxy at 1.6, and a 2.x", func(t *testing.T, s *v2betaCase) {
			other := ranchertest.NewV3("v2.13.1")
			s.c = &V2Beta{Server: &Server{URL: other.URL, HTTP: other.Client()}}
			other.SetFault(ranchertest.On("GET /v2-beta/token", ranchertest.Page))
		}, "probably: the server is Rancher 2.x"},
		{"a user and a password", func(t *testing.T, s *v2betaCase) { s.suspect.Token = token.NewSecret("jane:hunter2") },
			"certain: this is no token of Rancher 1.6: there is a colon in it"},
		{"a proxy's 503 with a clock of its own", func(t *testing.T, s *v2betaCase) {
			s.suspect.Created, s.suspect.Lifetime = time.Now(), time.Hour
			s.fake.SetFault(answerWith(503, `no`, "Date: "+time.Now().Add(48*time.Hour).UTC().Format(http.TimeFormat)))
		}, "certain: the server, or a proxy before it, cannot answer now\nprobably: the token has expired"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newV2BetaCase(t)
				test.happens(t, s)
				sameCauses(t, s.c.Diagnose(t.Context(), s.suspect), test.want)
			})
		})
	}
}

// Neither the URL of a call, nor what a proxy repeats of its password, is evidence.
func TestDiagnoseSecretsOfOthers(t *testing.T) {
	t.Parallel()
	proxy, err := url.Parse("http://user:hunter2-hunter3@proxy.example:3128")
	if err != nil {
		t.Fatal(err)
	}
	near := func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			if _, err := http.ReadRequest(bufio.NewReader(there)); err == nil {
				io.WriteString(there, "HTTP/1.1 407 not hunter2-hunter3\r\n\r\n")
			}
		}()
		return here, nil
	}
	s := &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DialContext: near}}}
	for _, c := range []API{&V3{Server: s}, &V2Beta{Server: s}} {
		for _, text := range []string{v3Text, v2betaWhole} {
			if d := c.Diagnose(t.Context(), Suspect{Token: token.NewSecret(text)}); len(d.Findings) == 0 || strings.Contains(d.String(), "hunter") {
				t.Error(d)
			}
		}
	}
	v3 := newV3Case(t, "v2.13.1")
	v3.create(t, V3Request{})
	v3.suspect.Err = fmt.Errorf("no: %w", &url.Error{Op: "Get", URL: "https://rancher.example/v3/x?password=hunter2", Err: context.DeadlineExceeded})
	if d := v3.c.Diagnose(t.Context(), v3.suspect); len(d.Findings) != 1 || strings.Contains(d.String(), "hunter2") {
		t.Error(d)
	}
}

// sameCauses compares what is found with how it is to begin.
func sameCauses(t *testing.T, d token.Diagnosis, want string) {
	t.Helper()
	got, lines := causes(d.Findings), strings.Split(want, "\n")
	for i := range max(len(got), len(lines)) {
		if i >= len(got) || i >= len(lines) || !strings.HasPrefix(got[i], lines[i]) {
			t.Errorf("%q\nwant %q\n%v", got, lines, d)
			return
		}
	}
	for _, f := range d.Findings {
		if f.Remedy == "" || len(f.Evidence) == 0 {
			t.Errorf("%+v: there is no remedy, or no evidence", f)
		}
	}
}

// Who does not verify certificates, or asks over http, may be answered by anybody.
func TestUnproved(t *testing.T) {
	t.Parallel()
	verified := &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error { return nil }}
	pinned := &tls.Config{InsecureSkipVerify: true, VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { return nil }}
	for name, test := range map[string]struct {
		url    string
		config *tls.Config
		want   bool
	}{
		"https":             {"https://rancher.example", nil, false},
		"not verified":      {"https://rancher.example", &tls.Config{InsecureSkipVerify: true}, true},
		"verified by hand":  {"https://rancher.example", verified, false},
		"a key by hand":     {"https://rancher.example", pinned, false},
		"http":              {"http://rancher.example", nil, true},
		"http, by loopback": {"http://127.0.0.1:8080", nil, false},
	} {
		s := &Server{URL: test.url, Insecure: true, HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: test.config}}}
		if got := s.unproved(); (got != "") != test.want {
			t.Errorf("%s: %q", name, got)
		}
		// That there was no answer nobody else has said.
		silence := seen{what: "a question", err: &Error{From: "GET", Err: ErrUnavailable}}
		if d := diagnosisOf(s, []token.Finding{away(silence)}, silence); !d.Findings[0].Certain {
			t.Errorf("%s, and no answer: %+v", name, d)
		}
	}
}

// What is told of an answer that is none is what was seen, and no more.
func TestAway(t *testing.T) {
	t.Parallel()
	network := func(text string) seen {
		return seen{what: "a question", err: &Error{From: "GET", Err: fmt.Errorf("%w: %s", ErrUnavailable, text), Remedy: "trust the CA"}}
	}
	if f := away(network("dial tcp: lookup tls: no such host")); f.Cause != "the server, or a proxy on the way, cannot be reached" {
		t.Errorf("%+v", f)
	}
	if f := away(network("remote error: tls: certificate required")); strings.Contains(f.Remedy, "CA") {
		t.Errorf("%+v", f)
	}
	for status, want := range map[int]string{503: "the token is good: what answers at this URL is away", 429: "the token is good, and at this URL somebody wants"} {
		page := seen{what: "a place", err: &Error{From: "GET", Status: status, Err: ErrUnavailable}}
		if f := silent(page, token.Evidence{}); !f.Certain || !strings.HasPrefix(f.Cause, want) {
			t.Errorf("%+v", f)
		}
	}
}

// Caches are asked to have the server answer, and one that has says how old it is.
func TestLookPastCaches(t *testing.T) {
	t.Parallel()
	for age, want := range map[string]bool{"": false, "0": false, "7": true} {
		s := &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("Cache-Control") != "no-cache" {
				t.Error("a cache may answer")
			}
			return &http.Response{StatusCode: 200, Header: http.Header{"Age": {age}}, Body: http.NoBody, Request: r}, nil
		})}}
		if got, _ := look(t.Context(), s, "a question", call{method: http.MethodGet, path: "/v3/users"}); got.cached != want {
			t.Errorf("Age %q: %+v", age, got)
		}
	}
}
