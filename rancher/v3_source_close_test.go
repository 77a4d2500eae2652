package rancher_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// Close deletes all that the chain has made, and leaves the rest.
func TestV3SourceClose(t *testing.T) {
	t.Parallel()
	for _, cluster := range []string{"", "c-abcde"} {
		bubbleIn(t, "cluster "+cluster, func(t *testing.T, c *chainTest) {
			c.fake.AddCluster("c-abcde")
			src := c.source()
			src.Cluster = cluster
			src.Invalidate(mustToken(t, src))
			mustToken(t, src)
			settle()
			k := &killing{c: c}
			k.plant(t)
			other := c.source() // another process, which has asked for nothing yet
			other.Cluster = cluster
			if err := other.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := k.live(); len(got) != 0 {
				t.Errorf("there are %v", got)
			}
			for _, name := range append(k.foreign, c.keyName()) {
				if !slices.ContainsFunc(c.fake.Tokens(), func(tok ranchertest.V3Token) bool { return tok.Name == name }) {
					t.Errorf("the token %s of somebody else is gone", name)
				}
			}
			for _, closed := range []*rancher.V3Source{other} {
				if _, err := closed.Token(t.Context()); !errors.Is(err, token.ErrRefused) {
					t.Errorf("a closed one: %v", err)
				}
			}
			before := len(c.fake.Requests())
			if err := other.Close(t.Context()); err != nil || len(c.fake.Requests()) != before {
				t.Errorf("closed twice: %v", err)
			}
			// Others begin anew, all at once, with one token.
			if n := len(c.events.of(rancher.V3Refused)); n != 0 {
				t.Errorf("%d tokens were refused", n)
			}
			made := c.count("POST /v3/tokens")
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() { mustToken(t, src) })
			}
			wg.Wait()
			if n := len(k.live()); n != 1 || c.count("POST /v3/tokens") != made+1 {
				t.Errorf("%d tokens of %d", n, c.count("POST /v3/tokens")-made)
			}
			mustToken(t, c.restart(cluster))
		})
	}
}

func (c *chainTest) restart(cluster string) *rancher.V3Source {
	src := c.source()
	src.Cluster = cluster
	return src
}

// A Close that could not delete all says so, and can be called again.
func TestV3SourceCloseFails(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.Invalidate(mustToken(t, src))
		mustToken(t, src)
		settle()
		c.fake.SetFault(ranchertest.Drop)
		if err := src.Close(t.Context()); err == nil || errors.Is(err, token.ErrInvalid) {
			t.Errorf("got %v", err)
		}
		if n := len(c.ours()); n != 2 {
			t.Errorf("%d tokens", n)
		}
		c.fake.SetFault(nil)
		c.fake.DeleteToken(c.keyName()) // which is not needed
		if err := src.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(c.ours()); n != 0 {
			t.Errorf("%d tokens", n)
		}
	})
}

// A Close whose token is dead uses First's.
func TestV3SourceCloseDead(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.Invalidate(mustToken(t, src))
		last := mustToken(t, src)
		settle()
		c.fake.DeleteToken(nameOf(t, last))
		if err := src.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(c.ours()); n != 0 {
			t.Errorf("%d tokens", n)
		}
	})
}

// A renewal that is under way does not outlive a Close.
func TestV3SourceCloseInBetween(t *testing.T) {
	t.Parallel()
	for _, request := range []string{"GET /v3/tokens", "POST /v3/tokens", "GET /v3/users"} {
		for _, other := range []bool{false, true} {
			name := request
			if other {
				name += ", by another"
			}
			bubbleIn(t, name, func(t *testing.T, c *chainTest) {
				src := c.source()
				mustToken(t, src)
				settle()
				time.Sleep(80 * time.Minute)
				c.fake.SetFault(ranchertest.On(request, ranchertest.Slow(5*time.Second)))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				src.Token(ctx)
				closing := src
				if other {
					closing = c.source()
				}
				if err := closing.Close(t.Context()); err != nil {
					t.Error(err)
				}
				settle()
				if n := len(c.ours()); n != 0 {
					t.Errorf("%d tokens", n)
				}
			})
		}
	}
}

// A Close of a chain that never began is no error.
func TestV3SourceCloseUnused(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		before := len(c.fake.Requests())
		src := c.source()
		if err := src.Close(t.Context()); err != nil || len(c.fake.Requests()) != before {
			t.Error(err)
		}
		src.Invalidate(c.key)
		mustToken(t, c.source())
	})
}

// A Close that could not delete all can be called again in another process, which
// has no token but First's.
func TestV3SourceCloseElsewhere(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		mustToken(t, src)
		settle()
		c.fake.SetFault(ranchertest.Drop)
		if err := src.Close(t.Context()); err == nil {
			t.Error("nothing could be deleted")
		}
		c.fake.SetFault(nil)
		if err := c.source().Close(t.Context()); err != nil || len(c.ours()) != 0 {
			t.Errorf("%d tokens, %v", len(c.ours()), err)
		}
	})
}

// A Close deletes the token that it deletes with at the end, wherever that is in the
// server's list: the others cannot be deleted with a dead one.
func TestV3SourceCloseItselfLast(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.Invalidate(mustToken(t, src))
		itself := nameOf(t, mustToken(t, src))
		settle()
		c.fake.DeleteToken(c.keyName()) // so that there is no other to go on with
		c.fake.SetFault(ranchertest.On("GET /v3/tokens", listed(itself)))
		if err := src.Close(t.Context()); err != nil || len(c.ours()) != 0 {
			t.Errorf("%d tokens, %v", len(c.ours()), err)
		}
	})
}

// listed has the token of a name come first in a list.
func listed(name string) ranchertest.Fault {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			full := httptest.NewRecorder()
			h.ServeHTTP(full, r)
			var body map[string]any
			if err := json.Unmarshal(full.Body.Bytes(), &body); err != nil {
				panic(err)
			}
			data := body["data"].([]any)
			i := slices.IndexFunc(data, func(tok any) bool { return tok.(map[string]any)["id"] == name })
			data[0], data[i] = data[i], data[0]
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(body)
		})
	}
}

// A slow Store takes a while for each call, and not the same for all.
type slow struct {
	refresh.Store
	calls atomic.Int64
}

func (s *slow) Get(ctx context.Context, key string) ([]byte, error) {
	time.Sleep(time.Duration(s.calls.Add(1)%5) * time.Second)
	return s.Store.Get(ctx, key)
}

func (s *slow) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	time.Sleep(time.Duration(s.calls.Add(1)%5) * time.Second)
	return s.Store.Swap(ctx, key, old, new, expires)
}

// Many callers at once begin a chain anew that was closed, and one does it.
func TestV3SourceClosedAndMany(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		mustToken(t, c.source())
		settle()
		if err := c.source().Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		src := c.source()
		src.Store = &slow{Store: c.store}
		before := c.count("POST /v3/tokens")
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				mustToken(t, src)
			})
		}
		wg.Wait()
		if n := c.count("POST /v3/tokens") - before; n != 1 {
			t.Errorf("%d tokens made", n)
		}
	})
}
