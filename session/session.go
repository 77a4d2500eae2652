package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// ErrNoSession is matched by the error of [Manager.Load] if a request carries no
// session that is good. Why it is not can be told by what else it matches:
// [token.ErrExpired]; [token.ErrNotYetValid], if it begins in the future by this
// machine's clock; [token.ErrRevoked], if it was ended; [token.ErrSignature], if it
// was changed, or sealed with a key that is gone; [token.ErrMalformed], if it is
// none, or has data of another kind; or none of these, if there was no cookie.
// Whoever gets it logs in.
var ErrNoSession = errors.New("session: none")

// A Session is one login of one browser, as one request has it: it is not for
// several goroutines at once, unless none of them changes or saves it.
type Session[T any] struct {
	// ID is 128 random bits, and another after each [Manager.Start] and
	// [Manager.Renew]. It is no secret, and lets nobody in.
	ID string

	// Subject is whose session it is, for [Manager.EndAll].
	Subject string

	// Data is the application's. Call [Manager.Save] after changing it.
	Data T

	Began time.Time // when the person logged in
	Seen  time.Time // when the cookie was last written

	// ReadOnly says that the Store is away, so that nobody knows whether the
	// session was ended: see Manager.Grace. It can be neither saved nor ended.
	ReadOnly bool

	login string // the ID when it began, which the pair in the Store is kept by
	epoch int64  // of the subject, when the person logged in
}

// Expiry returns when s ends if nobody comes, by Now.
func (m *Manager[T]) Expiry(s *Session[T]) time.Time {
	expiry, _ := m.expiry(s)
	return expiry
}

// expiry returns when s ends if nobody comes, and what ends it then.
func (m *Manager[T]) expiry(s *Session[T]) (expiry time.Time, limit string) {
	expiry, limit, err := m.limit(s)
	if err != nil {
		return s.Began, "Until"
	}
	return expiry, limit
}

// limit is expiry, with the error of until.
func (m *Manager[T]) limit(s *Session[T]) (expiry time.Time, limit string, err error) {
	expiry, limit = s.Began.Add(m.lifetime()), "Lifetime"
	if idle := s.Seen.Add(m.idle()); idle.Before(expiry) {
		expiry, limit = idle, "Idle"
	}
	if m.Until != nil {
		until, err := m.until(s.Data)
		if err != nil {
			return time.Time{}, "", err
		}
		if !until.IsZero() && until.Before(expiry) {
			expiry, limit = until, "Until"
		}
	}
	return expiry, limit, nil
}

// until calls Until. If it panics the data is not such as it can read: whoever
// logs in has other data, or learns from Start that it is no better.
func (m *Manager[T]) until(data T) (until time.Time, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %w", token.ErrMalformed, panics.Error("Manager.Until", value))
		}
	}()
	return m.Until(data), nil
}
