package rancher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A maker makes tokens with one that the server may turn out not to take any
// more.
type maker struct {
	s     *V3Source
	token token.Secret
}

// errDead says that the maker's token was refused, twice. It is a kind of
// ErrNotAuthenticated.
var errDead = fmt.Errorf("rancher: the token was refused, and again when it was asked about once more: %w; have First supply another, and Diagnose say why", ErrNotAuthenticated)

// name returns the name of the token, as far as it has one.
func (m *maker) name() string {
	b, err := ParseV3(m.token)
	if err != nil {
		return ""
	}
	return b.Name
}

// secondAsk is how long after a refusal the token is asked about once more.
const secondAsk = 2 * time.Second

// ask calls f, which presents the token. Rancher refuses a good one as well while
// it cannot read what it knows of it. So a refusal counts if it comes again, a
// little later and on another path.
func (m *maker) ask(ctx context.Context, f func() error) error {
	err := f()
	if !errors.Is(err, ErrNotAuthenticated) {
		return err
	}
	if !pauseFor(ctx, secondAsk) {
		return ctx.Err()
	}
	p, probeErr := m.s.Client.Probe(ctx, m.token)
	switch {
	case probeErr != nil:
		return probeErr
	case !p.Live:
		return m.refused(ctx)
	}
	if err = f(); errors.Is(err, ErrNotAuthenticated) {
		// The token is good, and so this is no verdict on it.
		err = fmt.Errorf("rancher: the token is good, and refused all the same: %s", err)
	}
	return err
}

// refused has all holders leave the token alone for a while.
func (m *maker) refused(ctx context.Context) error {
	_, err := m.s.save(ctx, func(c *v3Chain) error {
		c.refuse(sum(m.token), time.Now())
		return nil
	})
	if err != nil {
		return err
	}
	refused := token.Token{Value: m.token}
	m.s.rotator.Invalidate(refused)
	m.s.tell(V3Event{Kind: V3Refused, Name: m.name(), Err: errDead})
	return errDead
}

// create makes a token.
func (m *maker) create(ctx context.Context, ask V3Request) (tok token.Token, t V3Token, err error) {
	err = m.ask(ctx, func() error {
		tok, t, err = m.s.Client.create(ctx, token.Token{Value: m.token}, ask)
		return err
	})
	return tok, t, err
}

// tries is how often a new token is tried: another replica of Rancher may hear of
// it a moment later.
const tries = 5

// try uses a new token, which speaks for the user of that digest. A token confined
// to a cluster is used there.
func (m *maker) try(ctx context.Context, tok token.Secret, user string) error {
	for n := 0; ; n++ {
		p, err := m.s.Client.probe(ctx, tok, m.s.Cluster)
		switch {
		case err == nil && p.Live && p.User.ID != "" && digest(p.User.ID) != user:
			return errOtherUser
		case err == nil && p.Live:
			return nil
		case err == nil:
			err = fmt.Errorf("rancher: the new token is refused: %s", notLive(p))
		}
		if n == tries-1 || !pauseFor(ctx, 250*time.Millisecond<<n) {
			return err
		}
	}
}

// discard deletes a token that is not to be used, and returns err, which is why.
// If that fails, the next renewal finds it.
func (m *maker) discard(ctx context.Context, name string, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultTimeout)
	defer cancel()
	if failed := m.s.Client.remove(ctx, token.Token{Value: m.token}, name); failed != nil {
		m.s.tell(V3Event{Kind: V3Left, Name: name, Err: failed})
		return fmt.Errorf("rancher: the new token %s is not used: %w", name, err)
	}
	m.s.tell(V3Event{Kind: V3Deleted, Name: name})
	return fmt.Errorf("rancher: the new token %s is not used, and was deleted again: %w", name, err)
}

// notLive returns why a token is not live.
func notLive(p Probe) error {
	if p.Err != nil {
		return p.Err
	}
	return ErrNotAuthenticated
}

// pauseFor waits, and reports whether ctx has let it.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
