package dashboard_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A keySetFunc is a jwt.KeySet.
type keySetFunc func() ([]jwt.Key, error)

func (f keySetFunc) Keys(context.Context, string) ([]jwt.Key, error) { return f() }

// A secret is what a KeyHolder loads its keys from.
type secret struct {
	mu      sync.Mutex
	text    string
	err     error
	takes   time.Duration
	hangs   bool // whatever its context says
	loads   int
	told    []error
	running int
	most    int // loads at a time
}

func pemA() string { return vectors()[0].PrivateKeyPEM }
func pemB() string { return vectors()[4].OtherKeyPEM }

func (s *secret) holder() *dashboard.KeyHolder {
	return &dashboard.KeyHolder{Load: s.load, OnLoad: func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, err)
	}}
}

func (s *secret) load(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	s.loads++
	s.running++
	s.most = max(s.most, s.running)
	takes, hangs := s.takes, s.hangs
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	if hangs {
		time.Sleep(takes)
	} else if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return []byte(s.text), s.err
}

func (s *secret) set(text string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text, s.err = text, err
}

// wantLoads fails the test unless there were as many loads since it was last
// called.
func (s *secret) wantLoads(t *testing.T, name string, want int) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loads != want {
		t.Errorf("%s: %d loads, want %d", name, s.loads, want)
	}
	s.loads = 0
}

// keyOf says which key a holder would make sessions with.
func keyOf(t *testing.T, k *dashboard.KeyHolder) string {
	t.Helper()
	keys, err := k.Keys(t.Context(), "")
	if err != nil {
		return err.Error()
	}
	for name, known := range map[string]jwt.Keys{"A": keyA(), "B": keyB()} {
		if keys[0].Public.(*rsa.PublicKey).Equal(known[0].Public) {
			return name
		}
	}
	return "another"
}

// The Secret of a Dashboard, priv and pub, with the labels that it has.
func TestKeyHolderForm(t *testing.T) {
	t.Parallel()
	pub := vectors()[0].PublicKeyPEM
	relabelled := strings.ReplaceAll(pemA(), "RSA PRIVATE KEY", "PUBLIC KEY")
	for name, test := range map[string]struct {
		text string
		want string // in the error
	}{
		"priv":             {pemA(), ""},
		"priv and pub":     {pemA() + "\n" + pub, ""},
		"pub and priv":     {pub + "\n" + pemA(), ""},
		"another label":    {relabelled, ""},
		"two":              {pemA() + pemB(), ""},
		"only pub":         {pub, "no private RSA key"},
		"nothing":          {"", "neither JSON"},
		"something else":   {"-----BEGIN X-----\nAAAA\n-----END X-----\n", "none can be used"},
		"cut off":          {pemA()[:400], "jwt: keys"},
		"too long to read": {strings.Repeat("x", 2<<20), "more than"},
	} {
		s := &secret{text: test.text}
		keys, err := s.holder().Keys(t.Context(), "")
		if test.want == "" && (err != nil || len(keys) == 0) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
		if err != nil && (strings.Contains(err.Error(), "MIIE") || !strings.HasPrefix(err.Error(), "dashboard: no keys from KeyHolder.Load: ")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (&dashboard.KeyHolder{}).Keys(t.Context(), ""); err == nil || err.Error() != "dashboard: KeyHolder has no Load: set it" {
		t.Error(err)
	}
	if err := (&dashboard.KeyHolder{}).Reload(t.Context()); err == nil || err.Error() != "dashboard: KeyHolder has no Load: set it" {
		t.Error(err)
	}
}

// Any number of callers wait for one load; keys are read again after 5 minutes
// while nobody waits, and before they are used after 10.
func TestKeyHolderAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &secret{text: pemA(), takes: time.Second}
		k := s.holder()
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				if got := keyOf(t, k); got != "A" {
					t.Error(got)
				}
			})
		}
		callers.Wait()
		s.wantLoads(t, "at first", 1)

		s.set(pemB(), nil)
		time.Sleep(5*time.Minute - 2*time.Second)
		if got := keyOf(t, k); got != "A" {
			t.Error(got)
		}
		s.wantLoads(t, "before 5 minutes", 0)
		time.Sleep(2 * time.Second)
		began := time.Now()
		if got := keyOf(t, k); got != "A" || time.Since(began) != 0 {
			t.Errorf("%s after %v", got, time.Since(began))
		}
		time.Sleep(time.Second)
		s.wantLoads(t, "after 5 minutes", 1)
		if got := keyOf(t, k); got != "B" {
			t.Errorf("%s after it was read", got)
		}

		s.set(pemA(), nil)
		time.Sleep(10 * time.Minute)
		began = time.Now()
		if got := keyOf(t, k); got != "A" || time.Since(began) != time.Second {
			t.Errorf("%s after %v, when nobody had asked for 10 minutes", got, time.Since(began))
		}
		s.wantLoads(t, "after 10 minutes", 1)
	})
}

// While keys cannot be read, those from before stay; nobody waits for them, and
// nobody asks more often than once in 10 seconds.
func TestKeyHolderKeeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &secret{text: pemA()}
		k := s.holder()
		keyOf(t, k)
		for _, fault := range []struct {
			text string
			err  error
		}{{"", nil}, {"garbage", nil}, {"", errors.New("secrets not found")}, {vectors()[0].PublicKeyPEM, nil}} {
			s.set(fault.text, fault.err)
			s.wantLoads(t, "before", map[bool]int{true: 1, false: 0}[fault.text == "" && fault.err == nil])
			time.Sleep(time.Hour)
			keyOf(t, k) // which waits for it, as nobody asked for an hour
			s.mu.Lock()
			s.takes = 9 * time.Second
			s.mu.Unlock()
			for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(time.Second) {
				before := time.Now()
				if got := keyOf(t, k); got != "A" || time.Since(before) != 0 {
					t.Errorf("%q: %s after %v", fault.text, got, time.Since(before))
				}
			}
			time.Sleep(9 * time.Second)
			s.wantLoads(t, "while it fails", 1+5)
			s.mu.Lock()
			s.takes = 0
			s.mu.Unlock()
			s.set(pemA(), nil)
			time.Sleep(10 * time.Second)
			keyOf(t, k)
			s.wantLoads(t, "afterwards", 1)
		}
	})
}

// Keys that there never were are asked for once a second, and the error says when
// to come back and blames no caller.
func TestKeyHolderNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &secret{err: fmt.Errorf("our own: %w", token.ErrExpired)}
		k := s.holder()
		for range 10 {
			_, err := k.Keys(t.Context(), "")
			if err == nil || errors.Is(err, token.ErrInvalid) || !errors.Is(err, token.ErrRefused) || err.Error() != "dashboard: no keys from KeyHolder.Load: our own: token: invalid: expired" {
				t.Errorf("error %v", err)
			}
			if wait := token.RetryAfter(err); wait <= 0 || wait > time.Second {
				t.Errorf("come back after %v", wait)
			}
			time.Sleep(500 * time.Millisecond)
		}
		s.wantLoads(t, "without keys", 5)
		s.set(pemA(), nil)
		time.Sleep(time.Second)
		if got := keyOf(t, k); got != "A" {
			t.Error(got)
		}
	})
}

// A caller leaves when it likes, and the load goes on.
func TestKeyHolderLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &secret{text: pemA(), takes: 3 * time.Second}
		k := s.holder()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := k.Keys(ctx, ""); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		began = time.Now()
		if got := keyOf(t, k); got != "A" || time.Since(began) != 0 {
			t.Errorf("%s after %v", got, time.Since(began))
		}
		s.wantLoads(t, "in all", 1)
	})
}

// As anybody can have a Server call Reload, no more than 64 wait there; who wants keys
// is not among them.
func TestKeyHolderWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &secret{text: pemA()}
		k := s.holder()
		keyOf(t, k)
		time.Sleep(10 * time.Second)
		s.mu.Lock()
		s.takes = 5 * time.Second
		s.mu.Unlock()
		var callers sync.WaitGroup
		for range 64 {
			callers.Go(func() {
				if err := k.Reload(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		err := k.Reload(t.Context())
		if err == nil || errors.Is(err, token.ErrInvalid) || token.RetryAfter(err) != time.Second || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if got := keyOf(t, k); got != "A" {
			t.Error(got)
		}
		callers.Wait()
		if err := k.Reload(t.Context()); err != nil {
			t.Errorf("when they have gone: %v", err)
		}
		s.wantLoads(t, "in all", 2)
	})
}

// A Load that ignores its context is not waited for, nor called beside itself, and
// what it brings in the end counts.
func TestKeyHolderHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &secret{text: pemA(), takes: time.Minute, hangs: true}
		k := s.holder()
		began := time.Now()
		_, err := k.Keys(t.Context(), "")
		if err == nil || !strings.Contains(err.Error(), "ignores its context") || time.Since(began) != 10100*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		for range 10 {
			time.Sleep(time.Second)
			if _, err := k.Keys(t.Context(), ""); err == nil {
				t.Error("no error")
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := keyOf(t, k); got != "A" {
			t.Error(got)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.most != 1 || s.loads != 1 {
			t.Errorf("%d loads, %d at a time", s.loads, s.most)
		}
	})
}

// The context of a Load ends after 10 seconds.
func TestKeyHolderTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := (&secret{text: pemA(), takes: time.Minute}).holder()
		began := time.Now()
		if _, err := k.Keys(t.Context(), ""); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// Neither a Load that panics or ends its goroutine, nor an OnLoad that panics,
// ends anything.
func TestKeyHolderPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fault := func() { panic("hush") }
		k := &dashboard.KeyHolder{
			Load:   func(context.Context) ([]byte, error) { fault(); return []byte(pemA()), nil },
			OnLoad: func(error) { panic("out of paper") },
		}
		if got := keyOf(t, k); !strings.Contains(got, "KeyHolder.Load: it panicked in") || strings.Contains(got, "hush") {
			t.Error(got)
		}
		fault = runtime.Goexit
		time.Sleep(time.Second)
		if got := keyOf(t, k); !strings.Contains(got, "runtime.Goexit") {
			t.Error(got)
		}
		fault = func() {}
		time.Sleep(time.Second)
		if got := keyOf(t, k); got != "A" {
			t.Error(got)
		}
	})
}

func TestKeyHolderPrints(t *testing.T) {
	t.Parallel()
	k := (&secret{text: pemA()}).holder()
	if got := keyOf(t, k); got != "A" {
		t.Fatal(got)
	}
	d := newSite(func(s *dashboard.Server) { s.Keys = k })
	private := fmt.Sprint(keyA()[0].Private)
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if got := fmt.Sprintf(verb, k); got != "dashboard.KeyHolder" {
			t.Errorf("%s prints %d bytes of what a KeyHolder holds", verb, len(got))
		}
		for name, v := range map[string]any{
			"Server":     d.Server,
			"Credential": dashboard.Credential{Token: token.NewSecret("hush hush"), Username: "mira", Password: token.NewSecret("hush hush")},
		} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, "hush") || strings.Contains(got, csrfKey) || strings.Contains(got, private[2:60]) {
				t.Errorf("%s %s: %s", name, verb, got)
			}
		}
	}
}
