package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// rotators holds the Rotators of the logins that this process has been asked for
// tokens of, one for each, so that one exchange serves all its requests.
type rotators struct {
	mu      sync.Mutex // never held across a wait
	byLogin recent[string, *refresh.Rotator]
}

// maxRotators is how many are held. What one remembers that is dropped is in the
// Store too, or it is still trying to get it there.
const maxRotators = 4096

func (m *Manager[T]) pairKey(s *Session[T]) string { return "session/" + m.name() + "/" + s.login }

// rotator returns the Rotator of the login that s began with.
func (m *Manager[T]) rotator(s *Session[T]) (*refresh.Rotator, error) {
	switch err := m.Check(); {
	case err != nil:
		return nil, err
	case m.Store == nil:
		return nil, errors.New("session: Manager.Store is nil: a pair that rotates rides in no cookie: set it to where replicas share what they keep")
	case m.Exchanger == nil:
		return nil, errors.New("session: Manager.Exchanger is nil: set it to what exchanges a refresh token at its issuer")
	case s == nil || s.login == "":
		return nil, errors.New("session: a pair belongs to a session, and there is none: take that of Start or From")
	}
	m.pairs.mu.Lock()
	defer m.pairs.mu.Unlock()
	r, ok := m.pairs.byLogin.get(s.login)
	if !ok {
		r = &refresh.Rotator{
			Exchanger: m.Exchanger,
			Store:     refresh.Sealed(m.pairStore(s), m.Keys),
			Key:       m.pairKey(s),
			Revoke:    m.Revoke,
			OnEvent:   m.OnRefresh,
		}
	}
	m.pairs.byLogin.put(s.login, r, maxRotators)
	return r, nil
}

// SetPair keeps a rotating pair with s, for [Manager.Source]: that of the login
// which s began with. It lies in the Store, sealed with Keys. [Manager.Renew] keeps
// it. It goes when s is ended by [Manager.End] or by another [Manager.Start]: if
// Revoke is set they have its refresh token revoked, and wait for that for up to 10
// seconds; if it fails s is over all the same, and OnEvent hears of it. Else it
// goes with the end of Lifetime, also after [Manager.EndAll], which does not know
// it.
//
// Where an issuer that is told to revoke one pair of a person ends all of them,
// Revoke must be nil: [Manager.Start] would end what it has just begun.
//
// If s was ended in the meantime the pair is given up, and the error matches
// [ErrNoSession]. After any other the pair may be in the Store all the same. It
// goes on when ctx is done, for up to 10 seconds.
func (m *Manager[T]) SetPair(ctx context.Context, s *Session[T], pair refresh.Pair) error {
	r, err := m.rotator(s)
	switch {
	case err != nil:
		return err
	case s.ReadOnly:
		return errors.New("session: the Store is away, so that it can take no pair: try again later")
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := r.Replace(ctx, pair); err != nil {
		return fmt.Errorf("session: the pair could not be kept: %w", err)
	}
	// Whoever ends the session writes that first, and forgets the pair then. So
	// either they have found this one, or they are found here.
	why, err := m.over(ctx, s)
	switch {
	case why == loggedOut || why == everywhere:
		m.forgetPair(ctx, s)
		return fmt.Errorf("%w: %w: %v", ErrNoSession, token.ErrRevoked, why)
	case err != nil:
		return m.away(unknown, Event{ID: s.ID, Subject: s.Subject}, err)
	}
	return nil
}

// forgetPair revokes the pair of s and takes it out of the Store. If that fails
// the session is over all the same.
func (m *Manager[T]) forgetPair(ctx context.Context, s *Session[T]) {
	if m.Exchanger == nil {
		return // nor is there a pair
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	r, err := m.rotator(s)
	if err == nil {
		err = r.Forget(ctx)
		m.pairs.mu.Lock()
		m.pairs.byLogin.delete(s.login)
		m.pairs.mu.Unlock()
	}
	if err != nil {
		m.tell(Event{Kind: PairKept, ID: s.ID, Subject: s.Subject, Err: fmt.Errorf("session: the pair of an ended session could not be revoked, or not be taken out of the Store: %w", err)})
	}
}

// Source returns a Source of access tokens for calls on behalf of s, of the pair
// that [Manager.SetPair] has put into the Store. However many requests, tabs and
// replicas ask, each refresh token is exchanged once. The Source is a
// [token.Invalidator], caches nothing, and needs no wrapping.
//
// An error that matches [token.ErrRefused] means that the login upstream is over,
// that no pair was ever set, or that the key is gone which it was sealed with: end
// the session, and send the person to log in. It also comes once s itself is
// over, by End, EndAll or Lifetime, so that what still runs for s stops: each call
// asks the Store for that first, with two reads at the same time. If s has had
// another ID since it goes on. If it is read only, it gets the access token that
// this process knows, while that is good and for as long as Grace says.
//
// Without a Store every call is an error: a pair that rotates does not ride in a
// cookie.
func (m *Manager[T]) Source(s *Session[T]) token.Source {
	p := pairSource[T]{manager: m}
	if s != nil {
		// Without the data, which is the application's to change.
		p.session = &Session[T]{ID: s.ID, Subject: s.Subject, Began: s.Began, Seen: s.Seen, ReadOnly: s.ReadOnly, login: s.login, epoch: s.epoch}
	}
	return p
}

// A pairSource is a Source of one session.
type pairSource[T any] struct {
	manager *Manager[T]
	session *Session[T]
}

// Token implements [token.Source].
func (p pairSource[T]) Token(ctx context.Context) (token.Token, error) {
	m, s := p.manager, p.session
	r, err := m.rotator(s)
	if err != nil {
		return token.Token{}, err
	}
	if !m.now().Before(s.Began.Add(m.lifetime())) {
		return token.Token{}, token.Refused(errors.New("session: it is over, by Manager.Lifetime: log in again"))
	}
	why, err := m.over(ctx, s)
	switch {
	case why == loggedOut || why == everywhere:
		return token.Token{}, token.Refused(fmt.Errorf("session: %v: log in again", why))
	case err != nil && ctx.Err() != nil:
		return token.Token{}, foreign(unknown, err)
	case err != nil && !(s.ReadOnly && m.graceful(s, err)):
		return token.Token{}, m.away(unknown, Event{ID: s.ID, Subject: s.Subject}, err)
	}
	t, err := r.Token(ctx)
	switch {
	case err == nil:
		return t, nil
	case m.keyGone(ctx, s):
		return token.Token{}, token.Refused(errors.New("session: the pair was sealed with a key that is gone: log in again"))
	case errors.Is(err, token.ErrRefused):
		err = fmt.Errorf("session: no token of the session's own pair: log in again, and call Manager.SetPair: %w", err)
	}
	return token.Token{}, err
}

// keyGone reports whether the pair of s is in the Store and does not open. As with
// a cookie, waiting for its key is for nobody.
func (m *Manager[T]) keyGone(ctx context.Context, s *Session[T]) bool {
	key := "pair/" + m.pairKey(s) // as a Rotator and refresh.Sealed have it
	text, err := m.pairStore(s).Get(ctx, key)
	if err != nil || text == nil {
		return false
	}
	_, err = m.Keys.Open(ctx, "store", key, string(text))
	return errors.Is(err, token.ErrInvalid)
}

// Invalidate implements [token.Invalidator].
func (p pairSource[T]) Invalidate(t token.Token) {
	if r, err := p.manager.rotator(p.session); err == nil {
		r.Invalidate(t)
	}
}

// Format implements [fmt.Formatter]: what a session holds is not printed.
func (p pairSource[T]) Format(f fmt.State, verb rune) { io.WriteString(f, "session.Source") }
