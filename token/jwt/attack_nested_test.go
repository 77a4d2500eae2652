package jwt_test

import (
	"context"
	"crypto"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A forgeOpener decrypts with a private key, as go-jose does, and counts.
type forgeOpener struct {
	f      *forger
	opened int
}

func (o *forgeOpener) Decrypt(_ context.Context, sealed token.Secret) ([]byte, error) {
	o.opened++
	jwe, err := jose.ParseEncryptedCompact(sealed.Reveal(),
		[]jose.KeyAlgorithm{jose.RSA_OAEP_256, jose.PBES2_HS256_A128KW}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, token.ErrMalformed
	}
	plaintext, err := jwe.Decrypt(o.f.rsa)
	if err != nil {
		return nil, token.ErrSignature
	}
	return plaintext, nil
}

// seal encrypts under the public key, which everybody has.
func (f *forger) seal(t *testing.T, plaintext string, options *jose.EncrypterOptions) string {
	t.Helper()
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: &f.rsa.PublicKey}, options)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := e.Encrypt([]byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A grower decrypts anything to itself.
type grower string

func (g grower) Decrypt(context.Context, token.Secret) ([]byte, error) { return []byte(g), nil }

// What is encrypted around a signed token is accepted, and what anybody could
// have encrypted is not.
func TestAttackNested(t *testing.T) {
	t.Parallel()
	f := forge()
	o := &forgeOpener{f: f}
	p := f.policy(f.hsKey())
	p.Decrypt = o
	nested := func() *jose.EncrypterOptions { return (&jose.EncrypterOptions{}).WithContentType("JWT") }
	signed := f.token(`{"alg":"HS256"}`, goodClaims, f.hs256())

	f.accepts(t, p, f.seal(t, signed, nested()))

	f.refuses(t, p, f.seal(t, goodClaims, nested()), token.ErrSignature) // encrypted only: it is not of the issuer
	f.refuses(t, p, f.seal(t, signed, nil), token.ErrMalformed)          // RFC 7519, section 5.2, has it say cty

	for what, plaintext := range map[string]string{
		"claims in white space":         " \n" + goodClaims,
		"unsigned inside":               f.encode(`{"alg":"none"}`) + "." + f.encode(goodClaims) + ".",
		"unsigned inside, None":         f.encode(`{"alg":"None"}`) + "." + f.encode(goodClaims) + ".",
		"signed by nobody inside":       f.token(`{"alg":"HS256"}`, goodClaims, f.hmac(crypto.SHA256, nil)),
		"signed by another inside":      f.token(`{"alg":"RS256"}`, goodClaims, f.pkcs1(crypto.SHA256, f.enemyRSA)),
		"encrypted twice":               f.seal(t, signed, nested()),
		"encrypted twice, claims":       f.seal(t, goodClaims, nested()),
		"flattened JSON inside":         `{"payload":"` + strings.Split(signed, ".")[1] + `","protected":"` + strings.Split(signed, ".")[0] + `","signature":"` + strings.Split(signed, ".")[2] + `"}`,
		"a line break behind the inner": signed + "\n",
		"a quoted one":                  `"` + signed + `"`,
		"nothing":                       "",
		"two dots":                      "..",
		"crit inside":                   f.token(`{"alg":"HS256","crit":["x"],"x":1}`, goodClaims, f.hs256()),
		"twins inside":                  f.token(`{"alg":"HS256"}`, strings.Replace(goodClaims, `"exp"`, `"exp":1,"exp"`, 1), f.hs256()),
	} {
		t.Run(what, func(t *testing.T) {
			f.refuses(t, p, f.seal(t, plaintext, nested()), token.ErrSignature, token.ErrMalformed)
		})
	}
	t.Run("expired inside", func(t *testing.T) {
		f.refuses(t, p, f.seal(t, f.token(`{"alg":"HS256"}`, `{"exp":5}`, f.hs256()), nested()), token.ErrExpired)
	})

	// Outer headers that are refused before anything is decrypted: a bomb that
	// is not opened does not go off.
	opened := o.opened
	bomb := nested()
	bomb.Compression = jose.DEFLATE
	f.refuses(t, p, f.seal(t, strings.Repeat("A", 10<<20), bomb), token.ErrMalformed)
	f.refuses(t, p, f.seal(t, signed, bomb), token.ErrMalformed)
	f.refuses(t, p, f.seal(t, signed, (&jose.EncrypterOptions{}).WithContentType("JWT").WithHeader("crit", []string{"x"}).WithHeader("x", 1)), token.ErrMalformed)
	f.refuses(t, p, f.seal(t, signed, (&jose.EncrypterOptions{}).WithContentType("JWT").WithHeader("b64", false)), token.ErrMalformed)
	f.refuses(t, p, f.encode(`{"alg":"RSA-OAEP-256","cty":"JWT"}`)+".AAAA.AAAA.AAAA.AAAA", token.ErrMalformed)
	f.refuses(t, p, f.encode(`{"enc":"A256GCM","cty":"JWT"}`)+".AAAA.AAAA.AAAA.AAAA", token.ErrMalformed)
	if o.opened != opened {
		t.Errorf("opened %d times", o.opened-opened)
	}

	// Other spellings of a sealed token are refused before, too.
	text := f.seal(t, signed, nested())
	for _, other := range []string{text + "\n", "\n" + text, text[:50] + "\r\n" + text[50:], text + "=", text + " ", strings.Replace(text, ".", ".\n", 3), text + ".", `"` + text + `"`} {
		f.refuses(t, p, other, token.ErrMalformed)
	}
	// A tag cut short: AES-GCM would be as weak as its tag.
	f.refuses(t, p, text[:len(text)-2], token.ErrMalformed, token.ErrSignature)

	// What comes out is no longer than a token may be, however it was made.
	large := f.policy(f.hsKey())
	large.Decrypt = grower(f.token(`{"alg":"HS256","x":"`+strings.Repeat("x", 600_000)+`"}`,
		strings.Replace(goodClaims, "correct", strings.Repeat("x", 600_000), 1), f.hs256()))
	f.refuses(t, large, text, token.ErrMalformed)

	// And none of it where the Policy has no Decrypt.
	for _, sealed := range []string{text, f.seal(t, goodClaims, nil)} {
		f.refuses(t, f.policy(f.hsKey()), sealed, token.ErrMalformed, token.ErrSignature)
	}
}

// A Policy for one kind of token refuses the other kind under the same key: a
// secret that both signs and encrypts is two keys.
func TestAttackSignEncryptConfusion(t *testing.T) {
	t.Parallel()
	f := forge()
	secret := f.secret[:32]
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: secret}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := e.Encrypt([]byte(goodClaims))
	if err != nil {
		t.Fatal(err)
	}
	text, err := sealed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	f.refuses(t, f.policy(jwt.Key{Shared: token.NewSecret(string(secret))}), text, token.ErrMalformed, token.ErrSignature)
}
