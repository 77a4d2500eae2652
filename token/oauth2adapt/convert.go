package oauth2adapt

import (
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// Pair returns t, which a login has just brought or a file has kept, as it is
// now: as a [refresh.Rotator]'s Initial, or for its Replace. Of a nil t it is
// zero.
//
// How long the access token has left is a matter of three fields. t.Expiry is
// what this machine's clock said at the login plus the life that the server
// gave: less what the clock says now, it is what is left. t.ExpiresIn is that
// life, and so no longer true of a token that has been kept; it is a bound, for
// when the clock was set back, and used by itself where there is no Expiry.
func Pair(t *oauth2.Token) (p refresh.Pair) {
	if t == nil {
		return p
	}
	if t.AccessToken != "" {
		p.Access = access(t)
	}
	if t.RefreshToken != "" {
		p.Refresh = token.Token{Value: token.NewSecret(t.RefreshToken)}
		life := refreshExpiresIn(func(name string) string {
			if v := t.Extra(name); v != nil {
				return fmt.Sprint(v)
			}
			return ""
		})
		if life > 0 {
			p.Refresh.ExpiresIn = notZero(life - age(t))
		}
	}
	return p
}

// IDTokenPair is Pair with the ID token that a login has just brought in place of the
// access token, for an [Exchanger] with IDToken. It is an error if there is none. Nothing
// of it is verified: that is the work of whoever has sent the nonce.
func IDTokenPair(t *oauth2.Token) (refresh.Pair, error) {
	if t == nil {
		return refresh.Pair{}, errors.New("oauth2adapt: IDTokenPair was given no token: log in first")
	}
	text, _ := t.Extra("id_token").(string)
	if !isIDToken(text) {
		return refresh.Pair{}, errors.New("oauth2adapt: the login brought no ID token: ask for the scope openid")
	}
	p := Pair(t)
	p.Access = token.New(token.NewSecret(text))
	if life := lives(p.Access); life > 0 {
		p.Access.ExpiresIn = notZero(life - age(t))
	}
	return p, nil
}

// access returns t without its refresh token.
func access(t *oauth2.Token) token.Token {
	tok := token.New(token.NewSecret(t.AccessToken))
	if kind := t.Type(); kind != "Bearer" {
		tok.Type = kind
	}
	life := lifeOf(t)
	switch {
	case !t.Expiry.IsZero():
		tok.ExpiresIn = left(t)
		if life > 0 {
			tok.ExpiresIn = min(tok.ExpiresIn, life)
		}
		tok.ExpiresIn = notZero(tok.ExpiresIn)
		if tok.Expiry.IsZero() {
			tok.Expiry = t.Expiry
		}
	case life > 0:
		tok.ExpiresIn = life
	}
	return tok
}

// lifeOf returns the life that the server gave t; 0, or less, if that is not
// known.
func lifeOf(t *oauth2.Token) time.Duration {
	if t.ExpiresIn > int64(math.MaxInt64/time.Second) {
		return math.MaxInt64
	}
	return time.Duration(t.ExpiresIn) * time.Second
}

// left returns how long t has until its Expiry. A token that comes straight from
// a login has both readings of the clock: suspend stops the monotonic one, steps
// move the other.
func left(t *oauth2.Token) time.Duration {
	now := time.Now()
	return min(t.Expiry.Sub(now), t.Expiry.Round(0).Sub(now.Round(0)))
}

// age returns how long ago t was issued, as far as it says.
func age(t *oauth2.Token) time.Duration {
	if t.Expiry.IsZero() {
		return 0
	}
	return max(0, lifeOf(t)-left(t))
}

// notZero returns d, or less than nothing where it is nothing: zero would mean
// unknown.
func notZero(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
