package jwe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A Dashboard makes and opens the session tokens of the Kubernetes Dashboard 2.x:
// credentials, encrypted for the Dashboard itself, with the dates of the session
// beside them for everybody to read.
//
// Such a token proves nothing: whoever has the public key can make one. What
// counts is the credential in it, which is for its own server to judge.
//
// The fields must be set before first use. A Dashboard is then safe for
// concurrent use.
type Dashboard struct {
	// Keys are RSA keys, of which the first makes tokens and all open them: as
	// the tokens do not name their key, at most 16 are tried. They are asked for
	// at each token. Required. The Dashboard itself has one, in the Secret
	// kubernetes-dashboard-key-holder, which [jwt.ParseKeys] reads.
	Keys jwt.KeySet

	// TTL is how long a session lasts; 0 means 15 minutes, as with the
	// Dashboard. Negative means for ever, as --token-ttl=0 does: tokens are made
	// without exp, and no exp is looked at. With any other TTL a token without
	// exp has expired.
	TTL time.Duration

	// Leeway is how long after its exp a token is still good; 0 and less mean
	// that it is not, as with the Dashboard. A token may always be issued
	// [skew.DefaultLeeway] ahead of Now, by another replica's clock.
	Leeway time.Duration

	// MaxAge refuses tokens issued longer ago, by iat, however late they expire;
	// 0 means any age. A session that is refreshed gets a new iat each time.
	MaxAge time.Duration

	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

const defaultTTL = 15 * time.Minute

// A DashboardSession is what is in a token of the Dashboard.
type DashboardSession struct {
	// Credential is what the token was made of: for the Dashboard, a JSON object
	// as client-go has it for users, {"LocationOfOrigin":"","token":"..."}.
	Credential token.Secret

	IssuedAt time.Time
	Expiry   time.Time // zero: never
}

// Seal returns a token for a session that begins now, with credential in it. To
// refresh a session, seal its Credential again.
func (d *Dashboard) Seal(ctx context.Context, credential token.Secret) (token.Secret, error) {
	if err := incomplete("Dashboard", d.Keys, nil); err != nil {
		return token.Secret{}, err
	}
	if credential.IsZero() {
		return token.Secret{}, errors.New("jwe: an empty credential, of which no Dashboard token is made")
	}
	key, err := d.sealingKey(ctx)
	if err != nil {
		return token.Secret{}, err
	}
	aad, err := json.Marshal(d.dates())
	if err != nil {
		return token.Secret{}, fmt.Errorf("jwe: no dates for a Dashboard token: %w", err)
	}
	text, err := encryptJOSE(dashboardMethod, gojose.Recipient{Algorithm: gojose.RSA_OAEP_256, Key: key}, nil, func(e gojose.Encrypter) (string, error) {
		j, err := e.EncryptWithAuthData([]byte(credential.Reveal()), aad)
		if err != nil {
			return "", err
		}
		return j.FullSerialize(), nil
	})
	if err != nil {
		return token.Secret{}, err
	}
	return token.NewSecret(text), nil
}

// sealingKey returns the key to make tokens with.
func (d *Dashboard) sealingKey(ctx context.Context) (any, error) {
	keys, err := d.Keys.Keys(ctx, "")
	switch {
	case errors.Is(err, token.ErrInvalid):
		return nil, token.Refused(fmt.Errorf("jwe: no keys to make Dashboard tokens with: %w", err))
	case err != nil:
		return nil, err
	case len(keys) == 0:
		return nil, errors.New("jwe: Dashboard.Keys has none")
	}
	m := dashboardMethod
	why := m.unfitUse(m.encryption, &keys[0], false, m.encrypting())
	var key any
	if why == "" {
		key, why = m.public(m.encryption, &keys[0])
	}
	if why != "" {
		return nil, fmt.Errorf("jwe: the first of Dashboard.Keys must not make tokens: %s", why)
	}
	return key, nil
}

// Dashboard tokens are all made in one way. That the key has no alg is usual.
var dashboardMethod = method{algorithm: algorithms["RSA-OAEP-256"], encryption: encryptions["A256GCM"]}

// aad is the additional data of a Dashboard token.
type aad struct {
	Expiry   string `json:"exp,omitempty"`
	IssuedAt string `json:"iat"`
}

// dates returns those of a session that begins now.
func (d *Dashboard) dates() aad {
	now := d.now().UTC()
	dates := aad{IssuedAt: now.Format(time.RFC3339)}
	if ttl := d.ttl(); ttl > 0 {
		dates.Expiry = now.Add(ttl).Format(time.RFC3339)
	}
	return dates
}

// ttl returns how long a session lasts; 0 is for ever.
func (d *Dashboard) ttl() time.Duration {
	if d.TTL == 0 {
		return defaultTTL
	}
	return max(0, d.TTL)
}

func (d *Dashboard) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// Open returns the session that a token is for.
//
// The error matches [token.ErrMalformed] if presented is no JWE of the Dashboard;
// [token.ErrSignature] if no key decrypts it, or if it was changed in any way,
// its dates included; and [token.ErrExpired] or [token.ErrNotYetValid] if it is
// outside its lifetime. What is said of the dates is said of those that the key
// vouches for. Any other error means that the keys could not be had.
//
// Where the Dashboard is lenient Open is not: the algorithms must be RSA-OAEP-256
// and A256GCM, and in the protected header; iat must be there, as a date; no
// member may be there twice; and the credential must not be empty.
func (d *Dashboard) Open(ctx context.Context, presented token.Secret) (DashboardSession, error) {
	if err := incomplete("Dashboard", d.Keys, nil); err != nil {
		return DashboardSession{}, err
	}
	f, err := parseFlattened(presented.Reveal())
	if err != nil {
		return DashboardSession{}, err
	}
	plaintext, err := f.decrypt(ctx, d.Keys)
	if err != nil {
		return DashboardSession{}, err
	}
	s, err := f.session()
	if err != nil {
		return DashboardSession{}, err
	}
	if len(plaintext) == 0 { // whoever acts without a credential may act as itself
		return DashboardSession{}, malformed("ciphertext", errors.New("no credential in it"))
	}
	if err := d.check(s); err != nil {
		return DashboardSession{}, err
	}
	s.Credential = token.NewSecret(string(plaintext))
	return s, nil
}

// check checks that s is a session for now.
func (d *Dashboard) check(s DashboardSession) error {
	now := d.now()
	if d.ttl() > 0 {
		leeway := max(0, d.Leeway)
		switch {
		case s.Expiry.IsZero():
			return fmt.Errorf("%w: it has no exp, as it was made to last for ever, and no session does that here", token.ErrExpired)
		case s.Expiry.Before(s.IssuedAt):
			return malformed("aad", errors.New("exp: before iat, so it was never valid"))
		case now.After(s.Expiry.Add(leeway)): // at exp itself it is good
			return &token.TimeError{Claim: "exp", Limit: s.Expiry, Now: now, Leeway: leeway}
		}
	}
	if ahead := max(d.Leeway, skew.DefaultLeeway); s.IssuedAt.After(now.Add(ahead)) {
		return &token.TimeError{Claim: "iat", Limit: s.IssuedAt, Now: now, Leeway: ahead}
	}
	if end := s.IssuedAt.Add(d.MaxAge); d.MaxAge > 0 && now.After(end) {
		return &token.TimeError{Claim: "iat", Limit: end, Now: now}
	}
	return nil
}
