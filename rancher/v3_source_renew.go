package rancher

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// exchange is the Exchanger of the Rotator: it makes one renewal. Wherever it is
// broken off, the token presented is as good as before, and what may have been
// made can be found again. So there is no outcome that would cost the chain.
func (s *V3Source) exchange(ctx context.Context, presented token.Secret) (refresh.Pair, error) {
	r := &renewal{s: s}
	tok, err := r.run(ctx, presented)
	wait := s.after(err)
	if err != nil {
		return refresh.Pair{}, &refresh.ExchangeError{
			Outcome: refresh.Transient,
			Wait:    max(wait, token.RetryAfter(err)),
			Err:     err,
		}
	}
	return refresh.Pair{Access: tok, Refresh: tok}, nil
}

// The pauses after credentials were refused: whoever counts wrong passwords must
// not lock the user out for ours.
const (
	shortestWait = time.Minute
	longestWait  = time.Hour
)

// after remembers how a renewal ended, and returns how long to wait for the next.
func (s *V3Source) after(err error) time.Duration {
	var refused error
	if errors.Is(err, token.ErrRefused) {
		refused = err
	}
	s.mu.Lock()
	before := s.refused
	s.refused = refused
	switch {
	case !errors.Is(err, ErrCredentials):
		s.wait = 0
	case s.wait == 0:
		s.wait = shortestWait
	default:
		s.wait = min(10*s.wait, longestWait)
	}
	wait := s.wait
	s.mu.Unlock()
	if before == nil && refused != nil {
		s.tell(V3Event{Kind: V3Ended, Err: refused})
	}
	return wait
}

// A renewal makes the next token of a chain. Its fields are as the Store has
// them, before anything is made.
type renewal struct {
	s     *V3Source
	chain v3Chain
	last  string // name of the token presented: the one in use so far
}

// run makes the next token with the one presented, or, where there is none that
// can, with First's.
func (r *renewal) run(ctx context.Context, presented token.Secret) (token.Token, error) {
	var err error
	if r.chain, _, err = r.s.load(ctx); err != nil {
		return token.Token{}, err
	}
	r.last = (&maker{token: presented}).name()
	r.chain.step(r.last)
	if r.continues(presented) {
		tok, err := r.make(ctx, presented)
		if !errors.Is(err, errDead) {
			return tok, err
		}
		r.chain.refuse(sum(presented), time.Now())
	}
	for again := false; ; again = true {
		first, err := r.first(ctx)
		if err != nil {
			return token.Token{}, err
		}
		tok, err := r.make(ctx, first)
		if again || !errors.Is(err, errDead) {
			return tok, err
		}
		r.chain.refuse(sum(first), time.Now()) // and there may be another
	}
}

// continues reports whether the chain goes on with the token presented.
func (r *renewal) continues(presented token.Secret) bool {
	if presented.Equal(beginning.Value) || r.s.Cluster != "" || r.chain.refuses(sum(presented), time.Now()) {
		return false
	}
	if r.chain.Chain == "" { // the Store has lost it
		r.chain.begin(sum(presented), time.Now())
	}
	return r.left() > 0
}

// until returns how long a chain may last; negative is for ever.
func (s *V3Source) until() time.Duration { return cmp.Or(s.Until, defaultUntil) }

// left returns how long the chain may go on.
func (r *renewal) left() time.Duration {
	until := r.s.until()
	if until < 0 {
		return 1<<63 - 1
	}
	left := until - time.Since(r.chain.began(r.chain.Chain))
	if left < shortestLife {
		return 0
	}
	return min(left, until) // whatever clock said when it began
}

// make makes the next token with another: see what becomes of each step if it is
// the last that happens.
func (r *renewal) make(ctx context.Context, with token.Secret) (token.Token, error) {
	m := &maker{s: r.s, token: with}
	if r.chain.User == "" {
		if err := r.who(ctx, m); err != nil {
			return token.Token{}, err
		}
	}
	// What was left over goes first: if this fails, nothing more is made.
	live, err := m.sweep(ctx, r.chain)
	if err != nil {
		return token.Token{}, err
	}
	// From here on the next renewal finds what this one makes.
	ask := r.request()
	if err := r.intend(ctx, ask, live); err != nil {
		return token.Token{}, err
	}
	tok, t, err := m.create(ctx, ask)
	if err != nil {
		return token.Token{}, err
	}
	// That it is for no more than was asked for, create has made sure.
	if digest(t.UserID) != r.chain.User {
		err = errOtherUser
	} else {
		err = m.try(ctx, tok.Value, r.chain.User)
	}
	if err == nil {
		// Whoever was frozen for longer than a renewal takes may find another
		// in its place, and this token swept away. If the chain was closed in
		// the meantime, the Rotator has this token revoked.
		err = ctx.Err()
	}
	if err != nil {
		return token.Token{}, m.discard(ctx, t.Name, err)
	}
	if t.Lifetime > 0 && t.Lifetime >= r.left()-time.Minute {
		tok.RefreshIn = -1 // it lives as long as the chain, and is used up
	}
	r.s.made(ask, t)
	c := clearing{m: m, chain: r.chain, keep: []string{t.Name, r.last}}
	if r.s.Cluster == "" {
		c.m = &maker{s: r.s, token: tok.Value}
	}
	r.s.keep(c)
	return tok, nil
}

// who finds out whom a chain that begins speaks for.
func (r *renewal) who(ctx context.Context, m *maker) error {
	return m.ask(ctx, func() error {
		p, err := r.s.Client.Probe(ctx, m.token)
		switch {
		case err != nil:
			return err
		case !p.Live:
			return notLive(p)
		}
		if p.User.ID == "" { // it may not see that
			t, err := r.s.Client.get(ctx, token.Token{Value: m.token}, m.name())
			if err != nil {
				return err
			}
			p.User.ID = t.UserID
		}
		if p.User.ID == "" {
			return errors.New("rancher: the server does not say whose the token is that the chain begins with")
		}
		r.chain.User = digest(p.User.ID)
		return nil
	})
}

// request returns what to ask for: never more than was asked for before.
func (r *renewal) request() V3Request {
	ask := V3Request{Cluster: r.s.Cluster, Lifetime: r.s.Lifetime, AnyLifetime: r.s.AnyLifetime}
	if ask.Lifetime == 0 && !ask.AnyLifetime {
		ask.Lifetime = defaultLifetime
	}
	if before := milliseconds(r.chain.Asked); r.chain.Asked > 0 && (ask.AnyLifetime || ask.Lifetime > before) {
		ask.Lifetime, ask.AnyLifetime = before, false
	}
	r.chain.Asked = anyAsked
	if !ask.AnyLifetime {
		r.chain.Asked = ask.Lifetime.Milliseconds()
	}
	if left := r.left(); r.s.Until >= 0 && (ask.AnyLifetime || ask.Lifetime > left) {
		ask.Lifetime, ask.AnyLifetime = left, false
	}
	ask.Lifetime = ask.Lifetime.Truncate(time.Millisecond) // as it is sent
	ask.Description = r.s.Description
	if ask.Description == "" {
		ask.Description = "tokenlife"
	}
	ask.Description += " " + strings.ToLower(rand.Text()) // 130 bits
	return ask
}

// intend stores the description of the token that is about to be made, and what
// else is to be known of the chain. What cannot be stored is not made.
func (r *renewal) intend(ctx context.Context, ask V3Request, live []string) error {
	known := r.chain
	chain, err := r.s.save(ctx, func(c *v3Chain) error {
		began := known.began(known.Chain)
		c.begin(known.Chain, began)
		c.User, c.Asked, c.Current, c.Previous = known.User, known.Asked, known.Current, known.Previous
		return c.intend(ask.Description, live)
	})
	if err == nil {
		r.chain = chain
	}
	return err
}

// errOtherUser is a kind of ErrWider.
var errOtherUser = fmt.Errorf("%w: it speaks for another user than the one before", ErrWider)

// tokenMaximum is the setting by which a server grants less than was asked for.
const tokenMaximum = "auth-token-max-ttl-minutes"

// made tells that a token was made, and whether it is granted less than asked.
func (s *V3Source) made(ask V3Request, t V3Token) {
	e := V3Event{Kind: V3Created, Name: t.Name, Asked: ask.Lifetime, Granted: t.Lifetime}
	s.tell(e)
	if t.Lifetime != ask.Lifetime {
		e.Kind, e.Setting = V3Clamped, tokenMaximum
		s.tell(e)
	}
}
