package jwttest

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"strings"

	"github.com/go-jose/go-jose/v4"
	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
)

// badSpellings are ways to write one signed token that two readers could take
// for two. Empty means that this Issuer's tokens cannot be written so.
var badSpellings = []struct {
	name  string
	spell func(i *Issuer, k *key, header, claims map[string]any) string
}{
	{"exp twice", func(i *Issuer, k *key, header, claims map[string]any) string {
		return i.sealRaw(k, header, `{"exp":1,`+string(i.json(claims))[1:])
	}},
	{"exp and EXP", func(i *Issuer, k *key, header, claims map[string]any) string {
		return i.sealRaw(k, header, `{"EXP":1,`+string(i.json(claims))[1:])
	}},
	{"padding", func(i *Issuer, k *key, header, claims map[string]any) string {
		return i.seal(k, header, claims) + "="
	}},
	{"bits that no byte needs", func(i *Issuer, k *key, header, claims map[string]any) string {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		text := i.seal(k, header, claims)
		signature := text[strings.LastIndexByte(text, '.')+1:]
		if len(signature)%4 == 0 {
			return ""
		}
		last := len(text) - 1
		return text[:last] + string(alphabet[strings.IndexByte(alphabet, text[last])|1])
	}},
	{"a fourth segment", func(i *Issuer, k *key, header, claims map[string]any) string {
		return i.seal(k, header, claims) + "."
	}},
}

// forgeries are made without the Issuer's key, or from a token that it signed.
// Empty means that the forgery makes no sense for this Issuer.
var forgeries = []struct {
	name  string
	forge func(i *Issuer, k *key, header, claims map[string]any) string
	want  error
}{
	{"changed claims", func(i *Issuer, k *key, header, claims map[string]any) string {
		part := strings.Split(i.seal(k, header, claims), ".")
		changed := merge(maps.Clone(claims), map[string]any{"sub": "someone else"})
		return part[0] + "." + encode(i.json(changed)) + "." + part[2]
	}, token.ErrSignature},
	{"changed signature", func(i *Issuer, k *key, header, claims map[string]any) string {
		text := i.seal(k, header, claims)
		first := strings.LastIndexByte(text, '.') + 1
		other := "A"
		if text[first] == 'A' {
			other = "B"
		}
		return text[:first] + other + text[first+1:]
	}, token.ErrSignature},
	{"no signature", func(i *Issuer, k *key, header, claims map[string]any) string {
		text := i.seal(k, header, claims)
		return text[:strings.LastIndexByte(text, '.')+1]
	}, token.ErrMalformed},
	{"signature of zeros", func(i *Issuer, k *key, header, claims map[string]any) string {
		text := i.seal(k, header, claims)
		first := strings.LastIndexByte(text, '.') + 1
		return text[:first] + strings.Repeat("A", len(text)-first)
	}, token.ErrSignature},
	{"another's key", func(i *Issuer, k *key, header, claims map[string]any) string {
		return i.seal(i.enemy(k.Algorithm), header, claims)
	}, token.ErrSignature},
	{"another's key and an unknown kid", func(i *Issuer, k *key, header, claims map[string]any) string {
		return i.seal(i.enemy(k.Algorithm), merge(maps.Clone(header), map[string]any{"kid": "another-key"}), claims)
	}, token.ErrSignature},
	{"another's key and no kid", func(i *Issuer, k *key, header, claims map[string]any) string {
		return i.seal(i.enemy(k.Algorithm), merge(maps.Clone(header), map[string]any{"kid": nil}), claims)
	}, token.ErrSignature},
	{"another's key in the header", func(i *Issuer, _ *key, header, claims map[string]any) string {
		enemy := i.enemy("ES256")
		jwk := jose.JSONWebKey{Key: enemy.Public, KeyID: enemy.ID, Algorithm: enemy.Algorithm, Use: enemy.Use}
		return i.seal(enemy, merge(maps.Clone(header), map[string]any{"alg": "ES256", "jwk": jwk}), claims)
	}, token.ErrSignature},
	{"another's key at a jku", func(i *Issuer, _ *key, header, claims map[string]any) string {
		return i.seal(i.enemy("ES256"), merge(maps.Clone(header), map[string]any{
			"alg": "ES256", "jku": "https://another-issuer.example/keys"}), claims)
	}, token.ErrSignature},
	{"another's key at an x5u", func(i *Issuer, _ *key, header, claims map[string]any) string {
		return i.seal(i.enemy("ES256"), merge(maps.Clone(header), map[string]any{
			"alg": "ES256", "x5u": "https://another-issuer.example/chain.pem"}), claims)
	}, token.ErrSignature},
	{"HS256 with the public key as its secret", func(i *Issuer, k *key, header, claims map[string]any) string {
		if k.Public == nil {
			return ""
		}
		der, err := x509.MarshalPKIXPublicKey(k.Public)
		if err != nil {
			i.tb.Fatal(err)
		}
		public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		return i.seal(hs256(public), merge(maps.Clone(header), map[string]any{"alg": "HS256"}), claims)
	}, token.ErrSignature},
	{"HS256 with an empty secret", func(i *Issuer, _ *key, header, claims map[string]any) string {
		return i.seal(hs256([]byte{}), merge(maps.Clone(header), map[string]any{"alg": "HS256"}), claims)
	}, token.ErrSignature},
	{"encrypted, not signed", func(i *Issuer, k *key, _, claims map[string]any) string {
		to := jose.Recipient{KeyID: k.ID, Key: k.Public}
		switch gojwt.GetSigningMethod(k.Algorithm).(type) {
		case *gojwt.SigningMethodECDSA:
			to.Algorithm = jose.ECDH_ES
		case *gojwt.SigningMethodRSA, *gojwt.SigningMethodRSAPSS:
			to.Algorithm = jose.RSA_OAEP_256
		default: // nobody can encrypt with such a key
			return ""
		}
		encrypter, err := jose.NewEncrypter(jose.A256GCM, to, nil)
		if err != nil {
			i.tb.Fatal(err)
		}
		sealed, err := encrypter.Encrypt(i.json(claims))
		if err != nil {
			i.tb.Fatal(err)
		}
		text, err := sealed.CompactSerialize()
		if err != nil {
			i.tb.Fatal(err)
		}
		return text
	}, token.ErrMalformed},
}

// enemy returns a key that the Issuer does not publish. There is one for each
// algorithm, since an RSA key takes a while to make.
func (i *Issuer) enemy(algorithm string) *key {
	i.tb.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	k := i.enemies[algorithm]
	if k == nil {
		var err error
		if k, err = newKey("another-key", algorithm); err != nil {
			i.tb.Fatal(err)
		}
		i.enemies[algorithm] = k
	}
	return k
}

// hs256 returns a key that signs with secret.
func hs256(secret []byte) *key {
	return &key{sign: func(text string) ([]byte, error) {
		return gojwt.SigningMethodHS256.Sign(text, secret)
	}}
}
