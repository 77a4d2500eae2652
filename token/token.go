package token

import (
	"net/http"
	"strings"
	"time"
)

// A Token is a credential and what is known of its life.
//
// Tokens are values: copy them freely, and treat a copy from a [Source] as
// yours.
type Token struct {
	// Value is what is sent.
	Value Secret

	// Type is the authentication scheme; empty means "Bearer".
	Type string

	// IssuedAt and Expiry bound the token's life by its issuer's clock, which
	// need not agree with this machine's. Zero means unknown.
	IssuedAt, Expiry time.Time

	// ExpiresIn is how long the token has left at the moment it is handed
	// over: RFC 6749's expires_in. No clock but the holder's own, and that only
	// for counting, is needed to use it; where a Source can give it, it decides,
	// and Expiry is information. Zero means unknown; negative means that
	// nothing is left.
	ExpiresIn time.Duration

	// RefreshIn is how soon the Source suggests being asked again, if it knows
	// better than a fraction of the lifetime. Zero leaves it to the caller.
	RefreshIn time.Duration
}

// New returns a bearer Token for value, with IssuedAt and Expiry filled in if
// value says them itself, as a JWT does. They are unverified, which is right
// for a token one is about to send and wrong for a token one has just received;
// see [Verifier] for that.
//
// ExpiresIn stays zero, since New cannot know how long ago value was issued. A
// Source that has just had it issued sets ExpiresIn to Expiry less IssuedAt.
func New(value Secret) Token {
	t := Token{Value: value}
	if info, err := Inspect(value); err == nil {
		t.IssuedAt, t.Expiry = info.IssuedAt, info.Expiry
	}
	return t
}

// IsZero reports whether t carries no value.
func (t Token) IsZero() bool { return t.Value.IsZero() }

// Equal reports whether t and u carry the same value. Times do not count.
func (t Token) Equal(u Token) bool { return t.Value.Equal(u.Value) }

// Header returns the value of an Authorization header carrying t.
func (t Token) Header() Secret {
	if t.IsZero() {
		return Secret{}
	}
	scheme := t.Type
	if scheme == "" || strings.EqualFold(scheme, "bearer") {
		// RFC 6749 servers answer token_type in any case; RFC 6750 resource
		// servers are known to insist on this spelling.
		scheme = "Bearer"
	}
	return NewSecret(scheme + " " + t.Value.Reveal())
}

// SetHeader sets r's Authorization header. [Transport] does it for every
// request.
func (t Token) SetHeader(r *http.Request) {
	r.Header.Set("Authorization", t.Header().Reveal())
}
