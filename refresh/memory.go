package refresh

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"
)

// Memory is a Store in memory. The zero Memory is empty and ready.
type Memory struct {
	mu      sync.Mutex
	entries map[string]entry
	most    int // how many there were in entries
}

// Format implements [fmt.Formatter]: what a Memory holds is not printed.
func (m *Memory) Format(f fmt.State, verb rune) { io.WriteString(f, "refresh.Memory") }

type entry struct {
	value   []byte
	expires time.Time
}

// live reports whether there is a value and it has not expired.
func (e entry) live(now time.Time) bool {
	return e.value != nil && (e.expires.IsZero() || now.Before(e.expires))
}

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[key]; e.live(time.Now()) {
		return bytes.Clone(e.value), nil
	}
	return nil, nil
}

// Swap implements [Store].
func (m *Memory) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	for _, err := range []error{checkKey(key), checkValue(old), checkValue(new)} {
		if err != nil {
			return false, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.sweep(now)
	e := m.entries[key]
	if !e.live(now) {
		e = entry{}
	}
	if (e.value == nil) != (old == nil) || !bytes.Equal(e.value, old) {
		return false, nil
	}
	if new == nil {
		delete(m.entries, key)
		return true, nil
	}
	if m.entries == nil {
		m.entries = make(map[string]entry)
	}
	m.entries[key] = entry{bytes.Clone(new), expires}
	m.most = max(m.most, len(m.entries))
	return true, nil
}

// sweep drops some expired entries. Maps are walked from a random place, so
// that a few for every write keep the dead ones a small part of the whole.
func (m *Memory) sweep(now time.Time) {
	looked := 0
	for key, e := range m.entries {
		if !e.live(now) {
			delete(m.entries, key)
		}
		if looked++; looked == 4 {
			break
		}
	}
	// A map does not shrink: one that was full once keeps its room, and is walked
	// through all of that in search of the few that are left.
	if n := len(m.entries); n < m.most/8 {
		few := make(map[string]entry, n)
		maps.Copy(few, m.entries)
		m.entries, m.most = few, n
	}
}
