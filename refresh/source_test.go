package refresh

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// An issuer is a Base that mints numbered tokens.
type issuer struct {
	life    time.Duration // of each token
	latency time.Duration // of each call
	fail    atomic.Pointer[error]

	mu    sync.Mutex
	calls []time.Time // when each was asked
	ends  map[string]time.Time
}

func (i *issuer) Token(ctx context.Context) (token.Token, error) {
	i.mu.Lock()
	i.calls = append(i.calls, time.Now())
	n := len(i.calls)
	i.mu.Unlock()
	if i.latency > 0 {
		select {
		case <-time.After(i.latency):
		case <-ctx.Done():
			return token.Token{}, ctx.Err()
		}
	}
	if err := i.fail.Load(); err != nil {
		return token.Token{}, *err
	}
	value := fmt.Sprintf("token-%d", n)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ends == nil {
		i.ends = make(map[string]time.Time)
	}
	i.ends[value] = time.Now().Add(i.life)
	return token.Token{Value: token.NewSecret(value), ExpiresIn: i.life}, nil
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.calls)
}

func (i *issuer) setErr(err error) {
	if err == nil {
		i.fail.Store(nil)
	} else {
		i.fail.Store(&err)
	}
}

// dead reports whether t is no longer good at the issuer.
func (i *issuer) dead(t token.Token) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !time.Now().Before(i.ends[t.Value.Reveal()])
}

// get returns the token's text, or fails the test.
func get(t *testing.T, s *Source) string {
	t.Helper()
	tok, err := s.Token(t.Context())
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	return tok.Value.Reveal()
}

var errDown = errors.New("issuer is down")

func TestColdStartIsOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour, latency: time.Second}
		s := New(base)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if got := get(t, s); got != "token-1" {
					t.Errorf("got %s", got)
				}
			})
		}
		wg.Wait()
		if n := base.count(); n != 1 {
			t.Errorf("%d calls to Base, want 1", n)
		}
	})
}

// A thousand callers go on across an early refresh that takes 200 ms, and none
// of them waits for it.
func TestNobodyWaitsForAnEarlyRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour, latency: 200 * time.Millisecond}
		s := New(base)
		get(t, s)
		time.Sleep(40 * time.Minute) // due between 42 and 48
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				for range 100 {
					began := time.Now()
					tok, err := s.Token(t.Context())
					if waited := time.Since(began); waited != 0 || err != nil || base.dead(tok) {
						t.Errorf("waited %v, error %v, dead %t", waited, err, base.dead(tok))
					}
					time.Sleep(6 * time.Second)
				}
			})
		}
		wg.Wait()
		if n := base.count(); n != 2 {
			t.Errorf("%d calls to Base, want 2: the first and one refresh", n)
		}
	})
}

func TestHardExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour, latency: 400 * time.Millisecond}
		s := New(base)
		get(t, s)
		time.Sleep(2 * time.Hour)

		// The first caller, who starts the attempt, gives up after 10 ms.
		leader, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		var wg sync.WaitGroup
		wg.Go(func() {
			began := time.Now()
			_, err := s.Token(leader)
			if took := time.Since(began); !errors.Is(err, context.Canceled) || took != 10*time.Millisecond {
				t.Errorf("the cancelled leader: %v after %v", err, took)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			began := time.Now()
			_, err := s.Token(ctx)
			if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 50*time.Millisecond {
				t.Errorf("a caller with a deadline of 50 ms: %v after %v", err, took)
			}
		})
		for range 1000 {
			wg.Go(func() {
				began := time.Now()
				if got := get(t, s); got != "token-2" {
					t.Errorf("got %s", got)
				}
				if took := time.Since(began); took != 400*time.Millisecond {
					t.Errorf("waited %v, want 400ms", took)
				}
			})
		}
		wg.Wait()
		if n := base.count(); n != 2 {
			t.Errorf("%d calls to Base, want 2: the first and one at expiry", n)
		}
	})
}

// While Base is down the good token is handed out to its end; then callers get
// an error at once, never the dead token, and Base is asked seldom.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Minute, latency: 50 * time.Millisecond}
		s := New(base)
		get(t, s)
		time.Sleep(59 * time.Second) // dead, since nobody asked in time
		base.setErr(errDown)
		before := base.count()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				for range 1000 {
					tok, err := s.Token(t.Context())
					if !errors.Is(err, errDown) || !tok.IsZero() {
						t.Errorf("got a token %t, error %v; want the error of Base", !tok.IsZero(), err)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		if n := base.count() - before; n < 2 || n > 5 {
			t.Errorf("%d calls to Base in 10 s, want 2 to 5", n)
		}

		_, err := s.Token(t.Context())
		var e *Error
		if !errors.As(err, &e) || e.Attempts < 2 || e.Next <= 0 || e.Next > time.Minute || e.RetryAfter() != e.Next {
			t.Fatalf("got %#v", err)
		}
		base.setErr(nil)
		time.Sleep(e.Next)
		get(t, s)
		if s.streak != 0 {
			t.Errorf("streak = %d after a success", s.streak)
		}
	})
}

func TestGoodTokenIsKeptThroughAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour}
		s := New(base)
		began := time.Now()
		get(t, s)
		base.setErr(errDown)
		for time.Since(began) < time.Hour-2*time.Second {
			get(t, s)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Second)
		if _, err := s.Token(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("at the end: %v, want the error of Base", err)
		}
		// Eighteen minutes at most, at most two attempts a minute once the
		// pauses have grown.
		if n := base.count(); n > 45 {
			t.Errorf("%d calls to Base", n)
		}
	})
}

// The k-th failure in a row, counted from zero, is followed by a pause in
// [d/2, d], d = 1 s · 2^k, at most a minute.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{}
		base.setErr(errDown)
		s := New(base)
		for range 9000 {
			s.Token(t.Context())
			time.Sleep(100 * time.Millisecond)
		}
		whole := 0
		for k := 1; k < len(base.calls); k++ {
			d := min(time.Second<<(k-1), time.Minute)
			pause := base.calls[k].Sub(base.calls[k-1])
			if pause < d/2 || pause > d+100*time.Millisecond {
				t.Errorf("pause %d was %v, want between %v and %v", k, pause, d/2, d)
			}
			if pause >= d {
				whole++
			}
		}
		if whole > len(base.calls)/2 {
			t.Errorf("%d of %d pauses were as long as can be: they are not random", whole, len(base.calls)-1)
		}
	})
}

type busyError struct{ after time.Duration }

func (e busyError) Error() string             { return "busy" }
func (e busyError) RetryAfter() time.Duration { return e.after }

func TestRetryAfter(t *testing.T) {
	for _, test := range []struct{ says, min, max time.Duration }{
		{20 * time.Minute, 20 * time.Minute, 20 * time.Minute},
		{time.Nanosecond, time.Second / 2, time.Second},
		{-time.Hour, time.Second / 2, time.Second},
		{math.MaxInt64, time.Hour, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := &issuer{}
			base.setErr(fmt.Errorf("wrapped: %w", busyError{test.says}))
			_, err := New(base).Token(t.Context())
			if e := err.(*Error); e.Next < test.min || e.Next > test.max {
				t.Errorf("the server says %v: next attempt in %v, want %v to %v", test.says, e.Next, test.min, test.max)
			}
		})
	}
}

// However short tokens live, there is at most one call a second, and callers
// wait for it rather than fail.
func TestShortTokens(t *testing.T) {
	for _, life := range []time.Duration{time.Nanosecond, time.Millisecond, 100 * time.Millisecond, time.Second, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			base := &issuer{life: life}
			s := New(base)
			const span = 100 * time.Second
			for began := time.Now(); time.Since(began) < span; time.Sleep(5 * time.Millisecond) {
				tok, err := s.Token(t.Context())
				if err == nil && base.dead(tok) {
					t.Fatalf("life %v: got a dead token", life)
				}
				if err != nil && life >= time.Millisecond {
					t.Fatalf("life %v: %v", life, err)
				}
			}
			most := int(span/max(time.Second, life*7/10)) + 1
			if n := base.count(); n > most {
				t.Errorf("life %v: %d calls to Base in %v, want at most %d", life, n, span, most)
			}
		})
	}
}

// A Base that supplies the same token again is not asked in a loop, and has not
// failed.
func TestSameTokenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = 10 * time.Minute
		dies := time.Now().Add(life)
		calls := 0
		s := New(token.SourceFunc(func(context.Context) (token.Token, error) {
			calls++
			return token.Token{Value: token.NewSecret("same"), ExpiresIn: time.Until(dies)}, nil
		}))
		for time.Until(dies) > 2*time.Second {
			if got := get(t, s); got != "same" {
				t.Fatalf("got %s", got)
			}
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait() // for a call that may have begun a moment ago
		// Due at 7 minutes at the earliest; pauses of at least half a second, a
		// second, two, … half a minute.
		if calls > 15 {
			t.Errorf("%d calls to Base in 10 minutes", calls)
		}
		time.Sleep(3 * time.Second)
		calls = 0
		for range 600 {
			if tok, err := s.Token(t.Context()); err == nil {
				t.Fatalf("got the expired token, which has %v left", tok.ExpiresIn)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if calls > 6 {
			t.Errorf("%d calls to Base in the minute after it expired", calls)
		}
	})
}

// A Base that renews its own tokens late supplies the same one until it is all but dead.
// Because of the pauses in between nobody is left without one for more than a second, nor
// is Base asked in a loop as it ends.
func TestSameTokenUntilItIsDead(t *testing.T) {
	t.Parallel()
	for life, most := range map[time.Duration]int{8 * time.Second: 4, 20 * time.Second: 5, time.Minute: 7, 5 * time.Minute: 10, time.Hour: 28} {
		synctest.Test(t, func(t *testing.T) {
			var end, last time.Time
			made, calls := 0, 0
			s := New(token.SourceFunc(func(context.Context) (token.Token, error) {
				calls++
				if since := time.Since(last); since < shortestPause/2 {
					t.Errorf("life %v: Base is asked again after %v", life, since)
				}
				last = time.Now()
				if time.Until(end) < margin(life)/4 {
					made++
					end = time.Now().Add(life)
				}
				return token.Token{Value: token.NewSecret(strconv.Itoa(made)), ExpiresIn: time.Until(end)}, nil
			}))
			for began := time.Now(); time.Since(began) < 40*life; time.Sleep(life / 400) {
				asked := time.Now()
				if _, err := s.Token(t.Context()); err != nil {
					t.Fatalf("life %v: %v", life, err)
				}
				if waited := time.Since(asked); waited > time.Second {
					t.Errorf("life %v: waited for %v", life, waited)
				}
			}
			synctest.Wait() // for a call that may have begun a moment ago
			// From 0.72 of a life on, after pauses of half a second to a second, twice
			// that, … up to a minute, and of a second as it ends. On average it is a
			// tenth to a third less.
			if calls > most*made {
				t.Errorf("life %v: %d calls to Base for %d tokens, want at most %d for each", life, calls, made, most)
			}
			t.Logf("life %v: %d calls to Base for %d tokens", life, calls, made)
		})
	}
}

// A cache upstream that repeats the expires_in it was once told must not make
// the token live for ever.
func TestRepeatedExpiresInGivesNoLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tok := token.Token{Value: token.NewSecret("same"), ExpiresIn: time.Hour, Expiry: time.Now().Add(time.Hour)}
		s := New(token.SourceFunc(func(context.Context) (token.Token, error) { return tok, nil }))
		for began := time.Now(); time.Since(began) < time.Hour-3*time.Second; time.Sleep(time.Second) {
			get(t, s)
		}
		time.Sleep(3 * time.Second)
		if _, err := s.Token(t.Context()); err == nil {
			t.Error("got the token after its hour")
		}
	})
}

// A token whose life the issuer extends keeps its value and moves its Expiry.
func TestExtendedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(token.SourceFunc(func(context.Context) (token.Token, error) {
			return token.Token{Value: token.NewSecret("same"), ExpiresIn: time.Hour, Expiry: time.Now().Add(time.Hour)}, nil
		}))
		for began := time.Now(); time.Since(began) < 5*time.Hour; time.Sleep(time.Second) {
			get(t, s)
		}
	})
}

func TestPanickingBase(t *testing.T) {
	const secret = "hunter2"
	for name, misbehave := range map[string]func(){
		"secret":  func() { panic("the password is " + secret) },
		"error":   func() { panic(errors.New(secret)) },
		"runtime": func() { _ = []int{}[len(os.Args)] },
		"goexit":  runtime.Goexit,
		"nil":     func() { panic(any(nil)) }, //nolint
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &issuer{life: time.Hour}
				calls := 0
				s := New(token.SourceFunc(func(ctx context.Context) (token.Token, error) {
					if calls++; calls == 1 {
						misbehave()
					}
					return base.Token(ctx)
				}))
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						_, err := s.Token(t.Context())
						e, ok := err.(*Error)
						if !ok {
							t.Errorf("got %v, want an *Error", err)
							return
						}
						if text := e.Error(); strings.Contains(text, secret) || (name != "goexit") != strings.Contains(text, "panicked in ") {
							t.Errorf("the error reads: %s", text)
						}
						if name == "runtime" && !strings.Contains(e.Error(), "index out of range") {
							t.Errorf("the error does not say what: %s", e)
						}
						if name != "goexit" && !strings.Contains(e.Error(), "source_test.go:") && name != "runtime" {
							t.Errorf("the error does not say where: %s", e)
						}
					})
				}
				wg.Wait()
				if calls != 1 {
					t.Errorf("%d calls, want 1", calls)
				}
				time.Sleep(2 * time.Second)
				get(t, s)
			})
		})
	}
}

// A Base that never returns costs callers no more than Timeout each, and does
// not wedge the Source.
func TestHangingBase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour}
		hang := make(chan struct{})
		var calls atomic.Int32
		s := New(token.SourceFunc(func(ctx context.Context) (token.Token, error) {
			if calls.Add(1) == 1 {
				<-hang
				return token.Token{Value: token.NewSecret("late"), ExpiresIn: time.Hour}, nil
			}
			return base.Token(ctx)
		}))
		s.Timeout = 5 * time.Second
		began := time.Now()
		if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "ignores its context") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 5*time.Second+overrun {
			t.Errorf("took %v", took)
		}
		time.Sleep(2 * time.Second)
		first := get(t, s)
		close(hang)
		synctest.Wait()
		if got := get(t, s); got != first {
			t.Errorf("the late answer replaced the token: %s", got)
		}
	})
}

func TestTimeout(t *testing.T) {
	for _, test := range []struct{ timeout, latency, want time.Duration }{
		{0, time.Hour, 30 * time.Second},
		{time.Second, time.Hour, time.Second},
		{-1, time.Hour, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := &issuer{life: 24 * time.Hour, latency: test.latency}
			s := &Source{Base: base, Timeout: test.timeout}
			began := time.Now()
			_, err := s.Token(t.Context())
			if took := time.Since(began); took != test.want {
				t.Errorf("Timeout %v: took %v, want %v", test.timeout, took, test.want)
			}
			if (err == nil) != (test.want == test.latency) {
				t.Errorf("Timeout %v: error %v", test.timeout, err)
			}
		})
	}
}

type ctxKey struct{}

// The attempt carries the values of the call that began it, and not its end.
func TestAttemptContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var value any
		s := New(token.SourceFunc(func(ctx context.Context) (token.Token, error) {
			time.Sleep(time.Second)
			value = ctx.Value(ctxKey{})
			return token.Token{Value: token.NewSecret("x")}, ctx.Err()
		}))
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), ctxKey{}, "trace"))
		time.AfterFunc(time.Millisecond, cancel)
		if _, err := s.Token(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Second)
		if got := get(t, s); got != "x" || value != "trace" {
			t.Errorf("got %s, value %v", got, value)
		}
	})
}

// The token handed out says what it has left at that moment.
func TestTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(&issuer{life: time.Hour, latency: time.Second})
		tok, _ := s.Token(t.Context())
		if want := time.Hour - time.Second; tok.ExpiresIn != want {
			t.Errorf("at first ExpiresIn = %v, want %v: it counts from before the request", tok.ExpiresIn, want)
		}
		refreshIn := tok.RefreshIn
		time.Sleep(10 * time.Minute)
		tok, _ = s.Token(t.Context())
		if want := 50*time.Minute - time.Second; tok.ExpiresIn != want {
			t.Errorf("later ExpiresIn = %v, want %v", tok.ExpiresIn, want)
		}
		// Drawn once a token, not at every look.
		if want := refreshIn - 10*time.Minute; tok.RefreshIn != want {
			t.Errorf("RefreshIn = %v, want %v", tok.RefreshIn, want)
		}
	})
}

func TestWhenDue(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		name     string
		tok      token.Token
		min, max time.Duration // of RefreshIn
	}{
		{"hour", token.Token{ExpiresIn: time.Hour}, 42 * time.Minute, 48 * time.Minute},
		{"five seconds", token.Token{ExpiresIn: 5 * time.Second}, 3500 * time.Millisecond, 4 * time.Second},
		{"year", token.Token{ExpiresIn: 365 * day}, 21 * time.Hour, day},
		{"unknown", token.Token{}, 21 * time.Hour, day},
		{"longest", token.Token{ExpiresIn: math.MaxInt64}, 21 * time.Hour, day},
		{"almost the longest", token.Token{ExpiresIn: math.MaxInt64 - time.Hour}, 21 * time.Hour, day},
		{"said", token.Token{ExpiresIn: time.Hour, RefreshIn: 5 * time.Minute}, 5 * time.Minute, 5 * time.Minute},
		{"said late", token.Token{ExpiresIn: time.Hour, RefreshIn: 2 * time.Hour}, time.Hour - 2*time.Second, time.Hour - 2*time.Second},
		{"said never early", token.Token{ExpiresIn: time.Hour, RefreshIn: -1}, time.Hour - 2*time.Second, time.Hour - 2*time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lo, hi := time.Duration(math.MaxInt64), time.Duration(0)
				for range 300 {
					tok := test.tok
					tok.Value = token.NewSecret("x")
					got, err := New(token.Static(tok)).Token(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					lo, hi = min(lo, got.RefreshIn), max(hi, got.RefreshIn)
				}
				if lo < test.min || hi > test.max {
					t.Errorf("due between %v and %v, want between %v and %v", lo, hi, test.min, test.max)
				}
				if spread := test.max - test.min; hi-lo < spread/2 {
					t.Errorf("due between %v and %v: not spread over %v", lo, hi, spread)
				}
			})
		})
	}
}

// Clocks that can be driven apart.
type clocks struct{ wall, mono atomic.Int64 }

func newClocks() *clocks {
	c := new(clocks)
	c.wall.Store(time.Now().UnixNano())
	return c
}

func (c *clocks) read() reading { return reading{c.wall.Load(), c.mono.Load()} }

func (c *clocks) pass(d time.Duration) { c.wall.Add(int64(d)); c.mono.Add(int64(d)) }

// Suspend stops the monotonic clock, steps move the wall clock. A token is as
// old as the older of the two says.
func TestClocksApart(t *testing.T) {
	for _, test := range []struct {
		name      string
		wall      time.Duration // how much more than the other
		mono      time.Duration
		wantFresh bool
	}{
		{"both", 0, 0, true},
		{"suspended for two hours", 2 * time.Hour, 0, false},
		{"set forward", 2 * time.Hour, 0, false},
		{"set back", -2 * time.Hour, 0, true},
		{"set back by as much as it lived", -2 * time.Hour, 2 * time.Hour, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			base := &issuer{life: time.Hour}
			c := newClocks()
			s := New(base)
			s.clock = c.read
			first := get(t, s)
			c.pass(time.Minute)
			c.wall.Add(int64(test.wall))
			c.mono.Add(int64(test.mono))
			if got := get(t, s); (got == first) != test.wantFresh {
				t.Errorf("got %s", got)
			}
		})
	}
}

// What is said to be left goes by the older reading too.
func TestTimeLeftClocksApart(t *testing.T) {
	for _, test := range []struct{ wall, mono, want time.Duration }{
		{10 * time.Minute, 10 * time.Minute, 50 * time.Minute},
		{20 * time.Minute, 10 * time.Minute, 40 * time.Minute},
		{10 * time.Minute, 20 * time.Minute, 40 * time.Minute},
		{-10 * time.Minute, 20 * time.Minute, 40 * time.Minute},
	} {
		c := newClocks()
		s := New(&issuer{life: time.Hour})
		s.clock = c.read
		get(t, s)
		c.wall.Add(int64(test.wall))
		c.mono.Add(int64(test.mono))
		if tok, err := s.Token(t.Context()); err != nil || tok.ExpiresIn != test.want {
			t.Errorf("after %v of wall and %v of monotonic clock: %v left, want %v (%v)", test.wall, test.mono, tok.ExpiresIn, test.want, err)
		}
	}
}

// After a step back, a token is not handed out for longer than it lives.
func TestSetBackGivesNoLife(t *testing.T) {
	base := &issuer{life: time.Hour}
	c := newClocks()
	s := New(base)
	s.clock = c.read
	get(t, s)
	base.setErr(errDown)
	c.wall.Add(-int64(24 * time.Hour))
	c.pass(time.Hour)
	if _, err := s.Token(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
}

func TestInvalidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour, latency: time.Second}
		refusals := 0
		s := &Source{Base: base, OnEvent: func(e Event) {
			if e.Kind == Refused {
				refusals++
			}
		}}
		first, _ := s.Token(t.Context())
		s.Invalidate(first)
		s.Invalidate(first)
		if got := get(t, s); got != "token-2" {
			t.Errorf("after Invalidate: %s", got)
		}
		time.Sleep(10 * time.Second)
		s.Invalidate(first) // late: the Source has moved on
		s.Invalidate(token.Token{})
		if got := get(t, s); got != "token-2" || base.count() != 2 {
			t.Errorf("after a late Invalidate: %s, %d calls", got, base.count())
		}
		if refusals != 1 {
			t.Errorf("%d refusals counted, want 1: the others were late or repeated", refusals)
		}
	})
}

// A refused token is not handed out while its successor cannot be had.
func TestInvalidateDuringOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour}
		s := New(base)
		tok, _ := s.Token(t.Context())
		base.setErr(errDown)
		s.Invalidate(tok)
		for range 100 {
			if tok, err := s.Token(t.Context()); !errors.Is(err, errDown) {
				t.Fatalf("got token %t, %v", !tok.IsZero(), err)
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}

// One endpoint that refuses every token neither makes the Source mint in a loop
// nor takes the token away from those who use others.
func TestEndpointThatRefusesEverything(t *testing.T) {
	for _, life := range []time.Duration{time.Hour, 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			base := &issuer{life: life, latency: 10 * time.Millisecond}
			s := New(base)
			for range 6000 { // ten minutes
				tok, err := s.Token(t.Context())
				if err != nil || base.dead(tok) {
					t.Fatalf("a caller of another endpoint: dead %t, error %v", base.dead(tok), err)
				}
				s.Invalidate(tok)
				time.Sleep(100 * time.Millisecond)
			}
			// Pauses grow to a minute, or to the life of a token.
			if n := base.count(); n > 20+int(10*time.Minute/min(life, 30*time.Second)) {
				t.Errorf("life %v: %d calls to Base in ten minutes", life, n)
			}
		})
	}
}

// Refusals far apart are each answered at once.
func TestRefusalsFarApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: 24 * time.Hour}
		s := New(base)
		for want := 1; want <= 20; want++ {
			tok, err := s.Token(t.Context())
			if err != nil || tok.Value.Reveal() != fmt.Sprintf("token-%d", want) {
				t.Fatalf("after %d refusals: %s, %v", want-1, tok.Value.Reveal(), err)
			}
			time.Sleep(3 * time.Second)
			s.Invalidate(tok)
		}
	})
}

// No error of a Source blames a token presented to us.
func TestBaseErrorsDoNotBlameTheCaller(t *testing.T) {
	for _, err := range []error{token.ErrExpired, fmt.Errorf("introspection: %w", token.ErrRevoked), token.ErrRefused} {
		base := &issuer{}
		base.setErr(err)
		_, got := New(base).Token(t.Context())
		if errors.Is(got, token.ErrInvalid) || !errors.Is(got, token.ErrRefused) || !strings.Contains(got.Error(), err.Error()) {
			t.Errorf("Base fails with %q: got %q", err, got)
		}
	}
}

func TestMisconfigured(t *testing.T) {
	for name, s := range map[string]*Source{
		"Base": {},
		"Key":  {Base: &issuer{}, Store: new(Memory)},
	} {
		_, err := s.Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), "Source."+name) {
			t.Errorf("without %s: %v", name, err)
		}
		if err := s.Run(t.Context()); err == nil {
			t.Errorf("Run without %s: no error", name)
		}
	}
}

func TestBadTokens(t *testing.T) {
	for name, tok := range map[string]token.Token{
		"empty":           {},
		"nothing left":    {Value: token.NewSecret("x"), ExpiresIn: -1},
		"long dead":       {Value: token.NewSecret("x"), ExpiresIn: math.MinInt64},
		"expired by date": {Value: token.NewSecret("x"), Expiry: time.Now().Add(-time.Hour)},
		"far past":        {Value: token.NewSecret("x"), Expiry: time.Unix(-1<<40, 0)},
	} {
		s := New(token.SourceFunc(func(context.Context) (token.Token, error) { return tok, nil }))
		if got, err := s.Token(t.Context()); err == nil {
			t.Errorf("%s: got a token with %v left", name, got.ExpiresIn)
		}
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour, latency: time.Second}
		s := New(base)
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(10*time.Hour + time.Millisecond)
		if n := base.count(); n < 13 || n > 15 {
			t.Errorf("%d calls to Base in ten hours", n)
		}
		// The successor of what is refused below is not already on its way.
		s.mu.Lock()
		under := s.attempt
		s.mu.Unlock()
		if under != nil {
			<-under.done
		}
		began := time.Now()
		tok, err := s.Token(t.Context())
		if err != nil || time.Since(began) != 0 || tok.ExpiresIn < 11*time.Minute {
			t.Errorf("a late caller waited %v for a token with %v left: %v", time.Since(began), tok.ExpiresIn, err)
		}
		s.Invalidate(tok)
		called := base.count()
		time.Sleep(longestSleep + 2*time.Second)
		if base.count() == called {
			t.Error("Run did not replace a refused token within a minute")
		}
		base.setErr(errDown)
		before := base.count()
		time.Sleep(2 * time.Hour)
		if n := base.count() - before; n < 60 || n > 250 {
			t.Errorf("%d calls to Base in an outage of two hours", n)
		}
		cause := errors.New("shutting down")
		cancel(cause)
		if err := <-ended; err != cause {
			t.Errorf("Run returned %v", err)
		}
		time.Sleep(base.latency) // an attempt under way goes on
	})
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour, latency: 200 * time.Millisecond}
		s := New(base)
		var events []Event
		s.OnEvent = func(e Event) { events = append(events, e) }
		get(t, s)
		time.Sleep(50 * time.Minute)
		base.setErr(errDown)
		get(t, s)
		time.Sleep(3 * time.Second)
		base.setErr(nil)
		get(t, s)
		time.Sleep(time.Second)
		tok, _ := s.Token(t.Context())
		s.Invalidate(tok)
		get(t, s)
		synctest.Wait()
		var kinds []string
		for _, e := range events {
			kinds = append(kinds, e.Kind.String())
			if e.Kind != Refused && e.Took != 200*time.Millisecond {
				t.Errorf("%v took %v", e.Kind, e.Took)
			}
			if e.String() == "" || e.LogValue().String() == "" || (e.Err != nil) != (e.Kind == Failed) {
				t.Errorf("bad event %v", e)
			}
		}
		if want := []string{"obtained", "failed", "renewed", "refused", "obtained"}; !slices.Equal(kinds, want) {
			t.Errorf("events %v, want %v", kinds, want)
		}
	})
}

// The hot path takes no lock and allocates nothing.
func TestFreshTokenCostsNoAllocation(t *testing.T) {
	s := New(token.Static(token.Token{Value: token.NewSecret("x"), ExpiresIn: time.Hour}))
	get(t, s)
	ctx := t.Context()
	s.mu.Lock() // a fresh token is had all the same
	defer s.mu.Unlock()
	if n := testing.AllocsPerRun(1000, func() { s.Token(ctx) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// For the race detector: everything at once, in real time.
func TestRace(t *testing.T) {
	base := &issuer{life: 20 * time.Millisecond}
	s := &Source{Base: base, Store: new(Memory), Key: "k", OnEvent: func(Event) {}}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				tok, _ := s.Token(ctx)
				if (n+i)%97 == 0 {
					s.Invalidate(tok)
				}
			}
		})
	}
	wg.Go(func() { s.Run(ctx) })
	wg.Wait()
}

// OnEvent that panics, or calls Goexit as t.FailNow does, costs nobody the token.
func TestOnEventMisbehaves(t *testing.T) {
	for name, misbehave := range map[string]func(){"panic": func() { panic("no") }, "goexit": runtime.Goexit} {
		for _, down := range []error{nil, errDown} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					base := &issuer{life: time.Hour}
					base.setErr(down)
					s := &Source{Base: base, OnEvent: func(Event) { misbehave() }}
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					if _, err := s.Token(ctx); !errors.Is(err, down) {
						t.Errorf("got %v, want %v", err, down)
					}
				})
			})
		}
	}
}
