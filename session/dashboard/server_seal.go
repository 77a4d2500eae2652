package dashboard

import (
	"context"
	"crypto/rsa"
	"errors"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// seal returns a session for c that begins now, of somebody who logged in at the
// time began; zero means now, or that nobody counts. The error matches
// [token.ErrExpired] if it would be over already.
func (s *Server) seal(ctx context.Context, c Credential, began time.Time) (sealed token.Secret, err error) {
	now := s.now() // and not when the keys have come
	d := jwe.Dashboard{Keys: s.Keys, TTL: s.TTL, Now: func() time.Time { return now }}
	if s.MaxAge > 0 && began.IsZero() {
		began = now
	}
	for _, end := range s.ends(c, began) {
		left := end.Limit.Sub(now)
		if left <= 0 {
			end.Now = now
			return token.Secret{}, &end
		}
		if ttl := ttlOf(d.TTL); ttl < 0 || left < ttl {
			d.TTL = left
		}
	}
	err = panics.Call("dashboard: Server.Keys", func() (err error) {
		sealed, err = d.Seal(ctx, c.write(began))
		return err
	})
	return sealed, err
}

// ttlOf returns how long a session lasts with the TTL given; negative is for ever.
func ttlOf(ttl time.Duration) time.Duration {
	if ttl == 0 {
		return 15 * time.Minute
	}
	return ttl
}

// ends returns what ends a session for c, whatever its own exp.
func (s *Server) ends(c Credential, began time.Time) (ends []token.TimeError) {
	// What cannot be read says nothing, and is for Authenticate to judge.
	if info, err := token.Inspect(c.Token); err == nil && !info.Expiry.IsZero() {
		ends = append(ends, token.TimeError{Claim: "exp", Limit: info.Expiry})
	}
	if s.MaxAge > 0 {
		ends = append(ends, token.TimeError{Claim: "iat", Limit: began.Add(s.MaxAge)})
	}
	return ends
}

// open returns the credential that a session is for, and when the person logged
// in, which may be zero if nobody counts. Errors are those of
// [jwe.Dashboard.Open].
//
// A session that no key opens may be under one that another replica has made: the
// keys are read anew once, if they can be, and those tried that were not there.
func (s *Server) open(ctx context.Context, presented token.Secret) (c Credential, began time.Time, err error) {
	d := jwe.Dashboard{Keys: &untried{KeySet: s.Keys}, TTL: s.TTL, Now: s.now}
	var opened jwe.DashboardSession
	open := func() (err error) {
		opened, err = d.Open(ctx, presented)
		return err
	}
	err = panics.Call("dashboard: Server.Keys", open)
	if keys, ok := s.Keys.(reloader); ok && errors.Is(err, token.ErrSignature) {
		unopened := err
		err = panics.Call("dashboard: Server.Keys", func() error {
			unread := keys.Reload(ctx)
			if err := open(); !errors.Is(err, token.ErrSignature) {
				return err
			}
			if unread == nil {
				return unopened // which says more: there may have been no other key
			}
			return ours(unread) // the key may be one that could not be read
		})
	}
	if err != nil {
		return Credential{}, time.Time{}, err
	}
	if c, began, err = readAuthInfo(opened.Credential); err != nil {
		return Credential{}, time.Time{}, err
	}
	// A Dashboard does not say when it began, and a replica whose clock is behind
	// may have refreshed it at a time before.
	if began.IsZero() && s.MaxAge > 0 || began.After(opened.IssuedAt) {
		began = opened.IssuedAt
	}
	now := s.now()
	for _, end := range s.ends(c, began) {
		if !now.Before(end.Limit) {
			end.Now = now
			return Credential{}, time.Time{}, &end
		}
	}
	return c, began, nil
}

// A reloader is a jwt.KeySet that can be asked to look again, such as a
// [KeyHolder]. The error says that it could not.
type reloader interface {
	Reload(ctx context.Context) error
}

// An untried is a jwt.KeySet that supplies each key once: anybody can present what
// no key opens, and to try one with RSA takes a thousand times as long as the rest.
type untried struct {
	jwt.KeySet
	tried []*rsa.PrivateKey
}

// Keys implements [jwt.KeySet].
func (u *untried) Keys(ctx context.Context, keyID string) ([]jwt.Key, error) {
	all, err := u.KeySet.Keys(ctx, keyID)
	var keys []jwt.Key
	for _, k := range all {
		private, ok := k.Private.(*rsa.PrivateKey)
		if ok && slices.Contains(u.tried, private) {
			continue
		}
		keys, u.tried = append(keys, k), append(u.tried, private)
	}
	return keys, err
}
