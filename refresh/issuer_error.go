package refresh

import (
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// isRefusal reports whether err blames the token that was presented.
func isRefusal(err error) bool { return errors.Is(err, token.ErrInvalid) }

// foreign returns err, of a Store, a Keyring or a Mint, under the Issuer's name.
// Whatever it says of tokens of theirs is left to its text: it is neither about
// the refresh token that was presented nor about that of a Rotator.
func foreign(what string, err error) error {
	if isRefusal(err) || errors.Is(err, token.ErrRefused) {
		return fmt.Errorf("refresh: Issuer: %s: %v", what, err)
	}
	return fmt.Errorf("refresh: Issuer: %s: %w", what, err)
}

// undecided returns the error for an exchange that brought no pair though the
// refresh token may be good: unspent if o is Transient.
func undecided(o Outcome, wait time.Duration, err error) error {
	return &ExchangeError{Outcome: o, Wait: wait, Err: err}
}

// soon is when a client may try again that could not be told anything.
const soon = time.Second
