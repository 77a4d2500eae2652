package jwe_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"regexp"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

const credential = `{"LocationOfOrigin":"","token":"sample-bearer-token"}`

func dashboard(change ...func(*jwe.Dashboard)) *jwe.Dashboard {
	d := &jwe.Dashboard{Keys: jwt.Keys{{Private: rsaKey()}}, Now: at(now)}
	for _, f := range change {
		f(d)
	}
	return d
}

func sealed(t testing.TB, d *jwe.Dashboard) string {
	t.Helper()
	s, err := d.Seal(t.Context(), token.NewSecret(credential))
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

// What is made is what a Dashboard v2.7.0 makes, to the byte but for what is
// random. The pattern is what those in testdata have in common.
func TestDashboardForm(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^\{"protected":"eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0","aad":"([\w-]+)","encrypted_key":"([\w-]{342})","iv":"([\w-]{16})","ciphertext":"([\w-]{71})","tag":"([\w-]{22})"\}$`)
	for _, v := range vectors(t) {
		if v.Name != "tampered-aad" && !form.MatchString(v.Token) { // which was made by hand
			t.Fatalf("the pattern is wrong: %s", v.Token)
		}
	}
	for _, test := range []struct {
		ttl  time.Duration
		now  time.Time
		want string
	}{
		{0, now, `{"exp":"2026-11-22T12:15:00Z","iat":"2026-11-22T12:00:00Z"}`},
		{900 * time.Second, now.Add(999_999_999), `{"exp":"2026-11-22T12:15:00Z","iat":"2026-11-22T12:00:00Z"}`},
		{time.Hour, now.In(time.FixedZone("", 3600)), `{"exp":"2026-11-22T13:00:00Z","iat":"2026-11-22T12:00:00Z"}`},
		{-1, now, `{"iat":"2026-11-22T12:00:00Z"}`},
	} {
		d := dashboard(func(d *jwe.Dashboard) { d.TTL, d.Now = test.ttl, at(test.now) })
		text := sealed(t, d)
		m := form.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("%s", text)
		}
		if diff := cmp.Diff(test.want, decode(t, m[1])); diff != "" {
			t.Errorf("aad (-want +got):\n%s", diff)
		}
		theirs := vectors(t)[0].Token // with exp
		if test.ttl < 0 {
			theirs = vectors(t)[1].Token
		}
		if len(text) != len(theirs) {
			t.Errorf("%d bytes, theirs has %d", len(text), len(theirs))
		}
		// Opened by nothing of this package, as RFC 7516 says it must be.
		cek, err := rsa.DecryptOAEP(sha256.New(), nil, rsaKey(), []byte(decode(t, m[2])), nil)
		if err != nil || len(cek) != 32 {
			t.Fatalf("%d bytes, %v", len(cek), err)
		}
		block, err := aes.NewCipher(cek)
		if err != nil {
			t.Fatal(err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			t.Fatal(err)
		}
		got, err := gcm.Open(nil, []byte(decode(t, m[3])), []byte(decode(t, m[4])+decode(t, m[5])), []byte("eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0."+m[1]))
		if err != nil || string(got) != credential {
			t.Errorf("%q, %v", got, err)
		}
		j, err := gojose.ParseEncryptedJSON(text, []gojose.KeyAlgorithm{gojose.RSA_OAEP_256}, []gojose.ContentEncryption{gojose.A256GCM})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := j.Decrypt(rsaKey()); err != nil || string(got) != credential {
			t.Errorf("go-jose: %q, %v", got, err)
		}
		info, err := token.Inspect(token.NewSecret(text))
		if err != nil || info.Kind != token.KindDashboard {
			t.Errorf("Inspect: %+v, %v", info, err)
		}
	}
}

// A forgery is a token of the Dashboard made by hand, by somebody who has the
// key.
type forgery struct {
	header, aad string           // as they are before base64url
	hash        func() hash.Hash // of RSA-OAEP; nil: SHA-256
	pkcs1       bool             // RSA1_5
	more        map[string]any   // members beside, or instead of, the usual ones
	less        []string         // members that are not there
	edit        func(string) string
	general     int // recipients
}

const usualHeader = `{"alg":"RSA-OAEP-256","enc":"A256GCM"}`
const usualAAD = `{"exp":"2026-11-22T12:15:00Z","iat":"2026-11-22T12:00:00Z"}`

func (f forgery) make(t testing.TB) string {
	t.Helper()
	cek := make([]byte, 32)
	if strings.Contains(f.header, "A128GCM") {
		cek = cek[:16]
	}
	rand.Read(cek)
	if f.hash == nil {
		f.hash = sha256.New
	}
	key, err := rsa.EncryptOAEP(f.hash(), rand.Reader, &rsaKey().PublicKey, cek, nil)
	if f.pkcs1 {
		//lint:ignore SA1019 to be refused it must be made
		key, err = rsa.EncryptPKCS1v15(rand.Reader, &rsaKey().PublicKey, cek)
	}
	if err != nil {
		t.Fatal(err)
	}
	authenticated := b64([]byte(f.header))
	if f.aad != "" {
		authenticated += "." + b64([]byte(f.aad))
	}
	iv, box := seal(t, cek, authenticated, credential)
	members := map[string]any{
		"protected": b64([]byte(f.header)), "aad": b64([]byte(f.aad)), "encrypted_key": b64(key),
		"iv": b64(iv), "ciphertext": b64(box[:len(box)-16]), "tag": b64(box[len(box)-16:]),
	}
	if f.header == "" {
		delete(members, "protected")
	}
	if f.aad == "" {
		delete(members, "aad")
	}
	if f.general > 0 {
		var recipients []any
		for range f.general {
			recipients = append(recipients, map[string]any{"encrypted_key": b64(key)})
		}
		delete(members, "encrypted_key")
		members["recipients"] = recipients
	}
	for name, value := range f.more {
		members[name] = value
	}
	for _, name := range f.less {
		delete(members, name)
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	if f.edit != nil {
		return f.edit(string(text))
	}
	return string(text)
}

// What the Dashboard v2.7.0 accepts, and what Open says of it. Each is a token
// that only a holder of the key can have made, unless it says otherwise.
func TestDashboardLeniencies(t *testing.T) {
	t.Parallel()
	signature, malformed := token.ErrSignature, token.ErrMalformed
	replace := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Errorf("no %s in it", old)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	for _, test := range []struct {
		name    string
		forgery forgery
		theirs  bool // by a Dashboard with a TTL
		want    error
		says    string
	}{
		{"as usual", forgery{header: usualHeader, aad: usualAAD}, true, nil, ""},
		{"header in another order", forgery{header: `{"enc":"A256GCM","alg":"RSA-OAEP-256"}`, aad: usualAAD}, true, nil, ""},
		{"white space in the header", forgery{header: " { \"alg\" : \"RSA-OAEP-256\",\n\"enc\":\"A256GCM\" }\n", aad: usualAAD}, true, nil, ""},
		{"typ, kid and cty", forgery{header: `{"alg":"RSA-OAEP-256","enc":"A256GCM","typ":"t","kid":"k","cty":"JWT"}`, aad: usualAAD}, true, nil, ""},
		{"general form, one recipient", forgery{header: usualHeader, aad: usualAAD, general: 1}, true, nil, ""},
		{"white space in the JSON", forgery{header: usualHeader, aad: usualAAD, edit: func(s string) string { return "\n " + strings.ReplaceAll(s, ",", " ,\r\n\t") + " " }}, true, nil, ""},
		{"members that nobody knows", forgery{header: usualHeader, aad: usualAAD, more: map[string]any{"x": []int{1}}}, true, nil, ""},
		{"more strings in aad", forgery{header: usualHeader, aad: `{"exp":"2026-11-22T12:15:00Z","iat":"2026-11-22T12:00:00Z","began":"x"}`}, true, nil, ""},
		{"white space in aad", forgery{header: usualHeader, aad: ` {"iat":"2026-11-22T12:00:00Z", "exp":"2026-11-22T12:15:00Z"}` + "\n"}, true, nil, ""},
		{"fractions of seconds", forgery{header: usualHeader, aad: `{"exp":"2026-11-22T12:00:00.5Z","iat":"2026-11-22T12:00:00.25Z"}`}, true, nil, ""},
		{"another zone", forgery{header: usualHeader, aad: `{"exp":"2026-11-22T13:15:00+01:00","iat":"2026-11-22T07:00:00-05:00"}`}, true, nil, ""},
		{"in ten years", forgery{header: usualHeader, aad: `{"exp":"2036-11-22T12:15:00Z","iat":"2026-11-22T12:00:00Z"}`}, true, nil, ""},

		// Accepted there and refused here.
		{"RSA-OAEP", forgery{header: `{"alg":"RSA-OAEP","enc":"A256GCM"}`, aad: usualAAD, hash: sha1.New}, true, signature, "RSA-OAEP-256"},
		{"RSA1_5", forgery{header: `{"alg":"RSA1_5","enc":"A256GCM"}`, aad: usualAAD, pkcs1: true}, true, signature, "RSA-OAEP-256"},
		{"A128GCM", forgery{header: `{"alg":"RSA-OAEP-256","enc":"A128GCM"}`, aad: usualAAD}, true, signature, "A256GCM"},
		{"alg not protected", forgery{header: `{"enc":"A256GCM"}`, aad: usualAAD, more: map[string]any{"unprotected": map[string]string{"alg": "RSA-OAEP-256"}}}, true, malformed, "not protected"},
		{"alg of the recipient", forgery{header: `{"enc":"A256GCM"}`, aad: usualAAD, more: map[string]any{"header": map[string]string{"alg": "RSA-OAEP-256"}}}, true, malformed, "not protected"},
		{"alg of the one recipient", forgery{header: `{"enc":"A256GCM"}`, aad: usualAAD, general: 1, edit: replace(`"recipients":[{`, `"recipients":[{"header":{"alg":"RSA-OAEP-256"},`)}, true, malformed, "not protected"},
		{"an unprotected header beside", forgery{header: usualHeader, aad: usualAAD, more: map[string]any{"unprotected": map[string]string{}}}, true, malformed, "not protected"},
		{"exp before iat", forgery{header: usualHeader, aad: `{"exp":"2026-11-22T12:00:10Z","iat":"2026-11-22T12:00:20Z"}`}, true, malformed, "exp: before iat"},
		{"iat in the future", forgery{header: usualHeader, aad: `{"exp":"2026-11-22T12:15:00Z","iat":"2026-11-22T12:00:31Z"}`}, true, token.ErrNotYetValid, "iat"},
		{"two tags", forgery{header: usualHeader, aad: usualAAD, edit: replace(`{`, `{"tag":"AAAAAAAAAAAAAAAAAAAAAA",`)}, true, malformed, "twice"},
		{"TAG", forgery{header: usualHeader, aad: usualAAD, edit: replace(`{`, `{"TAG":"AAAAAAAAAAAAAAAAAAAAAA",`)}, true, malformed, "twice"},
		{"two exp", forgery{header: usualHeader, aad: `{"exp":"2026-11-22T11:00:00Z","exp":"2026-11-22T12:15:00Z","iat":"2026-11-22T12:00:00Z"}`}, true, malformed, "twice"},
		{"a line break in encrypted_key", forgery{header: usualHeader, aad: usualAAD, edit: replace(`"encrypted_key":"`, `"encrypted_key":"\n`)}, true, malformed, "encrypted_key"},
		{"a line break in ciphertext", forgery{header: usualHeader, aad: usualAAD, edit: replace(`"ciphertext":"`, `"ciphertext":"\r\n`)}, true, malformed, "ciphertext"},
		{"a line break in aad", forgery{header: usualHeader, aad: usualAAD, edit: replace(`"aad":"`, `"aad":"\n`)}, true, malformed, "aad"},
		{"a line break in protected", forgery{header: usualHeader, aad: usualAAD, edit: replace(`"protected":"`, `"protected":"\n`)}, true, malformed, "protected"},
		{"recipients beside encrypted_key", forgery{header: usualHeader, aad: usualAAD, general: 1, more: map[string]any{"encrypted_key": "AAAA"}}, true, malformed, "recipients"},
		{"empty recipients beside", forgery{header: usualHeader, aad: usualAAD, more: map[string]any{"recipients": []any{}}}, true, malformed, "recipients"},

		// Refused by both.
		{"padded base64", forgery{header: usualHeader, aad: usualAAD, edit: func(s string) string { return strings.Replace(s, `","tag"`, `=","tag"`, 1) }}, false, malformed, "protected"},
		{"crit", forgery{header: `{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["x"],"x":1}`, aad: usualAAD}, false, malformed, "crit"},
		{"zip", forgery{header: `{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}`, aad: usualAAD}, false, malformed, "zip"},
		{"two recipients", forgery{header: usualHeader, aad: usualAAD, general: 2}, false, malformed, "more than one recipient"},
		{"no protected header", forgery{aad: usualAAD, more: map[string]any{"unprotected": map[string]string{"alg": "RSA-OAEP-256", "enc": "A256GCM"}}}, false, malformed, "not protected"},
		{"no header at all", forgery{aad: usualAAD}, false, malformed, "protected"},
		{"an empty header", forgery{header: `{}`, aad: usualAAD}, false, malformed, "alg"},
		{"no aad", forgery{header: usualHeader}, false, malformed, "aad"},
		{"aad null", forgery{header: usualHeader, more: map[string]any{"aad": nil}}, false, malformed, "aad"},
		{"aad an array", forgery{header: usualHeader, aad: `["exp"]`}, false, malformed, "aad"},
		{"aad in prose", forgery{header: usualHeader, aad: `never`}, false, malformed, "aad"},
		{"dates as numbers", forgery{header: usualHeader, aad: `{"exp":1795353300,"iat":1795348800}`}, false, malformed, "exp"},
		{"more than strings in aad", forgery{header: usualHeader, aad: `{"exp":"2026-11-22T12:15:00Z","iat":"2026-11-22T12:00:00Z","x":1}`}, false, malformed, "aad"},
		{"no exp", forgery{header: usualHeader, aad: `{"iat":"2026-11-22T12:00:00Z"}`}, false, token.ErrExpired, "no exp"},
		{"expired", forgery{header: usualHeader, aad: `{"exp":"2026-11-22T11:59:59.999Z","iat":"2026-11-22T11:50:00Z"}`}, false, token.ErrExpired, "exp"},
		{"no encrypted key", forgery{header: usualHeader, aad: usualAAD, less: []string{"encrypted_key"}}, false, malformed, "encrypted_key"},
		{"no iv", forgery{header: usualHeader, aad: usualAAD, less: []string{"iv"}}, false, malformed, "iv"},
		{"no tag", forgery{header: usualHeader, aad: usualAAD, less: []string{"tag"}}, false, malformed, "tag"},
		{"no ciphertext", forgery{header: usualHeader, aad: usualAAD, less: []string{"ciphertext"}}, false, signature, "no key decrypts"},
		{"a number for iv", forgery{header: usualHeader, aad: usualAAD, more: map[string]any{"iv": 1}}, false, malformed, "iv"},
		{"a longer tag", forgery{header: usualHeader, aad: usualAAD, more: map[string]any{"tag": strings.Repeat("A", 24)}}, false, malformed, "tag"},
		{"another iv", forgery{header: usualHeader, aad: usualAAD, more: map[string]any{"iv": strings.Repeat("A", 16)}}, false, signature, "no key decrypts"},
		{"another aad", forgery{header: usualHeader, aad: usualAAD, more: map[string]any{"aad": b64([]byte(strings.Replace(usualAAD, "2026", "2036", 1)))}}, false, signature, "no key decrypts"},
		{"another aad that has expired", forgery{header: usualHeader, aad: usualAAD, more: map[string]any{"aad": b64([]byte(strings.Replace(usualAAD, "2026", "2016", 1)))}}, false, signature, "no key decrypts"},
		{"another aad that is none", forgery{header: usualHeader, aad: usualAAD, more: map[string]any{"aad": "AAAA"}}, false, signature, "no key decrypts"},

		// Refused there as expired: to tell that from a form that no Dashboard
		// writes helps nobody.
		{"no iat", forgery{header: usualHeader, aad: `{"exp":"2026-11-22T12:15:00Z"}`}, false, malformed, "iat"},
		{"empty exp", forgery{header: usualHeader, aad: `{"exp":"","iat":"2026-11-22T12:00:00Z"}`}, false, malformed, "exp"},
		{"exp no date", forgery{header: usualHeader, aad: `{"exp":"tomorrow","iat":"2026-11-22T12:00:00Z"}`}, false, malformed, "exp"},
		{"exp in the year 10000", forgery{header: usualHeader, aad: `{"exp":"9999-12-31T23:59:59-01:00","iat":"2026-11-22T12:00:00Z"}`}, false, malformed, "exp"},
		{"exp long ago", forgery{header: usualHeader, aad: `{"exp":"0001-01-01T00:00:00Z","iat":"2026-11-22T12:00:00Z"}`}, false, malformed, "exp"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := test.forgery.make(t)
			s, err := dashboard().Open(t.Context(), token.NewSecret(text))
			if test.want != nil {
				refused(t, s.Credential.IsZero() && s.IssuedAt.IsZero(), err, test.want, test.says)
				return
			}
			if err != nil || s.Credential.Reveal() != credential {
				t.Errorf("%v", err)
			}
			if !test.theirs {
				t.Error("more lenient than the Dashboard")
			}
		})
	}
	for name, text := range map[string]string{
		"nothing": "", "compact": encrypt(t, jwt.Key{Private: rsaKey()}, credential, jwe.Header{}),
		"an array": "[]", "null": "null", "10 MB": strings.Repeat(" ", 10<<20), "cut off": sealed(t, dashboard())[:500],
		"in quotes": fmt.Sprintf("%q", sealed(t, dashboard())), "twice": strings.Repeat(sealed(t, dashboard()), 2),
	} {
		s, err := dashboard().Open(t.Context(), token.NewSecret(text))
		t.Run(name, func(t *testing.T) { refused(t, s.IssuedAt.IsZero(), err, malformed, "") })
	}
}

// A session without a credential is none: a server that opens one might act as
// itself.
func TestDashboardEmpty(t *testing.T) {
	t.Parallel()
	made, err := dashboard().Seal(t.Context(), token.Secret{})
	refused(t, made.IsZero(), err, nil, "empty credential")
	cek := []byte(secret(32, 'c').Reveal())
	key := must(rsa.EncryptOAEP(sha256.New(), rand.Reader, &rsaKey().PublicKey, cek, nil))
	header, aad := b64([]byte(usualHeader)), b64([]byte(usualAAD))
	iv, tag := seal(t, cek, header+"."+aad, "")
	text := fmt.Sprintf(`{"protected":%q,"aad":%q,"encrypted_key":%q,"iv":%q,"ciphertext":"","tag":%q}`, header, aad, b64(key), b64(iv), b64(tag))
	s, err := dashboard().Open(t.Context(), token.NewSecret(text))
	refused(t, s.IssuedAt.IsZero(), err, token.ErrMalformed, "no credential")
}

// With a negative TTL exp is not looked at, as --token-ttl=0 has it, but all
// else is.
func TestDashboardForEver(t *testing.T) {
	t.Parallel()
	forEver := func(d *jwe.Dashboard) { d.TTL = -1 }
	expired := forgery{header: usualHeader, aad: `{"exp":"2020-01-01T00:00:00Z","iat":"2019-01-01T00:00:00Z"}`}.make(t)
	s, err := dashboard(forEver).Open(t.Context(), token.NewSecret(expired))
	if err != nil || s.Expiry.Year() != 2020 {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = dashboard(forEver, func(d *jwe.Dashboard) { d.MaxAge = time.Hour }).Open(t.Context(), token.NewSecret(expired))
	refused(t, s.IssuedAt.IsZero(), err, token.ErrExpired, "age")
	for _, aad := range []string{"", `[]`, `{}`, `{"iat":"2026-11-22T12:01:00Z"}`} {
		s, err := dashboard(forEver).Open(t.Context(), token.NewSecret(forgery{header: usualHeader, aad: aad}.make(t)))
		refused(t, s.IssuedAt.IsZero(), err, token.ErrInvalid, "")
	}
}

func TestDashboardKeys(t *testing.T) {
	t.Parallel()
	text := sealed(t, dashboard())
	for _, test := range []struct {
		name       string
		keys       jwt.KeySet
		open, seal string // in the errors
	}{
		{"none", jwt.Keys{}, "no Keys", "no Keys"},
		{"none at the moment", none{}, "there are no keys", "has none"},
		{"a secret", jwt.Keys{shared}, "another kind", "another kind"},
		{"a public key", jwt.Keys{{Public: &rsaKey().PublicKey}}, "another kind", ""},
		{"another", jwt.Keys{{Private: otherRSA()}}, "no key decrypts", ""},
		{"to sign", jwt.Keys{{Private: rsaKey(), Use: "sig"}}, "use", "use"},
		{"of another alg", jwt.Keys{{Private: rsaKey(), Algorithm: "RSA-OAEP"}}, "alg is another", "alg is another"},
		{"weak", jwt.Keys{{Private: must(rsa.GenerateKey(rand.Reader, 1024))}}, "2048", "2048"},
		{"before", jwt.Keys{{Private: otherRSA()}, {Private: rsaKey()}}, "", ""},
		{"with a name", jwt.Keys{{ID: "x", Use: "enc", Algorithm: "RSA-OAEP-256", Private: rsaKey()}}, "", ""},
	} {
		d := &jwe.Dashboard{Keys: test.keys, Now: at(now)}
		_, openErr := d.Open(t.Context(), token.NewSecret(text))
		_, sealErr := d.Seal(t.Context(), token.NewSecret(credential))
		if (openErr == nil) != (test.open == "") || !strings.Contains(fmt.Sprint(openErr), test.open) {
			t.Errorf("%s: Open: %v", test.name, openErr)
		}
		if (sealErr == nil) != (test.seal == "") || !strings.Contains(fmt.Sprint(sealErr), test.seal) {
			t.Errorf("%s: Seal: %v", test.name, sealErr)
		}
	}
	if _, err := dashboard().Seal(t.Context(), token.NewSecret(strings.Repeat("x", 1<<20))); err == nil {
		t.Error("a token that nobody would read")
	}
}

// What of a token is not secret does not print either.
func TestNothingPrints(t *testing.T) {
	t.Parallel()
	d := dashboard()
	s, err := d.Open(t.Context(), token.NewSecret(sealed(t, d)))
	if err != nil {
		t.Fatal(err)
	}
	k := jwt.Key{Shared: token.NewSecret("sample-bearer-token-------------")}
	things := []any{s, &s, policy(k), &jwe.Decrypter{Keys: jwt.Keys{k}}, d}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, things...) + fmt.Sprintf(strings.Repeat(format, len(things)), things...); strings.Contains(text, "sample") || strings.Contains(text, rsaKey().D.String()[:20]) {
			t.Error(text)
		}
	}
	raw, err := json.Marshal(s)
	if err != nil || strings.Contains(string(raw), "sample") {
		t.Errorf("%s, %v", raw, err)
	}
}
