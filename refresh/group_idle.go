package refresh

import (
	"maps"
	"time"
)

const keptIdle = time.Hour

func (g *Group[K]) idle() time.Duration {
	if g.Idle == 0 {
		return keptIdle
	}
	return g.Idle
}

// sweep drops the idle keys, unless that was done a short while ago. Attempts call it,
// so that it costs nothing while all tokens are fresh.
func (g *Group[K]) sweep(now reading) {
	idle := g.idle()
	last := g.swept.Load()
	if idle < 0 || now.mono-last < int64(idle/10) || !g.swept.CompareAndSwap(last, now.mono) {
		return
	}
	for _, m := range g.list(nil) {
		if m.idle(now, idle) {
			g.forget(m)
		}
	}
}

// forget drops m, unless there is another for its key by now.
func (g *Group[K]) forget(m *member[K]) {
	g.calendar.release(&m.place, true)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members[m.key] != m {
		return
	}
	delete(g.members, m.key)
	// A map does not shrink: one that was full once keeps its room.
	if n := len(g.members); n < g.most/8 {
		few := make(map[K]*member[K], n)
		maps.Copy(few, g.members)
		g.members, g.most = few, n
	}
}

// list returns all members, in the room that members has.
func (g *Group[K]) list(members []*member[K]) []*member[K] {
	members = members[:0]
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, m := range g.members {
		members = append(members, m)
	}
	return members
}
