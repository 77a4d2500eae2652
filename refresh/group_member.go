package refresh

import (
	"context"
	"errors"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// A member is what a Group keeps for one key: a Source, of which it is the Base and
// the planner.
type member[K comparable] struct {
	cache Source
	group *Group[K]
	key   K
	base  token.Source // what Group.Base returned, once there was an attempt; guarded by cache.mu
	place booking      // guarded by the calendar
}

// Token asks Base for a token of the key.
func (m *member[K]) Token(ctx context.Context) (token.Token, error) {
	m.group.sweep(m.cache.now())
	base, err := m.supplier()
	if err != nil {
		// Nobody is served by keeping a key that has no Base, and the next caller
		// should have another chance.
		m.group.forget(m)
		return token.Token{}, err
	}
	return base.Token(ctx)
}

// supplier returns the Source that Group.Base returns for the key, and asks for it
// once.
func (m *member[K]) supplier() (base token.Source, err error) {
	if base := m.known(); base != nil {
		return base, nil
	}
	err = panics.Call("Group.Base", func() error {
		if base = m.group.Base(m.key); base == nil {
			return errors.New("nil from Group.Base: it must return a Source for each key")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	m.cache.mu.Lock()
	defer m.cache.mu.Unlock()
	m.base = base
	return base, nil
}

// known returns the Base of the key, or nil before the first attempt.
func (m *member[K]) known() token.Source {
	m.cache.mu.Lock()
	defer m.cache.mu.Unlock()
	return m.base
}

// Invalidate tells a Base that is an Invalidator.
func (m *member[K]) Invalidate(t token.Token) {
	if base, ok := m.known().(token.Invalidator); ok {
		base.Invalidate(t)
	}
}

// invalidate gives up t, and with it the place in the calendar.
func (m *member[K]) invalidate(t token.Token) {
	m.cache.Invalidate(t)
	if h := m.cache.current.Load(); h != nil && h.standing != good {
		m.group.calendar.release(&m.place, false)
	}
}

func (m *member[K]) tell(e Event) { m.group.OnEvent(m.key, e) }

// due implements [planner]: the calendar finds a place for the renewal, unless the
// issuer has said when it should be.
func (m *member[K]) due(t token.Token, received reading, life, left time.Duration) time.Duration {
	calendar := &m.group.calendar
	latest := min(life/5*4, longestDue)
	window := latest / 40 * 9 // 0.18 of the life
	if latest -= life - left; t.RefreshIn != 0 || latest <= 0 {
		calendar.release(&m.place, false)
		return atRandom.due(t, received, life, left)
	}
	window = min(window, latest)
	at := calendar.book(&m.place, received.mono, latest, window, m.group.Len(), atRandom)
	return time.Duration(at - received.mono)
}

// idle reports whether nobody has asked for the key for so long, nor waits for it. The
// pace of a Source is what knows when it was asked last, to the millisecond, so that a
// call that finds a fresh token need not note it.
func (m *member[K]) idle(now reading, long time.Duration) bool {
	if long < 0 || now.mono-m.cache.pace.taken.Load() < int64(long) {
		return false
	}
	m.cache.mu.Lock()
	defer m.cache.mu.Unlock()
	return m.cache.attempt == nil
}
