// Package introspect_test runs package token/introspect against
// node-oidc-provider.
package introspect_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
)

// verifierOf returns a Verifier of the opaque tokens of s.
func verifierOf(s *oidcprovider.Server, auth introspect.Auth) *introspect.Verifier {
	return &introspect.Verifier{
		URL:      s.URL + "/token/introspection",
		Auth:     auth,
		Audience: []string{oidcprovider.Opaque},
		Issuer:   s.URL,
	}
}

func revokerOf(s *oidcprovider.Server, auth introspect.Auth) *introspect.Revoker {
	return &introspect.Revoker{URL: s.URL + "/token/revocation", Auth: auth}
}

func basic(s *oidcprovider.Server) introspect.Auth {
	return introspect.Basic(s.Basic.ID, s.Basic.Secret)
}

func post(s *oidcprovider.Server) introspect.Auth {
	return introspect.Post(s.Post.ID, s.Post.Secret)
}

// verdict returns v's verdict on tok. No error may hold the token.
func verdict(t *testing.T, v token.Verifier, tok token.Token) (token.Claims, error) {
	t.Helper()
	claims, err := v.Verify(t.Context(), tok.Value)
	if err != nil && strings.Contains(err.Error(), tok.Value.Reveal()) {
		t.Error("the token is in the error")
	}
	return claims, err
}

// wantVerdict fails the test unless the error of v's verdict on tok is kind, or
// there is none and kind is nil.
func wantVerdict(t *testing.T, v token.Verifier, tok token.Token, kind error) error {
	t.Helper()
	_, err := verdict(t, v, tok)
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
	}
	return err
}

// cannotTell fails the test unless v has no verdict on tok and Require says so.
func cannotTell(t *testing.T, v token.Verifier, tok token.Token) error {
	t.Helper()
	_, err := verdict(t, v, tok)
	if err == nil || errors.Is(err, token.ErrInvalid) {
		t.Errorf("got %v, want an error that does not blame the token", err)
	}
	if code := answer(t, v, tok); code != http.StatusServiceUnavailable {
		t.Errorf("the API answers %d, want 503", code)
	}
	return err
}

// answer returns what an API that v protects answers a request with tok.
func answer(t *testing.T, v token.Verifier, tok token.Token) int {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", tok.Header().Reveal())
	rec := httptest.NewRecorder()
	token.Require(v, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(rec, r)
	return rec.Code
}

// Two clients that authenticate in two ways are told the same.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	for name, auth := range map[string]introspect.Auth{"Basic": basic(s), "Post": post(s)} {
		t.Run(name, func(t *testing.T) {
			v := verifierOf(s, auth)
			for _, issuedTo := range []oidcprovider.Client{s.Basic, s.Post} {
				tok := s.Token(t, issuedTo, oidcprovider.Opaque)
				claims, err := verdict(t, v, tok)
				if err != nil {
					t.Fatal(err)
				}
				if claims.Issuer != s.URL || !oidcprovider.Live(claims, tok.ExpiresIn) || !claims.HasAudience(oidcprovider.Opaque) || !claims.HasScope("read") || claims.HasScope("write") {
					t.Errorf("its claims are %+v", claims)
				}
				var more struct {
					Client string `json:"client_id"`
				}
				if err := claims.Decode(&more); err != nil || more.Client != issuedTo.ID {
					t.Errorf("it was issued to %q (%v), want %q", more.Client, err, issuedTo.ID)
				}
				if code := answer(t, v, tok); code != http.StatusOK {
					t.Errorf("the API answers %d", code)
				}
			}
		})
	}

	t.Run("Refusals", func(t *testing.T) {
		tok := s.Token(t, s.Basic, oidcprovider.Opaque)
		v := verifierOf(s, post(s))
		stranger := token.Token{Value: token.NewSecret("nobody-ever-issued-this")}
		wantVerdict(t, v, stranger, token.ErrRevoked)
		if code := answer(t, v, stranger); code != http.StatusUnauthorized {
			t.Errorf("the API answers %d, want 401", code)
		}
		elsewhere := *v
		elsewhere.Audience = []string{"https://other.example"}
		wantVerdict(t, &elsewhere, tok, token.ErrAudience)
		foreign := *v
		foreign.Issuer = "https://issuer.example"
		wantVerdict(t, &foreign, tok, token.ErrIssuer)
	})

	t.Run("Expired", func(t *testing.T) {
		tok := s.Token(t, s.Basic, oidcprovider.Opaque)
		v := verifierOf(s, post(s))
		// By this machine's clock, with which the server does not agree.
		late := *v
		late.Now = func() time.Time { return time.Now().Add(11 * time.Minute) }
		wantVerdict(t, &late, tok, token.ErrExpired)
		// By the server's, which does not say why it does not know a token.
		defer s.SetClock(t, 0)
		s.SetClock(t, 9*time.Minute)
		wantVerdict(t, v, tok, nil)
		s.SetClock(t, 11*time.Minute)
		wantVerdict(t, v, tok, token.ErrRevoked)
	})

	// A server need not judge tokens that explain themselves; this one does not.
	t.Run("JWT", func(t *testing.T) {
		tok := s.Token(t, s.Basic, oidcprovider.JWT)
		v := verifierOf(s, basic(s))
		v.Audience = []string{oidcprovider.JWT}
		if _, err := verdict(t, v, tok); !errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), "does not judge tokens of this kind") {
			t.Errorf("error %v", err)
		}
	})
}

// A token that was revoked is refused at once; nobody revokes what is not
// theirs.
func TestRevoke(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	for name, test := range map[string]struct {
		owner        oidcprovider.Client
		own, foreign introspect.Auth
	}{
		"Basic": {s.Basic, basic(s), post(s)},
		"Post":  {s.Post, post(s), basic(s)},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifierOf(s, test.own)
			tok := s.Token(t, test.owner, oidcprovider.Opaque)
			other := s.Token(t, test.owner, oidcprovider.Opaque)
			if err := revokerOf(s, test.foreign).Revoke(t.Context(), tok.Value, ""); err == nil || errors.Is(err, token.ErrInvalid) {
				t.Errorf("revoking another client's: got %v, want an error", err)
			} else {
				t.Logf("the error reads: %v", err)
			}
			wantVerdict(t, v, tok, nil)

			mine := revokerOf(s, test.own)
			for _, hint := range []string{"refresh_token", "access_token"} { // a wrong one is no matter
				if err := mine.Revoke(t.Context(), tok.Value, hint); err != nil {
					t.Fatal(err)
				}
				wantVerdict(t, v, tok, token.ErrRevoked)
			}
			wantVerdict(t, v, other, nil)
		})
	}
	if err := revokerOf(s, basic(s)).Revoke(t.Context(), token.NewSecret("nobody-ever-issued-this"), ""); err != nil {
		t.Errorf("an unknown token: %v", err)
	}
	if err := revokerOf(s, basic(s)).Revoke(t.Context(), s.Token(t, s.Basic, oidcprovider.JWT).Value, ""); err == nil {
		t.Error("a JWT, which this server does not revoke, is reported as revoked")
	}
}

// What the server refuses is this service's credential: that is not the
// caller's fault, and it is not remembered.
func TestOwnCredential(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	tok := s.Token(t, s.Basic, oidcprovider.Opaque)
	wrong := token.NewSecret("not the secret")
	for name, auth := range map[string]introspect.Auth{
		"Basic, wrong secret": introspect.Basic(s.Basic.ID, wrong),
		"Post, wrong secret":  introspect.Post(s.Post.ID, wrong),
		"no such client":      introspect.Basic("nobody", s.Basic.Secret),
		"no secret":           introspect.ClientID(s.Basic.ID),
	} {
		t.Run(name, func(t *testing.T) {
			err := cannotTell(t, &token.VerifierCache{Verifier: verifierOf(s, auth)}, tok)
			if !errors.Is(err, token.ErrRefused) {
				t.Fatalf("got %v, want %v", err, token.ErrRefused)
			}
			if strings.Contains(err.Error(), wrong.Reveal()) || strings.Contains(err.Error(), s.Basic.Secret.Reveal()) {
				t.Error("the secret is in the error")
			}
			if err := revokerOf(s, auth).Revoke(t.Context(), tok.Value, ""); err == nil || errors.Is(err, token.ErrInvalid) {
				t.Errorf("Revoke: %v", err)
			}
		})
	}

	// The secret is put right, in a program that goes on.
	var secret atomic.Pointer[token.Secret]
	secret.Store(&wrong)
	v := &token.VerifierCache{Verifier: verifierOf(s, introspect.AuthFunc(func(ctx context.Context, h http.Header, form url.Values) error {
		return introspect.Basic(s.Basic.ID, *secret.Load()).Authenticate(ctx, h, form)
	}))}
	cannotTell(t, v, tok)
	secret.Store(&s.Basic.Secret)
	wantVerdict(t, v, tok, nil)
}

// Behind a VerifierCache the server is asked once in a while, and a revoked
// token is let in for that long and no longer.
func TestCache(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	var asked atomic.Int64
	slow := verifierOf(s, introspect.AuthFunc(func(ctx context.Context, h http.Header, form url.Values) error {
		asked.Add(1)
		return basic(s).Authenticate(ctx, h, form)
	}))
	const ttl = 3 * time.Second
	v := &token.VerifierCache{Verifier: slow, TTL: ttl}

	var tok token.Token
	var began time.Time
	for try := 1; ; try++ {
		tok = s.Token(t, s.Basic, oidcprovider.Opaque)
		before := asked.Load()
		asking := time.Now()
		wantVerdict(t, v, tok, nil)
		began = time.Now() // the answer has come: it is remembered for no longer than TTL from here
		for range 999 {
			wantVerdict(t, v, tok, nil)
		}
		n, took := asked.Load()-before, time.Since(asking)
		if n == 1 {
			break
		}
		// On a machine that is busy with other things it may take longer than that.
		if took < ttl || try == 5 {
			t.Fatalf("the server was asked %d times about one token in %v", n, took)
		}
	}
	if err := revokerOf(s, basic(s)).Revoke(t.Context(), tok.Value, "access_token"); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, slow, tok, token.ErrRevoked)
	before := asked.Load()
	var last time.Duration // when it was let in last
	var asking time.Time
	for {
		asking = time.Now()
		now := time.Since(began)
		_, err := verdict(t, v, tok)
		if errors.Is(err, token.ErrRevoked) {
			break
		}
		if err != nil || now > 2*ttl {
			t.Fatalf("after %v: %v", now, err)
		}
		last = now
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("revoked, and let in until %v after the server was asked, with a TTL of %v", last.Round(time.Millisecond), ttl)
	if last > ttl+ttl/10 {
		t.Error("that is too long")
	}
	for range 1000 {
		wantVerdict(t, v, tok, token.ErrRevoked)
	}
	// A refusal is remembered for two seconds, whatever TTL is.
	if n, took := asked.Load()-before, time.Since(asking); n < 1 || n > 1+int64(took/(2*time.Second)) {
		t.Errorf("the server was asked %d times about a token that was revoked, in %v", n, took)
	}
}

// Without the server nobody can tell, but what was asked lately is remembered.
func TestOutage(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	seen := s.Token(t, s.Basic, oidcprovider.Opaque)
	unseen := s.Token(t, s.Basic, oidcprovider.Opaque)
	v := &token.VerifierCache{Verifier: verifierOf(s, basic(s)), TTL: time.Minute}
	wantVerdict(t, v, seen, nil)

	s.Stop()
	wantVerdict(t, v, seen, nil)
	err := cannotTell(t, v, unseen)
	t.Logf("the error reads: %v", err)
	err = revokerOf(s, basic(s)).Revoke(t.Context(), seen.Value, "")
	if err == nil || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) {
		t.Errorf("Revoke: %v", err)
	}

	s.Restart(t)
	wantVerdict(t, v, s.Token(t, s.Basic, oidcprovider.Opaque), nil)
	wantVerdict(t, v, unseen, token.ErrRevoked) // it has forgotten everything
}
