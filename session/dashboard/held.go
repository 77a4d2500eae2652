package dashboard

import (
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A held token is the last that a Source got. It is never changed, only replaced.
type held struct {
	token   token.Token
	slides  bool // it is a session, which can be replaced by the next
	session term // how long the Dashboard takes it
	inner   term // how long the credential is good that it was made of
	refused bool // by the Dashboard, in use
	last    bool // it is shorter than the one before: an end is near that no refresh moves
}

// A term is a time that runs from some moment on. The zero term does not end.
type term struct {
	length time.Duration
	since  time.Time
}

// left returns how much is left of t, by both readings of the clock: suspend
// stops the one, steps move the other. It is 0 if t does not end, and negative
// once it has.
func (t term) left() time.Duration {
	if t == (term{}) {
		return 0
	}
	now := time.Now()
	left := t.length - max(0, now.Sub(t.since), now.Round(0).Sub(t.since.Round(0)))
	if left <= 0 {
		return -1
	}
	return left
}

// least returns the time left of two terms, as left does.
func least(t, u term) time.Duration {
	a, b := t.left(), u.left()
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// bound reports whether the next session would end no later than h: with the
// credential, or at a greatest age that the Dashboard has for sessions.
func (h *held) bound() bool {
	inner, session := h.inner.left(), h.session.left()
	return h.last || inner != 0 && (session == 0 || inner <= session)
}

// resolution is that of the Dashboard's dates, which are cut to whole seconds:
// a session lives up to one less than they say.
const resolution = time.Second

// newSession returns how a session is held that was asked for at sent. Its life
// is what lies between its own dates, whatever the time is here or there.
func newSession(text string, sent time.Time, inner term) (*held, error) {
	if !sendable(text, ' ') {
		return nil, errors.New("the session has characters in it that no header can carry")
	}
	value := token.NewSecret(text)
	info, err := token.Inspect(value)
	switch {
	case err != nil:
		return nil, err
	case info.Kind != token.KindDashboard || info.IssuedAt.IsZero():
		return nil, errors.New("the session is not dated as those of the Dashboard are")
	}
	h := &held{slides: true, inner: inner}
	if !info.Expiry.IsZero() {
		life := info.Expiry.Sub(info.IssuedAt)
		if life <= resolution {
			return nil, fmt.Errorf("the session would live for %v, too little to be sent", life)
		}
		h.session = term{life - resolution, sent}
	}
	h.token = token.Token{Value: value, Type: scheme, IssuedAt: info.IssuedAt, Expiry: info.Expiry, ExpiresIn: least(h.session, h.inner)}
	return h, nil
}

// sendable reports whether text can stand in a header as it is, and has no byte
// below least.
func sendable(text string, least byte) bool {
	for i := range len(text) {
		if c := text[i]; c < least || c > '~' {
			return false
		}
	}
	return text != ""
}
