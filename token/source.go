package token

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Source supplies tokens.
type Source interface {
	// Token returns a token that may be sent now.
	//
	// It is safe for concurrent use. The context governs this call only: an
	// implementation must not retain it, and must not let its values change
	// which token is returned, because callers share and cache the result.
	//
	// A Source whose own credential was refused returns an error matching
	// [ErrRefused]. No error of a Source matches [ErrInvalid], which speaks of
	// a token someone else presented: see [Refused].
	Token(ctx context.Context) (Token, error)
}

// SourceFunc is a function used as a [Source].
type SourceFunc func(ctx context.Context) (Token, error)

// Token calls f.
func (f SourceFunc) Token(ctx context.Context) (Token, error) { return f(ctx) }

// ask returns what src supplies, and holds it to the contract of [Source]: a
// token, or an error that blames no token but our own.
func ask(ctx context.Context, src Source) (Token, error) {
	tok, err := src.Token(ctx)
	switch {
	case errors.Is(err, ErrInvalid):
		return Token{}, Refused(err)
	case err != nil:
		return Token{}, err
	case tok.IsZero():
		return Token{}, errors.New("the Source gave an empty token and no error")
	}
	return tok, nil
}

// An Invalidator is a [Source] that can be told that a token it supplied was
// refused. [Transport] tells it.
type Invalidator interface {
	Source

	// Invalidate gives t up if it is still the token the Source would supply;
	// if the Source has moved on, it does nothing.
	Invalidate(t Token)
}

// Static returns a Source that always supplies t. If t has an ExpiresIn, it is
// counted down from now, and the Source ends in an error when it is used up.
func Static(t Token) Source { return &static{t, time.Now()} }

type static struct {
	token    Token
	received time.Time
}

func (s *static) Token(context.Context) (Token, error) {
	if s.token.IsZero() {
		return Token{}, errors.New("token: the Static source was made from an empty Token: give it one with a Value")
	}
	if s.token.ExpiresIn == 0 {
		return s.token, nil
	}
	if s.token.ExpiresIn < 0 {
		return Token{}, errors.New("token: the Static source was made from a Token that had expired already: give it a live one")
	}
	// By both readings of the clock: suspend stops the monotonic one, steps
	// move the other.
	now := time.Now()
	t := s.token
	t.ExpiresIn -= max(now.Sub(s.received), now.Round(0).Sub(s.received.Round(0)))
	if t.ExpiresIn <= 0 {
		return Token{}, fmt.Errorf("token: the Static token expired %v ago: supply a new one", (-t.ExpiresIn).Round(time.Millisecond))
	}
	return t, nil
}
