package refresh

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A program that runs every minute for a day needs a token an hour, not one a
// run.
func TestStoreSpansRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour, latency: 100 * time.Millisecond}
		store := new(Memory)
		for range 24 * 60 {
			s := &Source{Base: base, Store: store, Key: "job"}
			tok, err := s.Token(t.Context())
			if err != nil || base.dead(tok) {
				t.Fatalf("error %v, dead %t", err, base.dead(tok))
			}
			time.Sleep(time.Minute)
		}
		if n := base.count(); n < 24 || n > 36 {
			t.Errorf("%d calls to Base in a day, want one for about every 45 minutes", n)
		}
	})
}

// Twenty replicas that share a Store get about one token for all.
func TestStoreSpansReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour}
		store := new(Memory)
		var wg sync.WaitGroup
		for range 20 {
			s := &Source{Base: base, Store: store, Key: "svc"}
			get(t, s)
			wg.Go(func() {
				for began := time.Now(); time.Since(began) < 24*time.Hour; time.Sleep(10 * time.Second) {
					if tok, err := s.Token(t.Context()); err != nil || base.dead(tok) {
						t.Errorf("error %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		// Those that are due in the same instant may each have asked before one
		// has saved what it got. Alone, they would make some 640.
		if n := base.count(); n > 100 {
			t.Errorf("%d calls to Base in a day by 20 replicas", n)
		}
	})
}

// A refused token is not found again in the Store, and its replacement is
// found there by the other replicas.
func TestStoreAndInvalidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: time.Hour}
		store := new(Memory)
		a := &Source{Base: base, Store: store, Key: "k"}
		b := &Source{Base: base, Store: store, Key: "k"}
		first, _ := a.Token(t.Context())
		synctest.Wait() // for it to be stored
		if got := get(t, b); got != "token-1" {
			t.Fatalf("the second replica got %s", got)
		}
		a.Invalidate(first)
		if got := get(t, a); got != "token-2" {
			t.Errorf("after a refusal: %s", got)
		}
		synctest.Wait() // for it to be stored
		b.Invalidate(first)
		if got := get(t, b); got != "token-2" || base.count() != 2 {
			t.Errorf("the second replica, refused as well: %s, %d calls", got, base.count())
		}
	})
}

// A Store is a help, never a need.
func TestStoreTrouble(t *testing.T) {
	errStore := errors.New("disk full")
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, f := range map[string]func(context.Context) error{
		"fails":  func(context.Context) error { return errStore },
		"hangs":  hang,
		"panics": func(context.Context) error { panic("password") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &issuer{life: time.Hour}
				var events []Event
				s := &Source{Base: base, Store: badStore(f), Key: "k", OnEvent: func(e Event) { events = append(events, e) }}
				began := time.Now()
				if got := get(t, s); got != "token-1" {
					t.Errorf("got %s", got)
				}
				if took := time.Since(began); took > storeTimeout {
					t.Errorf("took %v", took)
				}
				time.Sleep(storeTimeout)
				synctest.Wait()
				if len(events) != 3 || events[0].Kind != StoreFailed || events[1].Kind != Obtained || events[2].Kind != StoreFailed {
					t.Fatalf("events %v", events)
				}
				if text := events[0].Err.Error(); strings.Contains(text, "password") || !strings.Contains(text, `"source/k"`) {
					t.Errorf("the event reads: %s", text)
				}
			})
		})
	}
}

// A Store that hangs leaves Base most of a short Timeout.
func TestHangingStoreLeavesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Source{
			Base:    &issuer{life: time.Hour, latency: 2 * time.Second},
			Timeout: 4 * time.Second,
			Store:   badStore(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }),
			Key:     "k",
		}
		began := time.Now()
		get(t, s)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want a quarter of Timeout and the latency of Base", took)
		}
		time.Sleep(storeTimeout) // for the write to be given up
	})
}

type badStore func(context.Context) error

func (b badStore) Get(ctx context.Context, _ string) ([]byte, error) { return nil, b(ctx) }
func (b badStore) Swap(ctx context.Context, _ string, _, _ []byte, _ time.Time) (bool, error) {
	return false, b(ctx)
}

// put stores raw for a Source with Key "k".
func put(t *testing.T, m *Memory, raw string) {
	t.Helper()
	old, _ := m.Get(t.Context(), "source/k")
	if ok, err := m.Swap(t.Context(), "source/k", old, []byte(raw), time.Time{}); !ok || err != nil {
		t.Fatal(ok, err)
	}
}

// What is in the Store is used only if it is sound; what is not is replaced.
func TestStoredValues(t *testing.T) {
	const minute = "2000-01-01T00:00:00Z" // when a bubble begins
	for name, test := range map[string]struct {
		raw  string
		want string
	}{
		"good":            {`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expires_in":3600,"received":"` + minute + `"}}`, "stored"},
		"newer members":   {`{"v":1,"nonce":"n","new":1,"token":{"v":1,"value":"stored","expires_in":3600,"received":"` + minute + `","new":2}}`, "stored"},
		"long due":        {`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expires_in":3600,"received":"1999-12-31T23:10:00Z"}}`, "token-1"},
		"dead":            {`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expires_in":3600,"received":"1999-12-31T22:00:00Z"}}`, "token-1"},
		"writer ahead":    {`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expires_in":3600,"received":"2000-01-01T00:00:10Z"}}`, "stored"},
		"writer far off":  {`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expires_in":3600,"received":"2000-01-01T00:10:00Z"}}`, "token-1"},
		"no time":         {`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expires_in":3600}}`, "token-1"},
		"no value":        {`{"v":1,"nonce":"n","token":{"v":1,"expires_in":3600,"received":"` + minute + `"}}`, "token-1"},
		"no end":          {`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","received":"` + minute + `"}}`, "stored"},
		"another version": {`{"v":2,"nonce":"n","token":{"v":1,"value":"stored","expires_in":3600,"received":"` + minute + `"}}`, "token-1"},
		"newer record":    {`{"v":1,"nonce":"n","token":{"v":2,"value":"stored","expires_in":3600,"received":"` + minute + `"}}`, "token-1"},
		"not JSON":        {`stored`, "token-1"},
		"cut":             {`{"v":1,"nonce":"n","token":{"v":1,"value":"sto`, "token-1"},
		"bounds":          {`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expires_in":-1e300,"received":"` + minute + `"}}`, "token-1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := new(Memory)
				put(t, store, test.raw)
				s := &Source{Base: &issuer{life: time.Hour}, Store: store, Key: "k"}
				if got := get(t, s); got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
				synctest.Wait()
				now, _ := store.Get(t.Context(), "source/k")
				if kept := bytes.Equal(now, []byte(test.raw)); kept != (test.want == "stored") {
					t.Errorf("afterwards the Store holds %.60s", now)
				}
			})
		})
	}
}

// A stored token is not trusted for longer than the clocks of those who share
// it allow: the writer's may be ahead by the leeway.
func TestStoredTokenIsCutByLeeway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(Memory)
		put(t, store, `{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expires_in":3600,"received":"2000-01-01T00:00:00Z"}}`)
		base := &issuer{}
		base.setErr(errDown)
		s := &Source{Base: base, Store: store, Key: "k"}
		tok, err := s.Token(t.Context())
		if err != nil || tok.ExpiresIn != time.Hour-30*time.Second {
			t.Fatalf("%v left, error %v", tok.ExpiresIn, err)
		}
		time.Sleep(time.Hour - 32*time.Second)
		if tok, err := s.Token(t.Context()); err == nil {
			t.Errorf("still handed out with %v left", tok.ExpiresIn)
		}
	})
}

// Every value written is a new one, even for a token stored twice.
func TestStoredValuesDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var values [2][]byte
		for i := range values {
			store := new(Memory)
			s := &Source{Base: token.Static(token.Token{Value: token.NewSecret("x")}), Store: store, Key: "k"}
			get(t, s)
			synctest.Wait()
			values[i], _ = store.Get(t.Context(), "source/k")
		}
		if bytes.Equal(values[0], values[1]) {
			t.Errorf("both are %s", values[0])
		}
	})
}

// A slow Store does not keep callers from a token that has come.
func TestCallersDoNotWaitForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Source{Base: &issuer{life: time.Hour}, Store: slowWrites{new(Memory)}, Key: "k"}
		began := time.Now()
		get(t, s)
		if took := time.Since(began); took != 0 {
			t.Errorf("waited %v", took)
		}
		time.Sleep(time.Minute)
	})
}

type slowWrites struct{ Store }

func (s slowWrites) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	time.Sleep(time.Second)
	return s.Store.Swap(ctx, key, old, new, expires)
}
