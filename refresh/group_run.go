package refresh

import (
	"context"
	"time"
)

// lookEvery is how often Run looks at all keys. The calendar plans by the second.
const lookEvery = time.Second

// Run replaces tokens when they are due without anybody asking, until ctx is done;
// it returns the cause. Idle keys are dropped all the same. One goroutine is enough
// for all.
func (g *Group[K]) Run(ctx context.Context) error {
	if err := g.configured(); err != nil {
		return err
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var members []*member[K]
	for {
		members = g.lookAround(ctx, members)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// lookAround drops idle keys and renews what is due, until ctx is done. It returns the
// room of members, for the next time.
func (g *Group[K]) lookAround(ctx context.Context, members []*member[K]) []*member[K] {
	members = g.list(members)
	defer clear(members) // what is dropped must not be kept there
	now := readClock()
	for _, m := range members {
		if ctx.Err() != nil {
			break
		}
		if m.idle(now, g.idle()) {
			g.forget(m)
			continue
		}
		m.renew(ctx, now)
	}
	return members
}

// renew starts an attempt that nobody waits for, if one is due and allowed. It waits
// for a turn before, until ctx is done.
func (m *member[K]) renew(ctx context.Context, now reading) {
	s := &m.cache
	s.mu.Lock()
	wanting := m.wanting(now)
	s.mu.Unlock()
	if !wanting || !s.turns.wait(ctx.Done()) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Meanwhile a caller may have come who could not wait, or the key may be gone.
	if !m.wanting(now) {
		s.turns.give()
		return
	}
	s.start(ctx, 0, true)
}

// wanting reports whether an attempt is due and allowed, there is none, and m is still
// kept: what was dropped is not asked for any more. The caller holds cache.mu.
func (m *member[K]) wanting(now reading) bool {
	s := &m.cache
	if h := s.current.Load(); h != nil && s.fresh(h, now) {
		return false
	}
	return s.attempt == nil && now.until(s.notBefore) <= 0 && m.group.find(m.key) == m
}
