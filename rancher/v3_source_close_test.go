package rancher_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
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
