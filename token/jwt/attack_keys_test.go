package jwt_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// selfSigned returns a certificate of key, in DER.
func selfSigned(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "enemy"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Keys in a set from which nothing good can come: each is skipped, and the good
// key beside it works. Alone it is an error.
func TestAttackKeySets(t *testing.T) {
	t.Parallel()
	f := forge()
	rsa1024, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(key any) map[string]any {
		data, err := json.Marshal(jose.JSONWebKey{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	with := func(key any, nameValues ...any) map[string]any {
		m := jwk(key)
		for i := 0; i < len(nameValues); i += 2 {
			m[nameValues[i].(string)] = nameValues[i+1]
		}
		return m
	}
	number := func(n *big.Int) string { return f.encode(string(n.Bytes())) }
	rsaPublic, p256, ed := &f.rsa.PublicKey, &f.p256.PublicKey, f.ed.Public()
	zero32, one32 := f.encode(strings.Repeat("\x00", 32)), f.encode(strings.Repeat("\x00", 31)+"\x01")
	x, _ := coordinates(t, p256)
	prime, _ := new(big.Int).SetString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16)

	good := with(rsaPublic, "kid", "good", "alg", "RS256", "use", "sig")
	text := f.token(`{"alg":"RS256","kid":"good"}`, goodClaims, f.pkcs1(crypto.SHA256, f.rsa))

	for what, bad := range map[string]map[string]any{
		"RSA of 1024 bits":               with(&rsa1024.PublicKey),
		"RSA with exponent 1":            with(rsaPublic, "e", "AQ"),
		"RSA with exponent 2":            with(rsaPublic, "e", "Ag"),
		"RSA with exponent 0":            with(rsaPublic, "e", "AA"),
		"RSA without exponent":           with(rsaPublic, "e", ""),
		"RSA with a huge exponent":       with(rsaPublic, "e", number(rsaPublic.N)),
		"RSA with an exponent of 2^64+1": with(rsaPublic, "e", number(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(65537)))),
		"RSA with an even modulus":       with(rsaPublic, "n", number(new(big.Int).Sub(rsaPublic.N, big.NewInt(1)))),
		"RSA without modulus":            with(rsaPublic, "n", ""),
		"RSA with a modulus of 64 kbit":  with(rsaPublic, "n", f.encode(strings.Repeat("\xff", 8192))),
		"RSA with a number for n":        with(rsaPublic, "n", 5),
		"RSA with padded base64":         with(rsaPublic, "e", "AQAB===="),
		"RSA with a line break in e":     with(rsaPublic, "e", "AQ\nAB"),
		"RSA with stray bits in n":       with(rsaPublic, "n", strayBits(number(rsaPublic.N))),
		"oct for MACs, of 16 bytes":      {"kty": "oct", "use": "sig", "k": f.encode("0123456789abcdef")},
		"RSA with alg HS256":             with(rsaPublic, "alg", "HS256"),
		"RSA with alg none":              with(rsaPublic, "alg", "none"),
		"RSA with alg ES256":             with(rsaPublic, "alg", "ES256"),
		"EC private, of two halves":      with(f.p256, "x", jwk(&f.enemyP256.PublicKey)["x"], "y", jwk(&f.enemyP256.PublicKey)["y"]),
		"EC off its curve":               with(p256, "x", one32, "y", one32),
		"EC at zero":                     with(p256, "x", zero32, "y", zero32),
		"EC with y swapped for x":        with(p256, "y", jwk(p256)["x"]),
		"EC with x + p":                  with(p256, "x", f.encode(string(new(big.Int).Add(x, prime).FillBytes(make([]byte, 33))))),
		"EC with a coordinate cut":       with(p256, "x", jwk(p256)["x"].(string)[:40]),
		"EC with a coordinate too long":  with(p256, "x", f.encode("\x00"+string(x.FillBytes(make([]byte, 32))))),
		"EC without y":                   with(p256, "y", ""),
		"EC of P-256 called P-384":       with(p256, "crv", "P-384"),
		"EC on secp256k1":                with(p256, "crv", "secp256k1"),
		"EC on a curve of no name":       with(p256, "crv", ""),
		"EC on P-224":                    with(p256, "crv", "P-224"),
		"EC with alg RS256":              with(p256, "alg", "RS256"),
		"EC with alg ES384":              with(p256, "alg", "ES384"),
		"Ed25519 of 31 bytes":            with(ed, "x", f.encode(strings.Repeat("x", 31))),
		"Ed25519 of 33 bytes":            with(ed, "x", f.encode(strings.Repeat("x", 33))),
		"Ed25519 empty":                  with(ed, "x", ""),
		"Ed448":                          with(ed, "crv", "Ed448"),
		"X25519 public":                  with(ed, "crv", "X25519"),
		"oct empty":                      {"kty": "oct", "k": ""},
		"oct of 31 bytes":                {"kty": "oct", "alg": "HS256", "k": f.encode(strings.Repeat("x", 31))},
		"oct too short for HS512":        {"kty": "oct", "alg": "HS512", "k": f.encode(strings.Repeat("x", 63))},
		"oct with alg RS256":             {"kty": "oct", "alg": "RS256", "k": f.encode(strings.Repeat("x", 64))},
		"oct without k":                  {"kty": "oct"},
		"use enc":                        with(rsaPublic, "use", "enc"),
		"key_ops encrypt":                with(rsaPublic, "key_ops", []string{"encrypt"}),
		"key_ops empty":                  with(rsaPublic, "key_ops", []string{}),
		"unknown kty":                    {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
		"kty in another case":            with(rsaPublic, "kty", "rsa"),
		"kty a number":                   with(rsaPublic, "kty", 1),
		"no kty":                         {"n": "AQAB", "e": "AQAB"},
		"nothing":                        {},
	} {
		bad["kid"] = "bad"
		t.Run(what, func(t *testing.T) {
			set, err := json.Marshal(map[string]any{"keys": []any{bad, good, bad}})
			if err != nil {
				t.Fatal(err)
			}
			keys := parse(t, set)
			if len(keys) != 1 || keys[0].ID != "good" {
				t.Errorf("%d keys of a good one between two bad ones", len(keys))
			}
			if len(keys) > 0 {
				f.accepts(t, f.policy(keys...), text)
			}
			for _, k := range keys {
				if k.ID == "bad" {
					f.refuses(t, f.policy(k), f.token(`{"alg":"RS256","kid":"bad"}`, goodClaims, f.pkcs1(crypto.SHA256, f.rsa)), token.ErrSignature)
				}
			}
			alone, err := json.Marshal(bad)
			if err != nil {
				t.Fatal(err)
			}
			if keys, err := jwt.ParseKeys(alone); err == nil {
				t.Errorf("alone it is accepted: %d keys", len(keys))
			} else {
				oneLine(t, err)
			}
		})
	}
}

// parse is ParseKeys of a set that has a good key in it.
func parse(t *testing.T, data []byte) jwt.Keys {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("panic: %v", v)
		}
	}()
	keys, err := jwt.ParseKeys(data)
	if err != nil {
		t.Errorf("the whole set is refused: %v", err)
	}
	return keys
}

// oneLine checks that err is one line of sensible length.
func oneLine(t *testing.T, err error) {
	t.Helper()
	if s := err.Error(); len(s) > 1000 || strings.ContainsAny(s, "\r\n\x00\x1b") {
		t.Errorf("not one short line: %.200q", s)
	}
}

// Texts that are no keys, or that are keys in two ways.
func TestAttackKeyTexts(t *testing.T) {
	t.Parallel()
	f := forge()
	data, err := json.Marshal(jose.JSONWebKey{Key: &f.rsa.PublicKey, KeyID: "good"})
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	enemy, err := json.Marshal(jose.JSONWebKey{Key: &f.enemyRSA.PublicKey, KeyID: "good"})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&f.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, f.rsa)
	if err != nil {
		t.Fatal(err)
	}
	block := func(label string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	for _, text := range []string{
		``, ` `, `null`, `true`, `[]`, `{}`, `""`, `1`, "\x00", "\xff\xfe", "\ufeff" + good,
		`{"keys":null}`, `{"keys":{}}`, `{"keys":[]}`, `{"keys":[null]}`, `{"keys":[1]}`, `{"keys":["` + f.encode(good) + `"]}`, `{"keys":[[` + good + `]]}`,
		`[` + good + `]`, `{"KEYS":[` + good + `]}`,
		`{"keys":[` + good + `],"keys":[` + string(enemy) + `]}`,
		`{"keys":[` + good + `],"KEYS":[` + string(enemy) + `]}`,
		`{"keys":[` + good + `]}{"keys":[` + string(enemy) + `]}`,
		`{"keys":[` + good + `]} x`, `{"keys":[` + good + `,]}`, `{"keys":[` + good,
		good + good, good + ` x`, good[:len(good)-1],
		strings.Replace(good, `"kty":`, `"kty":"oct","kty":`, 1),
		strings.Replace(good, `"kid":`, `"KID":"x","kid":`, 1),
		strings.Replace(good, `"n":`, `"N":"AQAB","n":`, 1),
		strings.Replace(good, `"n":`, `"n":"AQAB","\u006e":`, 1),
		`{"keys":[` + strings.Replace(good, `"n":`, `"n":"AQAB","n":`, 1) + `]}`,
		`{"keys":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`,
		`{"keys":[` + strings.Repeat(`{},`, 3000) + good + `]}`,
		strings.Repeat(" ", 2<<20) + good,
		good + strings.Repeat(" ", 2<<20),
		`<html>502 Bad Gateway</html>`, `-----BEGIN PUBLIC KEY-----`, "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
		block("PUBLIC KEY", nil), block("PUBLIC KEY", []byte("not DER")), block("PUBLIC KEY", append(bytes.Clone(der), 0)), block("PUBLIC KEY", der[:len(der)-1]),
		block("CERTIFICATE", der[:40]), block("CERTIFICATE REQUEST", request), block("X509 CRL", []byte{0x30, 0}),
		strings.Repeat("-----BEGIN PUBLIC KEY-----\n", 10_000),
		block("PUBLIC KEY", der) + strings.Repeat("#", 2<<20),
		block("ENCRYPTED PRIVATE KEY", der), block("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00")), block("DSA PRIVATE KEY", []byte{0x30, 0}),
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA user@host",
		f.token(`{"alg":"HS256"}`, goodClaims, f.hs256()),
	} {
		t.Run(name(text), func(t *testing.T) {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("panic: %v", v)
				}
			}()
			keys, err := jwt.ParseKeys([]byte(text))
			if err == nil {
				t.Fatalf("%d keys", len(keys))
			}
			if len(keys) > 0 {
				t.Errorf("an error, and %d keys", len(keys))
			}
			oneLine(t, err)
		})
	}
}

// A thousand keys cost a thousand keys.
func TestAttackManyKeys(t *testing.T) {
	t.Parallel()
	f := forge()
	data, err := json.Marshal(jose.JSONWebKey{Key: &f.p256.PublicKey, KeyID: "k"})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	keys, err := jwt.ParseKeys([]byte(`{"keys":[` + strings.Repeat(string(data)+",", 300) + string(data) + `]}`))
	if err != nil || len(keys) != 301 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	// And a token that names none, or one that they share, is not tried with
	// all of them.
	text := f.token(`{"alg":"ES256","kid":"k"}`, goodClaims, f.ecdsa(crypto.SHA256, f.enemyP256))
	f.refuses(t, f.policy(keys...), text, token.ErrSignature)
	// Of those that a token without kid may have been signed with, 16 are
	// tried, or whoever sends one has us verify as often as there are keys.
	good := jwt.Key{Public: &f.enemyP256.PublicKey}
	text = f.token(`{"alg":"ES256"}`, goodClaims, f.ecdsa(crypto.SHA256, f.enemyP256))
	f.accepts(t, f.policy(append(keys[:15:15], good)...), text)
	f.refuses(t, f.policy(append(keys[:16:16], good)...), text, token.ErrSignature)
	f.accepts(t, f.policy(append(keys[:15:15], f.hsKey(), jwt.Key{Public: &f.rsa.PublicKey}, good)...), text)
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

// Secrets of keys print nowhere, neither in errors about them.
func TestAttackKeyPrints(t *testing.T) {
	t.Parallel()
	f := forge()
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := jwt.Keys{
		{ID: "rsa", Private: f.rsa}, {ID: "ec", Private: f.p256}, {ID: "x", Private: x25519}, f.hsKey(), {ID: "ed", Private: f.ed},
		{ID: "both", Public: &f.rsa.PublicKey, Private: f.rsa, Shared: token.NewSecret(string(f.secret))},
	}
	p := f.policy(keys...)
	scalar, err := f.p256.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{
		"d": f.rsa.D.Bytes(), "p": f.rsa.Primes[0].Bytes(), "ec": scalar, "x25519": x25519.Bytes(), "shared": f.secret, "seed": f.ed.Seed(),
	}
	var out bytes.Buffer
	text := slog.New(slog.NewTextHandler(&out, nil))
	js := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range []any{keys, &keys, keys[0], &keys[0], keys[1], keys[2], keys[3], keys[4], keys[5], p, *p, []any{keys[5]}, map[string]any{"k": keys[5]}, struct{ K jwt.Key }{keys[5]}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%T"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		text.Info("x", "v", v)
		js.Info("x", "v", v)
		if data, err := json.Marshal(v); err == nil {
			out.Write(data)
		}
	}
	// A private key whose rest is wrong, in JSON and in PEM.
	for _, broken := range []string{`"e":"AQAB"`, `"kty":"RSA"`} {
		data, err := json.Marshal(jose.JSONWebKey{Key: f.rsa})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jwt.ParseKeys([]byte(strings.Replace(string(data), broken, `"e":"!","kty":"EC"`, 1))); err != nil {
			fmt.Fprintln(&out, err)
		}
	}
	der := x509.MarshalPKCS1PrivateKey(f.rsa)
	if _, err := jwt.ParseKeys(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der[:len(der)-3]})); err != nil {
		fmt.Fprintln(&out, err)
	}
	if _, err := jwt.ParseKeys([]byte(`{"kty":"oct","k":"` + f.encode(string(f.secret)) + `!"}`)); err != nil {
		fmt.Fprintln(&out, err)
	}

	printed := out.String()
	for what, secret := range secrets {
		for form, text := range map[string]string{
			"as it is": string(secret[:12]), "hex": fmt.Sprintf("%x", secret[:12]), "HEX": fmt.Sprintf("%X", secret[:12]), "hex, spaced": fmt.Sprintf("% x", secret[:12]),
			"base64":     base64.StdEncoding.EncodeToString(secret[:12]),
			"base64url":  base64.RawURLEncoding.EncodeToString(secret[:12]),
			"bytes":      strings.Trim(fmt.Sprint(secret[:6]), "[]"),
			"bytes, Go":  strings.TrimSuffix(strings.SplitN(fmt.Sprintf("%#v", secret[:6]), "{", 2)[1], "}"),
			"decimal":    new(big.Int).SetBytes(secret).String(),
			"hex number": new(big.Int).SetBytes(secret).Text(16),
			"words":      strings.Trim(fmt.Sprint(new(big.Int).SetBytes(secret).Bits()[:2]), "[]"),
			"words, Go":  fmt.Sprintf("%#x", uint(new(big.Int).SetBytes(secret).Bits()[0])),
		} {
			if strings.Contains(printed, text) {
				t.Errorf("%s is printed, %s", what, form)
			}
		}
	}

	// What is unexported stays that way: nothing in a Key is reachable but its
	// fields.
	if n := reflect.TypeFor[jwt.Key]().NumField(); n != 7 {
		t.Logf("Key has %d fields", n)
	}
}

// Keys of elliptic curves for agreement, and private ones, verify nothing that
// they should not.
func TestAttackPrivateSet(t *testing.T) {
	t.Parallel()
	f := forge()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: f.rsa, KeyID: "rsa", Use: "enc", Algorithm: "RSA-OAEP-256"},
		{Key: p384, KeyID: "ec", Use: "enc", Algorithm: "ECDH-ES"},
		{Key: f.secret[:32], KeyID: "kw", Algorithm: "A256KW"},
		{Key: f.secret[:32], KeyID: "dir", Algorithm: "A256GCM", Use: "enc"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	keys := parse(t, set)
	p := f.policy(keys...)
	p.Algorithms = []string{"RS256", "ES384", "HS256"}
	f.refuses(t, p, f.token(`{"alg":"RS256","kid":"rsa"}`, goodClaims, f.pkcs1(crypto.SHA256, f.rsa)), token.ErrSignature)
	f.refuses(t, p, f.token(`{"alg":"ES384","kid":"ec"}`, goodClaims, f.ecdsa(crypto.SHA384, p384)), token.ErrSignature)
	f.refuses(t, p, f.token(`{"alg":"HS256","kid":"kw"}`, goodClaims, f.hmac(crypto.SHA256, f.secret[:32])), token.ErrSignature)
	f.refuses(t, p, f.token(`{"alg":"HS256","kid":"dir"}`, goodClaims, f.hmac(crypto.SHA256, f.secret[:32])), token.ErrSignature)
	f.refuses(t, p, f.token(`{"alg":"HS256"}`, goodClaims, f.hmac(crypto.SHA256, f.secret[:32])), token.ErrSignature)
}
