package refresh

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// An account is a key as a cluster has them: a service account, for whom its tokens are
// and what they are bound to.
type account string

func (a account) base() token.Source {
	part := strings.Split(string(a), "/")
	return &accountSource{
		client:    http.DefaultClient,
		uid:       "",
		lifetime:  time.Hour,
		clock:     nil,
		onEvent:   func(any) {},
		namespace: part[0],
		name:      part[1],
		audiences: part[2:3:3],
		bound:     &boundTo{part[3], "v1", part[4], part[5]},
	}
}

// An accountSource has the fields of one that asks a cluster.
type accountSource struct {
	client          any
	namespace, name string
	uid             string
	audiences       []string
	lifetime        time.Duration
	bound           *boundTo
	clock           *skew.Clock
	onEvent         func(any)
}

type boundTo struct{ kind, version, name, uid string }

const accountTokenSize = 1152 // which the allocator does not round up

func (a *accountSource) Token(context.Context) (token.Token, error) {
	now := time.Now()
	text := strings.Repeat("x", accountTokenSize)
	return token.Token{
		Value:     token.NewSecret(text),
		IssuedAt:  now,
		Expiry:    now.Add(time.Hour),
		ExpiresIn: time.Hour,
	}, nil
}

func accounts(n int) []account {
	keys := make([]account, n)
	for i := range keys {
		keys[i] = account(fmt.Sprintf("team-a/service-%d/vault/Pod/service-%d-7d4b9c6f5-x2x7q/0d3c1a52-6d0f-4c53-9d52-%012d", i, i, i))
	}
	return keys
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A key costs less than a kilobyte beside the text of its token, its own text included, and no goroutine. Not
// parallel: it looks at the whole process.
func TestGroupSize(t *testing.T) {
	const n = 10_000
	before, running := heap(), started()
	g := &Group[account]{
		Base:    account.base,
		OnEvent: func(account, Event) {},
	}
	for _, key := range accounts(n) {
		if _, err := g.Token(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	for range 10_000 {
		if started() <= running {
			break
		}
		time.Sleep(time.Millisecond) // the last attempts are about to end
	}
	if more := started() - running; more > 0 {
		t.Errorf("%d goroutines for %d keys that are all fresh", more, n)
	}
	each := float64(heap()-before)/n - accountTokenSize
	t.Logf("%.0f bytes a key beside the token's text", each)
	if each > 1000 {
		t.Errorf("%.0f bytes a key beside the token's text, want 1000 at most", each)
	}
	runtime.KeepAlive(g)
}

// A call that finds a fresh token allocates nothing.
func TestGroupTokenAllocatesNothing(t *testing.T) {
	g := &Group[account]{Base: account.base}
	keys := accounts(100)
	ctx := t.Context()
	i := 0
	ask := func() {
		if _, err := g.Token(ctx, keys[i%100]); err != nil {
			t.Fatal(err)
		}
		i++
	}
	for range keys {
		ask()
	}
	if n := testing.AllocsPerRun(1000, ask); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func BenchmarkGroupToken(b *testing.B) {
	for _, n := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := &Group[account]{Base: account.base}
			keys := accounts(n)
			ctx := b.Context()
			for _, key := range keys {
				g.Token(ctx, key)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g.Token(ctx, keys[i%n])
				i++
			}
		})
	}
}

// BenchmarkGroupRun measures what Run does once a second while all tokens are fresh.
func BenchmarkGroupRun(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := &Group[account]{Base: account.base}
			for _, key := range accounts(n) {
				g.Token(b.Context(), key)
			}
			var members []*member[account]
			for b.Loop() {
				members = g.lookAround(b.Context(), members)
			}
		})
	}
}
