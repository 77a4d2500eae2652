package jwt_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"math/bits"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// alg none, in each of its 16 spellings, signed or not, whatever keys there are
// and even if a Policy were to list it.
func TestAttackNone(t *testing.T) {
	t.Parallel()
	f := forge()
	keys := map[string]jwt.Key{
		"hmac":  f.hsKey(),
		"rsa":   {Public: &f.rsa.PublicKey},
		"named": {ID: "k", Algorithm: "none", Shared: token.NewSecret(string(f.secret))},
	}
	for upper := range 16 {
		alg := []byte("none")
		for i := range alg {
			if upper>>i&1 == 1 {
				alg[i] -= 'a' - 'A'
			}
		}
		for kind, key := range keys {
			header := `{"alg":"` + string(alg) + `","kid":"k"}`
			unsigned := f.encode(header) + "." + f.encode(goodClaims) + "."
			for name, text := range map[string]string{
				"unsigned":     unsigned,
				"signed":       f.token(header, goodClaims, f.hs256()),
				"empty secret": f.token(header, goodClaims, f.hmac(crypto.SHA256, nil)),
				"zero byte":    unsigned + "AA",
			} {
				t.Run(fmt.Sprintf("%s %s, %s", alg, name, kind), func(t *testing.T) {
					p := f.policy(key)
					f.refuses(t, p, text, token.ErrSignature, token.ErrMalformed)

					// Listing it may be an error of the Policy, not of the token.
					p.Algorithms = []string{string(alg), "HS256", "RS256"}
					if _, err := p.Verify(t.Context(), token.NewSecret(text)); err == nil {
						t.Error("accepted where it is listed")
					}
				})
			}
		}
	}
}

// Names that are not quite an algorithm's, with a signature that would be good.
func TestAttackAlgorithmNames(t *testing.T) {
	t.Parallel()
	f := forge()
	for _, alg := range []string{
		`"hs256"`, `"Hs256"`, `"HS256 "`, `" HS256"`, `"HS256\u0000"`, `"HS256\n"`, `"ＨＳ256"`, `"HS1"`, `"HS224"`, `"SHA256"`, `"HMAC"`,
		`"dir"`, `"A256KW"`, `"A256GCMKW"`, `"RSA1_5"`, `"PBES2-HS256+A128KW"`, `"Ed25519"`, `"ES256K"`, `"RS1"`, `"HS256,none"`,
		`"` + strings.Repeat("HS256", 10_000) + `"`,
	} {
		t.Run(name(alg), func(t *testing.T) {
			f.refuses(t, f.policy(f.hsKey()), f.token(`{"alg":`+alg+`}`, goodClaims, f.hs256()), token.ErrSignature)
		})
	}
	for _, header := range []string{
		`{}`, `{"alg":""}`, `{"alg":null}`, `{"alg":256}`, `{"alg":true}`, `{"alg":["HS256"]}`, `{"alg":{"HS256":1}}`,
		`{"ALG":"HS256"}`, `{"Alg":"HS256"}`, `{"kid":"HS256"}`,
	} {
		t.Run(name(header), func(t *testing.T) {
			f.refuses(t, f.policy(f.hsKey()), f.token(header, goodClaims, f.hs256()), token.ErrMalformed)
		})
	}
}

// A public key is no secret: whatever form of it the enemy MACs with, it is no
// HMAC key, not even where HS256 is listed too.
func TestAttackConfusion(t *testing.T) {
	t.Parallel()
	f := forge()
	for kind, public := range map[string]crypto.PublicKey{
		"rsa": &f.rsa.PublicKey, "p256": &f.p256.PublicKey, "p384": &f.p384.PublicKey, "p521": &f.p521.PublicKey, "ed25519": f.ed.Public(),
	} {
		secrets := map[string][]byte{"empty": nil}
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		secrets["der"] = der
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		secrets["pem"], secrets["pem without its last line break"] = text, bytes.TrimSpace(text)
		jwk, err := json.Marshal(jose.JSONWebKey{Key: public})
		if err != nil {
			t.Fatal(err)
		}
		secrets["jwk"] = jwk
		switch key := public.(type) {
		case *rsa.PublicKey:
			secrets["modulus"] = key.N.Bytes()
			secrets["modulus as text"] = []byte(f.encode(string(key.N.Bytes())))
			pkcs1 := x509.MarshalPKCS1PublicKey(key)
			secrets["pkcs1 der"] = pkcs1
			secrets["pkcs1 pem"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1})
		case *ecdsa.PublicKey:
			point, err := key.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			secrets["point"], secrets["x"] = point, point[1:1+len(point)/2]
		case ed25519.PublicKey:
			secrets["bytes"] = key
		}
		for form, secret := range secrets {
			for size, hash := range map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512} {
				t.Run(kind+" "+form+" "+size, func(t *testing.T) {
					forged := f.token(`{"alg":"HS`+size+`","typ":"JWT"}`, goodClaims, f.hmac(hash, secret))
					f.refuses(t, f.policy(jwt.Key{Public: public}), forged, token.ErrSignature)

					careless := f.policy(jwt.Key{Public: public})
					careless.Algorithms = []string{"HS256", "HS384", "HS512", "RS256", "ES256", "ES384", "ES512", "EdDSA"}
					f.refuses(t, careless, forged, token.ErrSignature)

					for file, data := range map[string][]byte{"pem": secrets["pem"], "jwk": jwk} {
						keys, err := jwt.ParseKeys(data)
						if err != nil {
							t.Fatalf("%s: %v", file, err)
						}
						f.refuses(t, f.policy(keys...), forged, token.ErrSignature)
					}
				})
			}
		}
	}
}

// A key is used with its own algorithm and no other, though the signature of
// the other is good.
func TestAttackBinding(t *testing.T) {
	t.Parallel()
	f := forge()
	everything := []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	rs := func(alg string) jwt.Key { return jwt.Key{Algorithm: alg, Public: &f.rsa.PublicKey} }
	for _, c := range []struct {
		name, alg string
		sign      signer
		key       jwt.Key
		listed    []string // nil: the usual algorithm of each kind of key
	}{
		{"a PS256 signature by an RS256 key", "PS256", f.pss(crypto.SHA256, f.rsa, 32), rs("RS256"), everything},
		{"an RS256 signature by a PS256 key", "RS256", f.pkcs1(crypto.SHA256, f.rsa), rs("PS256"), everything},
		{"an RS512 signature by an RS256 key", "RS512", f.pkcs1(crypto.SHA512, f.rsa), rs("RS256"), everything},
		{"an RS384 signature by an RS256 key", "RS384", f.pkcs1(crypto.SHA384, f.rsa), rs("RS256"), nil},
		{"an RS256 signature by a key for encryption", "RS256", f.pkcs1(crypto.SHA256, f.rsa), rs("RSA-OAEP-256"), everything},
		{"an RS256 signature by a key of an unknown algorithm", "RS256", f.pkcs1(crypto.SHA256, f.rsa), rs("XS256"), everything},
		{"an RS256 signature by a key whose alg is in lower case", "RS256", f.pkcs1(crypto.SHA256, f.rsa), rs("rs256"), everything},
		{"an RS256 signature by an HS256 key", "RS256", f.pkcs1(crypto.SHA256, f.rsa), rs("HS256"), everything},
		{"PS256 by a key without alg", "PS256", f.pss(crypto.SHA256, f.rsa, 32), rs(""), nil},
		{"RS512 by a key without alg", "RS512", f.pkcs1(crypto.SHA512, f.rsa), rs(""), nil},
		{"PS256 by a key without alg, RS256 listed", "PS256", f.pss(crypto.SHA256, f.rsa, 32), rs(""), []string{"RS256"}},
		{"RS256 by its key, PS256 listed", "RS256", f.pkcs1(crypto.SHA256, f.rsa), rs("RS256"), []string{"PS256"}},
		{"HS512 by a key without alg", "HS512", f.hmac(crypto.SHA512, f.secret), f.hsKey(), nil},
		{"HS256 by an HS512 key", "HS256", f.hs256(), jwt.Key{Algorithm: "HS512", Shared: token.NewSecret(string(f.secret))}, everything},
		{"ES256 on P-384", "ES256", f.ecdsa(crypto.SHA256, f.p384), jwt.Key{Public: &f.p384.PublicKey}, everything},
		{"ES256 on P-384, which is what the key says", "ES256", f.ecdsa(crypto.SHA256, f.p384), jwt.Key{Algorithm: "ES256", Public: &f.p384.PublicKey}, everything},
		{"ES384 on P-256", "ES384", f.ecdsa(crypto.SHA384, f.p256), jwt.Key{Public: &f.p256.PublicKey}, everything},
		{"ES384 on P-256, which is what the key says", "ES384", f.ecdsa(crypto.SHA384, f.p256), jwt.Key{Algorithm: "ES384", Public: &f.p256.PublicKey}, everything},
		{"ES512 on P-256", "ES512", f.ecdsa(crypto.SHA512, f.p256), jwt.Key{Public: &f.p256.PublicKey}, everything},
		{"ES256 by an RSA key", "ES256", f.ecdsa(crypto.SHA256, f.p256), rs(""), everything},
		{"EdDSA by an EC key", "EdDSA", f.eddsa(f.ed), jwt.Key{Public: &f.p256.PublicKey}, everything},
		{"ES256 by an Ed25519 key", "ES256", f.ecdsa(crypto.SHA256, f.p256), jwt.Key{Public: f.ed.Public()}, everything},

		{"use enc", "RS256", f.pkcs1(crypto.SHA256, f.rsa), jwt.Key{Use: "enc", Public: &f.rsa.PublicKey}, everything},
		{"use unknown", "RS256", f.pkcs1(crypto.SHA256, f.rsa), jwt.Key{Use: "SIG", Public: &f.rsa.PublicKey}, everything},
		{"key_ops empty", "RS256", f.pkcs1(crypto.SHA256, f.rsa), jwt.Key{Operations: []string{}, Public: &f.rsa.PublicKey}, everything},
		{"key_ops sign", "HS256", f.hs256(), jwt.Key{Operations: []string{"sign"}, Shared: token.NewSecret(string(f.secret))}, everything},
		{"key_ops encrypt", "RS256", f.pkcs1(crypto.SHA256, f.rsa), jwt.Key{Operations: []string{"encrypt", "wrapKey"}, Public: &f.rsa.PublicKey}, everything},
		{"key_ops VERIFY", "RS256", f.pkcs1(crypto.SHA256, f.rsa), jwt.Key{Operations: []string{"VERIFY"}, Public: &f.rsa.PublicKey}, everything},
		{"use enc, key_ops verify", "RS256", f.pkcs1(crypto.SHA256, f.rsa), jwt.Key{Use: "enc", Operations: []string{"verify"}, Public: &f.rsa.PublicKey}, everything},
		{"another's key", "RS256", f.pkcs1(crypto.SHA256, f.enemyRSA), rs(""), everything},
		{"another's curve point", "ES256", f.ecdsa(crypto.SHA256, f.enemyP256), jwt.Key{Public: &f.p256.PublicKey}, everything},
		{"no keys", "RS256", f.pkcs1(crypto.SHA256, f.rsa), jwt.Key{ID: "another", Public: &f.rsa.PublicKey}, everything},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := f.policy(c.key)
			p.Algorithms = c.listed
			header := `{"alg":"` + c.alg + `"}`
			if c.key.ID != "" {
				header = `{"alg":"` + c.alg + `","kid":"mine"}`
			}
			f.refuses(t, p, f.token(header, goodClaims, c.sign), token.ErrSignature)
		})
	}
	t.Run("with key_ops verify among others", func(t *testing.T) {
		f.accepts(t, f.policy(jwt.Key{Use: "sig", Operations: []string{"sign", "verify"}, Public: &f.rsa.PublicKey}),
			f.token(`{"alg":"RS256"}`, goodClaims, f.pkcs1(crypto.SHA256, f.rsa)))
	})
}

// Keys that verify too much, or nothing, handed over as Go values. Whether that
// is the token's fault or the Policy's is left open, but nothing is accepted
// and nothing panics.
func TestAttackWeakKeys(t *testing.T) {
	t.Parallel()
	f := forge()
	rsa1024, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	modulus := f.rsa.N
	encoded := func(hash crypto.Hash, size int) signer { // what e = 1 makes of itself
		return func(input string) []byte {
			return paddedSHA256(size, f.digest(hash, input))
		}
	}
	large, largeSign := f.largeRSA()
	even := new(big.Int).Sub(modulus, big.NewInt(1))
	short := []byte("0123456789abcdef0123456789abcde") // 31 bytes
	offCurve := func(x, y int64) *ecdsa.PublicKey { return rawPoint(elliptic.P256(), big.NewInt(x), big.NewInt(y)) }
	x, y := coordinates(t, &f.p256.PublicKey)
	lowOrder := make(ed25519.PublicKey, 32)
	lowOrder[0] = 1 // the neutral point: it verifies R = itself, S = 0 over anything
	neutral := make([]byte, 64)
	neutral[0] = 1

	for _, c := range []struct {
		name, alg string
		key       jwt.Key
		sign      signer
	}{
		{"RSA of 1024 bits", "RS256", jwt.Key{Public: &rsa1024.PublicKey}, f.pkcs1(crypto.SHA256, rsa1024)},
		{"RSA of 1024 bits, with alg", "RS256", jwt.Key{Algorithm: "RS256", Public: &rsa1024.PublicKey}, f.pkcs1(crypto.SHA256, rsa1024)},
		{"RSA of 10240 bits", "RS256", jwt.Key{Public: &rsa.PublicKey{N: large, E: 65537}}, largeSign},
		{"RSA with exponent 1", "RS256", jwt.Key{Public: &rsa.PublicKey{N: modulus, E: 1}}, encoded(crypto.SHA256, 256)},
		{"RSA with exponent 2", "RS256", jwt.Key{Public: &rsa.PublicKey{N: modulus, E: 2}}, f.pkcs1(crypto.SHA256, f.rsa)},
		{"RSA with exponent 0", "RS256", jwt.Key{Public: &rsa.PublicKey{N: modulus}}, f.pkcs1(crypto.SHA256, f.rsa)},
		{"RSA with a negative exponent", "RS256", jwt.Key{Public: &rsa.PublicKey{N: modulus, E: -3}}, f.pkcs1(crypto.SHA256, f.rsa)},
		{"RSA with an even modulus", "RS256", jwt.Key{Public: &rsa.PublicKey{N: even, E: 65537}}, f.pkcs1(crypto.SHA256, f.rsa)},
		{"RSA with modulus nil", "RS256", jwt.Key{Public: &rsa.PublicKey{E: 65537}}, f.pkcs1(crypto.SHA256, f.rsa)},
		{"RSA with modulus 0", "RS256", jwt.Key{Public: &rsa.PublicKey{N: new(big.Int), E: 65537}}, f.pkcs1(crypto.SHA256, f.rsa)},
		{"RSA with a negative modulus", "RS256", jwt.Key{Public: &rsa.PublicKey{N: new(big.Int).Neg(modulus), E: 65537}}, f.pkcs1(crypto.SHA256, f.rsa)},
		{"RSA nil", "RS256", jwt.Key{Public: (*rsa.PublicKey)(nil)}, f.pkcs1(crypto.SHA256, f.rsa)},
		{"RSA by value", "RS256", jwt.Key{Public: f.rsa.PublicKey}, f.pkcs1(crypto.SHA256, f.enemyRSA)},
		{"EC off its curve", "ES256", jwt.Key{Public: offCurve(1, 1)}, f.ecdsa(crypto.SHA256, f.p256)},
		{"EC at infinity", "ES256", jwt.Key{Public: offCurve(0, 0)}, f.always(make([]byte, 64)...)},
		{"EC with a negative coordinate", "ES256", jwt.Key{Public: offCurve(-1, 1)}, f.ecdsa(crypto.SHA256, f.p256)},
		{"EC without a point", "ES256", jwt.Key{Public: &ecdsa.PublicKey{Curve: elliptic.P256()}}, f.ecdsa(crypto.SHA256, f.p256)},
		{"EC without a curve", "ES256", jwt.Key{Public: rawPoint(nil, x, y)}, f.ecdsa(crypto.SHA256, f.p256)},
		{"EC on P-224", "ES256", jwt.Key{Public: rawPoint(elliptic.P224(), x, y)}, f.ecdsa(crypto.SHA256, f.p256)},
		{"EC nil", "ES256", jwt.Key{Public: (*ecdsa.PublicKey)(nil)}, f.ecdsa(crypto.SHA256, f.p256)},
		{"Ed25519 nil", "EdDSA", jwt.Key{Public: ed25519.PublicKey(nil)}, f.eddsa(f.ed)},
		{"Ed25519 cut short", "EdDSA", jwt.Key{Public: f.ed.Public().(ed25519.PublicKey)[:31]}, f.eddsa(f.ed)},
		{"Ed25519 the neutral point", "EdDSA", jwt.Key{Public: lowOrder}, f.always(neutral...)},
		{"HMAC secret empty", "HS256", jwt.Key{Shared: token.NewSecret("")}, f.hmac(crypto.SHA256, nil)},
		{"HMAC secret of 31 bytes", "HS256", jwt.Key{Shared: token.NewSecret(string(short))}, f.hmac(crypto.SHA256, short)},
		{"HMAC secret of a password", "HS256", jwt.Key{Shared: token.NewSecret("secret")}, f.hmac(crypto.SHA256, []byte("secret"))},
		{"HMAC secret too short for HS512", "HS512", jwt.Key{Algorithm: "HS512", Shared: token.NewSecret(string(f.secret[:63]))}, f.hmac(crypto.SHA512, f.secret[:63])},
		{"no key at all", "HS256", jwt.Key{}, f.hmac(crypto.SHA256, nil)},
		{"a key of no known type", "HS256", jwt.Key{Public: "secret"}, f.hmac(crypto.SHA256, []byte("secret"))},
		{"bytes for a public key", "HS256", jwt.Key{Public: f.secret}, f.hs256()},
		{"bytes for a private key", "HS256", jwt.Key{Private: f.secret}, f.hs256()},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("panic: %v", v)
				}
			}()
			for _, listed := range [][]string{nil, {c.alg}} {
				p := f.policy(c.key)
				p.Algorithms = listed
				text := f.token(`{"alg":"`+c.alg+`"}`, goodClaims, c.sign)
				_, err := p.Verify(t.Context(), token.NewSecret(text))
				if err == nil {
					t.Errorf("accepted, with Algorithms %v", listed)
					return
				}
				f.tellsNothing(t, err, text)
			}
		})
	}
}

// largeRSA returns a modulus that takes long to compute with, and who signs
// with it. It is made of moduli that there are: of N = n^3 m^2, the order of the
// group is n^2 phi(n) m phi(m).
func (f *forger) largeRSA() (*big.Int, signer) {
	product := func(factors ...*big.Int) *big.Int {
		p := big.NewInt(1)
		for _, factor := range factors {
			p.Mul(p, factor)
		}
		return p
	}
	one := big.NewInt(1)
	phi := func(key *rsa.PrivateKey) *big.Int {
		return product(new(big.Int).Sub(key.Primes[0], one), new(big.Int).Sub(key.Primes[1], one))
	}
	n, m := f.rsa.N, f.enemyRSA.N
	modulus := product(n, n, n, m, m)
	d := new(big.Int).ModInverse(big.NewInt(65537), product(n, n, phi(f.rsa), m, phi(f.enemyRSA)))
	size := (modulus.BitLen() + 7) / 8
	return modulus, func(input string) []byte {
		em := new(big.Int).SetBytes(paddedSHA256(size, f.digest(crypto.SHA256, input)))
		return em.Exp(em, d, modulus).FillBytes(make([]byte, size))
	}
}

// That what it signs is good, or refusing it would prove nothing.
func TestAttackLargeRSATool(t *testing.T) {
	t.Parallel()
	f := forge()
	modulus, sign := f.largeRSA()
	if err := rsa.VerifyPKCS1v15(&rsa.PublicKey{N: modulus, E: 65537}, crypto.SHA256, f.digest(crypto.SHA256, "text"), sign("text")); err != nil {
		t.Error(err)
	}
}

// rawPoint returns a key that need not be one.
func rawPoint(curve elliptic.Curve, x, y *big.Int) *ecdsa.PublicKey {
	//lint:ignore SA1019 the ways that are not deprecated make no bad keys
	return &ecdsa.PublicKey{Curve: curve, X: x, Y: y}
}

func coordinates(t *testing.T, key *ecdsa.PublicKey) (x, y *big.Int) {
	t.Helper()
	point, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	size := len(point) / 2
	return new(big.Int).SetBytes(point[1 : 1+size]), new(big.Int).SetBytes(point[1+size:])
}

// For a point of small order anyone makes signatures, of which one in eight is
// good at the latest: S is 0 and R a point of small order too.
func TestAttackSmallOrder(t *testing.T) {
	t.Parallel()
	f := forge()
	var points [][]byte // and those once more that have two encodings
	for _, y := range []string{
		"00", "01", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	} {
		point := make([]byte, 32)
		if _, err := hex.Decode(point, []byte(y)); err != nil {
			t.Fatal(err)
		}
		negative := bytes.Clone(point)
		negative[31] |= 0x80
		points = append(points, point, negative)
	}
	forgeable := 0 // by the standard library: that the attack works
	for i, public := range points {
		p := f.policy(jwt.Key{Public: ed25519.PublicKey(public)})
		for _, r := range points {
			for jti := range 8 {
				sig := append(bytes.Clone(r), make([]byte, 32)...)
				text := f.token(`{"alg":"EdDSA"}`, strings.Replace(goodClaims, "correct", fmt.Sprint(jti), 1), f.always(sig...))
				if ed25519.Verify(public, []byte(text[:strings.LastIndexByte(text, '.')]), sig) {
					forgeable |= 1 << i
				}
				if _, err := p.Verify(t.Context(), token.NewSecret(text)); err == nil {
					t.Errorf("accepted under %x", public)
				}
			}
		}
		if keys, err := jwt.ParseKeys([]byte(`{"kty":"OKP","crv":"Ed25519","x":"` + f.encode(string(public)) + `"}`)); err == nil {
			t.Errorf("%d keys of %x", len(keys), public)
		}
	}
	if bits.OnesCount(uint(forgeable)) < 8 {
		t.Errorf("forged under %b only: this test tests little", forgeable)
	}
}

// paddedSHA256 is what an RSASSA-PKCS1-v1_5 signature of size bytes decrypts to
// (RFC 8017, section 9.2).
func paddedSHA256(size int, digest []byte) []byte {
	info := append([]byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), digest...)
	em := bytes.Repeat([]byte{0xff}, size-len(info))
	em[0], em[1], em[len(em)-1] = 0, 1, 0
	return append(em, info...)
}

// Key IDs lead to keys and nowhere else. A token that names one key and is
// signed by another is refused, and so is a token of one issuer signed with
// another's key, where the two publish one set. Where both sign with keys of
// one set and each under its own kid, nothing but iss tells them apart: such
// Keys speak for both issuers, whatever the Policy.
func TestAttackSharedSet(t *testing.T) {
	t.Parallel()
	f := forge()
	p := f.policy(
		jwt.Key{ID: "ours", Public: &f.p256.PublicKey},
		jwt.Key{ID: "theirs", Public: &f.enemyP256.PublicKey},
	)
	theirClaims := strings.Replace(goodClaims, "issuer.example", "enemy.example", 1)
	f.accepts(t, p, f.token(`{"alg":"ES256","kid":"ours"}`, goodClaims, f.ecdsa(crypto.SHA256, f.p256)))
	f.refuses(t, p, f.token(`{"alg":"ES256","kid":"ours"}`, goodClaims, f.ecdsa(crypto.SHA256, f.enemyP256)), token.ErrSignature)
	f.refuses(t, p, f.token(`{"alg":"ES256","kid":"theirs"}`, theirClaims, f.ecdsa(crypto.SHA256, f.enemyP256)), token.ErrIssuer)
	f.refuses(t, p, f.token(`{"alg":"ES256"}`, theirClaims, f.ecdsa(crypto.SHA256, f.enemyP256)), token.ErrIssuer)
	f.refuses(t, p, f.token(`{"alg":"ES256","kid":"OURS"}`, goodClaims, f.ecdsa(crypto.SHA256, f.p256)), token.ErrSignature)
}

// name makes a test's name of any text.
func name(s string) string {
	if len(s) > 60 {
		s = s[:60]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '/' {
			return '_'
		}
		return r
	}, s)
}
