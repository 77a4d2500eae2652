package jwt_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// noon is when the tests take place.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	issuer   = "https://issuer.example"
	audience = "https://api.example"
)

// A maker makes tokens, good and bad. What it is given it signs.
type maker struct {
	alg    string
	method gojwt.SigningMethod
	key    any     // for method
	public jwt.Key // that verifies; without ID
}

// makers has one for each algorithm. The keys are made once for all tests.
var makers = sync.OnceValue(func() map[string]*maker {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	m := map[string]*maker{}
	for _, method := range []gojwt.SigningMethod{gojwt.SigningMethodHS256, gojwt.SigningMethodHS384, gojwt.SigningMethodHS512} {
		secret := []byte(strings.Repeat(method.Alg(), 13))
		m[method.Alg()] = &maker{method.Alg(), method, secret, jwt.Key{Shared: token.NewSecret(string(secret))}}
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	for _, method := range []gojwt.SigningMethod{
		gojwt.SigningMethodRS256, gojwt.SigningMethodRS384, gojwt.SigningMethodRS512,
		gojwt.SigningMethodPS256, gojwt.SigningMethodPS384, gojwt.SigningMethodPS512,
	} {
		m[method.Alg()] = &maker{method.Alg(), method, rsaKey, jwt.Key{Public: &rsaKey.PublicKey}}
	}
	for method, curve := range map[gojwt.SigningMethod]elliptic.Curve{
		gojwt.SigningMethodES256: elliptic.P256(), gojwt.SigningMethodES384: elliptic.P384(), gojwt.SigningMethodES512: elliptic.P521(),
	} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
		m[method.Alg()] = &maker{method.Alg(), method, key, jwt.Key{Public: &key.PublicKey}}
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	for _, alg := range []string{"EdDSA", "Ed25519"} {
		m[alg] = &maker{alg, gojwt.SigningMethodEdDSA, priv, jwt.Key{Public: pub}}
	}
	return m
})

// makerOf returns the maker for alg.
func makerOf(t testing.TB, alg string) *maker {
	s := makers()[alg]
	if s == nil {
		t.Fatalf("no maker for %s", alg)
	}
	return s
}

// A set is a header or claims, as a map so that tests can take parts away.
type set map[string]any

// with returns s with changes; nil takes a member away.
func (s set) with(changes set) set {
	changed := set{}
	for name, value := range s {
		changed[name] = value
	}
	for name, value := range changes {
		if value == nil {
			delete(changed, name)
			continue
		}
		changed[name] = value
	}
	return changed
}

func (s set) json(t testing.TB) string {
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// good are claims that policy accepts at noon.
var good = set{
	"iss": issuer, "aud": audience, "sub": "alice",
	"iat": noon.Unix() - 60, "nbf": noon.Unix() - 60, "exp": noon.Unix() + 3600,
}

// token signs good with changes, under a header of alg alone with changes.
func (s *maker) token(t testing.TB, header, claims set) string {
	return s.sign(t, set{"alg": s.alg}.with(header).json(t), good.with(claims).json(t))
}

// sign signs two texts, whatever they are.
func (s *maker) sign(t testing.TB, header, payload string) string {
	signed := b64(header) + "." + b64(payload)
	signature, err := s.method.Sign(signed, s.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(string(signature))
}

// named returns the key that verifies what s signs, with an ID.
func (s *maker) named(id string) jwt.Key {
	k := s.public
	k.ID = id
	return k
}

// policy returns a Policy for issuer and audience at noon.
func policy(keys ...jwt.Key) *jwt.Policy {
	return &jwt.Policy{
		Keys:     jwt.Keys(keys),
		Issuer:   issuer,
		Audience: []string{audience},
		Now:      func() time.Time { return noon },
	}
}

// verify is p.Verify of a string.
func verify(t testing.TB, p *jwt.Policy, text string) (token.Claims, error) {
	return p.Verify(t.Context(), token.NewSecret(text))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// kindsOfInvalid are the kinds of token.ErrInvalid that a Policy gives.
var kindsOfInvalid = []error{
	token.ErrMalformed, token.ErrSignature, token.ErrExpired, token.ErrNotYetValid, token.ErrIssuer, token.ErrAudience, token.ErrRevoked,
}

// refused checks that err is of one kind and says why in so many words.
func refused(t testing.TB, claims token.Claims, err, kind error, why string) {
	t.Helper()
	if err == nil {
		t.Errorf("accepted; want %v: %s", kind, why)
		return
	}
	if !reflect.ValueOf(claims).IsZero() {
		t.Errorf("refused and yet there are claims: %+v", claims)
	}
	if !errors.Is(err, token.ErrInvalid) {
		t.Errorf("%v: does not match ErrInvalid", err)
	}
	for _, k := range kindsOfInvalid {
		if errors.Is(err, k) != (k == kind) {
			t.Errorf("%v: matches %v: %v", err, k, k != kind)
		}
	}
	if !strings.Contains(err.Error(), why) {
		t.Errorf("%v: want it to say %q", err, why)
	}
}
