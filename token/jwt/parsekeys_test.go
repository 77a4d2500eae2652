//lint:file-ignore SA1019 Keys that no library makes are put together by hand.

package jwt_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// jwkOf returns key as go-jose writes it, with changes.
func jwkOf(t testing.TB, key any, changes set) set {
	t.Helper()
	raw, err := json.Marshal(gojose.JSONWebKey{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	var s set
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s.with(changes)
}

// jwkSet returns a JSON Web Key Set.
func jwkSet(t testing.TB, keys ...set) string { return set{"keys": keys}.json(t) }

// Keys come back as what they were, and verify.
func TestParseJWK(t *testing.T) {
	t.Parallel()
	for alg, m := range makers() {
		public := any(m.public.Public)
		if public == nil {
			public = m.key
		}
		for name, key := range map[string]any{"public": public, "private": m.key} {
			one := jwkOf(t, key, set{"kid": "1", "alg": alg, "use": "sig", "key_ops": []string{"sign", "verify"}, "x5t": "no base64!", "x5c": []int{1}, "ext": true})
			for form, text := range map[string]string{"one": one.json(t), "set": jwkSet(t, one, set{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"})} {
				keys, err := jwt.ParseKeys([]byte(text))
				if err != nil || len(keys) != 1 {
					t.Fatalf("%s, %s, %s: %v, %v", alg, name, form, keys, err)
				}
				k := keys[0]
				if k.ID != "1" || k.Algorithm != alg || k.Use != "sig" || len(k.Operations) != 2 || k.Operations[1] != "verify" {
					t.Errorf("%s, %s, %s: %v", alg, name, form, k)
				}
				if !k.Shared.Equal(m.public.Shared) || m.public.Public != nil && !equal(k.Public, m.public.Public) {
					t.Errorf("%s, %s, %s: another key", alg, name, form)
				}
				if k.Private != nil {
					t.Errorf("%s, %s, %s: a private half, of a key that is for signatures", alg, name, form)
				}
				if _, err := verify(t, policy(keys...), m.token(t, set{"kid": "1"}, nil)); err != nil {
					t.Errorf("%s, %s, %s: %v", alg, name, form, err)
				}
			}
		}
	}
}

// equal compares keys of the standard library.
func equal(a, b any) bool {
	switch a := a.(type) {
	case interface{ Equal(crypto.PublicKey) bool }:
		return a.Equal(b)
	case interface{ Equal(crypto.PrivateKey) bool }:
		return a.Equal(b)
	}
	return false
}

// How a key is described does not change what it is, and nil is not empty.
func TestParseJWKDescribed(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "RS256")
	keys, err := jwt.ParseKeys([]byte(jwkSet(t, jwkOf(t, m.public.Public, nil))))
	if err != nil || len(keys) != 1 || keys[0].Operations != nil || keys[0].ID != "" || keys[0].Algorithm != "" || keys[0].Use != "" {
		t.Errorf("%v, %v", keys, err)
	}
	if k, err := jwt.ParseKeys([]byte(jwkOf(t, m.key, set{"use": "enc", "alg": "RSA-OAEP-256", "key_ops": []string{"decrypt"}}).json(t))); err != nil || !equal(k[0].Private, m.key) || !equal(k[0].Public, m.public.Public) {
		t.Errorf("a key that decrypts: %v, %v", k, err)
	}
	for _, ops := range []string{"decrypt", "unwrapKey", "deriveKey", "deriveBits", "verify"} {
		k, err := jwt.ParseKeys([]byte(jwkOf(t, m.key, set{"key_ops": []string{ops}}).json(t)))
		if err != nil || (k[0].Private == nil) != (ops == "verify") {
			t.Errorf("%s: %v, %v", ops, k, err)
		}
	}
}

// What cannot be used is skipped, and if nothing is left the error says why.
func TestParseJWKSkips(t *testing.T) {
	t.Parallel()
	rs, es := makerOf(t, "RS256"), makerOf(t, "ES256")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mixed := &ecdsa.PrivateKey{PublicKey: *es.public.Public.(*ecdsa.PublicKey), D: other.D}
	n4097 := new(big.Int).SetBit(big.NewInt(1), 4096, 1)
	const whole = "it is not a whole key of its kty, or not a good one"
	for _, test := range []struct {
		name string
		key  any // a set, or any JSON
		why  string
	}{
		{"no kty", set{"kid": "1"}, "kty: missing or empty"},
		{"unknown kty", set{"kty": "AKP"}, "kty: not known here"},
		{"kty in lower case", set{"kty": "rsa"}, "kty: not known here"},
		{"unknown crv", jwkOf(t, es.public.Public, set{"crv": "secp256k1"}), "crv: not known here"},
		{"X25519", set{"kty": "OKP", "crv": "X25519", "x": b64(strings.Repeat("x", 32))}, "crv: not known here"},
		{"Ed448", set{"kty": "OKP", "crv": "Ed448", "x": b64(strings.Repeat("x", 57))}, "crv: not known here"},
		{"no object", 7, "a number where an object must be"},
		{"null", nil, "null where an object must be"},

		{"1024 bits", jwkOf(t, &small.PublicKey, nil), "it is an RSA key of less than 2048 bits"},
		{"1024 bits, private", jwkOf(t, small, nil), "it is an RSA key of less than 2048 bits"},
		{"1024 bits, to decrypt", jwkOf(t, small, set{"use": "enc"}), "it is an RSA key of less than 2048 bits"},
		{"4097 bits", jwkOf(t, &rsa.PublicKey{N: n4097, E: 65537}, nil), "it is an RSA key of more than 4096 bits"},
		{"exponent 1", jwkOf(t, &rsa.PublicKey{N: rs.public.Public.(*rsa.PublicKey).N, E: 1}, nil), whole},
		{"exponent 4", jwkOf(t, &rsa.PublicKey{N: rs.public.Public.(*rsa.PublicKey).N, E: 4}, nil), "it is an RSA key with an exponent"},
		{"no n", jwkOf(t, rs.public.Public, set{"n": nil}), whole},
		{"no e", jwkOf(t, rs.public.Public, set{"e": nil}), whole},
		{"huge e", jwkOf(t, rs.public.Public, set{"e": b64(strings.Repeat("\x01", 9))}), whole},
		{"half a private key", jwkOf(t, rs.public.Public, set{"d": b64("d")}), whole},
		{"another private key", jwkOf(t, rs.key, set{"d": jwkOf(t, small, nil)["d"]}), whole},
		{"n with padding", jwkOf(t, rs.public.Public, set{"n": "AA=="}), "n: padded base64"},
		{"n a number", jwkOf(t, rs.public.Public, set{"n": 1}), "n: a number where a string must be"},
		{"line break", jwkOf(t, rs.public.Public, set{"e": "AQ\nAB"}), "e: white space"},

		{"off the curve", jwkOf(t, es.public.Public, set{"y": jwkOf(t, es.public.Public, nil)["x"]}), whole},
		{"on another curve", jwkOf(t, es.public.Public, set{"crv": "P-384"}), whole},
		{"short x", jwkOf(t, es.public.Public, set{"x": b64("x")}), whole},
		{"two keys in one", jwkOf(t, mixed, nil), whole},
		{"Ed25519 of 31 bytes", set{"kty": "OKP", "crv": "Ed25519", "x": b64(strings.Repeat("x", 31))}, whole},

		{"no k", set{"kty": "oct"}, whole},
		{"empty k", set{"kty": "oct", "k": ""}, "nothing is"},
		{"short k", set{"kty": "oct", "k": b64(strings.Repeat("k", 15))}, "it is a secret shorter than the algorithm's hash"},
		{"short k for HS512", set{"kty": "oct", "alg": "HS512", "k": b64(strings.Repeat("k", 63))}, "it is a secret shorter than the algorithm's hash"},
		{"short k to verify", set{"kty": "oct", "use": "sig", "k": b64(strings.Repeat("k", 31))}, "it is a secret shorter than the algorithm's hash"},

		{"to encrypt", jwkOf(t, rs.public.Public, set{"use": "enc"}), "its use is not sig"},
		{"to encrypt, by alg", jwkOf(t, rs.public.Public, set{"alg": "RSA-OAEP"}), "nothing is verified with its alg, and it does not decrypt"},
		{"to do nothing", jwkOf(t, rs.key, set{"key_ops": []string{}}), "its key_ops lack verify"},
		{"to sign", jwkOf(t, rs.key, set{"key_ops": []string{"sign"}}), "its key_ops lack verify"},
		{"unknown use", jwkOf(t, rs.public.Public, set{"use": "tls"}), "its use is not sig"},
		{"alg of another kind", jwkOf(t, rs.public.Public, set{"alg": "ES256"}), "it is a key of another kind"},
		{"alg none", jwkOf(t, rs.public.Public, set{"alg": "none"}), "nothing is verified with its alg"},
		{"use a number", jwkOf(t, rs.public.Public, set{"use": 1}), "use: a number"},
		{"key_ops a string", jwkOf(t, rs.public.Public, set{"key_ops": "verify"}), "key_ops: a string where an array must be"},
		{"alg null", json.RawMessage(`{"kty":"oct","k":"AAAA","alg":null}`), "alg: null"},
	} {
		good := jwkOf(t, rs.public.Public, set{"kid": "good"})
		keys, err := jwt.ParseKeys([]byte(set{"keys": []any{test.key, good}}.json(t)))
		if err != nil || len(keys) != 1 || keys[0].ID != "good" {
			t.Errorf("%s: beside a good key: %v, %v", test.name, keys, err)
		}
		keys, err = jwt.ParseKeys([]byte(set{"keys": []any{test.key}}.json(t)))
		if err == nil || keys != nil {
			t.Errorf("%s: %v", test.name, keys)
			continue
		}
		if want := "jwt: keys: none can be used: key 1: " + test.why; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", test.name, err, want)
		}
	}
}

// A secret of 16 bytes is too short to verify with and long enough to decrypt.
func TestParseShared(t *testing.T) {
	t.Parallel()
	for _, size := range []int{16, 31, 32, 64, 1000} {
		secret := strings.Repeat("k", size)
		keys, err := jwt.ParseKeys([]byte(set{"kty": "oct", "k": b64(secret)}.json(t)))
		if err != nil || len(keys) != 1 || keys[0].Shared.Reveal() != secret {
			t.Errorf("%d bytes: %v, %v", size, keys, err)
		}
	}
}

func TestParseKeysRefuses(t *testing.T) {
	t.Parallel()
	good := jwkOf(t, makerOf(t, "ES256").public.Public, set{"kid": "1"})
	many := func(n int, key set) string { return jwkSet(t, times(n, key)...) }
	for _, test := range []struct{ name, data, want string }{
		{"nothing", "", "jwt: keys: neither JSON, which begins with a brace, nor PEM: convert them to one of these"},
		{"an array", "[" + good.json(t) + "]", "jwt: keys: neither JSON"},
		{"a secret", "correct horse battery staple", "jwt: keys: neither JSON"},
		{"an empty set", `{"keys":[]}`, "jwt: keys: there are none"},
		{"no key", `{}`, "jwt: keys: none can be used: key 1: kty: missing or empty"},
		{"keys no array", `{"keys":{}}`, "jwt: keys: JSON: keys: an object where an array must be"},
		{"keys null", `{"keys":null}`, "jwt: keys: JSON: keys: null where an array must be"},
		{"two sets", `{"keys":[],"keys":[]}`, "jwt: keys: JSON: keys: a name that occurs twice"},
		{"twins", `{"keys":[` + good.json(t) + `],"Keys":[]}`, "jwt: keys: JSON: keys: a name that occurs twice"},
		{"twins in a key", `{"keys":[{"kty":"EC","KTY":"oct"}]}`, "jwt: keys: JSON: keys: a name that occurs twice"},
		{"trailing", jwkSet(t, good) + "{}", "jwt: keys: JSON: more text"},
		{"cut off", jwkSet(t, good)[:100], "jwt: keys: JSON: keys: an end in the middle"},
		{"too long", strings.Repeat(" ", 1<<20) + "{}", "jwt: keys of 1048578 bytes, more than the 1048576 that are read: is it a key file?"},
		{"too many", many(1001, set{}), "jwt: keys: more than the 1000 that are read"},
		{"many bad", many(1000, set{"kty": "x"}), "jwt: keys: none can be used: key 1: kty: not known here; key 2: kty: not known here; key 3: kty: not known here; key 4: kty: not known here; key 5: kty: not known here; and 995 more"},
		{"deep", `{"keys":[` + strings.Repeat("[", 100), "jwt: keys: JSON: keys: too deep"},

		{"empty PEM", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "jwt: keys: none can be used: key 1: it is neither a key nor a certificate"},
		{"cut off PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n", "jwt: keys: none can be used: 1 blocks of PEM are cut off or damaged"},
		{"other PEM", block("DH PARAMETERS", []byte("x")), "jwt: keys: none can be used: key 1: it is neither a key nor a certificate"},
		{"encrypted PEM", block("ENCRYPTED PRIVATE KEY", []byte("x")), "jwt: keys: none can be used: key 1: it is encrypted: decrypt it first"},
		{"encrypted PEM, old", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "jwt: keys: none can be used: key 1: it is encrypted"},
		{"OpenSSH", block("OPENSSH PRIVATE KEY", []byte("x")), "jwt: keys: none can be used: key 1: it is in OpenSSH's own form: convert"},
		{"only parameters", block("EC PARAMETERS", []byte("x")), "jwt: keys: there are none"},
		{"many PEM", strings.Repeat(block("X", []byte("x")), 1001), "jwt: keys: more than the 1000 that are read"},
	} {
		keys, err := jwt.ParseKeys([]byte(test.data))
		if err == nil || keys != nil || !strings.HasPrefix(err.Error(), test.want) || len(err.Error()) > 500 {
			t.Errorf("%s: %v, %v, want %s", test.name, keys, err, test.want)
		}
	}
	if keys, err := jwt.ParseKeys([]byte(many(1000, good))); err != nil || len(keys) != 1000 {
		t.Errorf("1000 keys: %d, %v", len(keys), err)
	}
}

// times returns n times key.
func times(n int, key set) []set {
	keys := make([]set, n)
	for i := range keys {
		keys[i] = key
	}
	return keys
}

// block returns der as PEM.
func block(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func TestParsePEM(t *testing.T) {
	t.Parallel()
	must := func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	rsaKey := makerOf(t, "RS256").key.(*rsa.PrivateKey)
	ecKey := makerOf(t, "ES384").key.(*ecdsa.PrivateKey)
	edKey := makerOf(t, "EdDSA").key.(ed25519.PrivateKey)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	expired := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Unix(1, 0)}
	cert := must(x509.CreateCertificate(rand.Reader, expired, expired, &rsaKey.PublicKey, rsaKey))

	for _, test := range []struct {
		name, label string
		der         []byte
		want        string // as it prints, or why it is skipped
		alg         string // verifies this
	}{
		{"PKIX", "PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)), "key (RSA 2048 bits)", "RS256"},
		{"PKIX under another label", "RSA PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)), "key (RSA 2048 bits)", "RS256"},
		{"PKCS #1", "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey), "key (RSA 2048 bits)", "RS256"},
		{"PKCS #1 under another label", "PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey), "key (RSA 2048 bits)", "RS256"},
		{"certificate", "CERTIFICATE", cert, "key (RSA 2048 bits)", "RS256"},
		{"certificate, old label", "X509 CERTIFICATE", cert, "key (RSA 2048 bits)", "RS256"},
		{"EC", "PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&ecKey.PublicKey)), "key (P-384)", "ES384"},
		{"Ed25519", "PUBLIC KEY", must(x509.MarshalPKIXPublicKey(edKey.Public())), "key (Ed25519)", "EdDSA"},

		{"PKCS #8, RSA", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(rsaKey)), "key (RSA 2048 bits and private)", "RS256"},
		{"PKCS #8, EC", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ecKey)), "key (P-384 and private)", "ES384"},
		{"PKCS #8, Ed25519", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(edKey)), "key (Ed25519)", "EdDSA"},
		{"PKCS #8, X25519", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(x25519)), "key (private)", ""},
		{"PKCS #1, private", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), "key (RSA 2048 bits and private)", "RS256"},
		{"PKCS #1, private, under another label", "PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), "key (RSA 2048 bits and private)", "RS256"},
		{"SEC 1", "EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey)), "key (P-384 and private)", "ES384"},

		{"X25519, public", "PUBLIC KEY", must(x509.MarshalPKIXPublicKey(x25519.PublicKey())), "nothing is verified or decrypted with keys of its kind", ""},
		{"P-224", "PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&p224.PublicKey)), "it is on another curve", ""},
		{"P-224, private", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p224)), "it is on another curve", ""},
	} {
		text := "# " + test.name + "\r\n" + block("EC PARAMETERS", []byte("x")) + block(test.label, test.der)
		keys, err := jwt.ParseKeys([]byte(text))
		if err != nil {
			if !strings.HasSuffix(err.Error(), "key 1: "+test.want) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if got := fmt.Sprint(keys[0]); len(keys) != 1 || got != test.want {
			t.Errorf("%s: %v, want %s", test.name, keys, test.want)
		}
		if test.alg == "" {
			continue
		}
		if _, err := verify(t, policy(keys...), makerOf(t, test.alg).token(t, set{"kid": "any"}, nil)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}

	// Several, good and bad, one after the other.
	keys, err := jwt.ParseKeys([]byte(block("CERTIFICATE", cert) + "\n" + block("X", nil) + block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&ecKey.PublicKey))) + "-----BEGIN X-----"))
	if err != nil || len(keys) != 2 {
		t.Errorf("%v, %v", keys, err)
	}
}

// An error says nothing of a key that did not parse.
func TestParseKeysErrorsDoNotPrint(t *testing.T) {
	t.Parallel()
	const canary = "xyzzy4711plugh"
	for _, data := range []string{
		set{"kty": "oct", "k": canary[:14] + "!"}.json(t),
		set{"kty": "oct", "k": canary[:5]}.json(t),
		set{"kty": canary, "kid": canary}.json(t),
		set{"kty": "EC", "crv": canary, "d": canary[:12]}.json(t),
		set{"kty": "RSA", "alg": canary, "use": canary, "key_ops": []string{canary}, canary: canary}.json(t),
		`{"` + canary + `":1,"` + canary + `":1}`,
		"-----BEGIN " + canary + "-----\n" + canary + "\n-----END " + canary + "-----\n",
		canary,
	} {
		if _, err := jwt.ParseKeys([]byte(data)); err == nil || strings.Contains(err.Error(), canary[:5]) {
			t.Errorf("%v", err)
		}
	}
	if _, err := (jwt.Keys{{Shared: token.NewSecret(canary)}}).Keys(t.Context(), canary); err != nil {
		t.Error(err)
	}
}
