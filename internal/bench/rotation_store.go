package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A counted Store is one in memory that counts what is asked of it, and knows
// how much it keeps.
type counted struct {
	refresh.Memory
	calls atomic.Int64

	mu   sync.Mutex
	size map[string]int // of each entry, with its key
}

func (c *counted) Get(ctx context.Context, key string) ([]byte, error) {
	c.calls.Add(1)
	return c.Memory.Get(ctx, key)
}

func (c *counted) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	c.calls.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	swapped, err := c.Memory.Swap(ctx, key, old, new, expires)
	if swapped {
		if c.size == nil {
			c.size = make(map[string]int)
		}
		if c.size[key] = len(key) + len(new); new == nil {
			delete(c.size, key)
		}
	}
	return swapped, err
}

// bytes returns how much it keeps.
func (c *counted) bytes() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, size := range c.size {
		n += size
	}
	return n
}

// rows returns how many entries it keeps.
func (c *counted) rows() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.size)
}

// keeping measures what is stored for a family after one rotation and after
// many, with the key of its row and without its Grant.
func keeping(r *report) error {
	const many, most = 10_000, 160
	ctx := context.Background()
	peer := newFosite(fositeHMAC())
	theirs, err := peer.begin(ctx)
	if err != nil {
		return fmt.Errorf("fosite: %w", err)
	}
	s := new(counted)
	f, err := begin(ctx, newIssuer(s, opaque))
	if err != nil {
		return err
	}
	grant := len(login.Subject + login.Client + login.Scope)
	first := 0
	for n := 1; n <= many; n++ {
		if err := f.rotate(ctx); err != nil {
			return err
		}
		if theirs, err = peer.exchange(ctx, theirs); err != nil {
			return fmt.Errorf("fosite: %w", err)
		}
		if n != 1 && n != many {
			continue
		}
		bytes, bar := s.bytes()-grant, fmt.Sprintf("≤ %d", most)
		if n == 1 {
			first = bytes
		} else {
			bar = fmt.Sprintf("= %d", first)
		}
		r.add(row{
			name:  fmt.Sprintf("after %d rotations: bytes beside the Grant", n),
			cells: []string{fmt.Sprint(bytes)},
			bar:   bar,
			ok:    bytes <= most && bytes == first,
		})
		r.add(row{name: "  rows", cells: []string{fmt.Sprint(s.rows()), fmt.Sprint(peer.rows())}})
	}
	return nil
}

// calling counts the calls of the Store that a rotation makes, at either end.
func calling(r *report) error {
	ctx := context.Background()
	for _, m := range []struct {
		name  string
		calls func() (int64, error)
		most  int64
	}{
		{"Store calls of a rotation, at the issuer", func() (int64, error) { return issuerCalls(ctx, false) }, 2},
		{"  with Subjects", func() (int64, error) { return issuerCalls(ctx, true) }, 3},
		{"  of refresh tokens forged or malformed", func() (int64, error) { return forgedCalls(ctx) }, 0},
		{"Store calls of a rotation, at the holder", func() (int64, error) { return holderCalls(ctx) }, 3},
	} {
		calls, err := m.calls()
		if err != nil {
			return fmt.Errorf("%s: %w", strings.TrimSpace(m.name), err)
		}
		r.add(row{name: m.name, cells: []string{fmt.Sprint(calls)}, bar: fmt.Sprint(m.most), ok: calls == m.most})
	}
	return nil
}

// issuerCalls returns how many calls each of some rotations makes.
func issuerCalls(ctx context.Context, subjects bool) (int64, error) {
	s := new(counted)
	i := newIssuer(s, opaque)
	i.Subjects = subjects
	f, err := begin(ctx, i)
	if err != nil {
		return 0, err
	}
	return s.callsOf(func() error { return f.rotate(ctx) })
}

// holderCalls is issuerCalls for a Rotator, whose issuer has a Store of its own.
// Each rotation is by another, since one Rotator does not take it from servers
// that they refuse its tokens again and again.
func holderCalls(ctx context.Context) (int64, error) {
	f, err := begin(ctx, newIssuer(new(refresh.Memory), opaque))
	if err != nil {
		return 0, err
	}
	s := new(counted)
	exchanger := refresh.ExchangerFunc(func(ctx context.Context, t token.Secret) (refresh.Pair, error) {
		return f.issuer.Exchange(ctx, refresh.Request{Refresh: t, Client: login.Client})
	})
	first := &refresh.Rotator{Exchanger: exchanger, Store: s, Key: "bench"}
	if err := first.Replace(ctx, refresh.Pair{Refresh: token.Token{Value: f.refresh}}); err != nil {
		return 0, err
	}
	if _, err := first.Token(ctx); err != nil {
		return 0, err
	}
	return s.callsOf(func() error {
		holder := &refresh.Rotator{Exchanger: exchanger, Store: s, Key: "bench"}
		access, err := holder.Token(ctx)
		if err != nil {
			return err
		}
		holder.Invalidate(access)
		s.calls.Store(0) // the first call has read, and no more
		_, err = holder.Token(ctx)
		return err
	})
}

// callsOf returns how many calls one call of rotate makes. It is an error if
// that is not always the same.
func (c *counted) callsOf(rotate func() error) (int64, error) {
	var one int64
	for n := range 10 {
		c.calls.Store(0)
		if err := rotate(); err != nil {
			return 0, err
		}
		switch calls := c.calls.Load(); {
		case n == 0:
			one = calls
		case calls != one:
			return 0, fmt.Errorf("rotation %d made %d, the first made %d", n+1, calls, one)
		}
	}
	return one, nil
}

// forgedCalls returns how many calls are made for refresh tokens that this
// issuer did not hand out, all together. It is an error if one is taken.
func forgedCalls(ctx context.Context) (int64, error) {
	s := new(counted)
	f, err := begin(ctx, newIssuer(s, opaque))
	if err != nil {
		return 0, err
	}
	good := f.refresh.Reveal()
	forged := []string{"", "x", good[1:], good[:len(good)-1], good + "A", good + "=", strings.Repeat("A", len(good)), strings.Repeat("x", 1<<20)}
	for i := range good {
		other := byte('A')
		if good[i] == other {
			other = 'B'
		}
		forged = append(forged, good[:i]+string(other)+good[i+1:])
	}
	s.calls.Store(0)
	for _, text := range forged {
		f.refresh = token.NewSecret(text)
		if f.rotate(ctx) == nil {
			return 0, fmt.Errorf("one of %d bytes was taken", len(text))
		}
	}
	return s.calls.Load(), nil
}
