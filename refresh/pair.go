package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A Pair is an access token and the refresh token that can replace it, once.
//
// Refresh.ExpiresIn is how long the refresh token is good if it is not used, if
// the issuer says so. Access may be zero in a pair that somebody kept the
// refresh token of and nothing else.
type Pair struct {
	Access, Refresh token.Token
}

// An Exchanger trades a refresh token for a new Pair, with exactly one request
// (RFC 6749, section 6). If the answer has no refresh token, the one traded in
// stays good, and the Pair has a zero Refresh.
//
// An error says in an [*ExchangeError] what is known to have become of the
// refresh token. One that matches [token.ErrInvalid], as those of [Issuer] do,
// means [Terminal]; any other means [Unknown].
//
// Exchange is never called again by itself for the same refresh token: whether
// that may be presented once more is what the caller decides by the error.
type Exchanger interface {
	Exchange(ctx context.Context, refresh token.Secret) (Pair, error)
}

// An ExchangerFunc is a function used as an [Exchanger].
type ExchangerFunc func(ctx context.Context, refresh token.Secret) (Pair, error)

// Exchange calls f.
func (f ExchangerFunc) Exchange(ctx context.Context, refresh token.Secret) (Pair, error) {
	return f(ctx, refresh)
}

// An Outcome is what is known of a refresh token after an exchange that failed.
type Outcome int

const (
	// Unknown: it may have been spent. The request was sent, or some of it,
	// and no answer came, or one that cannot be read, or that the server
	// failed over it.
	Unknown Outcome = iota

	// Transient: it was not spent, and the exchange may work later: nobody was
	// reached, or the issuer was busy, or it refused something other than the
	// refresh token, such as the client's secret.
	Transient

	// Terminal: the issuer refused it for good.
	Terminal
)

// String returns o in lower case.
func (o Outcome) String() string {
	switch o {
	case Unknown:
		return "unknown"
	case Transient:
		return "transient"
	case Terminal:
		return "terminal"
	}
	return fmt.Sprintf("Outcome(%d)", int(o))
}

// An ExchangeError is an exchange that brought no access token.
type ExchangeError struct {
	Outcome Outcome

	// Reused means that the issuer said that the refresh token had been used
	// before, rather than that it is no good for whatever reason.
	Reused bool

	// Wait is how long the issuer asks to wait before the next try; 0 if it
	// does not say.
	Wait time.Duration

	// Refresh is a new refresh token that came without a usable access token,
	// as in an answer that cannot be read otherwise. The one presented is then
	// spent, and this is the one to keep.
	Refresh token.Token

	// Err says what happened, to which endpoint, and what to do about it. It
	// holds no secret.
	Err error
}

// Error returns the text of e.Err.
func (e *ExchangeError) Error() string {
	if e.Err == nil {
		return "refresh: exchange failed, outcome " + e.Outcome.String()
	}
	return e.Err.Error()
}

// Unwrap returns e.Err.
func (e *ExchangeError) Unwrap() error { return e.Err }

// RetryAfter returns e.Wait; see [token.RetryAfter].
func (e *ExchangeError) RetryAfter() time.Duration { return e.Wait }

var (
	// ErrReused means that a refresh token had been used before: it was copied,
	// by a thief or with a backup, or somebody else exchanges it without
	// sharing this Store. It matches [token.ErrRefused].
	ErrReused error = refused("refresh: the refresh token had been used before")

	// ErrLost means that a refresh token was refused after an exchange whose
	// outcome nobody knows: the new pair was issued, most likely, and lost on
	// its way. It matches [token.ErrRefused].
	ErrLost error = refused("refresh: the new pair was lost on its way")
)

// refused is an error that matches [token.ErrRefused].
type refused string

func (r refused) Error() string { return string(r) }

func (r refused) Unwrap() error { return token.ErrRefused }

// outcome returns what err, from an Exchanger, says of the refresh token.
func outcome(err error) Outcome {
	var e *ExchangeError
	switch {
	case errors.As(err, &e):
		return e.Outcome
	case errors.Is(err, token.ErrInvalid):
		return Terminal
	}
	return Unknown
}
