package main

import (
	"context"
	"errors"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	gojosejwt "github.com/go-jose/go-jose/v4/jwt"
	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwxjwe "github.com/lestrrat-go/jwx/v3/jwe"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A library reads tokens.
type library struct {
	name, what string

	// expiry reads a token's exp without verifying anything.
	expiry func(text string) (time.Time, error)

	// verifier returns what verifies a token that a has signed: the signature,
	// exp, which must be there, nbf, iss and aud.
	verifier func(a algorithm) func(text string) error

	// opener, if not nil, returns what opens b, and judge what also verifies the
	// claims in it, as verifier has it.
	opener func(b box) func() ([]byte, error)
	judge  func(b box) func() error
}

var tokenlifeLibrary = library{
	name: "ours",
	expiry: func(text string) (time.Time, error) {
		info, err := token.Inspect(token.NewSecret(text))
		return info.Claims.Expiry, err
	},
	verifier: func(a algorithm) func(string) error {
		p := accepting(jwt.Keys{a.key(keyID)})
		return func(text string) error {
			_, err := p.Verify(context.Background(), token.NewSecret(text))
			return err
		}
	},
	opener: func(b box) func() ([]byte, error) {
		d := &jwe.Decrypter{Keys: b.keys()}
		return func() ([]byte, error) { return d.Decrypt(context.Background(), token.NewSecret(b.text)) }
	},
	judge: func(b box) func() error {
		p := &jwe.Policy{Issuer: issuer, Audience: []string{audience}, Keys: b.keys()}
		return func() error {
			_, err := p.Verify(context.Background(), token.NewSecret(b.text))
			return err
		}
	},
}

// accepting returns a Policy for the tokens made here.
func accepting(keys jwt.KeySet) *jwt.Policy {
	return &jwt.Policy{Issuer: issuer, Audience: []string{audience}, Keys: keys}
}

// key returns what verifies a's signatures.
func (a algorithm) key(id string) jwt.Key {
	if shared, ok := a.public.([]byte); ok {
		return jwt.Key{ID: id, Algorithm: a.name, Shared: token.NewSecret(string(shared))}
	}
	return jwt.Key{ID: id, Algorithm: a.name, Public: a.public}
}

// keys returns the key that opens b.
func (b box) keys() jwt.Keys {
	return jwt.Keys{{ID: b.kid, Algorithm: "dir", Shared: token.NewSecret(string(b.key))}}
}

// otherLibraries are set up as one who knows them would, to check the same as
// a Policy does as far as they can, and are handed the key that they would
// otherwise have to look for.
var otherLibraries = []library{
	{
		name: "golang-jwt",
		what: "github.com/golang-jwt/jwt/v5 into RegisteredClaims, WithStrictDecoding",
		expiry: func(text string) (time.Time, error) {
			var c golangjwt.RegisteredClaims
			if _, _, err := golangjwt.NewParser().ParseUnverified(text, &c); err != nil {
				return time.Time{}, err
			}
			return c.ExpiresAt.Time, nil
		},
		verifier: func(a algorithm) func(string) error {
			p := golangjwt.NewParser(
				golangjwt.WithValidMethods([]string{a.name}),
				golangjwt.WithIssuer(issuer),
				golangjwt.WithAudience(audience),
				golangjwt.WithExpirationRequired(),
				golangjwt.WithStrictDecoding(),
				golangjwt.WithLeeway(skew.DefaultLeeway),
			)
			key := func(*golangjwt.Token) (any, error) { return a.public, nil }
			return func(text string) error {
				_, err := p.ParseWithClaims(text, &golangjwt.RegisteredClaims{}, key)
				return err
			}
		},
	},
	{
		name: "go-jose",
		what: "github.com/go-jose/go-jose/v4 and its jwt, ValidateWithLeeway",
		expiry: func(text string) (time.Time, error) {
			t, err := gojosejwt.ParseSigned(text, []gojose.SignatureAlgorithm{gojose.RS256})
			if err != nil {
				return time.Time{}, err
			}
			var c gojosejwt.Claims
			err = t.UnsafeClaimsWithoutVerification(&c)
			return c.Expiry.Time(), err
		},
		verifier: func(a algorithm) func(string) error {
			algorithms := []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(a.name)}
			return func(text string) error {
				t, err := gojosejwt.ParseSigned(text, algorithms)
				if err != nil {
					return err
				}
				return gojoseJudge(t, a.public)
			}
		},
		opener: func(b box) func() ([]byte, error) {
			return func() ([]byte, error) {
				m, err := gojose.ParseEncryptedCompact(b.text, gojoseDirect, gojoseGCM)
				if err != nil {
					return nil, err
				}
				return m.Decrypt(b.key)
			}
		},
		judge: func(b box) func() error {
			return func() error {
				t, err := gojosejwt.ParseEncrypted(b.text, gojoseDirect, gojoseGCM)
				if err != nil {
					return err
				}
				return gojoseJudge(t, b.key)
			}
		},
	},
	{
		name: "jwx",
		what: "github.com/lestrrat-go/jwx/v3 jwt.Parse and jwe.Decrypt",
		expiry: func(text string) (time.Time, error) {
			t, err := jwxjwt.ParseInsecure([]byte(text))
			if err != nil {
				return time.Time{}, err
			}
			exp, _ := t.Expiration()
			return exp, nil
		},
		verifier: func(a algorithm) func(string) error {
			algorithm, _ := jwa.LookupSignatureAlgorithm(a.name)
			options := jwxJudge(jwxjwt.WithKey(algorithm, a.public))
			return func(text string) error {
				_, err := jwxjwt.Parse([]byte(text), options...)
				return err
			}
		},
		opener: func(b box) func() ([]byte, error) {
			option := jwxjwe.WithKey(jwa.DIRECT(), b.key)
			return func() ([]byte, error) { return jwxjwe.Decrypt([]byte(b.text), option) }
		},
		judge: func(b box) func() error {
			option := jwxjwe.WithKey(jwa.DIRECT(), b.key)
			options := jwxJudge(jwxjwt.WithVerify(false))
			return func() error {
				plaintext, err := jwxjwe.Decrypt([]byte(b.text), option)
				if err != nil {
					return err
				}
				_, err = jwxjwt.Parse(plaintext, options...)
				return err
			}
		},
	},
}

var (
	gojoseDirect   = []gojose.KeyAlgorithm{gojose.DIRECT}
	gojoseGCM      = []gojose.ContentEncryption{gojose.A256GCM}
	gojoseExpected = gojosejwt.Expected{Issuer: issuer, AnyAudience: gojosejwt.Audience{audience}}
)

// gojoseJudge opens or verifies t with key, and checks its claims.
func gojoseJudge(t *gojosejwt.JSONWebToken, key any) error {
	var c gojosejwt.Claims
	if err := t.Claims(key, &c); err != nil {
		return err
	}
	if c.Expiry == nil {
		return errors.New("no exp")
	}
	return c.ValidateWithLeeway(gojoseExpected, skew.DefaultLeeway)
}

// jwxJudge returns the option that says how a token is authenticated, and those
// that check its claims.
func jwxJudge(how jwxjwt.ParseOption) []jwxjwt.ParseOption {
	return []jwxjwt.ParseOption{
		how,
		jwxjwt.WithIssuer(issuer),
		jwxjwt.WithAudience(audience),
		jwxjwt.WithRequiredClaim("exp"),
		jwxjwt.WithAcceptableSkew(skew.DefaultLeeway),
	}
}

// libraries returns ours and the others.
func libraries() []library { return append([]library{tokenlifeLibrary}, otherLibraries...) }
