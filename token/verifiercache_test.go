package token_test

import (
	stdcmp "cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenlife/tokenlife/token"
)

// A judge is a Verifier that counts how often it is asked, and takes its time.
type judge struct {
	asked   atomic.Int64
	takes   time.Duration
	verdict func(token string) (token.Claims, error)
}

func (j *judge) Verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	j.asked.Add(1)
	select {
	case <-time.After(j.takes):
	case <-ctx.Done():
		return token.Claims{}, ctx.Err()
	}
	return j.verdict(presented.Reveal())
}

// approve approves every token for a subject of the same name.
func approve(s string) (token.Claims, error) {
	return token.Claims{Subject: "subject of " + s, Audience: []string{"a", "b"}}, nil
}

func refuseWith(err error) func(string) (token.Claims, error) {
	return func(string) (token.Claims, error) { return token.Claims{}, err }
}

func verify(t *testing.T, v token.Verifier, presented string) (token.Claims, error) {
	t.Helper()
	return v.Verify(t.Context(), token.NewSecret(presented))
}

// rounds asks at each of the given times from now, and returns how often the
// judge had been asked after each.
func rounds(t *testing.T, c *token.VerifierCache, j *judge, at ...time.Duration) []int64 {
	t.Helper()
	start := time.Now()
	var asked []int64
	for _, d := range at {
		time.Sleep(time.Until(start.Add(d)))
		verify(t, c, "abc")
		asked = append(asked, j.asked.Load())
	}
	return asked
}

// How long each kind of answer is repeated.
func TestVerifierCacheLife(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	in := func(d time.Duration) func(string) (token.Claims, error) { // expires
		return func(string) (token.Claims, error) {
			return token.Claims{Expiry: time.Now().Add(d).Round(0)}, nil
		}
	}
	early := func(nbf, leeway time.Duration) func(string) (token.Claims, error) {
		return func(string) (token.Claims, error) {
			now := time.Now().Add(time.Hour) // on a clock of the verifier's own
			return token.Claims{}, fmt.Errorf("wrapped: %w", &token.TimeError{Claim: "nbf", Limit: now.Add(nbf), Now: now, Leeway: leeway})
		}
	}
	for _, test := range []struct {
		name    string
		cache   *token.VerifierCache
		takes   time.Duration
		verdict func(string) (token.Claims, error)
		at      []time.Duration
		asked   []int64
	}{
		{name: "approval", verdict: approve,
			at: []time.Duration{0, 1 * time.Second, 9999 * ms, 10 * time.Second, 19999 * ms}, asked: []int64{1, 1, 1, 2, 2}},
		{name: "approval that took its time", verdict: approve, takes: 4 * time.Second,
			at: []time.Duration{0, 9999 * ms, 10 * time.Second}, asked: []int64{1, 1, 2}},
		{name: "approval that took too long", verdict: approve, takes: 4 * time.Second, cache: &token.VerifierCache{TTL: 3 * time.Second},
			at: []time.Duration{0, 5 * time.Second}, asked: []int64{1, 2}},
		{name: "TTL", verdict: approve, cache: &token.VerifierCache{TTL: time.Minute},
			at: []time.Duration{0, 59999 * ms, time.Minute}, asked: []int64{1, 1, 2}},
		{name: "negative TTL", verdict: approve, cache: &token.VerifierCache{TTL: -1},
			at: []time.Duration{0, 0, 0}, asked: []int64{1, 2, 3}},
		{name: "negative Size", verdict: approve, cache: &token.VerifierCache{Size: -1},
			at: []time.Duration{0, 0, 0}, asked: []int64{1, 2, 3}},
		{name: "Size of one", verdict: approve, cache: &token.VerifierCache{Size: 1},
			at: []time.Duration{0, 0, 0}, asked: []int64{1, 1, 1}},
		{name: "expires first", verdict: in(4 * time.Second),
			at: []time.Duration{0, 3999 * ms, 4 * time.Second}, asked: []int64{1, 1, 2}},
		{name: "expires later", verdict: in(time.Hour),
			at: []time.Duration{0, 9999 * ms, 10 * time.Second}, asked: []int64{1, 1, 2}},
		{name: "expired, within the leeway", verdict: in(-time.Second),
			at: []time.Duration{0, 0}, asked: []int64{1, 2}},

		{name: "refusal", verdict: refuseWith(token.ErrRevoked),
			at: []time.Duration{0, 1999 * ms, 2 * time.Second}, asked: []int64{1, 1, 2}},
		{name: "refusal with a short TTL", verdict: refuseWith(token.ErrRevoked), cache: &token.VerifierCache{TTL: time.Second},
			at: []time.Duration{0, 999 * ms, time.Second}, asked: []int64{1, 1, 2}},
		{name: "refusal with a long TTL", verdict: refuseWith(token.ErrRevoked), cache: &token.VerifierCache{TTL: time.Hour},
			at: []time.Duration{0, 1999 * ms, 2 * time.Second}, asked: []int64{1, 1, 2}},
		{name: "too early", verdict: early(1500*ms, 0),
			at: []time.Duration{0, 1499 * ms, 1500 * ms}, asked: []int64{1, 1, 2}},
		{name: "too early, with leeway", verdict: early(31500*ms, 30*time.Second),
			at: []time.Duration{0, 1499 * ms, 1500 * ms}, asked: []int64{1, 1, 2}},
		{name: "much too early", verdict: early(time.Hour, 0),
			at: []time.Duration{0, 1999 * ms, 2 * time.Second}, asked: []int64{1, 1, 2}},
		{name: "too early, nobody knows by how much", verdict: refuseWith(token.ErrNotYetValid),
			at: []time.Duration{0, 0}, asked: []int64{1, 2}},

		{name: "no answer", verdict: refuseWith(errDeck), at: []time.Duration{0, 0}, asked: []int64{1, 2}},
		{name: "our own credential", verdict: refuseWith(token.ErrRefused), at: []time.Duration{0, 0}, asked: []int64{1, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := &judge{takes: test.takes, verdict: test.verdict}
				c := stdcmp.Or(test.cache, new(token.VerifierCache))
				c.Verifier = j
				if diff := cmp.Diff(test.asked, rounds(t, c, j, test.at...)); diff != "" {
					t.Errorf("calls of the Verifier by the times %v (-want +got):\n%s", test.at, diff)
				}
			})
		})
	}
}

// The answers are the Verifier's own, the first time and from memory.
func TestVerifierCacheAnswers(t *testing.T) {
	t.Parallel()
	parsed, err := token.ParseClaims([]byte(`{"sub":"alice","aud":["a","b"],"scope":"read"}`))
	if err != nil {
		t.Fatal(err)
	}
	refusal := fmt.Errorf("%w: not in the list", token.ErrRevoked)
	j := &judge{verdict: func(s string) (token.Claims, error) {
		if s == "good" {
			return parsed, nil
		}
		return token.Claims{Subject: "mallory"}, refusal
	}}
	c := &token.VerifierCache{Verifier: j}
	for range 3 {
		claims, err := verify(t, c, "good")
		if diff := cmp.Diff(parsed, claims, cmpopts.IgnoreUnexported(token.Claims{})); err != nil || diff != "" || !claims.HasScope("read") {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
		claims, err = verify(t, c, "bad")
		if err != refusal || claims.Subject != "" {
			t.Errorf("%v, %v; want no claims and the Verifier's own error", claims, err)
		}
	}
	if n := j.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want once a token", n)
	}
}

// What one caller does to its claims no other sees, nor does the Verifier.
func TestVerifierCacheCopies(t *testing.T) {
	t.Parallel()
	own := []string{"a", "b"}
	c := &token.VerifierCache{Verifier: &judge{verdict: func(string) (token.Claims, error) {
		return token.Claims{Audience: own}, nil
	}}}
	first, _ := verify(t, c, "abc")
	first.Audience[0] = "changed by the first"
	own[0] = "changed by the Verifier"
	second, _ := verify(t, c, "abc")
	if diff := cmp.Diff([]string{"a", "b"}, second.Audience); diff != "" {
		t.Errorf("the second caller (-want +got):\n%s", diff)
	}
	second.Audience[1] = "changed by the second"
	third, _ := verify(t, c, "abc")
	if diff := cmp.Diff([]string{"a", "b"}, third.Audience); diff != "" {
		t.Errorf("the third caller (-want +got):\n%s", diff)
	}
	first.Audience = append(first.Audience[:1], "x")
	if own[1] != "b" {
		t.Error("a caller wrote to the Verifier's own slice")
	}
}

// A clock that is set, in either direction, makes nothing live longer.
func TestVerifierCacheSteps(t *testing.T) {
	t.Parallel()
	j := &judge{verdict: approve}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &token.VerifierCache{Verifier: j, Now: func() time.Time { return now }}
	for i, step := range []struct {
		by    time.Duration
		asked int64
	}{
		{0, 1},
		{9 * time.Second, 1},
		{time.Second, 2},       // the first is dead
		{-5 * time.Second, 3},  // and stays so; the second is from the future
		{5 * time.Second, 3},   // the third is alive
		{time.Hour, 4},         // dead by the step
		{-time.Hour, 5},        // from the future
		{time.Hour - 1, 6},     // not the fourth, which has been dropped
		{9 * time.Second, 6},   // alive
		{-time.Nanosecond, 6},  // a small step back within its life
		{-10 * time.Second, 7}, // from the future again
	} {
		now = now.Add(step.by)
		verify(t, c, "abc")
		if n := j.asked.Load(); n != step.asked {
			t.Errorf("step %d, %v: asked %d times, want %d", i, step.by, n, step.asked)
		}
	}
}

// An approval that has been found dead does not come back to life with a clock
// that is set back, even if nothing has taken its place.
func TestVerifierCacheStaysDead(t *testing.T) {
	t.Parallel()
	j := &judge{verdict: approve}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &token.VerifierCache{Verifier: j, Now: func() time.Time { return now }}
	verify(t, c, "abc")
	j.verdict = refuseWith(errDeck)
	for _, step := range []time.Duration{10 * time.Second, -5 * time.Second} {
		now = now.Add(step)
		if _, err := verify(t, c, "abc"); err != errDeck {
			t.Errorf("after a step of %v: %v", step, err)
		}
	}
}

// However many come at once, the Verifier is asked once a token.
func TestVerifierCacheSharesCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &judge{takes: time.Second, verdict: approve}
		c := &token.VerifierCache{Verifier: j, TTL: -1}
		start := time.Now()
		var callers sync.WaitGroup
		for i := range 1000 {
			callers.Go(func() {
				name := fmt.Sprint("token", i%10)
				claims, err := verify(t, c, name)
				if err != nil || claims.Subject != "subject of "+name {
					t.Errorf("%s: %v, %v", name, claims.Subject, err)
				}
			})
		}
		callers.Wait()
		if n := j.asked.Load(); n != 10 {
			t.Errorf("asked %d times for 10 tokens", n)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// Each caller leaves when its own time is up, and takes nothing from others.
func TestVerifierCacheCallersLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &judge{takes: 3 * time.Second, verdict: approve}
		c := &token.VerifierCache{Verifier: j}
		start := time.Now()
		var callers sync.WaitGroup
		for i, patience := range []time.Duration{1 * time.Second, 2 * time.Second, time.Hour} {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				claims, err := c.Verify(ctx, token.NewSecret("abc"))
				took := time.Since(start)
				if patience < j.takes {
					if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, token.ErrInvalid) || took != patience {
						t.Errorf("caller %d: %v after %v", i, err, took)
					}
				} else if err != nil || claims.Subject == "" || took != j.takes {
					t.Errorf("caller %d: %v, %v after %v", i, claims, err, took)
				}
			})
			synctest.Wait() // the first asks
		}
		callers.Wait()
		// Nobody waited for this one, and it was worth the while all the same.
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Verify(gone, token.NewSecret("def")); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that has gone: %v", err)
		}
		time.Sleep(j.takes)
		synctest.Wait()
		if _, err := c.Verify(gone, token.NewSecret("def")); err != nil {
			t.Errorf("from memory: %v", err)
		}
		if n := j.asked.Load(); n != 2 {
			t.Errorf("asked %d times, want 2", n)
		}
	})
}

// A verdict depends on nothing that a caller's context carries.
func TestVerifierCachePassesNoValues(t *testing.T) {
	t.Parallel()
	type key struct{}
	c := &token.VerifierCache{Verifier: token.VerifierFunc(func(ctx context.Context, _ token.Secret) (token.Claims, error) {
		if ctx.Value(key{}) != nil {
			t.Error("a value came through")
		}
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 10*time.Second || time.Until(deadline) < 5*time.Second {
			t.Errorf("deadline in %v", time.Until(deadline))
		}
		return token.Claims{}, nil
	})}
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, 1), time.Hour)
	defer cancel()
	if _, err := c.Verify(ctx, token.NewSecret("abc")); err != nil {
		t.Error(err)
	}
}

func TestVerifierCacheTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		timeout  time.Duration
		verifier token.VerifierFunc
		took     time.Duration
		want     string
	}{
		{"default", 0, func(ctx context.Context, _ token.Secret) (token.Claims, error) {
			<-ctx.Done()
			return token.Claims{}, ctx.Err()
		}, 10 * time.Second, "context deadline exceeded"},
		{"blames the token when its time is up", time.Second, func(ctx context.Context, _ token.Secret) (token.Claims, error) {
			<-ctx.Done()
			return token.Claims{}, fmt.Errorf("%w: %w", token.ErrSignature, ctx.Err())
		}, time.Second, "token: no verdict within 1s: token: invalid: signature not verified: context deadline exceeded"},
		{"ignores its context", 2 * time.Second, func(ctx context.Context, _ token.Secret) (token.Claims, error) {
			time.Sleep(time.Hour)
			return token.Claims{}, nil
		}, 2100 * time.Millisecond, "token: no verdict after 2s: VerifierCache.Verifier ignores its context"},
		{"none", -1, func(ctx context.Context, _ token.Secret) (token.Claims, error) {
			if _, ok := ctx.Deadline(); ok {
				return token.Claims{}, errors.New("a deadline")
			}
			time.Sleep(time.Hour)
			return token.Claims{}, nil
		}, time.Hour, "<nil>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &token.VerifierCache{Verifier: test.verifier, Timeout: test.timeout}
				start := time.Now()
				_, err := verify(t, c, "abc")
				if fmt.Sprint(err) != test.want || time.Since(start) != test.took || errors.Is(err, token.ErrInvalid) {
					t.Errorf("%v after %v; want %v after %v", err, time.Since(start), test.want, test.took)
				}
				time.Sleep(2 * time.Hour) // for those that ignore their contexts
			})
		})
	}
}

// An approval that comes when the callers have been given up on is not
// remembered: another may have been asked for since.
func TestVerifierCacheLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		c := &token.VerifierCache{TTL: time.Hour, Timeout: time.Second, Verifier: token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
			if calls.Add(1) == 1 {
				time.Sleep(time.Minute)
				return token.Claims{}, nil
			}
			return token.Claims{}, token.ErrRevoked
		})}
		if _, err := verify(t, c, "abc"); err == nil || errors.Is(err, token.ErrInvalid) {
			t.Errorf("the slow one: %v", err)
		}
		for range 2 {
			if _, err := verify(t, c, "abc"); !errors.Is(err, token.ErrRevoked) {
				t.Errorf("the quick one: %v", err)
			}
			time.Sleep(2 * time.Minute)
		}
	})
}

// Whatever becomes of one call, it is no verdict, and the next one works.
func TestVerifierCachePanics(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		fail func()
		want string
	}{
		{"panic", func() { panic(canary) }, ", with a string"},
		{"nil pointer", func() { var p *judge; _ = p.takes }, ": runtime error: invalid memory address or nil pointer dereference"},
		{"Goexit", runtime.Goexit, "token: runtime.Goexit called in VerifierCache.Verifier, which must return"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			failed := false
			c := &token.VerifierCache{Verifier: token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
				if !failed {
					failed = true
					test.fail()
				}
				return token.Claims{}, nil
			})}
			_, err := verify(t, c, "abc")
			if err == nil || errors.Is(err, token.ErrInvalid) || !strings.HasSuffix(err.Error(), test.want) || leaks(err.Error()) {
				t.Errorf("%v", err)
			}
			if test.name != "Goexit" && !strings.Contains(err.Error(), "token: VerifierCache.Verifier panicked in github.com/tokenlife/tokenlife/token_test.TestVerifierCachePanics.func") {
				t.Errorf("does not say where: %v", err)
			}
			if _, err := verify(t, c, "abc"); err != nil {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}

// A nil pointer in an error, with a method that minds, ends one call and not the
// program: nobody else could recover.
func TestVerifierCacheNilError(t *testing.T) {
	t.Parallel()
	c := &token.VerifierCache{Verifier: token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
		var err *token.TimeError
		return token.Claims{}, err
	})}
	_, err := verify(t, c, "abc")
	if want := "token: VerifierCache.Verifier panicked in github.com/tokenlife/tokenlife/token.(*TimeError)"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s…", err, want)
	}
}

// Beyond so many tokens at a time, the rest are told to come back, and Require
// tells theirs. Those that are being judged, or remembered, still have callers.
func TestVerifierCacheBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := &token.VerifierCache{Timeout: time.Second, Verifier: token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
			if presented.Reveal() != "known" {
				<-release
			}
			return token.Claims{Subject: presented.Reveal()}, nil
		})}
		verify(t, c, "known")
		var callers sync.WaitGroup
		for i := range 64 {
			for range 2 { // the second joins
				callers.Go(func() { verify(t, c, fmt.Sprint("slow", i)) })
			}
		}
		synctest.Wait()
		_, err := verify(t, c, "one more")
		if err == nil || errors.Is(err, token.ErrInvalid) || err.Error() != "token: 64 other tokens are being verified: try again later" {
			t.Errorf("%v", err)
		}
		if claims, err := verify(t, c, "known"); err != nil || claims.Subject != "known" {
			t.Errorf("from memory: %v", err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer one-more")
		w := httptest.NewRecorder()
		token.Require(c, http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
			t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		// Calls that their callers have left still count: they still run.
		callers.Wait()
		if _, err := verify(t, c, "one more"); err == nil || !strings.Contains(err.Error(), "try again later") {
			t.Errorf("after the callers left: %v", err)
		}
		close(release)
		synctest.Wait()
		if _, err := verify(t, c, "one more"); err != nil {
			t.Errorf("when all have returned: %v", err)
		}
	})
}

// A flood of bad tokens evicts no approval, not even ones that are about to die.
func TestVerifierCacheFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &judge{verdict: func(s string) (token.Claims, error) {
			if strings.HasPrefix(s, "good") {
				return approve(s)
			}
			return token.Claims{}, token.ErrSignature
		}}
		c := &token.VerifierCache{Verifier: j, Size: 256, TTL: time.Second}
		for i := range 20 {
			verify(t, c, fmt.Sprint("good", i))
		}
		time.Sleep(900 * time.Millisecond)
		before := j.asked.Load()
		for i := range 2000 {
			verify(t, c, fmt.Sprint("bad", i))
		}
		for i := range 20 {
			verify(t, c, fmt.Sprint("good", i))
		}
		if n := j.asked.Load() - before - 2000; n != 0 {
			t.Errorf("%d of 20 approvals were forgotten", n)
		}
	})
}

// However many good tokens there are, no more than Size are remembered, and as
// many as there is room for nearly all are.
func TestVerifierCacheSize(t *testing.T) {
	t.Parallel()
	const size = 1000
	for _, test := range []struct {
		tokens   int
		min, max int64 // remembered
	}{{size / 2, size/2 - 25, size / 2}, {10 * size, size / 2, size}} {
		j := &judge{verdict: approve}
		c := &token.VerifierCache{Verifier: j, Size: size, TTL: time.Hour}
		for i := range test.tokens {
			verify(t, c, fmt.Sprint(i))
		}
		// From the last, since each one forgotten takes the place of another.
		before := j.asked.Load()
		for i := range test.tokens {
			verify(t, c, fmt.Sprint(test.tokens-1-i))
		}
		remembered := int64(test.tokens) - (j.asked.Load() - before)
		t.Logf("%d of %d tokens remembered in %d places", remembered, test.tokens, size)
		if remembered < test.min || remembered > test.max {
			t.Errorf("%d of %d tokens remembered, want from %d to %d", remembered, test.tokens, test.min, test.max)
		}
	}
}

// What is too long is judged all the same.
func TestVerifierCacheLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 16<<10)
	claims := func(name string) func(string) (token.Claims, error) {
		return func(string) (token.Claims, error) {
			return token.ParseClaims([]byte(`{"` + name + `":"` + long + `"}`))
		}
	}
	for _, test := range []struct {
		name    string
		text    string
		verdict func(string) (token.Claims, error)
		asked   int64
	}{
		{"as long as may be", long, func(string) (token.Claims, error) { return token.Claims{Subject: long}, nil }, 1},
		{"too long a token", long + "x", func(string) (token.Claims, error) { return token.Claims{}, nil }, 2},
		{"too long a bad token", long + "x", refuseWith(token.ErrMalformed), 2},
		{"too long claims", "abc", claims("private"), 2},
		{"too long an issuer", "abc", func(string) (token.Claims, error) { return token.Claims{Issuer: long + "x"}, nil }, 2},
		{"too long a subject", "abc", func(string) (token.Claims, error) { return token.Claims{Subject: long + "x"}, nil }, 2},
		{"too long an ID", "abc", func(string) (token.Claims, error) { return token.Claims{ID: long + "x"}, nil }, 2},
		{"too long audiences", "abc", func(string) (token.Claims, error) { return token.Claims{Audience: []string{long, "x"}}, nil }, 2},
		{"too many audiences", "abc", func(string) (token.Claims, error) { return token.Claims{Audience: make([]string, 2000)}, nil }, 2},
	} {
		j := &judge{verdict: test.verdict}
		c := &token.VerifierCache{Verifier: j}
		_, first := verify(t, c, test.text)
		_, second := verify(t, c, test.text)
		if n := j.asked.Load(); n != test.asked || !errors.Is(second, first) {
			t.Errorf("%s: asked %d times, want %d; %v and %v", test.name, n, test.asked, first, second)
		}
	}
}

func TestVerifierCacheWithoutVerifier(t *testing.T) {
	t.Parallel()
	_, err := verify(t, new(token.VerifierCache), "abc")
	if err == nil || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), "VerifierCache.Verifier is nil") {
		t.Error(err)
	}
}

// Tokens that are remembered, or being judged, are not to be had by printing.
func TestVerifierCachePrints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := &token.VerifierCache{Verifier: token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
			switch presented.Reveal() {
			case canary + "good":
				return token.Claims{Subject: "alice"}, nil
			case canary + "bad":
				return token.Claims{}, token.ErrMalformed
			}
			<-release
			return token.Claims{}, nil
		})}
		verify(t, c, canary+"good")
		verify(t, c, canary+"bad")
		go verify(t, c, canary+"judged")
		synctest.Wait()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			for _, v := range []any{c, reflect.ValueOf(c).Elem()} {
				if s := fmt.Sprintf(verb, v); leaks(s) || len(s) > 1000 {
					t.Errorf("%s: %.1000s", verb, s)
				}
			}
		}
		walk(reflect.ValueOf(c), map[visit]bool{}, func(s string) {
			if leaks(s) {
				t.Errorf("reflection reads %q", s)
			}
		})
		close(release)
	})
}

// Many goroutines at once, for the race detector: every answer is the right
// one for its token.
func TestVerifierCacheConcurrently(t *testing.T) {
	t.Parallel()
	c := &token.VerifierCache{Size: 16, TTL: 200 * time.Microsecond, Verifier: token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
		if s := presented.Reveal(); s[0] == 'b' {
			return token.Claims{}, fmt.Errorf("%w: %s", token.ErrRevoked, s)
		}
		return approve(presented.Reveal())
	})}
	var callers sync.WaitGroup
	for g := range 8 {
		callers.Go(func() {
			for i := range 500 {
				s := fmt.Sprintf("%c%d", "gb"[i%2], (i*7+g)%40)
				claims, err := verify(t, c, s)
				switch {
				case s[0] == 'g' && (err != nil || claims.Subject != "subject of "+s):
					t.Errorf("%s: %v, %v", s, claims.Subject, err)
				case s[0] == 'b' && (!errors.Is(err, token.ErrRevoked) || !strings.HasSuffix(err.Error(), ": "+s)):
					t.Errorf("%s: %v", s, err)
				}
				if err == nil {
					claims.Audience[0] = s // is the caller's own
				}
			}
		})
	}
	callers.Wait()
}
