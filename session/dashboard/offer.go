package dashboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// An offer is what Login supplied, and how long it is good.
type offer struct {
	token token.Token
	term  term
}

// ask asks Login for a credential.
func (s *Source) ask(ctx context.Context) (offer, error) {
	asked := time.Now()
	var t token.Token
	err := panics.Call("Source.Login", func() (err error) {
		t, err = s.Login.Token(ctx)
		return err
	})
	switch {
	case err != nil:
		return offer{}, fmt.Errorf("dashboard: no credential to log in with: %w", ours(err))
	case t.IsZero():
		return offer{}, errors.New("dashboard: Source.Login gave an empty token and no error")
	case t.ExpiresIn < 0:
		return offer{}, errors.New("dashboard: Source.Login gave a token that has expired, and no error")
	case !sendable(t.Value.Reveal(), '!'):
		// Where anonymous requests are allowed the Dashboard would take white
		// space for a credential, and act as nobody.
		return offer{}, errors.New("dashboard: the token from Source.Login has a space in it, or something else that is in no bearer token")
	}
	return offer{t, innerTerm(t, asked)}, nil
}

// innerTerm returns how long a bearer token of Login's is good that was asked for
// at asked.
func innerTerm(t token.Token, asked time.Time) term {
	if t.ExpiresIn != 0 {
		return term{t.ExpiresIn, asked}
	}
	now := time.Now()
	if end := expiry(t); end.After(now) {
		return term{end.Sub(now.Round(0)), now}
	}
	// If the end has passed here and the Dashboard takes it nevertheless, this
	// machine's clock is wrong, and says nothing.
	return term{}
}

// expiry returns when t expires, as far as it says that.
func expiry(t token.Token) time.Time {
	if t.Expiry.IsZero() {
		return token.New(t.Value).Expiry
	}
	return t.Expiry
}

// now returns the token of an offer as it is at the moment.
func (o offer) now() token.Token {
	t := o.token
	t.Expiry = expiry(t)
	if t.ExpiresIn != 0 {
		t.ExpiresIn = o.term.left()
	}
	if t.RefreshIn > 0 {
		t.RefreshIn = max(time.Nanosecond, term{t.RefreshIn, o.term.since}.left())
	}
	return t
}
