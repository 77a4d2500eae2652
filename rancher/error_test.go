package rancher

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// Those that are about a credential of our own say so, and none blames a token
// that somebody else presented.
func TestSentinels(t *testing.T) {
	t.Parallel()
	for err, refused := range map[error]bool{
		ErrCredentials: true, ErrNotAuthenticated: true, ErrProviderChanged: true, ErrNoAccess: true,
		ErrCSRF: false, ErrProvider: false, ErrRequest: false, ErrForbidden: false, ErrNotFound: false, ErrUnavailable: false, ErrNotRancher: false,
	} {
		wrapped := error(&Error{Op: "try", Err: err})
		if errors.Is(wrapped, token.ErrRefused) != refused || errors.Is(wrapped, token.ErrInvalid) || !errors.Is(wrapped, err) {
			t.Errorf("%v: is a refusal: %t", err, !refused)
		}
	}
	for _, kind := range []error{token.ErrInvalid, token.ErrExpired, token.ErrRevoked} {
		err := call{op: "try"}.fail(fmt.Errorf("our token: %w", kind))
		if errors.Is(err, token.ErrInvalid) || !errors.Is(err, token.ErrRefused) {
			t.Errorf("%v", err)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*Error{
		"rancher: log in": {Op: "log in"},
		"rancher: log in: POST https://rancher.example/v3: 401 Unauthorized, AuthError, seen: the server cannot answer now; wait": {Op: "log in",
			From: "POST https://rancher.example/v3", Status: 401, Code: "AuthError", Saw: "seen", Err: ErrUnavailable, Remedy: "wait"},
		"rancher: log in: 299: the answer is not one of Rancher's": {Op: "log in", Status: 299, Err: ErrNotRancher},
	} {
		if e.Error() != want {
			t.Errorf("%s, want %s", e, want)
		}
	}
}

// Of what an answer says as an error, only known words are repeated.
func TestFailed(t *testing.T) {
	t.Parallel()
	header := http.Header{"Retry-After": {"7"}}
	for body, want := range map[string]string{
		`{"type":"error","code":"MissingRequired","fieldName":"code","message":"` + hush + `"}`:        "MissingRequired code",
		`{"type":"error","code":"MissingRequired","fieldName":"` + hush + `"}`:                         "MissingRequired",
		`{"type":"error","code":"` + hush + `","fieldName":"code"}`:                                    "",
		`{"type":"error","code":"Unauthorized","detail":"` + hush + `","` + hush + `":"` + hush + `"}`: "Unauthorized",
		hush: "",
	} {
		e := (&answer{op: "try", status: 422, body: body, header: header}).failed(ErrRequest, "do")
		if e.Code != want || strings.Contains(fmt.Sprintf("%v %+v %#v", e, *e, e), hush) {
			t.Errorf("%s: %q, want %q: %v", body, e.Code, want, e)
		}
		if e.RetryAfter() != 0 {
			t.Errorf("to wait for %v though it is no question of time", e.RetryAfter())
		}
	}
	for _, a := range []*answer{{status: 429, header: header}, {status: 503, header: header}} {
		if e := a.failed(ErrUnavailable, ""); e.RetryAfter() != 7*time.Second {
			t.Errorf("%d: to wait for %v", a.status, e.RetryAfter())
		}
		if e := a.odd("a page", ""); e.RetryAfter() != 7*time.Second || !errors.Is(e, ErrUnavailable) {
			t.Errorf("%d: %v", a.status, e)
		}
	}
	long := errors.New(strings.Repeat("x", 1000) + "\n")
	if e := (&answer{status: 200}).unreadable(long); len(e.Error()) > 500 || !errors.Is(e, ErrNotRancher) {
		t.Error(e)
	}
}

// What went wrong before there was a connection is said in its own words, and
// afterwards in ours: they may be the server's.
func TestCertificate(t *testing.T) {
	t.Parallel()
	s := &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: failing{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}}}
	_, err := s.do(context.Background(), call{op: "look", method: "GET", path: "/v3"})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "x509: certificate signed by unknown authority; have Server.HTTP trust the server's certificate authority") {
		t.Error(err)
	}
	long := strings.Repeat("x", 1000) + "\x1b"
	s.HTTP.Transport = failing{errors.New(long)}
	if _, err = s.do(context.Background(), call{op: "look", method: "GET", path: "/v3"}); len(err.Error()) > 600 {
		t.Errorf("%d bytes", len(err.Error()))
	}
	// A URL in it may have a secret.
	s.HTTP.Transport = failing{&url.Error{Op: "Get", URL: "https://rancher.example/?" + hush, Err: errors.New("no route")}}
	if _, err = s.do(context.Background(), call{op: "look", method: "GET", path: "/v3"}); strings.Contains(err.Error(), hush) || !strings.Contains(err.Error(), "no route") {
		t.Error(err)
	}
	// Nothing that a transport says is about a token that was presented to us.
	s.HTTP.Transport = failing{token.ErrExpired}
	if _, err = s.do(context.Background(), call{op: "look", method: "GET", path: "/v3"}); errors.Is(err, token.ErrInvalid) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }
