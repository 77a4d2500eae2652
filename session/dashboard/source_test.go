package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// A login and then refreshes: each call brings a session anew, with the time it
// has left, and none but the first asks Login.
func TestSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, asked := newDouble(), 0
		s := d.source(token.SourceFunc(func(context.Context) (token.Token, error) {
			asked++
			return token.Token{Value: token.NewSecret("bearer-1")}, nil
		}))
		told := record(s)
		if v := s.Version(); v != Unknown {
			t.Errorf("%v before there is anything to tell by", v)
		}
		first := mustToken(t, t.Context(), s)
		if first.Type != "jweToken" || first.ExpiresIn != 15*time.Minute-time.Second {
			t.Errorf("type %q, %v left: sessions are cut to whole seconds", first.Type, first.ExpiresIn)
		}
		if got := first.Expiry.Sub(first.IssuedAt); got != 15*time.Minute {
			t.Errorf("%v between its dates", got)
		}
		time.Sleep(10 * time.Minute)
		second := mustToken(t, t.Context(), s)
		if second.Equal(first) || second.ExpiresIn != 15*time.Minute-time.Second {
			t.Errorf("the same session: %t, %v left", second.Equal(first), second.ExpiresIn)
		}
		want := []string{
			"GET /api/v1/csrftoken/login", loginRequest,
			"GET /api/v1/csrftoken/token", refreshRequest,
		}
		if diff := cmp.Diff(want, d.requests); diff != "" || asked != 1 || s.Version() != V2 {
			t.Errorf("%s\nLogin asked %d times, %v", diff, asked, s.Version())
		}
		if diff := cmp.Diff([]string{"logged in 2.x", "refreshed 2.x"}, told()); diff != "" {
			t.Error(diff)
		}
	})
}

// What 7.x gives back is the bearer token, which is used as it is, and is asked for
// anew each time: there is nothing to refresh.
func TestSevenGivesTheBearerBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		d.seven = true
		s := d.source(token.SourceFunc(func(context.Context) (token.Token, error) {
			time.Sleep(time.Second)
			return token.Token{Value: token.NewSecret("bearer-1"), ExpiresIn: time.Hour, RefreshIn: 40 * time.Minute}, nil
		}))
		told := record(s)
		for range 2 {
			tok := mustToken(t, t.Context(), s)
			if tok.Type != "" || tok.Value.Reveal() != "bearer-1" || tok.ExpiresIn != time.Hour-time.Second || tok.RefreshIn != 40*time.Minute-time.Second {
				t.Errorf("%+v", tok)
			}
		}
		if s.Version() != V7 || d.count(loginRequest) != 2 || d.count(refreshRequest) != 0 {
			t.Errorf("%v, %v", s.Version(), d.requests)
		}
		if diff := cmp.Diff([]string{"logged in 7.x", "logged in 7.x"}, told()); diff != "" {
			t.Error(diff)
		}
	})
}

// A bearer token that says when it expires, and not how long it has left, is left
// to the clock of a refresh.Source.
func TestSevenSaysWhenTheBearerExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjk0NjY4NDgwMCwiZXhwIjo5NDY2ODg0MDB9.c2lnbmF0dXJl" // iat 2000-01-01, exp an hour later
		d := newDouble()
		d.seven, d.good[jwt] = true, true
		tok := mustToken(t, t.Context(), d.source(bearerSource(jwt)))
		if want := time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC); !tok.Expiry.Equal(want) || tok.ExpiresIn != 0 {
			t.Errorf("expires %v, %v left", tok.Expiry, tok.ExpiresIn)
		}
	})
}

// A session has no more left than its credential, whichever way that says it.
func TestSessionEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	secret := token.NewSecret
	const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjk0NjY4NDgwMCwiZXhwIjo5NDY2ODUxMDB9.c2lnbmF0dXJl" // iat 2000-01-01, exp 5 minutes later
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)                                         // in a bubble
	for _, test := range []struct {
		name  string
		ttl   time.Duration
		login token.Token
		want  time.Duration
	}{
		{"that does not end", 15 * time.Minute, token.Token{Value: secret("bearer-1")}, 15*time.Minute - time.Second},
		{"that does not end, as the session does not", 0, token.Token{Value: secret("bearer-1")}, 0},
		{"with longer left", 15 * time.Minute, token.Token{Value: secret("bearer-1"), ExpiresIn: time.Hour}, 15*time.Minute - time.Second},
		{"with less left", 15 * time.Minute, token.Token{Value: secret("bearer-1"), ExpiresIn: 5 * time.Minute}, 5 * time.Minute},
		{"that ends, where the session does not", 0, token.Token{Value: secret("bearer-1"), ExpiresIn: 5 * time.Minute}, 5 * time.Minute},
		{"that expires", 15 * time.Minute, token.Token{Value: secret("bearer-1"), Expiry: start.Add(5 * time.Minute)}, 5 * time.Minute},
		{"that says itself when it expires", 15 * time.Minute, token.Token{Value: secret(jwt)}, 5 * time.Minute},
		// The Dashboard takes it, so that it is the clock here that is wrong.
		{"that expired by the clock here", 15 * time.Minute, token.Token{Value: secret("bearer-1"), Expiry: start.Add(-time.Hour)}, 15*time.Minute - time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				d.ttl, d.good[jwt] = test.ttl, true
				s := d.source(token.SourceFunc(func(context.Context) (token.Token, error) { return test.login, nil }))
				if tok := mustToken(t, t.Context(), s); tok.ExpiresIn != test.want {
					t.Errorf("%v left, want %v", tok.ExpiresIn, test.want)
				}
			})
		})
	}
}

// Where the next session would end with the same credential, it is the credential
// that has to be replaced.
func TestNoRefreshTowardsTheEndOfACredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(token.SourceFunc(func(context.Context) (token.Token, error) {
			return token.Token{Value: token.NewSecret("bearer-1"), ExpiresIn: 25 * time.Minute}, nil
		}))
		mustToken(t, t.Context(), s) // to minute 15
		time.Sleep(12 * time.Minute)
		if tok := mustToken(t, t.Context(), s); tok.ExpiresIn != 13*time.Minute || d.count(refreshRequest) != 1 {
			t.Errorf("%v left after %v", tok.ExpiresIn, d.requests)
		}
		time.Sleep(12 * time.Minute)
		tok := mustToken(t, t.Context(), s)
		if tok.ExpiresIn != 15*time.Minute-time.Second || d.count(loginRequest) != 2 || d.count(refreshRequest) != 1 {
			t.Errorf("%v left after %v", tok.ExpiresIn, d.requests)
		}
	})
}

// A session that nobody used in time is not sent any more, not even to be
// refreshed.
func TestUnusedSessionIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(bearerSource("bearer-1"))
		told := record(s)
		mustToken(t, t.Context(), s)
		time.Sleep(15*time.Minute - time.Second)
		mustToken(t, t.Context(), s)
		if d.count(loginRequest) != 2 || d.count(refreshRequest) != 0 {
			t.Error(d.requests)
		}
		if diff := cmp.Diff([]string{"logged in 2.x", "expired 2.x", "logged in 2.x"}, told()); diff != "" {
			t.Error(diff)
		}
	})
}

// Only the session at hand can be given up.
func TestInvalidate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, login := newDouble(), &turns{texts: []string{"bearer-1"}}
		s := d.source(login)
		s.Invalidate(token.Token{}) // with none at hand
		first := mustToken(t, t.Context(), s)
		second := mustToken(t, t.Context(), s)
		s.Invalidate(first)
		third := mustToken(t, t.Context(), s)
		if d.count(loginRequest) != 1 || d.count(refreshRequest) != 2 {
			t.Errorf("a session that is not at hand was given up: %v", d.requests)
		}
		s.Invalidate(second)
		s.Invalidate(third)
		mustToken(t, t.Context(), s)
		mustToken(t, t.Context(), s)
		if d.count(loginRequest) != 2 || d.count(refreshRequest) != 3 {
			t.Error(d.requests)
		}
		if login.refused != nil {
			t.Errorf("Login was told of %q: a session is not its token", login.refused)
		}
	})
}

// The bearer token of 7.x is Login's, which is told that it was refused.
func TestInvalidateSeven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, login := newDouble(), &turns{texts: []string{"bearer-1", "bearer-2"}}
		d.seven, d.good["bearer-2"] = true, true
		s := d.source(login)
		first := mustToken(t, t.Context(), s)
		s.Invalidate(token.Token{Value: token.NewSecret("bearer-0")})
		if login.refused != nil {
			t.Errorf("Login was told of %q", login.refused)
		}
		s.Invalidate(first)
		if diff := cmp.Diff([]string{"bearer-1"}, login.refused); diff != "" {
			t.Error(diff)
		}
		if tok := mustToken(t, t.Context(), s); tok.Value.Reveal() != "bearer-2" {
			t.Error("the refused token again")
		}
	})
}

// turns is a Login that goes on to its next token when one is refused.
type turns struct {
	mu      sync.Mutex
	texts   []string
	refused []string
}

func (l *turns) Token(context.Context) (token.Token, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.texts) == 0 {
		return token.Token{}, errors.New("nothing left")
	}
	return token.Token{Value: token.NewSecret(l.texts[0])}, nil
}

func (l *turns) Invalidate(t token.Token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = append(l.refused, t.Value.Reveal())
	if len(l.texts) > 0 && l.texts[0] == t.Value.Reveal() {
		l.texts = l.texts[1:]
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// OnEvent may panic, and even exit; there is a token nevertheless, if not at once.
func TestOnEventIsHarmless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newDouble().source(bearerSource("bearer-1"))
		s.OnEvent = func(Event) { panic("s3cret") }
		mustToken(t, t.Context(), s)
		mustToken(t, t.Context(), s)
		s.OnEvent = func(Event) { runtime.Goexit() }
		if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "Goexit") {
			t.Error(err)
		}
		s.OnEvent = nil
		mustToken(t, t.Context(), s)
	})
}

// Nothing that a Source holds is printed.
func TestSourcePrintsNoSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newDouble().source(bearerSource("bearer-1"))
		s.URL = doubleURL
		tok := mustToken(t, t.Context(), s)
		var b strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+verb+verb, s, struct{ S *Source }{s}, Event{Kind: Failed, Err: errors.New("why")})
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("", "source", s, "token", tok)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("", "source", s, "token", tok)
		for _, secret := range []string{"bearer-1", "encrypted_key", "ciphertext"} {
			if strings.Contains(b.String(), secret) {
				t.Errorf("%q is in %s", secret, b.String())
			}
		}
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Unknown.String(): "unknown", V2.String(): "2.x", V7.String(): "7.x", Version(9).String(): "unknown",
		LoggedIn.String(): "logged in", Refreshed.String(): "refreshed", Expired.String(): "expired", Failed.String(): "failed",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
