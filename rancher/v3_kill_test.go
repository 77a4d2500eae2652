package rancher_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A mortal is all that a process does to the world, step by step: its requests,
// and its calls of the Store. It dies at one of them, before or after that is
// done; what is dead has no answers any more, and does nothing.
type mortal struct {
	base  http.RoundTripper
	store refresh.Store
	dies  int // the step at which it dies, from 1; 0 is never
	after bool

	mu    sync.Mutex
	steps []string
	dead  bool
	died  chan struct{}
}

// do does a step, unless this is where it dies.
func (m *mortal) do(ctx context.Context, step string, f func()) bool {
	m.mu.Lock()
	m.steps = append(m.steps, step)
	dies := !m.dead && len(m.steps) == m.dies
	alive := !m.dead && (!dies || m.after)
	m.dead = m.dead || dies
	m.mu.Unlock()
	if alive {
		f()
	}
	if dies {
		close(m.died)
	}
	if !alive || dies {
		<-ctx.Done()
		return false
	}
	return true
}

func (m *mortal) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	path, _, _ := strings.Cut(r.URL.Path, "/token-")
	if !m.do(r.Context(), r.Method+" "+path, func() { resp, err = m.base.RoundTrip(r) }) {
		if resp != nil {
			resp.Body.Close()
		}
		return nil, r.Context().Err()
	}
	return resp, err
}

func (m *mortal) Get(ctx context.Context, key string) (v []byte, err error) {
	if !m.do(ctx, "Get "+key, func() { v, err = m.store.Get(ctx, key) }) {
		return nil, ctx.Err()
	}
	return v, err
}

func (m *mortal) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (ok bool, err error) {
	if !m.do(ctx, "Swap "+key, func() { ok, err = m.store.Swap(ctx, key, old, new, expires) }) {
		return false, ctx.Err()
	}
	return ok, err
}

// process returns a V3Source in a process that dies.
func (c *chainTest) process(dies int, after bool) (*rancher.V3Source, *mortal) {
	m := &mortal{base: c.fake.Client().Transport, store: c.store, dies: dies, after: after, died: make(chan struct{})}
	src := c.source()
	src.Store = m
	src.Client = &rancher.V3{Server: &rancher.Server{URL: c.fake.URL, HTTP: &http.Client{Transport: m}}}
	return src, m
}

// A killing is a renewal that a process makes, or the beginning of a chain, to be
// broken off at any step.
type killing struct {
	c       *chainTest
	foreign []string // tokens that are none of the chain's
}

func newKilling(t *testing.T, begun bool) *killing {
	k := &killing{c: newChainTest(t, "v2.13.1")}
	if begun {
		src := k.c.source()
		src.Invalidate(mustToken(t, src))
		mustToken(t, src)
		settle()
		k.plant(t)
		time.Sleep(80 * time.Minute) // which makes the token due
	}
	return k
}

// plant makes tokens that look like those of the chain and are none.
func (k *killing) plant(t *testing.T) {
	t.Helper()
	ours := map[string]bool{}
	for _, name := range k.c.ours() {
		ours[name] = true
	}
	with := &rancher.V3{Server: k.c.client.Server, Source: token.Static(token.Token{Value: k.c.key.Value})}
	for _, tok := range k.c.fake.Tokens() {
		if !ours[tok.Name] {
			continue
		}
		prefix, nonce, _ := strings.Cut(tok.Description, " ")
		for _, description := range []string{
			prefix, prefix + " ", prefix + " another", prefix + " " + strings.ToUpper(nonce), nonce, "x " + tok.Description,
			tok.Description + "x", tok.Description + " ", prefix + "  " + nonce, nonce + " " + prefix,
		} {
			_, made, err := with.Create(t.Context(), rancher.V3Request{Description: description, Lifetime: 80 * 24 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			k.foreign = append(k.foreign, made.Name)
		}
		// This one has the very same, and was not made with another token.
		login, err := k.c.client.Login(t.Context(), rancher.Credentials{Username: "mira", Password: token.NewSecret("mira-password"), Description: tok.Description})
		if err != nil {
			t.Fatal(err)
		}
		k.foreign = append(k.foreign, login.Name)
	}
}

// live returns the tokens of the chain.
func (k *killing) live() []string {
	return slices.DeleteFunc(k.c.ours(), func(name string) bool { return slices.Contains(k.foreign, name) })
}

// steps returns what a process does that lives on.
func (k *killing) steps(t *testing.T) []string {
	src, m := k.c.process(0, false)
	mustToken(t, src)
	settle()
	return m.steps
}

// Wherever a holder dies in a renewal, or at the beginning of a chain, the next
// one goes on: with at most one token left over, which is gone after its renewal,
// and with none touched that only looks like one of the chain's.
func TestV3SourceSurvivesAKill(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{false, true} {
		var steps []string
		synctest.Test(t, func(t *testing.T) { steps = newKilling(t, begun).steps(t) })
		if !slices.Contains(steps, "POST /v3/tokens") || begun && !slices.Contains(steps, "DELETE /v3/tokens") {
			t.Fatalf("a renewal has the steps %q", steps)
		}
		for i, step := range steps {
			for _, after := range []bool{false, true} {
				when := map[bool]string{false: "before", true: "after"}[after]
				t.Run(fmt.Sprintf("begun %t, %s step %d, %s", begun, when, i+1, step), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						defer time.Sleep(2 * time.Hour) // until nothing is left of the dead
						newKilling(t, begun).kill(t, i+1, after)
					})
				})
			}
		}
	}
}

func (k *killing) kill(t *testing.T, step int, after bool) {
	before := k.live()
	victim, m := k.c.process(step, after)
	ctx, cancel := context.WithCancel(t.Context())
	go victim.Token(ctx)
	<-m.died
	cancel()
	// What is there is the token in use, the one before it, and one more, which
	// is the new one or has just become the oldest.
	if live := k.live(); len(live) > len(before)+1 || len(live) > 3 {
		t.Errorf("there are %v, and were %v", live, before)
	}
	next := k.c.source()
	began := time.Now()
	first := mustToken(t, next)
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("served after %v", took)
	}
	if p, err := k.c.client.Probe(t.Context(), first.Value); err != nil || !p.Live {
		t.Errorf("the token handed out is live: %t, %v", p.Live, err)
	}
	names := []string{nameOf(t, first)}
	next.Invalidate(first) // and renew, if that has not been done
	names = append(names, nameOf(t, mustToken(t, next)))
	settle()
	if diff := cmp.Diff(names, k.live()); diff != "" {
		t.Errorf("after the next renewal (-want +got):\n%s", diff)
	}
	all := k.c.fake.Tokens()
	for _, name := range k.foreign {
		if !slices.ContainsFunc(all, func(tok ranchertest.V3Token) bool { return tok.Name == name }) {
			t.Errorf("the token %s of somebody else is gone", name)
		}
	}
}
