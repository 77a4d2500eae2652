package seal_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A vault is where a Keyring loads its keys from.
type vault struct {
	mu    sync.Mutex
	keys  string
	err   error
	takes time.Duration
	loads int
}

func (v *vault) ring() *seal.Keyring { return &seal.Keyring{Load: v.load} }

func (v *vault) load(ctx context.Context) ([]token.Secret, error) {
	v.mu.Lock()
	v.loads++
	takes := v.takes
	v.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return newRing(v.keys).Keys, v.err
}

func (v *vault) set(keys string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keys, v.err = keys, err
}

func (v *vault) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.loads
}

// open opens what was sealed for p, which must have the outcome wanted: nil, a
// kind of ErrInvalid, or any other error for one that is not ErrInvalid.
func open(t *testing.T, ring *seal.Keyring, sealed string, want error) {
	t.Helper()
	got, err := ring.Open(t.Context(), "p", "", sealed)
	switch {
	case want == nil && err == nil && string(got) == "x":
	case errors.Is(want, token.ErrInvalid) && errors.Is(err, want):
	case want != nil && !errors.Is(want, token.ErrInvalid) && err != nil && !errors.Is(err, token.ErrInvalid):
	default:
		t.Errorf("%q, %v; want %v", got, err, want)
	}
}

func TestLoadOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{keys: "a", takes: time.Second}
		ring := v.ring()
		sealed := mustSeal(t, newRing("a"), "p", "", "x")
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { open(t, ring, sealed, nil) })
		}
		wg.Wait()
		if n := v.count(); n != 1 {
			t.Errorf("%d loads for 100 callers at once", n)
		}
	})
}

// Made-up key IDs load once in 10 seconds, however many there are, and a key
// that is new is found by the first load after it is there.
func TestLoadUnknownKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{keys: "a"}
		ring := v.ring()
		old := mustSeal(t, newRing("a"), "p", "", "x")
		renewed := mustSeal(t, newRing("b"), "p", "", "x")
		unknown := mustSeal(t, newRing("c"), "p", "", "x")
		open(t, ring, old, nil)
		start := time.Now()
		for time.Since(start) < time.Minute {
			open(t, ring, unknown, token.ErrSignature)
			open(t, ring, old, nil)
			time.Sleep(100 * time.Millisecond)
		}
		if n := v.count(); n != 6 {
			t.Errorf("%d loads in a minute of unknown keys, want 6: the first and one in 10 seconds", n)
		}
		v.set("ba", nil)
		time.Sleep(10 * time.Second)
		open(t, ring, renewed, nil)
		open(t, ring, old, nil)
		if n := v.count(); n != 7 {
			t.Errorf("%d loads, want 7", n)
		}
		open(t, newRing("b"), mustSeal(t, ring, "p", "", "x"), nil) // seals under the new one
	})
}

// However many made-up key IDs there are, few wait for them, and nobody for a key
// that is known.
func TestLoadFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{keys: "a"}
		ring := v.ring()
		known, unknown := mustSeal(t, newRing("a"), "p", "", "x"), mustSeal(t, newRing("b"), "p", "", "x")
		open(t, ring, known, nil)
		v.mu.Lock()
		v.takes = 9 * time.Second
		v.mu.Unlock()
		for range 2 { // those who have waited make room
			time.Sleep(10 * time.Second)
			var refused, busy atomic.Int64
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() {
					start := time.Now()
					_, err := ring.Open(t.Context(), "p", "", unknown)
					switch {
					case errors.Is(err, token.ErrSignature):
						refused.Add(1)
					case !errors.Is(err, token.ErrInvalid) && time.Since(start) == 0:
						busy.Add(1)
					}
				})
			}
			synctest.Wait()
			start := time.Now()
			if open(t, ring, known, nil); time.Since(start) != 0 {
				t.Errorf("waited %v", time.Since(start))
			}
			wg.Wait()
			if refused.Load() != 64 || busy.Load() != 1000-64 {
				t.Errorf("%d have waited, and %d went at once", refused.Load(), busy.Load())
			}
		}
	})
}

// A key that is removed goes out of use by itself, and nobody waits for that.
func TestLoadAged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{keys: "ab"}
		ring := v.ring()
		sealed := mustSeal(t, newRing("b"), "p", "", "x")
		open(t, ring, sealed, nil)
		v.set("a", nil)
		v.mu.Lock()
		v.takes = time.Second
		v.mu.Unlock()
		time.Sleep(5*time.Minute - time.Second)
		open(t, ring, sealed, nil)
		synctest.Wait()
		if n := v.count(); n != 1 {
			t.Errorf("%d loads within 5 minutes, want 1", n)
		}
		time.Sleep(time.Second)
		start := time.Now()
		open(t, ring, sealed, nil)
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %v", took)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		open(t, ring, sealed, token.ErrSignature)
		if n := v.count(); n != 2 {
			t.Errorf("%d loads, want 2", n)
		}
	})
}

// Keys that nobody loads do not age.
func TestFixedKeysStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring := newRing("a")
		ring.OnLoad = func(err error) { t.Errorf("a load: %v", err) }
		sealed, err := ring.Seal(t.Context(), "cookie", "0", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, err := ring.Open(t.Context(), "cookie", "0", sealed); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

// A ring that is loaded again keeps what it derived, and the salt it seals with.
func TestLoadKeepsSalt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{keys: "a"}
		ring := v.ring()
		before := kidOf(t, mustSeal(t, ring, "p", "", "x"))
		time.Sleep(5 * time.Minute)
		mustSeal(t, ring, "p", "", "x")
		synctest.Wait()
		if n := v.count(); n != 2 {
			t.Fatalf("%d loads, want 2", n)
		}
		if after := kidOf(t, mustSeal(t, ring, "p", "", "x")); after != before {
			t.Errorf("kid %s, then %s", before, after)
		}
	})
}

// While keys cannot be loaded, known ones work, and of unknown ones nobody can
// tell.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("the vault is away")
		v := &vault{keys: "a", err: away}
		ring := v.ring()
		known, unknown := mustSeal(t, newRing("a"), "p", "", "x"), mustSeal(t, newRing("b"), "p", "", "x")
		for range 20 { // without any keys
			open(t, ring, known, away)
			if _, err := ring.Seal(t.Context(), "p", "", nil); !errors.Is(err, away) {
				t.Errorf("Seal: %v", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := v.count(); n != 2 {
			t.Errorf("%d loads in 2 seconds without keys, want 2", n)
		}
		v.set("a", nil)
		open(t, ring, known, nil)
		v.set("a", fmt.Errorf("our token: %w", token.ErrExpired))
		time.Sleep(10 * time.Second)
		for range 3 {
			open(t, ring, unknown, away)
			open(t, ring, known, nil)
			time.Sleep(time.Second)
		}
		if _, err := ring.Open(t.Context(), "p", "", unknown); !errors.Is(err, token.ErrRefused) {
			t.Errorf("Load's own token is dead: %v", err)
		}
		v.set("", nil) // a Keyring without keys is no success
		time.Sleep(10 * time.Second)
		open(t, ring, unknown, away)
		open(t, ring, known, nil)
		v.set("ab", nil)
		time.Sleep(10 * time.Second)
		open(t, ring, unknown, nil)
	})
}

func TestLoadPanics(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(){
		"a panic": func() { panic("hunter2") },
		"Goexit":  func() { runtime.Goexit() },
	} {
		synctest.Test(t, func(t *testing.T) {
			broken := true
			ring := &seal.Keyring{Load: func(context.Context) ([]token.Secret, error) {
				if broken {
					f()
				}
				return newRing("a").Keys, nil
			}}
			_, err := ring.Seal(t.Context(), "p", "", nil)
			if err == nil || errors.Is(err, token.ErrInvalid) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", name, err)
			}
			broken = false
			time.Sleep(time.Second)
			mustSeal(t, ring, "p", "", "x")
		})
	}
}

// Each caller leaves on its own deadline; the load goes on for the others, but
// not for ever.
func TestLoadSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{keys: "a", takes: time.Hour}
		ring := v.ring()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := ring.Seal(ctx, "p", "", nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		_, err = ring.Seal(t.Context(), "p", "", nil)
		if err == nil || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v, want Load's own error after 10s", err, time.Since(start))
		}
		if n := v.count(); n != 1 {
			t.Errorf("%d loads, want 1", n)
		}
	})
}

// Nobody waits for a Load that ignores its context for longer than it may take,
// nor is it called a second time meanwhile; what is known stays in use.
func TestLoadHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		loads, release := 0, make(chan struct{})
		ring := &seal.Keyring{Load: func(context.Context) ([]token.Secret, error) {
			if loads++; loads != 2 {
				<-release
			}
			return newRing("ab"[:loads-1]).Keys, nil
		}}
		wait := func(sealed string, want error, longest time.Duration) {
			t.Helper()
			start := time.Now()
			open(t, ring, sealed, want)
			if took := time.Since(start); took > longest {
				t.Errorf("waited %v", took)
			}
		}
		away := errors.New("it hangs")
		known, unknown := mustSeal(t, newRing("a"), "p", "", "x"), mustSeal(t, newRing("b"), "p", "", "x")
		for i := range 3 {
			wait(known, away, 10*time.Second+100*time.Millisecond)
			if _, err := ring.Seal(t.Context(), "p", "", nil); err == nil || !strings.Contains(err.Error(), "ignores its context") {
				t.Errorf("%d: %v", i, err)
			}
		}
		close(release) // the first, of which there are no keys
		synctest.Wait()
		time.Sleep(time.Second)
		wait(known, nil, 0)

		release = make(chan struct{})
		time.Sleep(10 * time.Second)
		wait(unknown, away, 10*time.Second+100*time.Millisecond)
		time.Sleep(time.Minute)
		wait(unknown, away, 0)
		wait(known, nil, 0)
		synctest.Wait()
		if loads != 3 {
			t.Errorf("%d loads, want 3", loads)
		}
		close(release)
		synctest.Wait()
		wait(unknown, nil, 0)
	})
}

// OnLoad hears of each call of Load, while the keys from before go on working,
// and cannot keep anyone waiting.
func TestOnLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{keys: "a"}
		ring := v.ring()
		heard := make(chan error, 10)
		ring.OnLoad = func(err error) {
			heard <- err
			panic("at OnLoad")
		}
		hear := func(want string) {
			t.Helper()
			synctest.Wait()
			select {
			case err := <-heard:
				if got := fmt.Sprint(err); got != want || errors.Is(err, token.ErrInvalid) {
					t.Errorf("OnLoad(%v), want %s", got, want)
				}
			default:
				t.Errorf("OnLoad was not called, with %s", want)
			}
		}
		sealed := mustSeal(t, newRing("a"), "p", "", "x")
		open(t, ring, sealed, nil)
		hear("<nil>")

		v.set("a", errors.New("vault: down"))
		time.Sleep(6 * time.Minute)
		open(t, ring, sealed, nil)
		hear("seal: no keys from Load: vault: down")

		time.Sleep(time.Minute)
		ring.Load = func(context.Context) ([]token.Secret, error) { time.Sleep(time.Minute); return newRing("a").Keys, nil }
		open(t, ring, sealed, nil)
		time.Sleep(11 * time.Second)
		hear("seal: no keys from Load: it ignores its context, and has not returned after 10s")
		time.Sleep(time.Minute)
		hear("<nil>")
		open(t, ring, sealed, nil)
	})
}
