package jwt_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// The tests named TestAttack take the side of whoever presents a token. They
// go by the package's documentation alone, make their tokens with the standard
// library, and want of each refusal that it is of the right kind and of no
// other, and that it repeats nothing of the token.

const (
	forgeIssuer   = "https://issuer.example"
	forgeAudience = "https://api.example"

	// Good at forgeNow, and with enough of text in it that a leak would show.
	goodClaims = `{"iss":"https://issuer.example","aud":"https://api.example","sub":"alice-in-wonderland",` +
		`"iat":1799999990,"nbf":1799999990,"exp":1800000600,"jti":"correct-horse-battery-staple"}`
)

// forgeNow is the time for every Policy under attack.
var forgeNow = time.Unix(1800000000, 0)

// A forger has the keys of an issuer and those of its enemy.
type forger struct {
	rsa, enemyRSA    *rsa.PrivateKey
	p256, p384, p521 *ecdsa.PrivateKey
	enemyP256        *ecdsa.PrivateKey
	ed               ed25519.PrivateKey
	secret           []byte
}

// forge returns the one forger: RSA keys take time to make.
var forge = sync.OnceValue(func() *forger {
	f := &forger{
		secret: bytes.Repeat([]byte("0123456789abcdef"), 4), // enough for HS512
		ed:     ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)),
	}
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	var err error
	f.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	f.enemyRSA, err = rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	for curve, key := range map[elliptic.Curve]**ecdsa.PrivateKey{
		elliptic.P256(): &f.p256, elliptic.P384(): &f.p384, elliptic.P521(): &f.p521,
	} {
		*key, err = ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
	}
	f.enemyP256, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	return f
})

// policy returns a Policy that accepts goodClaims signed with one of keys.
func (f *forger) policy(keys ...jwt.Key) *jwt.Policy {
	return &jwt.Policy{
		Keys:     jwt.Keys(keys),
		Issuer:   forgeIssuer,
		Audience: []string{forgeAudience},
		Now:      func() time.Time { return forgeNow },
	}
}

// hsKey is the key of most policies here: its MACs are the quickest to make.
func (f *forger) hsKey() jwt.Key { return jwt.Key{Shared: token.NewSecret(string(f.secret))} }

// encode returns the base64url of s.
func (f *forger) encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// A signer signs what stands before the second dot.
type signer func(input string) []byte

// token signs header and payload, whatever they are.
func (f *forger) token(header, payload string, sign signer) string {
	input := f.encode(header) + "." + f.encode(payload)
	return input + "." + f.encode(string(sign(input)))
}

func (f *forger) hmac(h crypto.Hash, secret []byte) signer {
	return func(input string) []byte {
		mac := hmac.New(h.New, secret)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}

func (f *forger) digest(h crypto.Hash, input string) []byte {
	d := h.New()
	d.Write([]byte(input))
	return d.Sum(nil)
}

func (f *forger) pkcs1(h crypto.Hash, key *rsa.PrivateKey) signer {
	return func(input string) []byte {
		sig, err := rsa.SignPKCS1v15(nil, key, h, f.digest(h, input))
		if err != nil {
			panic(err)
		}
		return sig
	}
}

func (f *forger) pss(h crypto.Hash, key *rsa.PrivateKey, salt int) signer {
	return func(input string) []byte {
		sig, err := rsa.SignPSS(rand.Reader, key, h, f.digest(h, input), &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			panic(err)
		}
		return sig
	}
}

func (f *forger) ecdsa(h crypto.Hash, key *ecdsa.PrivateKey) signer {
	return func(input string) []byte {
		r, s, err := ecdsa.Sign(rand.Reader, key, f.digest(h, input))
		if err != nil {
			panic(err)
		}
		size := (key.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
}

func (f *forger) eddsa(key ed25519.PrivateKey) signer {
	return func(input string) []byte { return ed25519.Sign(key, []byte(input)) }
}

// always signs everything with the same bytes.
func (f *forger) always(sig ...byte) signer { return func(string) []byte { return sig } }

// hs256 is the signer that goes with hsKey.
func (f *forger) hs256() signer { return f.hmac(crypto.SHA256, f.secret) }

// kinds are all the ways in which a token can be invalid.
var kinds = []error{
	token.ErrMalformed, token.ErrSignature, token.ErrExpired, token.ErrNotYetValid,
	token.ErrIssuer, token.ErrAudience, token.ErrRevoked,
}

// refuses checks that p refuses text, and that the error matches one of kinds
// and no other kind. More than one is given where the documentation leaves it
// open.
func (f *forger) refuses(t *testing.T, p token.Verifier, text string, want ...error) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("panic: %v", v)
		}
	}()
	claims, err := p.Verify(t.Context(), token.NewSecret(text))
	switch {
	case err == nil:
		t.Errorf("accepted, for %q", claims.Subject)
		return
	case claims.Issuer != "" || claims.Subject != "" || claims.ID != "" || claims.Audience != nil || !claims.Expiry.IsZero():
		t.Errorf("refused, but claims came with it")
	case !errors.Is(err, token.ErrInvalid):
		t.Errorf("no answer: %v", err)
	}
	matched, wanted := 0, false
	for _, kind := range kinds {
		if !errors.Is(err, kind) {
			continue
		}
		matched++
		for _, w := range want {
			wanted = wanted || w == kind
		}
	}
	if matched != 1 || !wanted {
		t.Errorf("got %q (%d kinds), want one of %v", err, matched, want)
	}
	f.tellsNothing(t, err, text)
}

// tellsNothing checks that err repeats nothing of text that is worth having,
// and nothing that could forge a line of a log.
func (f *forger) tellsNothing(t *testing.T, err error, text string) {
	t.Helper()
	const window = 12
	message := err.Error()
	if len(message) > 400 {
		t.Errorf("an error of %d bytes: %.100s...", len(message), message)
	}
	if i := strings.IndexFunc(message, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }); i >= 0 {
		t.Errorf("the error has %q in it", message[i:])
	}
	// Who issued a token and for whom may be said, cut to a sensible length,
	// once the issuer is known to have signed it.
	if errors.Is(err, token.ErrIssuer) || errors.Is(err, token.ErrAudience) {
		return
	}
	for i, segment := range strings.Split(text, ".") {
		if i > 4 {
			break
		}
		texts := []string{segment}
		if raw, err := base64.RawURLEncoding.DecodeString(segment); err == nil && i > 0 {
			texts = append(texts, string(raw))
		}
		for _, secret := range texts {
			if len(secret) > 1<<16 {
				secret = secret[:1<<16]
			}
			for j := range len(message) - window + 1 {
				if part := message[j : j+window]; strings.Contains(secret, part) {
					t.Errorf("the error repeats %q: %s", part, message)
					return
				}
			}
		}
	}
}

// accepts checks that p accepts text: what goodClaims say.
func (f *forger) accepts(t *testing.T, p token.Verifier, text string) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("panic: %v", v)
		}
	}()
	claims, err := p.Verify(t.Context(), token.NewSecret(text))
	if err != nil {
		t.Errorf("refused: %v", err)
		return
	}
	if claims.Issuer != forgeIssuer || claims.Subject != "alice-in-wonderland" || claims.Expiry.Unix() != 1800000600 {
		t.Errorf("accepted with other claims: %q, %q, %v", claims.Issuer, claims.Subject, claims.Expiry)
	}
}

// The forger's own tools work: what it signs with the right key is accepted.
// Every other test here would pass if they did not.
func TestAttackTools(t *testing.T) {
	t.Parallel()
	f := forge()
	for _, c := range []struct {
		alg  string
		key  jwt.Key
		sign signer
	}{
		{"HS256", f.hsKey(), f.hs256()},
		{"HS384", f.hsKey(), f.hmac(crypto.SHA384, f.secret)},
		{"HS512", f.hsKey(), f.hmac(crypto.SHA512, f.secret)},
		{"RS256", jwt.Key{Public: &f.rsa.PublicKey}, f.pkcs1(crypto.SHA256, f.rsa)},
		{"RS384", jwt.Key{Public: &f.rsa.PublicKey}, f.pkcs1(crypto.SHA384, f.rsa)},
		{"RS512", jwt.Key{Public: &f.rsa.PublicKey}, f.pkcs1(crypto.SHA512, f.rsa)},
		{"PS256", jwt.Key{Public: &f.rsa.PublicKey}, f.pss(crypto.SHA256, f.rsa, 32)},
		{"PS384", jwt.Key{Public: &f.rsa.PublicKey}, f.pss(crypto.SHA384, f.rsa, 48)},
		{"PS512", jwt.Key{Public: &f.rsa.PublicKey}, f.pss(crypto.SHA512, f.rsa, 64)},
		{"ES256", jwt.Key{Public: &f.p256.PublicKey}, f.ecdsa(crypto.SHA256, f.p256)},
		{"ES384", jwt.Key{Public: &f.p384.PublicKey}, f.ecdsa(crypto.SHA384, f.p384)},
		{"ES512", jwt.Key{Public: &f.p521.PublicKey}, f.ecdsa(crypto.SHA512, f.p521)},
		{"EdDSA", jwt.Key{Public: f.ed.Public()}, f.eddsa(f.ed)},
	} {
		t.Run(c.alg, func(t *testing.T) {
			text := f.token(`{"alg":"`+c.alg+`"}`, goodClaims, c.sign)

			p := f.policy(c.key) // the usual algorithm of the kind of key, or a listed one
			p.Algorithms = []string{c.alg}
			f.accepts(t, p, text)

			c.key.Algorithm = c.alg
			f.accepts(t, f.policy(c.key), text)

			// One bit of each segment makes a token that is refused.
			sum := sha256.Sum256([]byte(text)) // which bit does not matter much
			parts := strings.Split(text, ".")
			sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
			sig[int(sum[0])%len(sig)] ^= 1 << (sum[1] % 8)
			f.refuses(t, p, parts[0]+"."+parts[1]+"."+f.encode(string(sig)), token.ErrSignature)
			other := f.encode(strings.Replace(goodClaims, "alice", "aline", 1))
			f.refuses(t, p, parts[0]+"."+other+"."+parts[2], token.ErrSignature)
		})
	}
}
