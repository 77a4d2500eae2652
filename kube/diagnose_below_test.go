package kube_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"golang.org/x/oauth2"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// around returns a wrapper that puts a credential on each request, or fails.
func around(credential func() (string, error)) func(http.RoundTripper) http.RoundTripper {
	return func(base http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			value, err := credential()
			if err != nil {
				return nil, err
			}
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+value)
			return base.RoundTrip(r)
		})
	}
}

// What fails where the asker gets its credential says nothing of the API server, be it a
// wrapper or a Transport of the caller's own.
func TestDiagnoseCredentialFails(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for name, err := range map[string]error{
		"an issuer that refuses": &oauth2.RetrieveError{Response: &http.Response{StatusCode: 400, Status: "400 Bad Request"}, ErrorCode: "invalid_grant"},
		"an issuer that is away": &url.Error{Op: "Post", URL: "https://login.example/token", Err: refused},
		"an issuer whose certificate is wrong": &url.Error{Op: "Post", URL: "https://login.example/token",
			Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}},
		"an issuer that is none":     &url.Error{Op: "Post", URL: "https://login.example/token", Err: http.ErrSchemeMismatch},
		"somebody else who gives up": context.Canceled,
	} {
		fails := func() (string, error) { return "", err }
		for place, cfg := range map[string]*rest.Config{
			"a wrapper":            {Host: apiHost, Transport: failing(refused), WrapTransport: around(fails)},
			"a Transport":          {Host: apiHost, Transport: around(fails)(nil)},
			"a wrapper of another": {Host: apiHost, Transport: around(fails)(nil), WrapTransport: around(func() (string, error) { return askerText, nil })},
		} {
			d := kube.Diagnose(t.Context(), kube.Suspect{Token: appToken()}, cfg)
			readable(t, d)
			if len(d.Findings) != 1 || d.Findings[0].Certain {
				t.Errorf("%s, at %s:\n%v", place, name, d)
			}
		}
		// The server is asked all the same.
		a := newFakeAPI(appToken())
		a.reject("[invalid bearer token, service account token has expired]")
		cfg := a.config()
		cfg.WrapTransport = func(base http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Header.Get("Authorization") != "" {
					return base.RoundTrip(r)
				}
				return nil, err
			})
		}
		if d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg); !settledIn(d) || d.Findings[0].Cause != "the token has expired" {
			t.Errorf("%s:\n%v", name, d)
		}
	}
}

// A server to which only what was left out may lead the way is not known to be away, or
// something else. What was left out is in the evidence, and why.
func TestDiagnoseWithoutWrapper(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(appToken())
	a.answers["/version"] = http.RedirectHandler("https://login.example/", http.StatusFound).ServeHTTP
	cfg := a.config()
	cfg.WrapTransport = around(func() (string, error) { return "", errors.New("no login") })
	d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg)
	want := `what answers is not a Kubernetes API server, and the token was not sent (probably)
  GET /version, without the token: no answer: no login
  GET /version, without the token and without WrapTransport: HTTP status 302 Found, in a form that no API server has, and not what an API server answers
`
	if !strings.HasPrefix(d.String(), want) {
		t.Errorf("%v", d)
	}
}

// What fails below a wrapper is a connection to the server, and not the wrapper.
func TestDiagnoseBelowWrapper(t *testing.T) {
	t.Parallel()
	src := token.Static(token.New(token.NewSecret(askerText)))
	cfg := kube.Config(&rest.Config{Host: apiHost, Transport: failing(errors.New("connection refused"))}, refresh.New(src))
	d := kube.Diagnose(t.Context(), kube.Suspect{Token: appToken()}, cfg)
	if len(d.Findings) != 1 || !d.Findings[0].Certain || len(d.Findings[0].Evidence) != 1 {
		t.Errorf("%v", d)
	}

	// It may have asked for a credential by the same way, and nothing more.
	var elsewhere atomic.Int32
	base := failing(errors.New("connection refused"))
	cfg = &rest.Config{Host: apiHost, Transport: base, WrapTransport: func(base http.RoundTripper) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) {
			elsewhere.Add(1)
			r, err := http.NewRequest("POST", "https://login.example/token", nil)
			if err != nil {
				return nil, err
			}
			return base.RoundTrip(r)
		})
	}}
	if d := kube.Diagnose(t.Context(), kube.Suspect{Token: appToken()}, cfg); settledIn(d) || len(d.Findings) != 1 || elsewhere.Load() != 1 {
		t.Errorf("asked elsewhere %d times:\n%v", elsewhere.Load(), d)
	}
}

// A wrapper can fail once it has an answer.
func TestDiagnoseWrapperLosesAnswer(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(appToken())
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	cfg := &rest.Config{Host: server.URL, BearerToken: askerText, WrapTransport: func(base http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(r)
			if err == nil && r.URL.Path == "/version" {
				resp.Body.Close()
				return nil, errors.New("the log is full")
			}
			return resp, err
		})
	}}
	if d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg); len(d.Findings) != 0 {
		t.Errorf("%v", d)
	}
}

// Whoever hangs, it is the caller who breaks off.
func TestDiagnoseBrokenOffInWrapper(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cfg := &rest.Config{Host: apiHost, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			cancel()
			return nil, r.Context().Err()
		})}
		d := kube.Diagnose(ctx, kube.Suspect{Token: appToken()}, cfg)
		if len(d.Findings) != 1 || !d.Findings[0].Certain || !strings.Contains(d.String(), "broken off") {
			t.Errorf("%v", d)
		}
	})
}

// An own is a Source that hands out one token, and counts who says that it is bad.
type own struct {
	token.Secret
	bad atomic.Int32
}

func (o *own) Token(context.Context) (token.Token, error) { return token.New(o.Secret), nil }
func (o *own) Invalidate(token.Token)                     { o.bad.Add(1) }

// A Source that hands out the very token puts it on what goes without: then that is asked
// without the Source, so that the token goes to nobody who is no API server, and the
// Source does not get to hear that its token is bad. Who asks about it is the token itself.
func TestDiagnoseOwnToken(t *testing.T) {
	t.Parallel()
	src := &own{Secret: appToken()}
	for name, version := range map[string]http.HandlerFunc{"a page": say(200, "<html>"), "a login": unauthorized, "an API server": nil} {
		src.bad.Store(0)
		a := newFakeAPI(src.Secret)
		a.blind(unauthorized)
		if version != nil {
			a.answers["/version"] = version
		}
		cfg := a.config()
		cfg.BearerToken = ""
		d := kube.Diagnose(t.Context(), kube.Suspect{Token: src.Secret}, kube.Config(cfg, src))
		for i, r := range a.requests() {
			if _, who, _ := strings.Cut(r, ", as "); (i == 0) != (who == "system:anonymous") {
				t.Errorf("%s: asked to %s", name, r)
			}
		}
		switch {
		case name == "a page" && (len(a.requests()) != 1 || src.bad.Load() != 0 || !strings.Contains(d.String(), "puts this very token on it")):
			t.Errorf("%s: %q, called bad %d times:\n%v", name, a.requests(), src.bad.Load(), d)
		case name != "a page" && (!strings.Contains(d.String(), "with the same token as the asker's") || strings.Contains(d.String(), "is refused itself")):
			t.Errorf("%s:\n%v", name, d)
		}
	}
}

// What goes with the token has that and no other, though a wrapper puts its own there.
func TestDiagnosePastWrapper(t *testing.T) {
	t.Parallel()
	suspect := token.NewSecret("a-token-that-says-nothing")
	a := newFakeAPI(suspect)
	a.reject("invalid bearer token")
	a.answers[selfReviews] = func(w http.ResponseWriter, r *http.Request) {
		if a.whoIs(r) == appUser { // the suspect's
			unauthorized(w, r)
			return
		}
		accepts("admin", "")(w, r)
	}
	cfg := a.config()
	var given []string
	cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == selfReviews {
			given = append(given, a.whoIs(r))
		}
		return a.roundTrip(r)
	})
	cfg.WrapTransport = func(base http.RoundTripper) http.RoundTripper {
		return around(func() (string, error) { return askerText, nil })(roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(r)
			if a.whoIs(r) != "admin" {
				t.Errorf("the wrapper's request has become one of %s", a.whoIs(r))
			}
			return resp, err
		}))
	}
	d := kube.Diagnose(t.Context(), kube.Suspect{Token: suspect, Access: &kube.Access{Verb: "list", Resource: "nodes"}}, cfg)
	if len(given) != 1 || given[0] != appUser || strings.Contains(d.String(), "is good") {
		t.Errorf("with the token came %q:\n%v", given, d)
	}
}
