package jwe_test

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

func decrypt(t testing.TB, d *jwe.Decrypter, text string) ([]byte, error) {
	t.Helper()
	return d.Decrypt(t.Context(), token.NewSecret(text))
}

// Each algorithm with each encryption, and go-jose reads the same.
func TestDecrypter(t *testing.T) {
	t.Parallel()
	keys := map[string]jwt.Key{
		"A128KW": {Shared: secret(16, 'a')}, "A192KW": {Shared: secret(24, 'b')}, "A256KW": {Shared: secret(32, 'c')},
		"RSA-OAEP-256": {Private: rsaKey()}, "RSA-OAEP": {Private: rsaKey()},
		"ECDH-ES": {Private: ecKey(elliptic.P256())}, "ECDH-ES+A128KW": {Private: ecKey(elliptic.P384())},
		"ECDH-ES+A192KW": {Private: ecKey(elliptic.P521())}, "ECDH-ES+A256KW": {Private: dhKey(ecdh.P256())},
	}
	for alg, k := range keys {
		for _, enc := range []string{"A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"} {
			t.Run(alg+"/"+enc, func(t *testing.T) {
				t.Parallel()
				k := k
				k.ID = "kid"
				text := encrypt(t, k, "plain", jwe.Header{Algorithm: alg, Encryption: enc, Type: "T", ContentType: "C"})
				d := &jwe.Decrypter{Keys: jwt.Keys{{Shared: secret(32, 'x')}, k}, Algorithms: []string{alg}}
				if got, err := decrypt(t, d, text); err != nil || string(got) != "plain" {
					t.Errorf("%q, %v", got, err)
				}
				j, err := gojose.ParseEncryptedCompact(text, []gojose.KeyAlgorithm{gojose.KeyAlgorithm(alg)}, []gojose.ContentEncryption{gojose.ContentEncryption(enc)})
				if err != nil {
					t.Fatal(err)
				}
				if h := j.Header; h.KeyID != "kid" || h.ExtraHeaders["typ"] != "T" || h.ExtraHeaders["cty"] != "C" {
					t.Errorf("header %+v", h)
				}
				private := k.Private
				if !k.Shared.IsZero() {
					private = []byte(k.Shared.Reveal())
				}
				if _, ok := private.(*ecdh.PrivateKey); ok {
					return // go-jose does not take it
				}
				if got, err := j.Decrypt(private); err != nil || string(got) != "plain" {
					t.Errorf("go-jose: %q, %v", got, err)
				}
			})
		}
	}
}

// What a key may be used for, by its own words or else by its kind. The token
// can be decrypted with each of these keys; the question is whether it may.
func TestKeysChoose(t *testing.T) {
	t.Parallel()
	ec := ecKey(elliptic.P256())
	weak := must(rsa.GenerateKey(rand.Reader, 1024))
	enc := func(k jwt.Key, alg, enc string) string {
		return encrypt(t, k, "plain", jwe.Header{Algorithm: alg, Encryption: enc})
	}
	dir := sealDir(t, secret(32, 'k'), `{"alg":"dir","enc":"A256GCM"}`, "plain")
	cbc := enc(jwt.Key{Algorithm: "A128CBC-HS256", Shared: secret(32, 'k')}, "", "")
	kw := enc(jwt.Key{Shared: secret(32, 'k')}, "A256KW", "")
	oaep256, oaep := enc(jwt.Key{Private: rsaKey()}, "RSA-OAEP-256", ""), enc(jwt.Key{Private: rsaKey()}, "RSA-OAEP", "")
	es, eskw := enc(jwt.Key{Private: ec}, "ECDH-ES", ""), enc(jwt.Key{Private: ec}, "ECDH-ES+A256KW", "")
	k := secret(32, 'k')
	for _, test := range []struct {
		name   string
		key    jwt.Key
		text   string
		listed []string
		says   string // empty: decrypted
	}{
		{"dir", jwt.Key{Shared: k}, dir, nil, ""},
		{"dir by alg", jwt.Key{Shared: k, Algorithm: "dir"}, dir, nil, ""},
		{"dir by enc", jwt.Key{Shared: k, Algorithm: "A256GCM"}, dir, nil, ""},
		{"dir by another enc", jwt.Key{Shared: k, Algorithm: "A128CBC-HS256"}, dir, nil, "alg is another"},
		{"dir for a key of A256KW", jwt.Key{Shared: k, Algorithm: "A256KW"}, dir, nil, "alg is another"},
		{"dir for a key of A256KW, listed", jwt.Key{Shared: k, Algorithm: "A256KW"}, dir, []string{"dir"}, "alg is another"},
		{"dir for a key of HS256", jwt.Key{Shared: k, Algorithm: "HS256"}, dir, nil, "alg is another"},
		{"dir not listed", jwt.Key{Shared: k}, dir, []string{"A256KW"}, "not in Algorithms"},
		{"dir to sign", jwt.Key{Shared: k, Use: "sig"}, dir, nil, "use is not enc"},
		{"dir to encrypt", jwt.Key{Shared: k, Use: "enc"}, dir, nil, ""},
		{"dir, decrypt", jwt.Key{Shared: k, Operations: []string{"decrypt"}}, dir, nil, ""},
		{"dir, unwrapKey", jwt.Key{Shared: k, Operations: []string{"unwrapKey", "verify"}}, dir, nil, "key_ops lack decrypt"},
		{"dir, no operations", jwt.Key{Shared: k, Operations: []string{}}, dir, nil, "key_ops lack decrypt"},
		{"dir, 16 bytes", jwt.Key{Shared: secret(16, 'k')}, dir, nil, "another size"},
		{"dir, 64 bytes", jwt.Key{Shared: secret(64, 'k')}, dir, nil, "another size"},
		{"dir, RSA", jwt.Key{Private: rsaKey()}, dir, nil, "another kind"},
		{"dir, public", jwt.Key{Public: &rsaKey().PublicKey}, dir, nil, "another kind"},

		{"CBC", jwt.Key{Shared: k}, cbc, nil, "alg is not this enc"},
		{"CBC, dir listed", jwt.Key{Shared: k}, cbc, []string{"dir"}, "alg is not this enc"},
		{"CBC, dir by alg", jwt.Key{Shared: k, Algorithm: "dir"}, cbc, nil, "alg is not this enc"},
		{"CBC by enc", jwt.Key{Shared: k, Algorithm: "A128CBC-HS256"}, cbc, nil, ""},
		{"CBC by enc, to sign", jwt.Key{Shared: k, Algorithm: "A128CBC-HS256", Use: "sig"}, cbc, nil, "use is not enc"},

		{"A256KW", jwt.Key{Shared: k}, kw, nil, "listed"},
		{"A256KW listed", jwt.Key{Shared: k}, kw, []string{"A256KW"}, ""},
		{"A256KW by alg", jwt.Key{Shared: k, Algorithm: "A256KW"}, kw, nil, ""},
		{"A256KW, unwrapKey", jwt.Key{Shared: k, Algorithm: "A256KW", Operations: []string{"unwrapKey"}}, kw, nil, ""},
		{"A256KW, decrypt", jwt.Key{Shared: k, Algorithm: "A256KW", Operations: []string{"decrypt"}}, kw, nil, "key_ops lack unwrapKey"},
		{"A256KW for a key of A128KW", jwt.Key{Shared: k, Algorithm: "A128KW"}, kw, nil, "alg is another"},
		{"A256KW for a key of A256GCM", jwt.Key{Shared: k, Algorithm: "A256GCM"}, kw, nil, "alg is another"},

		{"RSA-OAEP-256", jwt.Key{Private: rsaKey()}, oaep256, nil, ""},
		{"RSA-OAEP-256, decrypt", jwt.Key{Private: rsaKey(), Operations: []string{"decrypt"}}, oaep256, nil, ""},
		{"RSA-OAEP-256, sign", jwt.Key{Private: rsaKey(), Operations: []string{"sign"}}, oaep256, nil, "key_ops"},
		{"RSA-OAEP-256 for a key of RS256", jwt.Key{Private: rsaKey(), Algorithm: "RS256"}, oaep256, nil, "alg is another"},
		{"RSA-OAEP-256 with a secret", jwt.Key{Shared: k}, oaep256, nil, "another kind"},
		{"RSA-OAEP-256, 1024 bits", jwt.Key{Private: weak}, oaep256, nil, "2048"},
		{"RSA-OAEP-256, 4097 bits", jwt.Key{Private: &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 4096), E: 65537}}}, oaep256, nil, "4096"},
		{"RSA-OAEP-256, nil", jwt.Key{Private: (*rsa.PrivateKey)(nil)}, oaep256, nil, "another kind"},
		{"RSA-OAEP-256, empty", jwt.Key{Private: &rsa.PrivateKey{}}, oaep256, nil, "another kind"},
		{"RSA-OAEP", jwt.Key{Private: rsaKey()}, oaep, nil, "listed"},
		{"RSA-OAEP listed", jwt.Key{Private: rsaKey()}, oaep, []string{"RSA-OAEP"}, ""},
		{"RSA-OAEP by alg", jwt.Key{Private: rsaKey(), Algorithm: "RSA-OAEP"}, oaep, nil, ""},
		{"RSA-OAEP for a key of RSA-OAEP-256", jwt.Key{Private: rsaKey(), Algorithm: "RSA-OAEP-256"}, oaep, everything, "alg is another"},

		{"ECDH-ES", jwt.Key{Private: ec}, es, nil, ""},
		{"ECDH-ES, ecdh", jwt.Key{Private: must(ec.ECDH())}, es, nil, ""},
		{"ECDH-ES, deriveBits", jwt.Key{Private: ec, Operations: []string{"deriveBits"}}, es, nil, ""},
		{"ECDH-ES, sign", jwt.Key{Private: ec, Operations: []string{"sign"}}, es, nil, "key_ops lack deriveKey"},
		{"ECDH-ES for a key of ES256", jwt.Key{Private: ec, Algorithm: "ES256"}, es, nil, "alg is another"},
		{"ECDH-ES, P-224", jwt.Key{Private: ecKey(elliptic.P224())}, es, nil, "curve"},
		{"ECDH-ES, X25519", jwt.Key{Private: dhKey(ecdh.X25519())}, es, nil, "curve"},
		{"ECDH-ES, nil", jwt.Key{Private: (*ecdsa.PrivateKey)(nil)}, es, nil, "another kind"},
		{"ECDH-ES, nil ecdh", jwt.Key{Private: (*ecdh.PrivateKey)(nil)}, es, nil, "another kind"},
		{"ECDH-ES, no curve", jwt.Key{Private: &ecdsa.PrivateKey{}}, es, nil, "curve"},
		{"ECDH-ES, Ed25519", jwt.Key{Private: ed25519.PrivateKey{}}, es, nil, "another kind"},
		{"ECDH-ES+A256KW", jwt.Key{Private: ec}, eskw, nil, ""},
		{"ECDH-ES+A256KW for a key of ECDH-ES", jwt.Key{Private: ec, Algorithm: "ECDH-ES"}, eskw, nil, "alg is another"},
		{"ECDH-ES+A256KW not listed", jwt.Key{Private: ec}, eskw, []string{"ECDH-ES"}, "not in Algorithms"},
	} {
		got, err := decrypt(t, &jwe.Decrypter{Keys: jwt.Keys{test.key}, Algorithms: test.listed}, test.text)
		if test.says == "" {
			if err != nil || string(got) != "plain" {
				t.Errorf("%s: %q, %v", test.name, got, err)
			}
			continue
		}
		t.Run(test.name, func(t *testing.T) { refused(t, got == nil, err, token.ErrSignature, test.says) })
	}
}

// Whatever is wrong with a token that has the right form, the error is the same.
func TestNoOracle(t *testing.T) {
	t.Parallel()
	for alg, k := range map[string]jwt.Key{
		"dir": {Shared: secret(32, 'k')}, "A128KW": {Shared: secret(16, 'k')},
		"RSA-OAEP-256": {Private: rsaKey()}, "ECDH-ES": {Private: ecKey(elliptic.P256())}, "ECDH-ES+A128KW": {Private: ecKey(elliptic.P256())},
	} {
		for _, enc := range []string{"A256GCM", "A128CBC-HS256"} {
			if alg == "dir" {
				k.Algorithm = enc
			}
			part := strings.Split(encrypt(t, k, "a text of more than one block", jwe.Header{Algorithm: alg, Encryption: enc}), ".")
			var changed []string
			for i := 1; i < 5; i++ {
				if part[i] == "" {
					continue
				}
				for _, at := range []int{0, len(part[i]) / 2} {
					p := slices.Clone(part)
					p[i] = p[i][:at] + flip(p[i][at]) + p[i][at+1:]
					changed = append(changed, strings.Join(p, "."))
				}
			}
			if part[1] != "" {
				p := slices.Clone(part)
				p[1] = "AAAA"
				changed = append(changed, strings.Join(p, "."))
			}
			p := slices.Clone(part)
			p[3] = p[3][:4] // no whole block
			changed = append(changed, strings.Join(p, "."))
			p = slices.Clone(part)
			p[0] = b64([]byte(strings.Replace(decode(t, p[0]), `{`, `{ `, 1)))
			changed = append(changed, strings.Join(p, "."))
			for i, text := range changed {
				got, err := decrypt(t, &jwe.Decrypter{Keys: jwt.Keys{k}, Algorithms: everything}, text)
				refused(t, got == nil, err, token.ErrSignature, "")
				if want := "token: invalid: signature not verified: no key decrypts it, or it was changed"; err == nil || err.Error() != want {
					t.Errorf("%s %s %d: %v", alg, enc, i, err)
				}
			}
		}
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "Q"
	}
	return "A"
}

func decode(t testing.TB, segment string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestKeysTried(t *testing.T) {
	t.Parallel()
	k := secret(32, 'k')
	text := sealDir(t, k, `{"alg":"dir","enc":"A256GCM"}`, "plain")
	named := sealDir(t, k, `{"alg":"dir","enc":"A256GCM","kid":"it"}`, "plain")
	var others jwt.Keys
	for i := range 15 {
		others = append(others, jwt.Key{ID: fmt.Sprint(i), Shared: secret(32, byte('A'+i))})
	}
	unfit := jwt.Key{Shared: k, Use: "sig"}
	sixteenth := append(slices.Clone(others), unfit, jwt.Key{ID: "it", Shared: k})
	if got, err := decrypt(t, &jwe.Decrypter{Keys: sixteenth}, text); err != nil || string(got) != "plain" {
		t.Errorf("the 16th that fits: %q, %v", got, err)
	}
	seventeenth := append(slices.Clone(others), jwt.Key{ID: "x", Shared: secret(32, 'x')}, jwt.Key{ID: "it", Shared: k})
	got, err := decrypt(t, &jwe.Decrypter{Keys: seventeenth}, text)
	refused(t, got == nil, err, token.ErrSignature, "first 16 keys")
	if got, err := decrypt(t, &jwe.Decrypter{Keys: seventeenth}, named); err != nil || string(got) != "plain" {
		t.Errorf("the one that is named: %q, %v", got, err)
	}
	got, err = decrypt(t, &jwe.Decrypter{Keys: others}, named)
	refused(t, got == nil, err, token.ErrSignature, "kid")
	got, err = decrypt(t, &jwe.Decrypter{Keys: jwt.Keys{{ID: "it", Shared: secret(32, 'x')}}}, named)
	refused(t, got == nil, err, token.ErrSignature, "no key decrypts")
}

// Each key that is tried costs what it costs to try it, and not what it costs to
// read a megabyte.
func TestReadOnce(t *testing.T) {
	var keys jwt.Keys
	for i := range 16 {
		keys = append(keys, jwt.Key{Algorithm: "A256KW", Shared: secret(32, byte('A'+i))})
	}
	text := encrypt(t, jwt.Key{Algorithm: "A256KW", Shared: secret(32, 'k')}, "plain", jwe.Header{})
	allocations := func(keys jwt.Keys) float64 {
		return testing.AllocsPerRun(10, func() {
			if _, err := decrypt(t, &jwe.Decrypter{Keys: keys}, text); err == nil {
				t.Fatal("decrypted")
			}
		})
	}
	if one, all := allocations(keys[:1]), allocations(keys); all > 8*one {
		t.Errorf("%v allocations for one key, %v for 16", one, all)
	}
}

// Where the keys cannot be had, nothing is said of the token.
func TestKeysAway(t *testing.T) {
	t.Parallel()
	k := jwt.Key{Shared: secret(32, 'k')}
	text := token.NewSecret(encrypt(t, k, claims, jwe.Header{}))
	for _, own := range []error{errAway, errOwn} {
		p := policy(k)
		p.Keys = failing{own}
		_, verifyErr := p.Verify(t.Context(), text)
		_, decryptErr := (&jwe.Decrypter{Keys: failing{own}}).Decrypt(t.Context(), text)
		board := &jwe.Dashboard{Keys: failing{own}}
		_, openErr := board.Open(t.Context(), token.NewSecret(vectors(t)[0].Token))
		_, sealErr := board.Seal(t.Context(), text)
		for _, err := range []error{verifyErr, decryptErr, openErr, sealErr} {
			want := own
			if own == errOwn {
				want = token.ErrRefused
			}
			refused(t, true, err, nil, own.Error())
			if own == errOwn && !strings.HasPrefix(err.Error(), "jwe: no keys") {
				t.Errorf("it does not say who needed what: %v", err)
			}
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
	}
	if _, err := (&jwe.Decrypter{}).Decrypt(t.Context(), text); err == nil || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), "no Keys") {
		t.Errorf("the zero Decrypter: %v", err)
	}
	if _, err := (&jwe.Decrypter{Keys: none{}}).Decrypt(t.Context(), text); !errors.Is(err, token.ErrSignature) {
		t.Errorf("no keys at the moment: %v", err)
	}
	if _, err := (&jwe.Decrypter{Keys: jwt.Keys{k}, Algorithms: []string{"RSA1_5"}}).Decrypt(t.Context(), text); err == nil || errors.Is(err, token.ErrInvalid) {
		t.Errorf("RSA1_5 listed: %v", err)
	}
}

type none struct{}

func (none) Keys(context.Context, string) ([]jwt.Key, error) { return nil, nil }

// A key that makes go-jose panic is an error, and no verdict.
func TestPanic(t *testing.T) {
	t.Parallel()
	good := ecKey(elliptic.P256())
	text := encrypt(t, jwt.Key{Private: good}, "plain", jwe.Header{})
	broken := &ecdsa.PrivateKey{PublicKey: good.PublicKey} // no D
	got, err := decrypt(t, &jwe.Decrypter{Keys: jwt.Keys{{Private: broken}}}, text)
	refused(t, got == nil, err, nil, "panicked")

	off := &ecdsa.PublicKey{Curve: elliptic.P256()}
	secret, err := jwe.Encrypt(jwt.Key{Public: off}, nil, jwe.Header{})
	refused(t, secret.IsZero(), err, nil, "")
}

func TestEncryptRefuses(t *testing.T) {
	t.Parallel()
	k := secret(32, 'k')
	for _, test := range []struct {
		name string
		key  jwt.Key
		h    jwe.Header
		says string
	}{
		{"nothing", jwt.Key{}, jwe.Header{}, "another kind"},
		{"RSA1_5", jwt.Key{Private: rsaKey()}, jwe.Header{Algorithm: "RSA1_5"}, "RSA1_5"},
		{"PBES2", jwt.Key{Shared: k}, jwe.Header{Algorithm: "PBES2-HS256+A128KW"}, "PBES2"},
		{"a key to sign", jwt.Key{Shared: k, Algorithm: "HS256"}, jwe.Header{}, "HS256"},
		{"a key to sign, by use", jwt.Key{Shared: k, Use: "sig"}, jwe.Header{}, "use"},
		{"a key to decrypt", jwt.Key{Shared: k, Operations: []string{"decrypt"}}, jwe.Header{}, "encrypt"},
		{"a key to wrap", jwt.Key{Shared: k, Operations: []string{"wrapKey"}}, jwe.Header{}, "encrypt"},
		{"another alg", jwt.Key{Shared: k, Algorithm: "A256KW"}, jwe.Header{Algorithm: "dir"}, "another"},
		{"another enc", jwt.Key{Shared: k, Algorithm: "A256GCM"}, jwe.Header{Encryption: "A128CBC-HS256"}, "another"},
		{"an ID that is not UTF-8", jwt.Key{ID: "\xff", Shared: k}, jwe.Header{}, "UTF-8"},
		{"a typ that is not UTF-8", jwt.Key{Shared: k}, jwe.Header{Type: "\xff"}, "UTF-8"},
		{"a cty that is not UTF-8", jwt.Key{Shared: k}, jwe.Header{ContentType: "\xff"}, "UTF-8"},
		{"an enc for alg", jwt.Key{Shared: k}, jwe.Header{Algorithm: "A256GCM"}, "Header.Algorithm"},
		{"unknown enc", jwt.Key{Shared: k}, jwe.Header{Encryption: "A512GCM"}, "A512GCM"},
		{"size", jwt.Key{Shared: secret(31, 'k')}, jwe.Header{}, "size"},
		{"weak", jwt.Key{Public: &must(rsa.GenerateKey(rand.Reader, 1024)).PublicKey}, jwe.Header{}, "2048"},
		{"an exponent of 1", jwt.Key{Public: &rsa.PublicKey{N: rsaKey().N, E: 1}}, jwe.Header{}, "exponent that"},
		{"an even exponent", jwt.Key{Public: &rsa.PublicKey{N: rsaKey().N, E: 65536}}, jwe.Header{}, "exponent that"},
		{"curve", jwt.Key{Public: &ecKey(elliptic.P224()).PublicKey}, jwe.Header{}, "not known here"},
		{"kind", jwt.Key{Public: &rsaKey().PublicKey}, jwe.Header{Algorithm: "ECDH-ES"}, "kind"},
	} {
		s, err := jwe.Encrypt(test.key, []byte("plain"), test.h)
		t.Run(test.name, func(t *testing.T) { refused(t, s.IsZero(), err, nil, test.says) })
	}
	if s, err := jwe.Encrypt(jwt.Key{Shared: k}, make([]byte, 1<<20), jwe.Header{}); err == nil || !s.IsZero() {
		t.Errorf("a token that nobody would read: %v", err)
	}
}

// To encrypt takes a public key only.
func TestEncryptPublic(t *testing.T) {
	t.Parallel()
	ec := ecKey(elliptic.P521())
	for _, pair := range [][2]jwt.Key{
		{{Public: &rsaKey().PublicKey, Operations: []string{"wrapKey"}}, {Private: rsaKey()}},
		{{Public: &ec.PublicKey}, {Private: ec}},
	} {
		text := encrypt(t, pair[0], "plain", jwe.Header{})
		if got, err := decrypt(t, &jwe.Decrypter{Keys: jwt.Keys{pair[1]}}, text); err != nil || string(got) != "plain" {
			t.Errorf("%q, %v", got, err)
		}
		var h struct{ Enc string }
		if err := json.Unmarshal([]byte(decode(t, strings.Split(text, ".")[0])), &h); err != nil || h.Enc != "A256GCM" {
			t.Errorf("%+v, %v", h, err)
		}
	}
}
