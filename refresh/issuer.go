package refresh

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// An Issuer is the other end: it hands out pairs, exchanges them, and notices
// when a refresh token is used twice. All it keeps is one small row a login,
// however often that is refreshed.
//
// A refresh token names its family, which is the login, and its generation, and
// carries a MAC of both: what is forged never reaches the Store. Set the fields
// before first use; an Issuer is then safe for concurrent use, and must not be
// copied.
type Issuer struct {
	// Mint makes an access token for what was granted, which must say how long it
	// is good: by its ExpiresIn, or else its Expiry. Required. It is called once
	// in Begin and in an exchange, and also for an exchange that somebody else
	// turns out to have made: what it returns is then thrown away.
	Mint func(ctx context.Context, g Grant) (token.Token, error)

	// Keys authenticate the refresh tokens, for the purpose "refresh-issuer".
	// Required. A key that was taken out of first place is needed for Idle
	// longer.
	Keys *seal.Keyring

	// Store keeps the families. Required.
	Store Store

	// Idle is how long a refresh token is good if it is not used; 0 means 24
	// hours, negative means for Lifetime. Lifetime is how long a family is good
	// however much it is used; 0 means 30 days, negative means for ever.
	Idle, Lifetime time.Duration

	// Grace is how long after an exchange the token that was spent in it may
	// come back and gets the same successor again, since the answer may have
	// been lost; 0 means 60 seconds, negative means none.
	Grace time.Duration

	// Subjects switches on [Issuer.Epoch] and [Issuer.RevokeSubject], for one read
	// more an exchange. It is the same in all processes.
	Subjects bool

	// OnAudit, if not nil, is told what an auditor wants to know. It must not
	// block.
	OnAudit func(context.Context, Audit)

	// Now tells the time; nil means [time.Now]. By as much as the processes that
	// share the Store disagree on it, Grace is shorter.
	Now func() time.Time

	repeats repeats
}

const (
	defaultIdle     = 24 * time.Hour
	defaultLifetime = 30 * 24 * time.Hour
	defaultGrace    = time.Minute

	maxData = 64
	maxText = 4 << 10
)

// A Grant is what a login allows.
type Grant struct {
	// Subject is who logged in. Client is the client that the refresh token is
	// bound to (RFC 6749, section 6): presented by another, it is refused.
	Subject, Client string

	// Scope is what was granted, as in RFC 6749, section 3.3. An exchange can
	// ask for less. Mint gets what was asked for.
	Scope string

	// Audience is whom access tokens are for.
	Audience string

	// Confirm is the thumbprint of the key that the client must prove to have
	// (the jkt of RFC 9449, the x5t#S256 of RFC 8705). Empty means none; Mint then
	// gets that of the Request, for a claim such as cnf.
	Confirm string

	// Epoch is what [Issuer.Epoch] said before the credential was checked. With
	// it a login that was under way when its subject was revoked does not
	// survive. Zero means now.
	Epoch int64

	// Data is for Mint, at most 64 bytes.
	Data []byte

	// NoRotation has exchanges return the refresh token that was presented
	// instead of another, as FAPI 2.0 wants it. It needs a Confirm: whoever
	// copies such a token can do nothing without the key.
	NoRotation bool

	// Session names the family, for a claim such as sid, by a digest that may be
	// logged. The Issuer sets it.
	Session string
}

// A Request is a refresh request (RFC 6749, section 6).
type Request struct {
	Refresh token.Secret

	Client  string // who asks, authenticated
	Scope   string // what is asked for; empty means all that was granted
	Confirm string // thumbprint of the key that was proved; empty if none was
}

// usable returns an error that names the field which is missing.
func (i *Issuer) usable() error {
	switch {
	case i.Mint == nil:
		return errors.New("refresh: Issuer: Mint is missing: set what makes access tokens")
	case i.Keys == nil:
		return errors.New("refresh: Issuer: Keys are missing: set a Keyring")
	case i.Store == nil:
		return errors.New("refresh: Issuer: Store is missing: set where families are kept, such as new(Memory)")
	}
	return nil
}

func (i *Issuer) now() time.Time {
	if i.Now != nil {
		return i.Now()
	}
	return time.Now()
}

// orDefault returns d, its default if it is 0, and 0 if it is none.
func orDefault(d, def time.Duration) time.Duration {
	switch {
	case d == 0:
		return def
	case d < 0:
		return 0
	}
	return d
}

func (i *Issuer) grace() time.Duration { return orDefault(i.Grace, defaultGrace) }

// goodUntil returns when the current refresh token of a family ends if it is not
// used; the zero time is never.
func (i *Issuer) goodUntil(r *familyRow) (end time.Time) {
	if life := orDefault(i.Lifetime, defaultLifetime); life > 0 {
		end = r.began.Add(life)
	}
	if idle := orDefault(i.Idle, defaultIdle); idle > 0 {
		if at := r.rotated.Add(idle); end.IsZero() || at.Before(end) {
			end = at
		}
	}
	return end
}

const familyPrefix = "family/"

// familyKey returns the key of the row of a family.
func familyKey(t *refreshToken) string {
	sum := sha256.Sum256(t.family[:])
	b := append(make([]byte, 0, 64), familyPrefix...)
	return string(hex.AppendEncode(b, sum[:16]))
}

// sessionOf returns the name of the family with that key, which may be seen: it
// is a digest.
func sessionOf(key string) string { return key[len(familyPrefix):] }
