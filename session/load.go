package session

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// Load returns the session that r carries. The error matches [ErrNoSession] if
// there is none that is good; any other means that nobody can tell, because the
// Store or the keys could not be read. It does not extend the session: inside
// [Manager.Handler], use [Manager.From].
func (m *Manager[T]) Load(r *http.Request) (*Session[T], error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	s, err := m.open(r)
	if err == nil {
		err = m.current(s)
	}
	if err == nil {
		err = m.notEnded(r, s)
	}
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, token.ErrInvalid):
		err = noSession{err}
		e := Event{Kind: Refused, Err: err}
		if s != nil {
			e.ID, e.Subject = s.ID, s.Subject
		}
		m.tell(e)
	}
	return nil, err
}

// noSession is an [ErrNoSession], with the kind of [token.ErrInvalid] that says
// why.
type noSession struct{ why error }

func (e noSession) Error() string {
	return ErrNoSession.Error() + ": " + strings.TrimPrefix(e.why.Error(), token.ErrInvalid.Error()+": ")
}

func (e noSession) Unwrap() []error { return []error{ErrNoSession, e.why} }

// open returns the session in r's cookies, whatever its age.
func (m *Manager[T]) open(r *http.Request) (*Session[T], error) {
	text, place, err := readCookies(r, m.name())
	if err != nil {
		return nil, err
	}
	plaintext, err := m.Keys.Open(r.Context(), m.purpose("cookie"), place, text)
	switch {
	case err == nil:
		return decode[T](plaintext)
	case errors.Is(err, token.ErrInvalid):
		return nil, err
	}
	err = noKeys(err)
	if r.Context().Err() == nil { // else whoever asked is gone
		m.tell(Event{Kind: KeysAway, Err: err})
	}
	return nil, err
}

// noKeys returns err, of Keys, which is about no session: it may match
// [token.ErrRefused] if Keys.Load was refused where the keys come from.
func noKeys(err error) error { return foreign("the keys could not be had", err) }

// current returns an error unless s is a session for now.
func (m *Manager[T]) current(s *Session[T]) error {
	now := m.now()
	for _, t := range [...]time.Time{s.Began, s.Seen} {
		if ahead := t.Sub(now); ahead > skew.DefaultLeeway {
			return fmt.Errorf("%w: it is of %v from now: check the clocks of those who serve it", token.ErrNotYetValid, ahead.Round(time.Second))
		}
	}
	expiry, limit, err := m.limit(s)
	switch {
	case err != nil:
		return err
	case !now.Before(expiry):
		return fmt.Errorf("%w: %v ago, by Manager.%s", token.ErrExpired, now.Sub(expiry).Round(time.Second), limit)
	}
	return nil
}
