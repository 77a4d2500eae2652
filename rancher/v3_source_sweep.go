package rancher

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// sweep deletes what a renewal has left over: the tokens that chain has made, but
// for the one in use and the one before it. It returns the descriptions of those
// that are there still.
func (m *maker) sweep(ctx context.Context, chain v3Chain) (live []string, err error) {
	return m.clear(ctx, chain, chain.Current, chain.Previous)
}

// clear is sweep for a chain that keeps the tokens of these names.
func (m *maker) clear(ctx context.Context, chain v3Chain, keep ...string) (live []string, err error) {
	if len(chain.Made) == 0 {
		return nil, nil
	}
	var tokens []V3Token
	err = m.ask(ctx, func() error {
		tokens, err = m.s.Client.list(ctx, token.Token{Value: m.token})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		switch {
		case !chain.hasMade(t):
		case slices.Contains(keep, t.Name):
			live = append(live, t.Description)
		default:
			if err := m.remove(ctx, t.Name); err != nil {
				return nil, err
			}
		}
	}
	return live, nil
}

// hasMade reports whether t is one of ours: it has the whole of a description
// that was stored before it was made, and was made with another token.
func (c *v3Chain) hasMade(t V3Token) bool {
	return t.Derived && slices.Contains(c.Made, t.Description)
}

func (m *maker) remove(ctx context.Context, name string) error {
	err := m.ask(ctx, func() error {
		return m.s.Client.remove(ctx, token.Token{Value: m.token}, name)
	})
	if err == nil {
		m.s.tell(V3Event{Kind: V3Deleted, Name: name})
	}
	return err
}

// A clearing is what is to be done once a new token is in the Store.
type clearing struct {
	m     *maker
	chain v3Chain
	keep  []string
}

// keep has c done once the Rotator has stored the new token.
func (s *V3Source) keep(c clearing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spent = c
}

// clearTries is how often the token before the last is asked to be deleted, over
// a minute and a half. After that the next renewal does it.
const clearTries = 5

// clear deletes what nobody uses any more, now that there is a new token.
func (s *V3Source) clear(c clearing) {
	var err error
	for n := range clearTries {
		if n > 0 && !pauseFor(s.background, time.Second<<(2*(n-1))) {
			return
		}
		ctx, cancel := context.WithTimeout(s.background, renewTimeout)
		_, err = c.m.clear(ctx, c.chain, c.keep...)
		cancel()
		if err == nil || errors.Is(err, errDead) {
			break
		}
	}
	if err != nil && s.background.Err() == nil {
		s.tell(V3Event{Kind: V3Left, Err: err})
	}
}
