//lint:file-ignore SA1019 Keys that no library makes are put together by hand.

package jwt_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// algorithmNames are all that a Policy can accept.
var algorithmNames = []string{
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
	"ES256", "ES384", "ES512", "EdDSA", "Ed25519",
}

// Without Algorithms a key verifies what its alg says, or else the usual
// algorithm of its kind.
func TestKeysChooseTheAlgorithm(t *testing.T) {
	t.Parallel()
	usual := map[string]bool{"HS256": true, "RS256": true, "ES256": true, "ES384": true, "ES512": true, "EdDSA": true, "Ed25519": true}
	for _, alg := range algorithmNames {
		m := makerOf(t, alg)
		text := m.token(t, set{"kid": "1"}, nil)
		for _, keyAlg := range append([]string{"", "none", "hs256", "RSA-OAEP-256"}, algorithmNames...) {
			k := m.named("1")
			k.Algorithm = keyAlg
			claims, err := verify(t, policy(k), text)
			if want := keyAlg == alg || keyAlg == "" && usual[alg]; want {
				if err != nil {
					t.Errorf("%s under a key for %q: %v", alg, keyAlg, err)
				}
				continue
			}
			why := "its own alg is another"
			if keyAlg == "" {
				why = "it has no alg, and for its kind this one must be listed in Policy.Algorithms"
			}
			refused(t, claims, err, token.ErrSignature, why)

			// Listing it makes up for a key that says nothing, and for nothing
			// else.
			p := policy(k)
			p.Algorithms = []string{"HS256", alg}
			claims, err = verify(t, p, text)
			switch {
			case keyAlg == "" && err != nil:
				t.Errorf("%s, which is listed: %v", alg, err)
			case keyAlg != "":
				refused(t, claims, err, token.ErrSignature, "its own alg is another")
			}
		}
	}
}

// A token under one algorithm says that it is of another, whatever key there is
// for that, and the key's secret may be the public key's own text.
func TestKeysOfOtherKinds(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithmNames {
		for _, other := range algorithmNames {
			if alg == other || makerOf(t, alg).public.Public != nil && fmt.Sprint(makerOf(t, alg).public) == fmt.Sprint(makerOf(t, other).public) {
				continue // the same key
			}
			p := policy(makerOf(t, other).named("1"))
			p.Algorithms = algorithmNames
			claims, err := verify(t, p, makerOf(t, alg).token(t, set{"kid": "1"}, nil))
			if strings.HasPrefix(alg, "HS") && strings.HasPrefix(other, "HS") {
				refused(t, claims, err, token.ErrSignature, "") // by its length or its value
				continue
			}
			refused(t, claims, err, token.ErrSignature, "it is ")
		}
	}
}

// Before any key is asked for, alg must be one that some key could have.
func TestAlgorithmBeforeKeys(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "RS256")
	p := policy()
	p.Keys = noKeys{t}
	p.Algorithms = []string{"RS256"}
	for _, test := range []struct{ alg, why string }{
		{"none", "alg: none"}, {"None", "alg: none"}, {"NONE", "alg: none"}, {"nOnE", "alg: none"},
		{"rs256", "alg: unknown"}, {"RS256 ", "alg: unknown"}, {"HS1", "alg: unknown"}, {"RS1", "alg: unknown"},
		{"RSA1_5", "alg: unknown"}, {"dir", "alg: unknown"}, {"PBES2-HS256+A128KW", "alg: unknown"}, {"ES256K", "alg: unknown"},
		{"Ed448", "alg: unknown"}, {"ML-DSA-44", "alg: unknown"}, {"\x00", "alg: unknown"},
		{"HS256", "alg: HS256, which is not in Policy.Algorithms"}, {"RS512", "alg: RS512, which is not in Policy.Algorithms"},
	} {
		claims, err := verify(t, p, m.token(t, set{"alg": test.alg}, nil))
		refused(t, claims, err, token.ErrSignature, test.why)

		unsigned := b64(set{"alg": test.alg}.json(t)) + "." + b64(good.json(t)) + "."
		if claims, err := verify(t, p, unsigned); strings.EqualFold(test.alg, "none") {
			refused(t, claims, err, token.ErrSignature, test.why)
		} else {
			refused(t, claims, err, token.ErrMalformed, "segment 3 (signature): empty")
		}
	}
}

// What a key may be used for, and how good it must be.
func TestUnfitKeys(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 4096, 1), E: 65537}
	rs := makerOf(t, "RS256").public.Public.(*rsa.PublicKey)
	es := makerOf(t, "ES256").public.Public.(*ecdsa.PublicKey)

	const (
		ops   = "its key_ops lack verify"
		other = "it is a key of another kind"

		// Behind it is why no token is at fault.
		unfilled = "the Policy is at fault: "
	)
	for _, test := range []struct {
		name, alg string
		edit      func(*jwt.Key)
		why       string // empty if it is fit
	}{
		{"use sig", "RS256", func(k *jwt.Key) { k.Use = "sig" }, ""},
		{"use enc", "RS256", func(k *jwt.Key) { k.Use = "enc" }, "its use is not sig"},
		{"use Sig", "RS256", func(k *jwt.Key) { k.Use = "Sig" }, "its use is not sig"},
		{"use enc of a secret", "HS256", func(k *jwt.Key) { k.Use = "enc" }, "its use is not sig"},
		{"verify", "RS256", func(k *jwt.Key) { k.Operations = []string{"sign", "verify"} }, ""},
		{"sign", "RS256", func(k *jwt.Key) { k.Operations = []string{"sign"} }, ops},
		{"decrypt", "HS256", func(k *jwt.Key) { k.Operations = []string{"decrypt"} }, ops},
		{"nothing", "RS256", func(k *jwt.Key) { k.Operations = []string{} }, ops},
		{"verify, but enc", "RS256", func(k *jwt.Key) { k.Use, k.Operations = "enc", []string{"verify"} }, "its use is not sig"},

		{"1024 bits", "RS256", func(k *jwt.Key) { k.Public = &small.PublicKey }, "it is an RSA key of less than 2048 bits"},
		{"2047 bits", "RS256", func(k *jwt.Key) { k.Public = &rsa.PublicKey{N: new(big.Int).Rsh(rs.N, 1), E: rs.E} }, "it is an RSA key of less than 2048 bits"},
		{"4097 bits", "RS256", func(k *jwt.Key) { k.Public = huge }, "it is an RSA key of more than 4096 bits"},
		{"exponent 1", "RS256", func(k *jwt.Key) { k.Public = &rsa.PublicKey{N: rs.N, E: 1} }, "it is an RSA key with an exponent"},
		{"exponent even", "RS256", func(k *jwt.Key) { k.Public = &rsa.PublicKey{N: rs.N, E: 65538} }, "it is an RSA key with an exponent"},
		{"exponent negative", "RS256", func(k *jwt.Key) { k.Public = &rsa.PublicKey{N: rs.N, E: -3} }, "it is an RSA key with an exponent"},
		{"modulus even", "RS256", func(k *jwt.Key) { k.Public = &rsa.PublicKey{N: new(big.Int).Lsh(rs.N, 1), E: rs.E} }, "it is an RSA key with a modulus"},
		{"modulus negative", "RS256", func(k *jwt.Key) { k.Public = &rsa.PublicKey{N: new(big.Int).Neg(rs.N), E: rs.E} }, "it is an RSA key with a modulus"},
		{"no RSA key", "RS256", func(k *jwt.Key) { k.Public = (*rsa.PublicKey)(nil) }, unfilled + "nil, or has nothing"},
		{"RSA key of nothing", "RS256", func(k *jwt.Key) { k.Public = &rsa.PublicKey{} }, unfilled + "nil, or has nothing"},
		{"RSA key by value", "RS256", func(k *jwt.Key) { k.Public = *rs }, unfilled + "of type rsa.PublicKey"},
		{"private half", "RS256", func(k *jwt.Key) { k.Private, k.Public = makerOf(t, "RS256").key, nil }, unfilled + "only Private"},
		{"private half as public", "RS256", func(k *jwt.Key) { k.Public = makerOf(t, "RS256").key }, unfilled + "holds a private key"},

		{"31 bytes", "HS256", func(k *jwt.Key) { k.Shared = token.NewSecret(k.Shared.Reveal()[:31]) }, "it is a secret shorter than the algorithm's hash"},
		{"47 bytes", "HS384", func(k *jwt.Key) { k.Shared, k.Algorithm = token.NewSecret(k.Shared.Reveal()[:47]), "HS384" }, "it is a secret shorter"},
		{"63 bytes", "HS512", func(k *jwt.Key) { k.Shared, k.Algorithm = token.NewSecret(k.Shared.Reveal()[:63]), "HS512" }, "it is a secret shorter"},
		{"no bytes", "HS256", func(k *jwt.Key) { k.Shared = token.Secret{} }, unfilled + "neither Public nor Shared"},
		{"two keys, HS256", "HS256", func(k *jwt.Key) { k.Public = rs }, "it is a public and a shared key, without the alg that tells which"},
		{"two keys, RS256", "RS256", func(k *jwt.Key) { k.Shared = makerOf(t, "HS256").public.Shared }, "it is a public and a shared key, "},
		{"two keys and an alg", "HS256", func(k *jwt.Key) { k.Public, k.Algorithm = rs, "HS256" }, ""},
		{"two keys and the other alg", "HS256", func(k *jwt.Key) { k.Public, k.Algorithm = rs, "RS256" }, "its own alg is another"},
		{"secret as public", "HS256", func(k *jwt.Key) { k.Shared, k.Public = token.Secret{}, []byte(k.Shared.Reveal()) }, unfilled + "of type []uint8"},

		{"P-224", "ES256", func(k *jwt.Key) { k.Public = &p224.PublicKey }, "it is on another curve"},
		{"P-384", "ES256", func(k *jwt.Key) { k.Public = makerOf(t, "ES384").public.Public }, "it is on another curve"},
		{"curve of one's own", "ES256", func(k *jwt.Key) { k.Public = &ecdsa.PublicKey{Curve: elliptic.P256().Params(), X: es.X, Y: es.Y} }, "it is on another curve"},
		{"no curve", "ES256", func(k *jwt.Key) { k.Public = &ecdsa.PublicKey{X: es.X, Y: es.Y} }, unfilled + "nil, or has nothing"},
		{"no EC key", "ES256", func(k *jwt.Key) { k.Public = (*ecdsa.PublicKey)(nil) }, unfilled + "nil, or has nothing"},
		{"EC key for exchange", "ES256", func(k *jwt.Key) { k.Public = x25519.PublicKey() }, unfilled + "of type *ecdh.PublicKey"},
		{"off the curve", "ES256", func(k *jwt.Key) { k.Public = &ecdsa.PublicKey{Curve: es.Curve, X: es.X, Y: es.X} }, `it was not made with key "1" (`},
		{"negative", "ES256", func(k *jwt.Key) {
			k.Public = &ecdsa.PublicKey{Curve: es.Curve, X: new(big.Int).Neg(es.X), Y: es.Y}
		}, `it was not made with key "1" (`},

		{"Ed25519 of 31 bytes", "EdDSA", func(k *jwt.Key) { k.Public = k.Public.(ed25519.PublicKey)[:31] }, other},
		{"Ed25519 of order 1", "EdDSA", func(k *jwt.Key) { k.Public = append(ed25519.PublicKey{1}, make([]byte, 31)...) }, "it is an Ed25519 key that anyone can sign for"},
		{"Ed25519 private", "EdDSA", func(k *jwt.Key) { k.Public = makerOf(t, "EdDSA").key }, unfilled + "holds a private key"},
		{"nothing", "EdDSA", func(k *jwt.Key) { k.Public = nil }, unfilled + "neither Public nor Shared"},
		{"a string", "EdDSA", func(k *jwt.Key) { k.Public = crypto.PublicKey("key") }, unfilled + "of type string"},
	} {
		k := makerOf(t, test.alg).named("1")
		test.edit(&k)
		claims, err := verify(t, policy(k), makerOf(t, test.alg).token(t, set{"kid": "1"}, nil))
		if test.why == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		t.Log(test.name)
		if why, ok := strings.CutPrefix(test.why, unfilled); ok {
			if err == nil || errors.Is(err, token.ErrInvalid) || !strings.HasPrefix(err.Error(), `jwt: Policy.Keys has no key that verifies anything; of the last, key "1" (`) || !strings.Contains(err.Error(), why) {
				t.Errorf("%v; want it to say %q", err, why)
			}
			continue
		}
		refused(t, claims, err, token.ErrSignature, test.why)
	}
}

// A secret that is as long as the hash is long enough.
func TestShortestSecrets(t *testing.T) {
	t.Parallel()
	for method, size := range map[gojwt.SigningMethod]int{
		gojwt.SigningMethodHS256: 32, gojwt.SigningMethodHS384: 48, gojwt.SigningMethodHS512: 64,
	} {
		m := &maker{alg: method.Alg(), method: method, key: []byte(strings.Repeat("s", size))}
		p := policy(jwt.Key{Shared: token.NewSecret(strings.Repeat("s", size)), Algorithm: m.alg})
		if _, err := verify(t, p, m.token(t, nil, nil)); err != nil {
			t.Errorf("%s: %v", m.alg, err)
		}
	}
}

// Of all lengths of salt, one is right (RFC 7518, section 3.5).
func TestSalt(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"PS256", "PS384", "PS512"} {
		m := makerOf(t, alg)
		p := policy(m.public)
		p.Algorithms = []string{alg}
		pss := m.method.(*gojwt.SigningMethodRSAPSS)
		for _, salt := range []int{rsa.PSSSaltLengthAuto, 1, 20, pss.Hash.Size() - 1, pss.Hash.Size() + 1} {
			other := *m
			other.method = &gojwt.SigningMethodRSAPSS{SigningMethodRSA: pss.SigningMethodRSA, Options: &rsa.PSSOptions{SaltLength: salt}}
			text := other.token(t, nil, nil)
			if _, err := gojwt.NewParser(gojwt.WithoutClaimsValidation()).Parse(text, func(*gojwt.Token) (any, error) { return m.public.Public, nil }); err != nil {
				t.Fatalf("%s, salt of %d: not even golang-jwt takes it: %v", alg, salt, err)
			}
			claims, err := verify(t, p, text)
			refused(t, claims, err, token.ErrSignature, "it was not made with key ")
		}
	}
}

// keySet is a KeySet made of a function.
type keySet func(ctx context.Context, keyID string) ([]jwt.Key, error)

func (f keySet) Keys(ctx context.Context, keyID string) ([]jwt.Key, error) { return f(ctx, keyID) }

func TestKeySetErrors(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "HS256")
	text := m.token(t, set{"kid": "1"}, nil)
	p := policy()

	down := errors.New("keys: the issuer is away")
	p.Keys = keySet(func(context.Context, string) ([]jwt.Key, error) { return []jwt.Key{m.named("1")}, down })
	if _, err := verify(t, p, text); err != down {
		t.Errorf("%v, want what the KeySet said", err)
	}

	// Such as when our own token for a key endpoint was refused.
	p.Keys = keySet(func(context.Context, string) ([]jwt.Key, error) {
		return nil, fmt.Errorf("keys: %w", token.ErrExpired)
	})
	if _, err := verify(t, p, text); err == nil || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrExpired) || !errors.Is(err, token.ErrRefused) || !strings.HasPrefix(err.Error(), "jwt: no keys to verify with: keys: ") {
		t.Errorf("%v: blames the token that was presented", err)
	}

	p.Keys = keySet(func(context.Context, string) ([]jwt.Key, error) { return nil, nil })
	claims, err := verify(t, p, text)
	refused(t, claims, err, token.ErrSignature, `kid "1": none of the keys has it`)
	claims, err = verify(t, p, m.token(t, nil, nil))
	refused(t, claims, err, token.ErrSignature, "there are no keys")

	// The context is for the keys alone, and reaches them.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Keys = keySet(func(got context.Context, id string) ([]jwt.Key, error) {
		if got != ctx || id != "1" {
			t.Errorf("asked for %q", id)
		}
		return []jwt.Key{m.named("1")}, nil
	})
	if _, err := p.Verify(ctx, token.NewSecret(text)); err != nil {
		t.Errorf("a context that is over, and keys that are there: %v", err)
	}
}

// Of keys that could be it, no more than 16 are tried.
func TestBoundedWork(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "HS256")
	wrong := jwt.Key{Shared: token.NewSecret(strings.Repeat("wrong", 13))}
	unfit := jwt.Key{Shared: wrong.Shared, Use: "enc"}
	for _, test := range []struct {
		wrong, unfit int
		why          string
	}{
		{wrong: 0}, {wrong: 15}, {wrong: 15, unfit: 100},
		{wrong: 16, why: "it was made with none of the first 16 keys that fit"},
		{wrong: 1000, why: "it was made with none of the first 16 keys that fit"},
	} {
		var keys []jwt.Key
		for range test.unfit {
			keys = append(keys, unfit)
		}
		for range test.wrong {
			keys = append(keys, wrong)
		}
		keys = append(keys, m.public)
		for _, header := range []set{nil, {"kid": "1"}} {
			claims, err := verify(t, policy(keys...), m.token(t, header, nil))
			if test.why == "" {
				if err != nil {
					t.Errorf("%+v: %v", test, err)
				}
				continue
			}
			refused(t, claims, err, token.ErrSignature, test.why)
		}
	}
	claims, err := verify(t, policy(wrong, unfit, wrong), m.token(t, nil, nil))
	refused(t, claims, err, token.ErrSignature, "it was made with none of the 2 keys that fit")
	claims, err = verify(t, policy(unfit, unfit), m.token(t, nil, nil))
	refused(t, claims, err, token.ErrSignature, "none of 2 keys may be used for HS256; of the last, its use is not sig")
}

// The code that checks signatures panics on a key that lacks parts. That is no
// verdict.
func TestPanic(t *testing.T) {
	t.Parallel()
	p := policy(jwt.Key{Public: &ecdsa.PublicKey{Curve: elliptic.P256()}})
	_, err := verify(t, p, makerOf(t, "ES256").token(t, nil, nil))
	if err == nil || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), "is a Key incomplete?") {
		t.Errorf("%v", err)
	}
}

// Keys that a token brings along, or says where to find, do not count.
func TestKeysInTokens(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "HS256")
	evil := &maker{alg: "HS256", method: gojwt.SigningMethodHS256, key: []byte(strings.Repeat("evil", 10))}
	jwk := set{"kty": "oct", "k": b64(strings.Repeat("evil", 10)), "kid": "1"}
	header := set{"kid": "1", "jwk": jwk, "jku": "https://evil.example/keys", "x5u": "https://evil.example/cert", "x5c": []string{"AAAA"}}
	claims, err := verify(t, policy(m.named("1")), evil.token(t, header, nil))
	refused(t, claims, err, token.ErrSignature, `it was not made with key "1" (`)
	if _, err := verify(t, policy(m.named("1")), m.token(t, header, nil)); err != nil {
		t.Errorf("what is not followed does no harm either: %v", err)
	}
}
