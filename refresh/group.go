package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A Group keeps the tokens of many keys fresh, each as a [Source] does: tenants,
// service accounts, users. What the keys have in common is that they are renewed at
// the expense of one issuer, which the Group spares: at most Parallel attempts are
// under way, and renewals are spread over a fifth of the tokens' life, so that keys
// that came into use together do not come due together.
//
// Keys share nothing else: one that fails keeps none of the others waiting, and one
// that hangs no longer than it holds a turn. No goroutine belongs to a key, and a
// Group that nobody asks does nothing. Set its fields before first use; it must not be
// copied afterwards.
type Group[K comparable] struct {
	// Base returns what supplies the tokens of a key. It is called whenever a key
	// comes into use, as part of the first attempt, and must return at once; what it
	// returns is used for as long as the key is kept. Required. A key for which it
	// panics or returns nil is not kept.
	Base func(key K) token.Source

	// Timeout bounds each attempt, without the time that it waits for its turn; 0
	// means 30 seconds, negative no bound.
	Timeout time.Duration

	// Parallel is how many attempts may be under way; 0 means 64, negative no bound.
	// One that ignores its context and outlasts Timeout does not count any more.
	Parallel int

	// Idle is how long a key is kept that nobody asks for; 0 means an hour, negative
	// for ever. Somebody who waits for a token keeps its key. Without Run, idle keys
	// go when the token of another is due, at most a tenth of Idle late.
	Idle time.Duration

	// Clock is that of each Source, and may be nil.
	Clock *skew.Clock

	// OnEvent, if not nil, is told what happens to each key's token, as that of a
	// Source is. It is called from several goroutines, and must not block.
	OnEvent func(key K, e Event)

	// mu guards what follows. It is never held across a wait or a call of Base.
	mu      sync.RWMutex
	members map[K]*member[K]
	most    int   // how many there were in members
	turns   turns // for the attempts of all keys

	calendar calendar
	swept    atomic.Int64 // when idle keys were last looked for
}

const defaultParallel = 64

// Token returns a token for key: the one at hand if it is usable, or one that it
// waits for until ctx is done. It is what [Source.Token] is, for many keys.
//
// Without a usable token the error is an [*Error], or wraps that of ctx.
func (g *Group[K]) Token(ctx context.Context, key K) (token.Token, error) {
	m := g.find(key)
	if m == nil {
		var err error
		if m, err = g.admit(key); err != nil {
			return token.Token{}, err
		}
	}
	return m.cache.Token(ctx)
}

// Invalidate gives up t, if it is the token in use for key, as Source.Invalidate
// does.
func (g *Group[K]) Invalidate(key K, t token.Token) {
	if m := g.find(key); m != nil {
		m.invalidate(t)
	}
}

// Source returns a view of g for one key. It does not keep the key in g: it can be
// held for as long as it is of use.
func (g *Group[K]) Source(key K) token.Invalidator { return &view[K]{g, key} }

type view[K comparable] struct {
	group *Group[K]
	key   K
}

func (v *view[K]) Token(ctx context.Context) (token.Token, error) { return v.group.Token(ctx, v.key) }
func (v *view[K]) Invalidate(t token.Token)                       { v.group.Invalidate(v.key, t) }
func (v *view[K]) Format(f fmt.State, verb rune)                  { v.group.Format(f, verb) }

// Format implements [fmt.Formatter]: what a Group holds is not printed, and may
// change meanwhile.
func (g *Group[K]) Format(f fmt.State, verb rune) { io.WriteString(f, "refresh.Group") }

// Drop forgets the keys that match accepts. Whoever waits for one of their tokens
// still gets it; who asks afterwards gets a new one. Run asks for none of them again.
func (g *Group[K]) Drop(match func(key K) bool) {
	for _, m := range g.list(nil) {
		if match(m.key) {
			g.forget(m)
		}
	}
}

// Len returns how many keys are kept.
func (g *Group[K]) Len() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.members)
}

// find returns the member for key, or nil.
func (g *Group[K]) find(key K) *member[K] {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.members[key]
}

// admit returns the member for key, which it makes if there is none.
func (g *Group[K]) admit(key K) (*member[K], error) {
	if err := g.configured(); err != nil {
		return nil, err
	}
	if key != key {
		return nil, fmt.Errorf("refresh: Group key %v does not equal itself, and would not be found again: use another", key)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.members[key]; m != nil {
		return m, nil
	}
	if g.members == nil {
		g.members = make(map[K]*member[K])
		g.swept.Store(readClock().mono)
		if g.Parallel >= 0 {
			g.turns = make(turns, cmp.Or(g.Parallel, defaultParallel))
		}
	}
	m := &member[K]{group: g, key: key}
	m.cache.Base = m
	m.cache.Timeout = g.Timeout
	m.cache.Clock = g.Clock
	m.cache.turns = g.turns
	m.cache.plan = m
	if g.OnEvent != nil {
		m.cache.OnEvent = m.tell
	}
	m.cache.glance() // or it would seem never to have been asked
	g.members[key] = m
	g.most = max(g.most, len(g.members))
	return m, nil
}

// configured returns an error if a field that is needed is not set.
func (g *Group[K]) configured() error {
	if g.Base == nil {
		return errors.New("refresh: Group.Base is nil: set it to what returns a Source for each key")
	}
	return nil
}
