package session

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// replica returns a Manager as each of several processes has one: with a Keyring
// of its own, the keys that all of them have, and this Store.
func replica(store refresh.Store) *Manager[string] {
	return &Manager[string]{
		Keys:  &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("r", 32))}},
		Store: store,
	}
}

// A visitor is a browser with the cookies of one login.
type visitor []*http.Cookie

// visit logs somebody in.
func visit(t *testing.T, m *Manager[string], subject string) (*Session[string], visitor) {
	t.Helper()
	w := httptest.NewRecorder()
	s, err := m.Start(w, httptest.NewRequest("POST", "https://www.example/login", nil), subject, "data")
	if err != nil {
		t.Fatal(err)
	}
	return s, w.Result().Cookies()
}

// request returns a request of v.
func (v visitor) request(method string) *http.Request {
	r := httptest.NewRequest(method, "https://www.example/", nil)
	for _, c := range v {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

// logout ends the session of v.
func (v visitor) logout(m *Manager[string]) error {
	return m.End(httptest.NewRecorder(), v.request("POST"))
}

// isOver and goesOnFor fail the test unless v is refused because its session was
// ended, and unless it is let in.
func isOver(t *testing.T, m *Manager[string], v visitor) {
	t.Helper()
	if s, err := m.Load(v.request("GET")); s != nil || !errors.Is(err, ErrNoSession) || !errors.Is(err, token.ErrRevoked) {
		t.Errorf("Load = %v, %v, want that it was ended", s, err)
	}
}

func goesOnFor(t *testing.T, m *Manager[string], v visitor) {
	t.Helper()
	if s, err := m.Load(v.request("POST")); err != nil || s.ReadOnly {
		t.Errorf("Load = %v, %v, want the session", s, err)
	}
}

// nobodyKnows fails the test unless err says that, and nothing else.
func nobodyKnows(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, ErrNoSession) || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) || !strings.HasPrefix(err.Error(), "session: ") {
		t.Errorf("got %v, want an error that says that nobody knows", err)
	}
}

// A diary is a Store that notes until when it is to keep what.
type diary struct {
	refresh.Store
	mu      sync.Mutex
	expires map[string][]time.Time
}

func (d *diary) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	d.mu.Lock()
	if d.expires == nil {
		d.expires = make(map[string][]time.Time)
	}
	d.expires[key] = append(d.expires[key], expires)
	d.mu.Unlock()
	return d.Store.Swap(ctx, key, old, new, expires)
}

// A rogue is a Store that does whatever it likes.
type rogue struct {
	get  func(ctx context.Context, key string) ([]byte, error)
	swap func(ctx context.Context, key string) (bool, error)
}

func (r rogue) Get(ctx context.Context, key string) ([]byte, error) { return r.get(ctx, key) }
func (r rogue) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	return r.swap(ctx, key)
}

// A Store that does not keep its word costs whoever needs it an error, within the
// time that is stated, and never a session that is not known to be good.
func TestStoreRogues(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(ctx context.Context, hang <-chan struct{}) ([]byte, error){
		"hangs":            func(ctx context.Context, _ <-chan struct{}) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() },
		"ignores its ctx":  func(_ context.Context, hang <-chan struct{}) ([]byte, error) { <-hang; return nil, nil },
		"panics":           func(context.Context, <-chan struct{}) ([]byte, error) { panic("hush") },
		"calls Goexit":     func(context.Context, <-chan struct{}) ([]byte, error) { runtime.Goexit(); return nil, nil },
		"returns junk":     func(context.Context, <-chan struct{}) ([]byte, error) { return []byte("junk"), nil },
		"returns an empty": func(context.Context, <-chan struct{}) ([]byte, error) { return []byte{}, nil },
		"blames a token":   func(context.Context, <-chan struct{}) ([]byte, error) { return nil, token.ErrExpired },
		"blames its own":   func(context.Context, <-chan struct{}) ([]byte, error) { return nil, token.ErrRefused },
		"says none":        func(context.Context, <-chan struct{}) ([]byte, error) { return nil, ErrNoSession },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good := new(refresh.Memory)
				_, v := visit(t, replica(good), "mira")
				hang := make(chan struct{})
				bad := rogue{
					get: func(ctx context.Context, _ string) ([]byte, error) { return f(ctx, hang) },
					swap: func(ctx context.Context, _ string) (bool, error) {
						_, err := f(ctx, hang)
						return false, err
					},
				}
				m := replica(bad)
				var away int
				m.OnEvent = func(e Event) {
					if e.Kind == StoreAway && e.Err != nil {
						away++
					}
				}
				for what, call := range map[string]func() error{
					"Load":   func() error { _, err := m.Load(v.request("GET")); return err },
					"End":    func() error { return v.logout(m) },
					"EndAll": func() error { return m.EndAll(t.Context(), "mira") },
					"Epoch":  func() error { _, err := m.Epoch(t.Context(), "mira"); return err },
					"Start": func() error {
						_, err := m.Start(httptest.NewRecorder(), v.request("POST"), "mira", "data")
						return err
					},
				} {
					before, began := away, time.Now()
					err := call()
					nobodyKnows(t, err)
					if err != nil && strings.Contains(err.Error(), "hush") {
						t.Errorf("%s: what it panicked with is in %v", what, err)
					}
					if took := time.Since(began); took > 2*storeTimeout {
						t.Errorf("%s took %v", what, took)
					}
					if away == before {
						t.Errorf("%s told nobody that the Store is away", what)
					}
				}
				close(hang)
			})
		})
	}
}

// A Store that never comes back costs a bounded number of goroutines; then there
// is an error at once, until one of them comes back.
func TestStoreDeaf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, v := visit(t, replica(new(refresh.Memory)), "mira")
		hang := make(chan struct{})
		var hanging atomic.Int64
		m := replica(rogue{get: func(context.Context, string) ([]byte, error) {
			hanging.Add(1)
			defer hanging.Add(-1)
			<-hang
			return nil, nil
		}})
		for range 4 * maxDeaf {
			_, err := m.Load(v.request("GET"))
			nobodyKnows(t, err)
		}
		if n := hanging.Load(); n != maxDeaf {
			t.Errorf("%d calls hang, want no more than %d", n, maxDeaf)
		}
		began := time.Now()
		_, err := m.Load(v.request("GET"))
		nobodyKnows(t, err)
		if time.Since(began) != 0 {
			t.Error("it waited for a Store that does not answer")
		}
		close(hang)
		synctest.Wait()
		goesOnFor(t, m, v)
		if n := m.deaf.calls.Load(); n != 0 {
			t.Errorf("%d calls that nobody waits for are counted, want none", n)
		}
	})
}

// A load is two reads, made at the same time, and no more; without a Store it is
// none.
func TestStoreReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := &storetest.Faulty{Store: new(refresh.Memory)}
		m := replica(slow)
		_, v := visit(t, m, "mira")
		slow.Script = func(storetest.Call) storetest.Fault { <-time.After(time.Second); return storetest.None }
		gets, swaps := slow.Count()
		began := time.Now()
		goesOnFor(t, m, v)
		if took := time.Since(began); took != time.Second {
			t.Errorf("two reads of a second took %v: they were not made at the same time", took)
		}
		if g, s := slow.Count(); g-gets != 2 || s != swaps {
			t.Errorf("%d reads and %d writes, want 2 and none", g-gets, s-swaps)
		}
		// So is a whole request, which extends the session.
		time.Sleep(m.idle() / 2)
		w := httptest.NewRecorder()
		m.Handler(m.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := m.From(r.Context()); err != nil {
				t.Error(err)
			}
		}))).ServeHTTP(w, v.request("POST"))
		if g, s := slow.Count(); g-gets != 4 || s != swaps || len(w.Result().Cookies()) != 1 {
			t.Errorf("%d reads and %d writes of a request, want 2 and none, and a cookie: %v", g-gets-2, s-swaps, w.Header())
		}
		// A cookie that is too old, or bad, costs the Store nothing.
		time.Sleep(m.idle() / 2)
		if _, err := m.Load(v.request("GET")); !errors.Is(err, token.ErrExpired) {
			t.Error(err)
		}
		v[0].Value += "x"
		if _, err := m.Load(v.request("GET")); !errors.Is(err, token.ErrSignature) && !errors.Is(err, token.ErrMalformed) {
			t.Error(err)
		}
		if g, _ := slow.Count(); g-gets != 4 {
			t.Error("the Store was asked about a cookie that is no good by itself")
		}
	})
}

// Whoever has gone away says nothing of the Store.
func TestStoreCallerGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := replica(new(refresh.Memory))
		m.Grace = time.Hour
		_, v := visit(t, m, "mira")
		goesOnFor(t, m, v)
		m.OnEvent = func(e Event) { t.Errorf("told %v", e) }
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := m.Load(v.request("GET").WithContext(ctx))
		nobodyKnows(t, err)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the error of the context", err)
		}
	})
}

// No key is longer than a Store takes, whatever the names are.
func TestStoreKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := replica(&diary{Store: new(refresh.Memory)})
		m.Name = hostPrefix + strings.Repeat("n", maxName-len(hostPrefix))
		m.Exchanger = refresh.ExchangerFunc(nil)
		id := strings.Repeat("i", maxID)
		s := &Session[string]{ID: id, Subject: strings.Repeat("s", 9000), Began: time.Now(), login: id}
		if err := m.endSession(t.Context(), s); err != nil {
			t.Error(err)
		}
		if err := m.EndAll(t.Context(), s.Subject); err != nil {
			t.Error(err)
		}
		if n := len(m.Store.(*diary).expires); n != 3 {
			t.Errorf("%d keys, want those of the session, of the pair and of the subject", n)
		}
	})
}
