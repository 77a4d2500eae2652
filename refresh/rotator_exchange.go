package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// exchange claims the planned pair and spends its refresh token. Nothing else
// sends anything to the issuer.
func (t *rotation) exchange(p plan) {
	s, ok := t.claim(p)
	if !ok {
		return
	}
	r := t.r
	t.posted = true
	asked := r.now()
	pair, err := t.post(&s, asked)
	if next := r.successor(&s, pair, err, asked); next != nil {
		t.publish(next, err)
		return
	}
	switch outcome(err) {
	case Terminal:
		t.refused(s, err)
	case Transient:
		t.giveBack(s, err)
	default:
		r.mu.Lock()
		r.unsure = s.Number
		r.mu.Unlock()
		r.tell(Event{Kind: Uncertain, Took: r.now().since(asked), Err: r.failure(err, 0)})
		s.Unknown = true
		t.giveBack(s, err)
	}
}

// A result is what an Exchanger returned.
type result struct {
	pair Pair
	err  error
}

// post has the refresh token of s exchanged.
func (t *rotation) post(s *state, asked reading) (Pair, error) {
	timeout, _ := t.r.times()
	returned := make(chan result, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.ctx, timeout)
		defer cancel()
		res := result{err: errors.New("runtime.Goexit called in Exchanger, which must return")}
		defer func() { returned <- res }()
		res.err = panics.Call("Exchanger", func() (err error) {
			res.pair, err = t.r.Exchanger.Exchange(ctx, s.Refresh.Token.Value)
			return err
		})
		if res.err == nil && res.pair.Access.IsZero() && res.pair.Refresh.IsZero() {
			res.err = errors.New("empty pair and no error from Exchanger")
		}
	}()
	timer := time.NewTimer(timeout + overrun)
	defer timer.Stop()
	select {
	case res := <-returned:
		return res.pair, res.err
	case <-timer.C:
		go t.r.belated(t.ctx, s, returned, asked)
		return Pair{}, fmt.Errorf("no return from Exchanger after %v: it ignores its context", timeout)
	}
}

// belated waits for an Exchanger that has not kept to its time. A pair is a pair,
// however late it comes.
func (r *Rotator) belated(ctx context.Context, s *state, returned <-chan result, asked reading) {
	res := <-returned
	next := r.successor(s, res.pair, res.err, asked)
	if next == nil {
		return
	}
	r.mu.Lock()
	r.inHand(next)
	r.calm()
	r.mu.Unlock()
	r.begin(ctx, r.look(ctx))
}

// successor returns the pair that an exchange of s brought, or nil. A refresh
// token alone will do: the one of s is then spent.
func (r *Rotator) successor(s *state, p Pair, err error, asked reading) *known {
	if err != nil {
		p.Access = token.Token{}
		if e := (*ExchangeError)(nil); errors.As(err, &e) && !e.Refresh.IsZero() {
			p.Refresh = e.Refresh
		}
		if p.Refresh.Equal(s.Refresh.Token) {
			p.Refresh = token.Token{}
		}
	}
	if p.Access.IsZero() && p.Refresh.IsZero() {
		return nil
	}
	received := time.Unix(0, asked.wall)
	next := &known{spent: s, state: state{Number: s.Number + 1, Seeds: s.Seeds, Spent: s.Spent}}
	if p.Refresh.IsZero() {
		kept := *s.Refresh
		kept.Token.ExpiresIn = 0 // to have been used may have lengthened its life
		next.state.Refresh = &kept
	} else {
		next.state.Spent = seeded(s.Spent, seed(s.Refresh.Token))
		next.state.Refresh = &token.Record{Token: p.Refresh, Received: received}
	}
	if !p.Access.IsZero() {
		next.state.Access = &token.Record{Token: p.Access, Received: received}
		next.access = hold(p.Access, asked, nil, draw(r.random))
	}
	return next
}

// inHand takes a pair that has come from the issuer in hand, unless a newer one
// is known. The caller holds mu.
func (r *Rotator) inHand(next *known) {
	if k := r.known; k == nil || k.state.Number < next.state.Number {
		r.known = next
	}
}
