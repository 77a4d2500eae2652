package token

import (
	"errors"
	"fmt"
	"time"
)

// ErrInvalid is matched by every error that says that the token presented to
// this Verify is no good, as opposed to one that says that nobody could be
// asked. A server answers the first with 401 and the second with 503.
var ErrInvalid = errors.New("token: invalid")

// The ways in which a token can be invalid. Each matches [ErrInvalid].
var (
	ErrMalformed   = fmt.Errorf("%w: malformed", ErrInvalid)
	ErrSignature   = fmt.Errorf("%w: signature not verified", ErrInvalid)
	ErrExpired     = fmt.Errorf("%w: expired", ErrInvalid)
	ErrNotYetValid = fmt.Errorf("%w: not yet valid", ErrInvalid)
	ErrIssuer      = fmt.Errorf("%w: wrong issuer", ErrInvalid)
	ErrAudience    = fmt.Errorf("%w: wrong audience", ErrInvalid)
	ErrRevoked     = fmt.Errorf("%w: revoked or unknown to its issuer", ErrInvalid)
)

// ErrNoToken is returned where a token was expected and there was none.
var ErrNoToken = errors.New("token: none presented")

// ErrScope is matched by what a [Guard] is told of a good token that may not do
// what it was sent for: see [RequireScope]. It never matches [ErrInvalid].
var ErrScope = errors.New("token: insufficient scope")

// ErrRefused is matched by the error of a [Source] whose own credential was
// refused for good: it was revoked, used twice or lost, and whoever runs the
// program must log in again. It never matches [ErrInvalid]: a server whose own
// credential is dead must not blame its caller.
var ErrRefused = errors.New("token: our own credential was refused")

// Refused returns an error that reads as err and matches [ErrRefused] and
// nothing else. A [Source] passes on through it whatever matches [ErrInvalid].
func Refused(err error) error { return &refusedError{err.Error()} }

type refusedError struct{ text string }

func (e *refusedError) Error() string        { return e.text }
func (e *refusedError) Is(target error) bool { return target == ErrRefused }

// A TimeError reports a token used outside its lifetime. It matches
// [ErrExpired] or [ErrNotYetValid], and carries both clocks so that skew can be
// told from age.
type TimeError struct {
	// Claim is "exp", "nbf" or "iat".
	Claim string

	// Limit is the time that Claim sets: the exp, the nbf or the iat itself, or,
	// for a token issued too long ago, the iat and the greatest age together.
	Limit time.Time

	Now    time.Time     // what the verifier's clock said
	Leeway time.Duration // how much the verifier allowed
}

// Error says how far outside its life the token is, by which clocks, and what
// to do.
func (e *TimeError) Error() string {
	limit, relation, remedy := e.Claim+" was", "before", "get a new token"
	switch {
	case e.ClockOff():
		limit, relation, remedy = e.Claim+" is", "after", "check this machine's clock and the issuer's"
	case e.Claim == "iat":
		limit = "the age allowed from iat ended"
	}
	return fmt.Sprintf("%v: %s %s, %v %s %s here, beyond the leeway of %v: %s",
		e.Unwrap(), limit, e.Limit.UTC().Format(time.RFC3339), e.Now.Sub(e.Limit).Abs().Round(time.Millisecond), relation,
		e.Now.UTC().Format(time.RFC3339), e.Leeway, remedy)
}

// Unwrap returns [ErrNotYetValid] if Now is before Limit, and [ErrExpired]
// otherwise.
func (e *TimeError) Unwrap() error {
	if e.Now.Before(e.Limit) {
		return ErrNotYetValid
	}
	return ErrExpired
}

// ClockOff reports whether the fault is a clock's rather than the token's: an
// issuer issues tokens that are good from then on, so that one from the future
// shows the issuer's clock to be ahead or this machine's to be behind, and a new
// token would fare no better. The reverse cannot be told: to a clock that is far
// ahead every token is old.
func (e *TimeError) ClockOff() bool { return e.Now.Before(e.Limit) }
