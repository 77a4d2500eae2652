package jwt_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// ECDSA signatures in other forms than the one of RFC 7518, section 3.4, and
// those that verify where nobody looks at the range of r and s.
func TestAttackECDSA(t *testing.T) {
	t.Parallel()
	f := forge()
	p := f.policy(jwt.Key{Public: &f.p256.PublicKey})
	n := elliptic.P256().Params().N
	const header = `{"alg":"ES256"}`
	sign := f.ecdsa(crypto.SHA256, f.p256)
	split := func(sig []byte) (r, s *big.Int) {
		return new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	}
	join := func(size int, r, s *big.Int) []byte {
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
	zero, one := new(big.Int), big.NewInt(1)
	for _, c := range []struct {
		name   string
		change func(sig []byte) []byte
	}{
		{"r = s = 0, the psychic signature", func([]byte) []byte { return make([]byte, 64) }},
		{"r = 0", func(sig []byte) []byte { _, s := split(sig); return join(32, zero, s) }},
		{"s = 0", func(sig []byte) []byte { r, _ := split(sig); return join(32, r, zero) }},
		{"r = s = 1", func([]byte) []byte { return join(32, one, one) }},
		{"r = n, s = n", func([]byte) []byte { return join(32, n, n) }},
		{"r = n, s = 1", func([]byte) []byte { return join(32, n, one) }},
		{"r = 1, s = n", func([]byte) []byte { return join(32, one, n) }},
		{"r + n", func(sig []byte) []byte { r, s := split(sig); return join(33, r.Add(r, n), s) }},
		{"s + n", func(sig []byte) []byte { r, s := split(sig); return join(33, r, s.Add(s, n)) }},
		{"n - r", func(sig []byte) []byte { r, s := split(sig); return join(32, r.Sub(n, r), s) }},
		{"swapped", func(sig []byte) []byte { r, s := split(sig); return join(32, s, r) }},
		{"empty", func([]byte) []byte { return nil }},
		{"one byte", func([]byte) []byte { return []byte{1} }},
		{"33 bytes each", func(sig []byte) []byte { r, s := split(sig); return join(33, r, s) }},
		{"48 bytes each, as for P-384", func(sig []byte) []byte { r, s := split(sig); return join(48, r, s) }},
		{"a byte more", func(sig []byte) []byte { return append(sig, 0) }},
		{"a byte less", func(sig []byte) []byte { return sig[:63] }},
		{"half", func(sig []byte) []byte { return sig[:32] }},
		{"twice", func(sig []byte) []byte { return append(sig, sig...) }},
		{"DER", func(sig []byte) []byte {
			r, s := split(sig)
			der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
			if err != nil {
				panic(err)
			}
			return der
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.refuses(t, p, f.token(header, goodClaims, func(input string) []byte { return c.change(sign(input)) }), token.ErrSignature, empty(c.name))
		})
	}

	t.Run("leading zero left out", func(t *testing.T) {
		text := f.token(header, goodClaims, func(input string) []byte {
			for {
				sig := sign(input)
				if sig[0] == 0 {
					return sig[1:]
				}
			}
		})
		f.refuses(t, p, text, token.ErrSignature)
	})

	// Of (r, s) and (r, n-s) both are good, and no library refuses one: RFC
	// 7518 does not either. So a token has two texts, and whoever lists
	// tokens, to deny them or to see each once, goes by jti and not by text.
	t.Run("the other of the two signatures is accepted", func(t *testing.T) {
		f.accepts(t, p, f.token(header, goodClaims, func(input string) []byte {
			r, s := split(sign(input))
			return join(32, r, s.Sub(n, s))
		}))
	})

	// SHA-256 over P-521 and the reverse: signatures of the right length, but
	// of another digest.
	t.Run("another digest", func(t *testing.T) {
		f.refuses(t, p, f.token(header, goodClaims, f.ecdsa(crypto.SHA512, f.p256)), token.ErrSignature)
		f.refuses(t, f.policy(jwt.Key{Public: &f.p521.PublicKey}),
			f.token(`{"alg":"ES512"}`, goodClaims, f.ecdsa(crypto.SHA256, f.p521)), token.ErrSignature)
	})
}

// RSA signatures, PKCS #1 v1.5: other lengths and other paddings of the same
// number or digest.
func TestAttackPKCS1(t *testing.T) {
	t.Parallel()
	f := forge()
	p := f.policy(jwt.Key{Public: &f.rsa.PublicKey})
	const header = `{"alg":"RS256"}`
	sign := f.pkcs1(crypto.SHA256, f.rsa)

	for _, c := range []struct {
		name   string
		change func(sig []byte) []byte
	}{
		{"empty", func([]byte) []byte { return nil }},
		{"zeros", func([]byte) []byte { return make([]byte, 256) }},
		{"one", func([]byte) []byte { return append(make([]byte, 255), 1) }},
		{"n - 1", func([]byte) []byte { return new(big.Int).Sub(f.rsa.N, big.NewInt(1)).Bytes() }},
		{"a leading zero", func(sig []byte) []byte { return append([]byte{0}, sig...) }},
		{"many leading zeros", func(sig []byte) []byte { return append(make([]byte, 256), sig...) }},
		{"a trailing zero", func(sig []byte) []byte { return append(sig, 0) }},
		{"a byte less", func(sig []byte) []byte { return sig[:255] }},
		{"sig + n", func(sig []byte) []byte { return new(big.Int).Add(new(big.Int).SetBytes(sig), f.rsa.N).Bytes() }},
		{"the bytes backwards", func(sig []byte) []byte { slices.Reverse(sig); return sig }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.refuses(t, p, f.token(header, goodClaims, func(input string) []byte { return c.change(sign(input)) }), token.ErrSignature, empty(c.name))
		})
	}

	t.Run("leading zero left out", func(t *testing.T) {
		// The tokens differ in jti until one has a signature with a zero first.
		for i := range 10_000 {
			claims := strings.Replace(goodClaims, "correct-horse", strings.Repeat("x", 20+i%50)+string(rune('a'+i/50%26))+string(rune('a'+i/1300)), 1)
			text := f.token(header, claims, func(input string) []byte { return bytes.TrimLeft(sign(input), "\x00") })
			if len(text)-strings.LastIndexByte(text, '.')-1 < 342 {
				f.refuses(t, p, text, token.ErrSignature)
				return
			}
		}
		t.Error("no signature with a leading zero came up")
	})

	// By the issuer's own hand, which the enemy has not: what must be refused
	// is the form.
	raw := func(em []byte) []byte {
		return new(big.Int).Exp(new(big.Int).SetBytes(em), f.rsa.D, f.rsa.N).FillBytes(make([]byte, 256))
	}
	for _, c := range []struct {
		name string
		pad  func(em, digest []byte) []byte // em is the right one
	}{
		{"block type 2", func(em, _ []byte) []byte { em[1] = 2; return em }},
		{"block type 0", func(em, _ []byte) []byte { em[1] = 0; return em }},
		{"a byte of the padding changed", func(em, _ []byte) []byte { em[100] = 0xfe; return em }},
		{"the first byte of the padding zero", func(em, _ []byte) []byte { em[2] = 0; return em }},
		{"short padding, then garbage at the end", func(em, digest []byte) []byte {
			short := paddedSHA256(8+3+19+32, digest)
			return append(short, bytes.Repeat([]byte{0xaa}, 256-len(short))...)
		}},
		{"DigestInfo without NULL", func(_, digest []byte) []byte {
			info := append([]byte("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20"), digest...)
			em := bytes.Repeat([]byte{0xff}, 256-len(info))
			em[0], em[1], em[len(em)-1] = 0, 1, 0
			return append(em, info...)
		}},
		{"DigestInfo of SHA-1 with a digest of SHA-256", func(em, _ []byte) []byte {
			return bytes.Replace(em, []byte("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), []byte("\x60\x86\x48\x01\x65\x03\x04\x02\x04"), 1)
		}},
		{"no DigestInfo", func(_, digest []byte) []byte {
			em := bytes.Repeat([]byte{0xff}, 256-len(digest))
			em[0], em[1], em[len(em)-1] = 0, 1, 0
			return append(em, digest...)
		}},
		{"the digest in front", func(_, digest []byte) []byte { return append([]byte{0, 1, 0}, append(digest, make([]byte, 221)...)...) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.refuses(t, p, f.token(header, goodClaims, func(input string) []byte {
				digest := f.digest(crypto.SHA256, input)
				return raw(c.pad(paddedSHA256(256, digest), digest))
			}), token.ErrSignature)
		})
	}
	t.Run("the right padding is accepted", func(t *testing.T) {
		f.accepts(t, p, f.token(header, goodClaims, func(input string) []byte {
			return raw(paddedSHA256(256, f.digest(crypto.SHA256, input)))
		}))
	})

	// Bleichenbacher's forgery of 2006 needs no private key where the exponent
	// is 3 and nobody looks behind the digest.
	t.Run("a cube root", func(t *testing.T) {
		cube := f.policy(jwt.Key{Public: &rsa.PublicKey{N: f.rsa.N, E: 3}})
		f.refuses(t, cube, f.token(header, goodClaims, func(input string) []byte {
			front := paddedSHA256(8+3+19+32, f.digest(crypto.SHA256, input))
			target := new(big.Int).SetBytes(append(front, bytes.Repeat([]byte{0xff}, 256-len(front))...))
			return cubeRoot(target).FillBytes(make([]byte, 256))
		}), token.ErrSignature)
	})
}

// cubeRoot returns the largest integer whose cube is at most n.
func cubeRoot(n *big.Int) *big.Int {
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(n.BitLen()/3+1))
	for one := big.NewInt(1); new(big.Int).Sub(high, low).Cmp(one) > 0; {
		middle := new(big.Int).Rsh(new(big.Int).Add(low, high), 1)
		if new(big.Int).Exp(middle, big.NewInt(3), nil).Cmp(n) > 0 {
			high = middle
		} else {
			low = middle
		}
	}
	return low
}

// RSASSA-PSS: RFC 7518, section 3.5, wants a salt as long as the digest. Go's
// verifier, and golang-jwt's unless told otherwise, take any.
func TestAttackPSS(t *testing.T) {
	t.Parallel()
	f := forge()
	hashes := map[string]crypto.Hash{"PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512}
	for alg, hash := range hashes {
		p := f.policy(jwt.Key{Algorithm: alg, Public: &f.rsa.PublicKey})
		header := `{"alg":"` + alg + `"}`
		size := hash.Size()
		f.accepts(t, p, f.token(header, goodClaims, f.pss(hash, f.rsa, size)))
		for _, salt := range []int{1, 20, size - 1, size + 1, 256 - size - 2, rsa.PSSSaltLengthAuto} {
			f.refuses(t, p, f.token(header, goodClaims, f.pss(hash, f.rsa, salt)), token.ErrSignature)
		}
		f.refuses(t, p, f.token(header, goodClaims, f.saltless(hash)), token.ErrSignature)
		for other, h := range hashes {
			if other != alg {
				f.refuses(t, p, f.token(header, goodClaims, f.pss(h, f.rsa, h.Size())), token.ErrSignature)
			}
		}
		f.refuses(t, p, f.token(header, goodClaims, f.pkcs1(hash, f.rsa)), token.ErrSignature)
	}
}

// saltless signs by RSASSA-PSS without a salt (RFC 8017, section 9.1.1), which
// crypto/rsa has no way to ask for.
func (f *forger) saltless(h crypto.Hash) signer {
	return func(input string) []byte {
		digest := h.New()
		digest.Write(make([]byte, 8))
		digest.Write(f.digest(h, input))
		sum := digest.Sum(nil)
		db := append(make([]byte, 256-len(sum)-2), 1)
		for i, counter := 0, byte(0); i < len(db); counter++ { // MGF1
			mask := h.New()
			mask.Write(append(bytes.Clone(sum), 0, 0, 0, counter))
			for _, m := range mask.Sum(nil) {
				if i < len(db) {
					db[i] ^= m
					i++
				}
			}
		}
		db[0] &= 0x7f
		em := append(append(db, sum...), 0xbc)
		return new(big.Int).Exp(new(big.Int).SetBytes(em), f.rsa.D, f.rsa.N).FillBytes(make([]byte, 256))
	}
}

// The tool above makes what crypto/rsa takes for a signature with some salt.
func TestAttackPSSTool(t *testing.T) {
	f := forge()
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA512} {
		err := rsa.VerifyPSS(&f.rsa.PublicKey, h, f.digest(h, "text"), f.saltless(h)("text"), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto})
		if err != nil {
			t.Error(err)
		}
	}
}

// MACs that are a part of the right one, or more than it.
func TestAttackHMAC(t *testing.T) {
	t.Parallel()
	f := forge()
	p := f.policy(f.hsKey())
	for name, change := range map[string]func([]byte) []byte{
		"empty":         func([]byte) []byte { return nil },
		"half":          func(mac []byte) []byte { return mac[:16] },
		"a byte less":   func(mac []byte) []byte { return mac[:31] },
		"a byte more":   func(mac []byte) []byte { return append(mac, 0) },
		"twice":         func(mac []byte) []byte { return append(mac, mac...) },
		"zeros":         func([]byte) []byte { return make([]byte, 32) },
		"the first bit": func(mac []byte) []byte { mac[0] ^= 0x80; return mac },
		"the last bit":  func(mac []byte) []byte { mac[31] ^= 1; return mac },
	} {
		t.Run(name, func(t *testing.T) {
			f.refuses(t, p, f.token(`{"alg":"HS256"}`, goodClaims, func(input string) []byte { return change(f.hs256()(input)) }), token.ErrSignature, empty(name))
		})
	}
	for name, sign := range map[string]signer{
		"another secret":       f.hmac(crypto.SHA256, bytes.Repeat([]byte{1}, 64)),
		"an empty secret":      f.hmac(crypto.SHA256, nil),
		"another digest":       f.hmac(crypto.SHA512, f.secret),
		"a digest, no MAC":     func(input string) []byte { return f.digest(crypto.SHA256, input) },
		"the secret in base64": f.hmac(crypto.SHA256, []byte(f.encode(string(f.secret)))),
		"without the header":   func(input string) []byte { return f.hs256()(input[strings.IndexByte(input, '.')+1:]) },
	} {
		t.Run(name, func(t *testing.T) {
			f.refuses(t, p, f.token(`{"alg":"HS256"}`, goodClaims, sign), token.ErrSignature)
		})
	}
}

// Ed25519: s + L is refused, as RFC 8032 has it, and other lengths are.
func TestAttackEd25519(t *testing.T) {
	t.Parallel()
	f := forge()
	p := f.policy(jwt.Key{Public: f.ed.Public()})
	order, _ := new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	for name, change := range map[string]func([]byte) []byte{
		"empty":       func([]byte) []byte { return nil },
		"zeros":       func([]byte) []byte { return make([]byte, 64) },
		"a byte less": func(sig []byte) []byte { return sig[:63] },
		"a byte more": func(sig []byte) []byte { return append(sig, 0) },
		"s + L": func(sig []byte) []byte {
			little := slices.Clone(sig[32:])
			slices.Reverse(little)
			s := new(big.Int).SetBytes(little)
			sum := s.Add(s, order).FillBytes(make([]byte, 32))
			slices.Reverse(sum)
			return append(sig[:32], sum...)
		},
		"r = s": func(sig []byte) []byte { return append(sig[:32], sig[:32]...) },
	} {
		t.Run(name, func(t *testing.T) {
			f.refuses(t, p, f.token(`{"alg":"EdDSA"}`, goodClaims, func(input string) []byte { return change(f.eddsa(f.ed)(input)) }), token.ErrSignature, empty(name))
		})
	}
}

// A good signature of one algorithm, under the header of each other.
func TestAttackCrossed(t *testing.T) {
	t.Parallel()
	f := forge()
	signers := map[string]signer{
		"HS256": f.hs256(), "RS256": f.pkcs1(crypto.SHA256, f.rsa), "PS256": f.pss(crypto.SHA256, f.rsa, 32),
		"ES256": f.ecdsa(crypto.SHA256, f.p256), "ES384": f.ecdsa(crypto.SHA384, f.p384), "EdDSA": f.eddsa(f.ed),
	}
	p := f.policy(f.hsKey(), jwt.Key{Public: &f.rsa.PublicKey}, jwt.Key{Public: &f.p256.PublicKey},
		jwt.Key{Public: &f.p384.PublicKey}, jwt.Key{Public: f.ed.Public()})
	p.Algorithms = []string{"HS256", "RS256", "PS256", "ES256", "ES384", "EdDSA"}
	for alg := range signers {
		for other, sign := range signers {
			text := f.token(`{"alg":"`+alg+`"}`, goodClaims, sign)
			if alg == other {
				f.accepts(t, p, text)
				continue
			}
			f.refuses(t, p, text, token.ErrSignature)
		}
	}
}

// empty is what a signature of that name is besides being wrong: a fault of the
// token's form.
func empty(name string) error {
	if name == "empty" {
		return token.ErrMalformed
	}
	return token.ErrSignature
}
