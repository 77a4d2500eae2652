package jwt_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// policyOf returns a Policy for the JWTs of s whose keys are found by its
// issuer, and what counts the requests for them.
func policyOf(t *testing.T, s *oidcprovider.Server) (*jwt.Policy, *wire) {
	w := &wire{RoundTripper: new(http.Transport), path: discovery}
	return &jwt.Policy{
		Issuer:   s.URL,
		Audience: []string{oidcprovider.JWT},
		Type:     "at+jwt",
		Keys:     &jwt.Remote{Issuer: s.URL, Client: &http.Client{Transport: w}},
	}, w
}

// The tokens of node-oidc-provider are accepted by a Policy for them, and by no
// other.
func TestProvider(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	p, w := policyOf(t, s)
	tok := s.Token(t, s.Basic, oidcprovider.JWT)

	claims := accepts(t, p, tok)
	if claims.Issuer != s.URL || claims.Subject != s.Basic.ID || claims.Audience[0] != oidcprovider.JWT || !oidcprovider.Live(claims, tok.ExpiresIn) {
		t.Errorf("its claims are %+v", claims)
	}
	var more struct {
		Scope  string
		Client string `json:"client_id"`
	}
	if err := claims.Decode(&more); err != nil || more.Scope != "read" || more.Client != s.Basic.ID {
		t.Errorf("and %+v (%v)", more, err)
	}
	accepts(t, p, s.Token(t, s.Post, oidcprovider.JWT))
	refuses(t, p, s.Token(t, s.Basic, oidcprovider.OtherJWT), token.ErrAudience)
	refuses(t, p, s.Token(t, s.Basic, oidcprovider.Opaque), token.ErrMalformed)
	if n := w.fetches.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times for three tokens that one key signed", n)
	}

	t.Run("Discover", func(t *testing.T) {
		keys, err := jwt.Discover(t.Context(), nil, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		p := &jwt.Policy{Issuer: s.URL, Audience: []string{oidcprovider.JWT}, Keys: keys}
		accepts(t, p, tok)
		// Its discovery document says that it is another issuer.
		for _, alias := range []string{s.URL + "/", strings.Replace(s.URL, "127.0.0.1", "localhost", 1)} {
			if _, err := jwt.Discover(t.Context(), nil, alias); err == nil || errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: got %v, want an error", alias, err)
			}
		}
	})

	t.Run("Policy", func(t *testing.T) {
		other := &jwt.Policy{Issuer: "https://issuer.example", Audience: p.Audience, Keys: p.Keys}
		refuses(t, other, tok, token.ErrIssuer)
		id := &jwt.Policy{Issuer: s.URL, Audience: p.Audience, Type: "JWT", Keys: p.Keys}
		refuses(t, id, tok, token.ErrInvalid)
		rsa := &jwt.Policy{Issuer: s.URL, Audience: p.Audience, Algorithms: []string{"RS256"}, Keys: p.Keys}
		refuses(t, rsa, tok, token.ErrSignature)
	})

	t.Run("Time", func(t *testing.T) {
		for _, test := range []struct {
			offset time.Duration // of the server's clock, seen from here
			life   time.Duration // how much of the token's life has passed here
			claim  string        // that it is refused for
		}{
			{offset: 0, life: 0},
			{offset: 20 * time.Second, life: 0},
			{offset: 20 * time.Minute, life: 0, claim: "iat"},
			{offset: -20 * time.Minute, life: 0, claim: "exp"},
			{offset: 0, life: 9 * time.Minute},
			{offset: 0, life: 11 * time.Minute, claim: "exp"},
		} {
			s.SetClock(t, test.offset)
			tok := s.Token(t, s.Basic, oidcprovider.JWT)
			s.SetClock(t, 0)
			p := &jwt.Policy{Issuer: s.URL, Audience: p.Audience, Keys: p.Keys, Now: at(test.life)}
			_, err := p.Verify(t.Context(), tok.Value)
			if test.claim == "" {
				if err != nil {
					t.Errorf("%+v: %v", test, err)
				}
				continue
			}
			outside, ok := errors.AsType[*token.TimeError](err)
			if !ok || outside.Claim != test.claim {
				t.Errorf("%+v: got %v, want a TimeError", test, err)
				continue
			}
			// By how much the clocks differ, or the token is too old, can be read
			// from it.
			want := test.life + -test.offset
			if test.claim == "exp" {
				want -= tok.ExpiresIn
			}
			if off := outside.Now.Sub(outside.Limit); (off - want).Abs() > time.Minute {
				t.Errorf("%+v: it is off by %v, want %v", test, off, want)
			}
		}
	})
}

// The server takes another key, of another kind each time, and publishes it and
// no longer the old one.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	p, w := policyOf(t, s)
	old := s.Token(t, s.Basic, oidcprovider.JWT)
	accepts(t, p, old)
	late := 0
	for algorithms := []string{"RS256", "EdDSA", "ES256"}; len(algorithms) > 0; {
		algorithm := algorithms[0]
		before := w.fetches.Load()
		s.Rotate(t, algorithm)
		accepts(t, p, old) // nobody has seen yet that its key is gone
		began := time.Now()
		renewed := s.Token(t, s.Basic, oidcprovider.JWT)
		accepts(t, p, renewed)
		took := time.Since(began)
		if took <= usable {
			algorithms = algorithms[1:]
		} else if late++; late == tries {
			t.Fatalf("%s: the new key was usable after %v", algorithm, took)
		}
		refuses(t, p, old, token.ErrSignature)
		fetches := w.fetches.Load() - before
		if fetches > 2 {
			t.Errorf("%s: %d fetches", algorithm, fetches)
		}
		t.Logf("%s: the new key was usable after %v; %d fetches, with the one that looked for the old key again", algorithm, took.Round(time.Millisecond), fetches)
		old = renewed
	}
}

// Ten thousand tokens with made-up key IDs arrive in ten seconds, and the real
// key changes in the middle of that.
func TestFlood(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	p, w := policyOf(t, s)
	old := s.Token(t, s.Basic, oidcprovider.JWT)
	accepts(t, p, old)

	const tokens, span = 10_000, 10 * time.Second
	var flood sync.WaitGroup
	var sent, refused, unanswered atomic.Int64
	began := time.Now()
	stop := make(chan struct{})
	over := sync.OnceFunc(func() {
		close(stop)
		flood.Wait()
	})
	defer over()
	flood.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				if i >= tokens {
					return
				}
			default: // it goes on for as long as it takes below
			}
			sent.Store(int64(i + 1))
			time.Sleep(time.Until(began.Add(span * time.Duration(i) / tokens)))
			forged := madeUp(old)
			flood.Go(func() {
				switch _, err := p.Verify(t.Context(), forged); {
				case errors.Is(err, token.ErrSignature):
					refused.Add(1)
				case err != nil && !errors.Is(err, token.ErrInvalid):
					unanswered.Add(1) // too many wait already
				default:
					t.Errorf("a token with a made-up key ID: %v", err)
				}
			})
		}
	})

	time.Sleep(span / 2)
	// If they waited for the next fetch, a second after the last, nine of ten would take
	// most of a second each. One or two may if the machine is busy with other things.
	late := 0
	for range 10 {
		before := time.Now()
		accepts(t, p, old)
		if time.Since(before) > time.Second/2 {
			late++
		}
	}
	if late > 7 {
		t.Errorf("of ten tokens with a key that is known %d had to wait", late)
	}
	var after time.Duration
	current := old
	for try := 1; ; try++ {
		s.Rotate(t, "ES256")
		rotated := time.Now()
		renewed := s.Token(t, s.Basic, oidcprovider.JWT)
		after = eventuallyAccepts(t, p, renewed)
		// Fetched at the latest with the next second.
		var gone time.Duration
		for {
			gone = time.Since(rotated)
			if _, err := p.Verify(t.Context(), current.Value); err != nil {
				break
			}
			if gone > time.Minute {
				t.Errorf("the old key is still good %v after it was withdrawn", gone)
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if after <= tries*usable && gone <= tries*usable || t.Failed() {
			break
		}
		if try == tries {
			t.Errorf("the new key was usable after %v, and the old one no longer after %v", after, gone)
			break
		}
		current = renewed
	}
	over()
	fetches := w.fetches.Load()
	took := time.Since(began)
	if limit := int64(took/time.Second) + 2; fetches > limit {
		t.Errorf("%d fetches in %v, want at most %d", fetches, took, limit)
	}
	t.Logf("%d fetches in %v; the new key was usable after %v; of %d made-up key IDs %d were refused and %d put off",
		fetches, took.Round(time.Millisecond), after.Round(time.Millisecond), sent.Load(), refused.Load(), unanswered.Load())
}

// madeUp returns tok with a key ID that no server ever had.
func madeUp(tok token.Token) token.Secret {
	_, rest, _ := strings.Cut(tok.Value.Reveal(), ".")
	header := fmt.Sprintf(`{"alg":"ES256","typ":"at+jwt","kid":%q}`, rand.Text())
	return token.NewSecret(base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest)
}

// The server goes away: its keys stay good, what they did not sign nobody can
// judge, and when it is back, with a new key, all is well by itself.
func TestOutage(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	p, w := policyOf(t, s)
	tok := s.Token(t, s.Basic, oidcprovider.JWT)
	other := s.Token(t, s.Basic, oidcprovider.OtherJWT)
	unknown := token.Token{Value: madeUp(tok)}
	accepts(t, p, tok)
	refuses(t, p, unknown, token.ErrSignature)

	s.Stop()
	before := w.fetches.Load()
	var last error
	began := time.Now()
	for time.Since(began) < 3*time.Second && !t.Failed() {
		accepts(t, p, tok)
		refuses(t, p, other, token.ErrAudience)
		last = cannotTell(t, p, unknown)
		time.Sleep(10 * time.Millisecond)
	}
	n := w.fetches.Load() - before
	took := time.Since(began) // more than 3 s if the machine is busy
	if n > int64(took/time.Second)+1 {
		t.Errorf("%d fetches in %v from a server that is away", n, took)
	}
	t.Logf("%d fetches in %v from a server that is away; the error reads: %v", n, took.Round(time.Millisecond), last)

	api := token.Require(p, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for name, test := range map[string]struct {
		tok    token.Token
		status int
	}{
		"a key that is known": {tok, http.StatusOK},
		"another audience":    {other, http.StatusUnauthorized},
		"a key that is not":   {unknown, http.StatusServiceUnavailable},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", test.tok.Header().Reveal())
		rec := httptest.NewRecorder()
		api.ServeHTTP(rec, r)
		if rec.Code != test.status {
			t.Errorf("%s: %d, want %d", name, rec.Code, test.status)
		}
	}

	// Of a server that was never there, nobody knows anything.
	fresh, _ := policyOf(t, s)
	cannotTell(t, fresh, tok)
	if _, err := jwt.Discover(t.Context(), nil, s.URL); err == nil || errors.Is(err, token.ErrInvalid) {
		t.Errorf("Discover: %v", err)
	}

	s.Rotate(t, "ES256")
	s.Restart(t)
	renewed := s.Token(t, s.Basic, oidcprovider.JWT)
	t.Logf("recovered %v after the server was back", eventuallyAccepts(t, p, renewed).Round(time.Millisecond))
	refuses(t, p, tok, token.ErrSignature)
	accepts(t, fresh, renewed)
}
