package jwe_test

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// An attack is a token that neither a Policy nor a Decrypter takes, though the
// key is right wherever one can be.
type attack struct {
	name, text string
	kind       error
	says       string
}

var shared = jwt.Key{Shared: secret(32, 'k')}

func attacks(t testing.TB) []attack {
	good := sealDir(t, shared.Shared, `{"alg":"dir","enc":"A256GCM"}`, claims)
	part := strings.Split(good, ".")
	box := decode(t, part[3]) + decode(t, part[4])
	with := func(i int, text string) string {
		p := strings.Split(good, ".")
		p[i] = text
		return strings.Join(p, ".")
	}
	header := func(h string) string { return sealDir(t, shared.Shared, h, claims) }
	general := func(recipients int) string {
		list := strings.Repeat(`,{"encrypted_key":""}`, recipients)[1:]
		return fmt.Sprintf(`{"protected":%q,"recipients":[%s],"iv":%q,"ciphertext":%q,"tag":%q}`, part[0], list, part[2], part[3], part[4])
	}
	signature, malformed := token.ErrSignature, token.ErrMalformed
	return []attack{
		{"nothing", "", malformed, "segments"},
		{"a signed token", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", malformed, "signed and not encrypted"},
		{"4 segments", strings.Join(part[:4], "."), malformed, "4 of them"},
		{"6 segments", good + ".", malformed, "6 of them"},
		{"a million dots", strings.Repeat(".", 1_000_000), malformed, "1000001 of them"},
		{"10 MB", with(3, strings.Repeat("A", 10<<20)), malformed, "length"},
		{"a header of 1 MB", with(0, strings.Repeat("A", 1<<20-1000)), malformed, "header"},
		{"one recipient in JSON", general(1), malformed, "JSON"},
		{"two recipients in JSON", general(2), malformed, "JSON"},
		{"JSON with 4 dots in it", `{"a":"....` + good + `"}`, malformed, ""},

		{"padded", good + "==", malformed, "segment 5"},
		{"a padded encrypted key", with(1, "QQ=="), malformed, "segment 2"},
		{"a padded header", with(0, part[0]+"="), malformed, "segment 1"},
		{"CR LF behind", good + "\r\n", malformed, "white space"},
		{"LF within the header", with(0, part[0][:8]+"\n"+part[0][8:]), malformed, "white space"},
		{"LF within the ciphertext", with(3, part[3][:8]+"\n"+part[3][8:]), malformed, "white space"},
		{"a space before", " " + good, malformed, "white space"},
		{"stray bits", with(4, part[4][:21]+flipStray(part[4][21])), malformed, "bits"},
		{"standard base64", with(2, "++//"+part[2][4:]), malformed, "standard base64"},
		{"a key where none is needed", with(1, "QUFB"), malformed, "encrypted key"},
		{"the tag a byte longer", with(4, part[4]+"AA"), malformed, "tag"},
		{"half a tag", with(4, part[4][:11]), malformed, "tag"},
		{"no tag", with(4, ""), malformed, "tag"},
		{"no iv", with(2, ""), malformed, "iv"},
		{"an iv of 16 bytes", with(2, part[2]+"QUFBQQ"), malformed, "iv"},
		{"a byte of the tag in the ciphertext", strings.Join([]string{part[0], "", part[2], b64([]byte(box[:len(box)-15])), b64([]byte(box[len(box)-15:]))}, "."), malformed, "tag"},
		{"a byte of the ciphertext in the tag", strings.Join([]string{part[0], "", part[2], b64([]byte(box[:len(box)-17])), b64([]byte(box[len(box)-17:]))}, "."), malformed, "tag"},

		{"zip", header(`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`), malformed, "zip"},
		{"a zip bomb", sealDir(t, shared.Shared, `{"alg":"dir","enc":"A256GCM","zip":"DEF"}`, bomb(t)), malformed, "zip"},
		{"zip null", header(`{"alg":"dir","enc":"A256GCM","zip":null}`), malformed, "zip"},
		{"crit", header(`{"alg":"dir","enc":"A256GCM","crit":["exp"],"exp":1}`), malformed, "crit"},
		{"crit of nothing", header(`{"alg":"dir","enc":"A256GCM","crit":[]}`), malformed, "crit"},
		{"b64", header(`{"alg":"dir","enc":"A256GCM","b64":false}`), malformed, "b64"},
		{"two alg", header(`{"alg":"RSA1_5","alg":"dir","enc":"A256GCM"}`), malformed, "twice"},
		{"ALG", header(`{"ALG":"RSA1_5","alg":"dir","enc":"A256GCM"}`), malformed, "alg"},
		{"two enc", header(`{"alg":"dir","enc":"A128GCM","enc":"A256GCM"}`), malformed, "twice"},
		{"two of anything", header(`{"alg":"dir","enc":"A256GCM","x":1,"X":2}`), malformed, "twice"},
		{"two epk.x", header(`{"alg":"dir","enc":"A256GCM","epk":{"x":1,"x":2}}`), malformed, "twice"},
		{"more behind the header", header(`{"alg":"dir","enc":"A256GCM"} {}`), malformed, "more text"},
		{"not UTF-8", header("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"x\":\"\xff\"}"), malformed, "UTF-8"},
		{"deep", header(`{"alg":"dir","enc":"A256GCM","x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`), malformed, "deep"},
		{"alg a number", header(`{"alg":1,"enc":"A256GCM"}`), malformed, "alg"},
		{"no alg", header(`{"enc":"A256GCM"}`), malformed, "alg"},
		{"no enc", header(`{"alg":"dir"}`), malformed, "enc"},
		{"empty enc", header(`{"alg":"dir","enc":""}`), malformed, "enc"},
		{"null", header(`null`), malformed, "null"},
		{"an array", header(`[]`), malformed, "array"},

		{"none", header(`{"alg":"none","enc":"A256GCM"}`), signature, "alg"},
		{"Dir", header(`{"alg":"Dir","enc":"A256GCM"}`), signature, "alg"},
		{"HS256", header(`{"alg":"HS256","enc":"A256GCM"}`), signature, "alg"},
		{"RSA1_5", header(`{"alg":"RSA1_5","enc":"A256GCM"}`), signature, "alg"},
		{"A256GCMKW", header(`{"alg":"A256GCMKW","enc":"A256GCM"}`), signature, "alg"},
		{"p2c of a billion", header(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1000000000,"p2s":"QUFBQUFBQUE"}`), signature, "alg"},
		{"enc none", header(`{"alg":"dir","enc":"none"}`), signature, "enc"},
		{"enc a256gcm", header(`{"alg":"dir","enc":"a256gcm"}`), signature, "enc"},
		{"another enc", header(`{"alg":"dir","enc":"A128GCM"}`), signature, "size"},
		{"an unknown kid", sealDir(t, shared.Shared, `{"alg":"dir","enc":"A256GCM","kid":"../../etc/passwd"}`, claims) + "", signature, ""},
		{"key wrap", header(`{"alg":"A256KW","enc":"A256GCM"}`), malformed, "encrypted key"},
		{"another header", with(0, b64([]byte(`{"alg":"dir","enc":"A256GCM","x":1}`))), signature, "no key decrypts"},
		{"no ciphertext", with(3, ""), signature, "no key decrypts"},
	}
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	key := shared
	key.ID = "1"
	for _, a := range attacks(t) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			got, err := policy(key).Verify(t.Context(), token.NewSecret(a.text))
			refused(t, got.Issuer == "", err, a.kind, a.says)
			plaintext, err := decrypt(t, &jwe.Decrypter{Keys: jwt.Keys{key, {Private: rsaKey()}}}, a.text)
			refused(t, plaintext == nil, err, a.kind, "")
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

// flipStray returns the last letter of a tag with a bit set that no byte has.
func flipStray(c byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(letters[strings.IndexByte(letters, c)+1])
}

// bomb returns 64 MiB of claims, compressed.
func bomb(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for range 64 {
		w.Write(chunk)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Keys that are agreed on with a point of the attacker's choice must be agreed
// on with a point of the same curve, or they tell the private key bit by bit.
func TestInvalidPoints(t *testing.T) {
	t.Parallel()
	k := jwt.Key{Private: ecKey(elliptic.P256())}
	for _, alg := range []string{"ECDH-ES", "ECDH-ES+A128KW"} {
		part := strings.Split(encrypt(t, k, "plain", jwe.Header{Algorithm: alg}), ".")
		var header map[string]any
		if err := json.Unmarshal([]byte(decode(t, part[0])), &header); err != nil {
			t.Fatal(err)
		}
		epk := header["epk"].(map[string]any)
		other := must(ecKey(elliptic.P384()).PublicKey.Bytes())
		x, y := b64(other[1:49]), b64(other[49:])
		one := b64(append(make([]byte, 31), 1))
		for name, bad := range map[string]any{
			"none":                nil,
			"text":                "x",
			"empty":               map[string]any{},
			"not on the curve":    map[string]any{"kty": "EC", "crv": "P-256", "x": one, "y": one},
			"zero":                map[string]any{"kty": "EC", "crv": "P-256", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
			"x alone":             map[string]any{"kty": "EC", "crv": "P-256", "x": epk["x"]},
			"another curve":       map[string]any{"kty": "EC", "crv": "P-384", "x": x, "y": y},
			"another curve's":     map[string]any{"kty": "EC", "crv": "P-256", "x": x, "y": y},
			"y of another":        map[string]any{"kty": "EC", "crv": "P-256", "x": epk["x"], "y": epk["x"]},
			"longer":              map[string]any{"kty": "EC", "crv": "P-256", "x": "AA" + epk["x"].(string), "y": epk["y"]},
			"X25519":              map[string]any{"kty": "OKP", "crv": "X25519", "x": one},
			"RSA":                 map[string]any{"kty": "RSA", "n": one, "e": "AQAB"},
			"a secret":            map[string]any{"kty": "oct", "k": one},
			"with the private":    map[string]any{"kty": "EC", "crv": "P-256", "x": epk["x"], "y": epk["y"], "d": one},
			"an array of numbers": []int{1, 2, 3},
		} {
			header["epk"] = bad
			raw, err := json.Marshal(header)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(append([]string{b64(raw)}, part[1:]...), ".")
			got, err := decrypt(t, &jwe.Decrypter{Keys: jwt.Keys{k}}, text)
			t.Run(alg+"/"+name, func(t *testing.T) { refused(t, got == nil, err, token.ErrSignature, "no key decrypts") })
		}
	}
}

// go-jose up to v4.1.3 panicked at some encrypted keys (CVE-2026-34986).
func TestEncryptedKeyOfAnySize(t *testing.T) {
	t.Parallel()
	for alg, k := range map[string]jwt.Key{
		"A128KW":         {Algorithm: "A128KW", Shared: secret(16, 'k')},
		"ECDH-ES+A128KW": {Private: ecKey(elliptic.P256())},
		"RSA-OAEP-256":   {Private: rsaKey()},
	} {
		part := strings.Split(encrypt(t, k, "plain", jwe.Header{Algorithm: alg}), ".")
		for size := range 64 {
			part[1] = b64(make([]byte, size))
			got, err := decrypt(t, &jwe.Decrypter{Keys: jwt.Keys{k}}, strings.Join(part, "."))
			want := token.ErrSignature
			if size == 0 {
				want = token.ErrMalformed
			}
			refused(t, got == nil, err, want, "")
		}
	}
}

// A content encryption key must be of the size that enc has, though AES would do
// with another: whoever reads A256GCM counts on 256 bits.
func TestContentKeyOfAnotherSize(t *testing.T) {
	t.Parallel()
	kek := secret(32, 'k')
	block, err := aes.NewCipher([]byte(kek.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	for size, ok := range map[int]bool{16: false, 24: false, 32: true} {
		cek := []byte(secret(size, 'c').Reveal())
		for alg, sealing := range map[string]struct {
			key       jwt.Key
			encrypted []byte
		}{
			"A256KW":       {jwt.Key{Algorithm: "A256KW", Shared: kek}, must(josecipher.KeyWrap(block, cek))},
			"RSA-OAEP-256": {jwt.Key{Private: rsaKey()}, must(rsa.EncryptOAEP(sha256.New(), rand.Reader, &rsaKey().PublicKey, cek, nil))},
		} {
			protected := b64([]byte(`{"alg":"` + alg + `","enc":"A256GCM"}`))
			iv, box := seal(t, cek, protected, "plain")
			text := strings.Join([]string{protected, b64(sealing.encrypted), b64(iv), b64(box[:len(box)-16]), b64(box[len(box)-16:])}, ".")
			got, err := decrypt(t, &jwe.Decrypter{Keys: jwt.Keys{sealing.key}}, text)
			if ok {
				if err != nil || string(got) != "plain" {
					t.Errorf("%s: %q, %v", alg, got, err)
				}
				continue
			}
			refused(t, got == nil, err, token.ErrSignature, "no key decrypts")
		}
	}
}

// What a header says of keys that could be found is not read.
func TestKeysFromElsewhere(t *testing.T) {
	t.Parallel()
	header := `{"alg":"dir","enc":"A256GCM","jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/","jwk":{"kty":"oct","k":"` + b64([]byte(secret(32, 'x').Reveal())) + `"}}`
	got, err := policy(shared).Verify(t.Context(), token.NewSecret(sealDir(t, secret(32, 'x'), header, claims)))
	refused(t, got.Issuer == "", err, token.ErrSignature, "no key decrypts")
	if _, err := policy(shared).Verify(t.Context(), token.NewSecret(sealDir(t, shared.Shared, header, claims))); err != nil {
		t.Errorf("beside the right key: %v", err)
	}
	// What go-jose does not like about it is the token's fault, too.
	kw := jwt.Key{Algorithm: "A256KW", Shared: secret(32, 'k')}
	part := strings.Split(encrypt(t, kw, claims, jwe.Header{}), ".")
	part[0] = b64([]byte(`{"alg":"A256KW","enc":"A256GCM","jwk":"x"}`))
	got, err = policy(kw).Verify(t.Context(), token.NewSecret(strings.Join(part, ".")))
	refused(t, got.Issuer == "", err, token.ErrSignature, "no key decrypts")
}
