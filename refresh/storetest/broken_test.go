package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// A table is a Store that is right unless it is told to be wrong.
type table struct {
	mu   sync.Mutex
	rows map[string]row

	key   func(key string) string                 // what it makes of a key
	value func(value []byte) []byte               // what it makes of a value to keep
	out   func(value []byte) []byte               // what it makes of a value it returns
	same  func(there, old []byte) bool            // how it compares
	live  func(r row, in string) bool             // whether a row is there, in Get or Swap
	cut   func(ctx context.Context) (bool, error) // what it says when the context ends

	anySize, alias, keepExpiry, unlocked bool
}

type row struct {
	value   []byte
	expires time.Time
}

func (r row) dead() bool { return r.value == nil || !r.expires.IsZero() && time.Now().After(r.expires) }

func (s *table) Get(ctx context.Context, key string) ([]byte, error) {
	if s.cut == nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	key, err := s.checked(key)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[key]
	if s.live != nil && !s.live(r, "Get") || s.live == nil && r.dead() {
		r.value = nil
	}
	v := r.value
	if !s.alias {
		v = bytes.Clone(v)
	}
	if s.out != nil {
		v = s.out(v)
	}
	return v, nil
}

func (s *table) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	if ctx.Err() != nil {
		if s.cut != nil {
			return s.cut(ctx)
		}
		return false, ctx.Err()
	}
	key, err := s.checked(key)
	if err != nil {
		return false, err
	}
	for _, v := range [][]byte{old, new} {
		if !s.anySize && (v != nil && len(v) == 0 || len(v) > 64<<10) {
			return false, errors.New("size")
		}
	}
	if !s.alias {
		new = bytes.Clone(new)
	}
	if s.value != nil {
		new = s.value(new)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[key]
	if s.live != nil && !s.live(r, "Swap") || s.live == nil && r.dead() {
		r = row{}
	}
	same := s.same
	if same == nil {
		same = func(there, old []byte) bool { return (there == nil) == (old == nil) && bytes.Equal(there, old) }
	}
	if !same(r.value, old) {
		return false, nil
	}
	if s.unlocked { // between the look and the leap
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	if s.keepExpiry && expires.IsZero() {
		expires = r.expires
	}
	if s.rows == nil {
		s.rows = make(map[string]row)
	}
	s.rows[key] = row{new, expires}
	return true, nil
}

func (s *table) checked(key string) (string, error) {
	if s.key != nil {
		key = s.key(key)
	}
	if len(key) < 1 || len(key) > 256 {
		return "", errors.New("key")
	}
	return key, nil
}

// A swapper is a Store with another Swap.
type swapper struct {
	refresh.Store
	swap func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error)
}

func (s swapper) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	return s.swap(ctx, key, old, new, expires)
}

// slowly waits for d, or until ctx ends, and reports whether it lasted that long.
func slowly(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	end, ends := ctx.Deadline() // a busy machine may be late in telling ctx
	return !ends || time.Now().Before(end)
}

func text(v []byte) []byte {
	if v == nil {
		return nil
	}
	return bytes.ToValidUTF8(v, []byte("?"))
}

// broken are the ways in which a Store can be wrong, and the part of the
// contract that must find each.
var broken = []struct {
	name, part string
	open       func() refresh.Store
}{
	{"creates over a value", "create", func() refresh.Store {
		return &table{same: func(there, old []byte) bool { return old == nil || there != nil && bytes.Equal(there, old) }}
	}},
	{"replaces nothing", "absent", func() refresh.Store {
		return &table{same: func(there, old []byte) bool { return there == nil || old != nil && bytes.Equal(there, old) }}
	}},
	{"compares the beginning", "replace", func() refresh.Store {
		return &table{same: func(there, old []byte) bool { return (there == nil) == (old == nil) && bytes.HasPrefix(there, old) }}
	}},
	{"compares as much as it has", "replace", func() refresh.Store {
		return &table{same: func(there, old []byte) bool { return (there == nil) == (old == nil) && bytes.HasPrefix(old, there) }}
	}},
	{"compares by collation", "replace", func() refresh.Store {
		return &table{same: func(there, old []byte) bool { return (there == nil) == (old == nil) && bytes.EqualFold(there, old) }}
	}},
	{"deletes whatever is there", "delete", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if new == nil && old != nil {
				old, _ = s.Get(ctx, key)
			}
			return s.Swap(ctx, key, old, new, expires)
		}}
	}},
	{"refuses to leave nothing as it is", "absent", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if old == nil && new == nil {
				return false, nil
			}
			return s.Swap(ctx, key, old, new, expires)
		}}
	}},
	{"keeps a tombstone", "delete", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if old == nil && new != nil {
				s.mu.Lock()
				_, there := s.rows[key]
				s.mu.Unlock()
				if there {
					return false, nil
				}
			}
			return s.Swap(ctx, key, old, new, expires)
		}}
	}},
	{"ignores expiry", "expire", func() refresh.Store {
		return &table{live: func(r row, _ string) bool { return r.value != nil }}
	}},
	{"compares with what expired", "expire", func() refresh.Store {
		return &table{live: func(r row, in string) bool { return in == "Swap" && r.value != nil || !r.dead() }}
	}},
	{"returns what expired", "expire", func() refresh.Store {
		return &table{live: func(r row, in string) bool { return in == "Get" && r.value != nil || !r.dead() }}
	}},
	{"keeps the old expiry", "expire", func() refresh.Store { return &table{keepExpiry: true} }},
	{"writes no expiry alone", "expire", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if old != nil && bytes.Equal(old, new) {
				expires = time.Time{}
			}
			return s.Swap(ctx, key, old, new, expires)
		}}
	}},
	{"deletes what expired", "expire", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if new == nil {
				s.mu.Lock()
				r := s.rows[key]
				s.mu.Unlock()
				if r.value != nil && bytes.Equal(r.value, old) {
					return true, nil
				}
			}
			return s.Swap(ctx, key, old, new, expires)
		}}
	}},
	{"counts seconds in 32 bits", "expire", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if !expires.IsZero() {
				expires = time.Unix(int64(int32(expires.Unix())), 0)
			}
			return s.Swap(ctx, key, old, new, expires)
		}}
	}},
	{"reads while it writes", "contention", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			ok, err := s.Swap(ctx, key, old, new, expires)
			if ok && len(new) > 1 {
				s.mu.Lock() // half of it is there for a moment
				r := s.rows[key]
				if bytes.Equal(r.value, new) {
					s.rows[key] = row{new[:len(new)/2], expires}
					s.mu.Unlock()
					runtime.Gosched()
					s.mu.Lock()
					s.rows[key] = row{bytes.Clone(new), expires}
				}
				s.mu.Unlock()
			}
			return ok, err
		}}
	}},
	{"folds keys", "keys", func() refresh.Store { return &table{key: strings.ToLower} }},
	{"cleans keys", "keys", func() refresh.Store {
		return &table{key: func(key string) string {
			if key == "" {
				return ""
			}
			return path.Clean(key)
		}}
	}},
	{"cuts keys at NUL", "keys", func() refresh.Store {
		return &table{key: func(key string) string { key, _, _ = strings.Cut(key, "\x00"); return key }}
	}},
	{"takes an empty key", "keys", func() refresh.Store {
		return &table{key: func(key string) string { return key[:min(len(key), 255)] + "." }}
	}},
	{"cuts long keys", "keys", func() refresh.Store {
		return &table{key: func(key string) string { return key[:min(len(key), 256)] }}
	}},
	{"cuts keys at 255", "keys", func() refresh.Store {
		return &table{key: func(key string) string {
			if len(key) == 256 {
				key = key[:255]
			}
			return key
		}}
	}},
	{"keeps keys as text", "keys", func() refresh.Store {
		return &table{key: func(key string) string { return strings.ToValidUTF8(key, "\ufffd") }}
	}},
	{"pads keys", "keys", func() refresh.Store {
		return &table{key: func(key string) string { return strings.TrimRight(key, " ") }}
	}},
	{"trims keys", "keys", func() refresh.Store {
		return &table{key: func(key string) string { return strings.TrimLeft(key, " ") }}
	}},
	{"cuts off slashes", "keys", func() refresh.Store {
		return &table{key: func(key string) string { return strings.TrimRight(key, "/") }}
	}},
	{"unescapes keys", "keys", func() refresh.Store {
		return &table{key: func(key string) string { return strings.ReplaceAll(key, "+", " ") }}
	}},
	{"keeps text", "values", func() refresh.Store { return &table{value: text} }},
	{"trims values", "values", func() refresh.Store {
		return &table{out: func(v []byte) []byte { return bytes.TrimRight(v, "\x00") }}
	}},
	{"trims white space", "values", func() refresh.Store {
		return &table{out: func(v []byte) []byte {
			if len(v) == 1 {
				return v
			}
			return bytes.TrimRight(v, " \n")
		}}
	}},
	{"trims white space in front", "values", func() refresh.Store {
		return &table{out: func(v []byte) []byte {
			if len(v) == 1 {
				return v
			}
			return bytes.TrimLeft(v, " \n")
		}}
	}},
	{"compares as if padded", "replace", func() refresh.Store {
		return &table{same: func(there, old []byte) bool {
			return (there == nil) == (old == nil) && bytes.Equal(bytes.TrimRight(there, " "), bytes.TrimRight(old, " "))
		}}
	}},
	{"has something empty for nothing", "absent", func() refresh.Store {
		return &table{out: func(v []byte) []byte { return append([]byte{}, v...) }}
	}},
	{"takes values of any size", "values", func() refresh.Store { return &table{anySize: true} }},
	{"cuts values", "values", func() refresh.Store {
		return &table{value: func(v []byte) []byte { return v[:min(len(v), 1<<16-1)] }}
	}},
	{"aliases", "aliasing", func() refresh.Store { return &table{alias: true} }},
	{"aliases what it returns", "aliasing", func() refresh.Store { return &table{alias: true, value: slices.Clone[[]byte]} }},
	{"says false for a context that ended", "cancelled", func() refresh.Store {
		return &table{cut: func(context.Context) (bool, error) { return false, nil }}
	}},
	{"says true for a context that ended", "cancelled", func() refresh.Store {
		return &table{cut: func(context.Context) (bool, error) { return true, nil }}
	}},
	{"ignores the context", "cancelled", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			return s.Swap(context.WithoutCancel(ctx), key, old, new, expires)
		}}
	}},
	{"looks, then leaps", "contention", func() refresh.Store { return &table{unlocked: true} }},
	{"loses a write now and then", "contention", func() refresh.Store {
		s, n := new(table), 0
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			s.mu.Lock()
			n++
			lost := n%100 == 0
			s.mu.Unlock()
			return lost || must(s.Swap(ctx, key, old, new, expires)), nil
		}}
	}},
	{"counts versions", "repeat", func() refresh.Store { return new(versions) }},
	{"says false when nothing changes", "repeat", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			ok, err := s.Swap(ctx, key, old, new, expires)
			return ok && (old == nil || !bytes.Equal(old, new)), err
		}}
	}},
	{"lands late, over anything", "late", func() refresh.Store { return lateWriter(5*time.Millisecond, true) }},
	{"lands late, over anything, among others", "cut off", func() refresh.Store { return lateWriter(5*time.Millisecond, true) }},
	{"says false when it is cut off", "late", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if ctx.Err() == nil && !slowly(ctx, 5*time.Millisecond) {
				return false, nil
			}
			return s.Swap(ctx, key, old, new, expires)
		}}
	}},
	{"says true when it is cut off", "cut off", func() refresh.Store {
		s := new(table)
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if ctx.Err() == nil && !slowly(ctx, 5*time.Millisecond) {
				return true, nil
			}
			return s.Swap(ctx, key, old, new, expires)
		}}
	}},
	{"fails now and then", "late", func() refresh.Store {
		s, n := new(table), 0
		return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if n++; n%20 == 0 {
				return false, errors.New("fails now and then")
			}
			return s.Swap(ctx, key, old, new, expires)
		}}
	}},
}

func must(ok bool, _ error) bool { return ok }

// lateWriter returns a Store whose writes take a while, and land later still
// when nobody waits for them any more: over anything if they are blind, or else
// as they should.
func lateWriter(take time.Duration, blind bool) refresh.Store {
	s := new(table)
	return swapper{s, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
		if ctx.Err() == nil && !slowly(ctx, take) {
			old, new := bytes.Clone(old), bytes.Clone(new)
			go func() {
				<-time.After(2 * take)
				if blind {
					old, _ = s.Get(context.Background(), key)
				}
				s.Swap(context.Background(), key, old, new, expires)
			}()
			return false, context.DeadlineExceeded
		}
		return s.Swap(ctx, key, old, new, expires)
	}}
}

// versions compares the version that the last Get here saw instead of the value.
type versions struct {
	table
	mu        sync.Mutex
	now, seen map[string]int
}

func (s *versions) Get(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen, s.now = make(map[string]int), make(map[string]int)
	}
	s.seen[key] = s.now[key]
	return s.table.Get(ctx, key)
}

func (s *versions) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen, ok := s.seen[key]; ok && seen != s.now[key] {
		return false, nil
	}
	ok, err := s.table.Swap(ctx, key, old, new, expires)
	if ok && s.now != nil {
		s.now[key]++
	}
	return ok, err
}

// What is right in every part passes them all, or the others prove nothing.
func TestTable(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func() refresh.Store{
		"at once": func() refresh.Store { return new(table) },
		"late":    func() refresh.Store { return lateWriter(time.Millisecond, false) },
	} {
		t.Run(name, func(t *testing.T) { runAll(t, open) })
	}
}
