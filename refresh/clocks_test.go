package refresh

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// An elsewhere is an issuer and the API that takes its tokens, on a machine
// whose clock is off. Times on the wire are whole seconds, cut down, and the API
// allows no leeway.
type elsewhere struct {
	life   time.Duration
	tripOf func(n int) time.Duration // of the n-th message

	mu      sync.Mutex
	offset  time.Duration // of its clock
	n       int
	ends    map[string]time.Time
	born    map[string]time.Time
	refused int
}

func (e *elsewhere) now() time.Time { return time.Now().Add(e.offset) }

func (e *elsewhere) travel() {
	e.mu.Lock()
	e.n++
	n := e.n
	e.mu.Unlock()
	time.Sleep(e.tripOf(n))
}

func (e *elsewhere) setOffset(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.offset = d
}

// Token asks for a token as kube.Source does: its ExpiresIn is exp less iat.
func (e *elsewhere) Token(context.Context) (token.Token, error) {
	e.travel()
	e.mu.Lock()
	iat := e.now().Truncate(time.Second)
	value := fmt.Sprint("token-", e.n)
	if e.ends == nil {
		e.ends, e.born = map[string]time.Time{}, map[string]time.Time{}
	}
	e.ends[value], e.born[value] = iat.Add(e.life), iat
	e.mu.Unlock()
	e.travel()
	return token.Token{Value: token.NewSecret(value), IssuedAt: iat, Expiry: iat.Add(e.life), ExpiresIn: e.life}, nil
}

// RoundTrip is the API.
func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	e.travel()
	e.mu.Lock()
	value := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	status := http.StatusOK
	if end, known := e.ends[value]; !known || !e.now().Before(end) || e.now().Before(e.born[value]) {
		e.refused++
		status = http.StatusUnauthorized
	}
	e.mu.Unlock()
	e.travel()
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

// drive has ten callers use client for span, and returns how many answers were
// not 200.
func drive(t *testing.T, client *http.Client, span, every time.Duration) (bad int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			time.Sleep(every * time.Duration(i) / 10)
			for began := time.Now(); time.Since(began) < span; time.Sleep(every) {
				resp, err := client.Get("https://api.test/")
				if err != nil {
					t.Errorf("after %v: %v", time.Since(began), err)
					return
				}
				if resp.StatusCode != http.StatusOK {
					mu.Lock()
					bad++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	time.Sleep(time.Second) // an attempt in the background ends before its bubble does
	return bad
}

func trips(n int) time.Duration { return time.Duration(5+n*7%90) * time.Millisecond }

// Wherever the issuer's clock stands, no dead token is sent, not even the first.
func TestIssuersClockIsOff(t *testing.T) {
	for _, life := range []time.Duration{time.Hour, 10 * time.Minute, 20 * time.Second} {
		for _, offset := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute, 400 * time.Millisecond} {
			t.Run(fmt.Sprintf("life %v, offset %v", life, offset), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					e := &elsewhere{life: life, offset: offset, tripOf: trips}
					client := &http.Client{Transport: &token.Transport{Source: New(e), Base: e}}
					if bad := drive(t, client, 10*life, life/200); bad != 0 || e.refused != 0 {
						t.Errorf("%d dead tokens sent, %d refusals reached a caller", e.refused, bad)
					}
				})
			})
		}
	}
}

// A clock stepped between two mints: the token before the step is long enough,
// and the one after it is counted anew.
func TestIssuersClockStepsBetweenMints(t *testing.T) {
	for _, step := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			e := &elsewhere{life: 2 * time.Hour, tripOf: trips}
			// Backwards, a token is not yet valid until the clock has caught up:
			// the step must come when it is older than that.
			time.AfterFunc(30*time.Minute, func() { e.setOffset(step) })
			client := &http.Client{Transport: &token.Transport{Source: New(e), Base: e}}
			if bad := drive(t, client, 10*time.Hour, 10*time.Second); bad != 0 || e.refused != 0 {
				t.Errorf("step %v: %d dead tokens sent, %d refusals reached a caller", step, e.refused, bad)
			}
		})
	}
}

// A step that kills the token in use costs one refusal for each request that is
// under way, and no caller sees any.
func TestIssuersClockStepsInMidLife(t *testing.T) {
	for _, step := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			e := &elsewhere{life: 5 * time.Minute, tripOf: func(int) time.Duration { return 5 * time.Millisecond }}
			time.AfterFunc(13*time.Minute+time.Millisecond, func() { e.setOffset(step) })
			client := &http.Client{Transport: &token.Transport{Source: New(e), Base: e}}
			if bad := drive(t, client, time.Hour, 10*time.Second); bad != 0 || e.refused != 1 {
				t.Errorf("step %v: %d refusals, want 1; %d reached a caller", step, e.refused, bad)
			}
		})
	}
}

// Tokens that say only when they expire are judged by the Clock, as soon as it
// knows better.
func TestClockDecides(t *testing.T) {
	for _, test := range []struct {
		name   string
		offset time.Duration // of the issuer's clock
	}{
		{"ahead", 10 * time.Minute},
		{"behind", -10 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := new(skew.Clock)
				e := &elsewhere{life: 30 * time.Minute, offset: test.offset, tripOf: trips}
				src := &Source{Clock: clock, Base: token.SourceFunc(func(ctx context.Context) (token.Token, error) {
					sent := time.Now()
					tok, err := e.Token(ctx)
					clock.Observe(skew.Observation{Sent: sent, Received: time.Now(), Remote: tok.IssuedAt, Resolution: time.Second})
					tok.ExpiresIn = 0
					return tok, err
				})}
				var offset time.Duration
				src.OnEvent = func(e Event) { offset = e.Offset }
				client := &http.Client{Transport: &token.Transport{Source: src, Base: e}}
				if bad := drive(t, client, 5*time.Hour, 5*time.Second); bad != 0 || e.refused != 0 {
					t.Errorf("%d dead tokens sent, %d refusals reached a caller", e.refused, bad)
				}
				synctest.Wait() // for an attempt in the background
				if e.n == 0 || (offset-test.offset).Abs() > time.Second {
					t.Errorf("events say that the issuer's clock is off by %v, want %v", offset, test.offset)
				}
			})
		})
	}
}

// A Clock that learns in the middle of a token's life is heeded from then on.
func TestClockLearnsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := new(skew.Clock)
		base := &issuer{}
		src := &Source{Clock: clock, Base: token.SourceFunc(func(ctx context.Context) (token.Token, error) {
			if _, err := base.Token(ctx); err != nil {
				return token.Token{}, err
			}
			return token.Token{Value: token.NewSecret("x"), Expiry: time.Now().Add(time.Hour)}, nil
		})}
		get(t, src)
		base.setErr(errDown)
		get(t, src)
		// The issuer is two hours ahead: the token is dead there.
		clock.Observe(skew.Observation{Sent: time.Now(), Received: time.Now(), Remote: time.Now().Add(2 * time.Hour), Resolution: time.Second})
		if tok, err := src.Token(t.Context()); err == nil {
			t.Errorf("got a token that expires at %v", tok.Expiry)
		}
	})
}

// Where the Clock is not sure, a token is dead as soon as it may be.
func TestUnsureClock(t *testing.T) {
	clock := new(skew.Clock)
	now := time.Now()
	clock.Observe(skew.Observation{Sent: now, Received: now, Remote: now, Resolution: 10 * time.Minute})
	src := &Source{Clock: clock, Base: token.Static(token.Token{Value: token.NewSecret("x"), Expiry: now.Add(7 * time.Minute)})}
	if tok, err := src.Token(t.Context()); err == nil {
		t.Errorf("got a token that expires at %v, where it may be 10 minutes past %v", tok.Expiry, now)
	}
}

// Without a Clock, the error of a token dead on arrival names the clock.
func TestExpiredOnArrivalNamesTheClock(t *testing.T) {
	src := New(token.SourceFunc(func(context.Context) (token.Token, error) {
		return token.Token{Value: token.NewSecret("x"), Expiry: time.Now().Add(-time.Minute)}, nil
	}))
	_, err := src.Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "this machine's clock") || !strings.Contains(err.Error(), "1m0") {
		t.Errorf("got %v", err)
	}
}
