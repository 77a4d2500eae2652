package token_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// b64 is a segment of a token.
func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// jws is a JWT with a signature of three bytes.
func jws(header, payload string) string { return b64(header) + "." + b64(payload) + ".c2ln" }

func TestInspectRefuses(t *testing.T) {
	t.Parallel()
	const alg = `{"alg":"RS256"}`
	head, body := b64(alg), b64(`{"sub":"x"}`)
	jwe := b64(`{"alg":"dir","enc":"A256GCM"}`)
	for _, test := range []struct{ name, text, want string }{
		{"two segments", head + "." + body, "segments: 2 of them, where a signed token has 3 and an encrypted one 5: was it cut off?"},
		{"four segments", head + "." + body + ".c2ln.c2ln", "segments: 4 of them, where a signed token has 3 and an encrypted one 5: was it cut off?"},
		{"six segments", head + ".....", "segments: 6 of them, where a signed token has 3 and an encrypted one 5: was it cut off?"},
		{"an empty payload", head + "..c2ln", "segment 2 (payload): an end in the middle (byte 0)"},
		{"an empty signature", head + "." + body + ".", "segment 3 (signature): empty: was it cut off?"},

		// Go's base64 skips line breaks, even if strict.
		{"newline at the end", head + "." + body + ".c2ln\n", "segment 3 (signature): white space in it: remove it"},
		{"newline in the signature", head + "." + body + ".c2\nln", "segment 3 (signature): white space in it: remove it"},
		{"return in the payload", head + "." + body[:4] + "\r" + body[4:] + ".c2ln", "segment 2 (payload): white space in it: remove it"},
		{"newline in the header", head[:6] + "\n" + head[6:] + "." + body + ".c2ln", "segment 1 (header): white space in it: remove it"},
		{"space", head + "." + body + ". c2ln", "segment 3 (signature): white space in it: remove it"},

		{"padding", head + "." + body + ".c2k=", "segment 3 (signature): padded base64: base64url without padding must be"},
		{"standard alphabet", head + "." + body + ".c2+n", "segment 3 (signature): standard base64: base64url must be"},
		{"other bytes", head + "." + body + ".c2\xffn", "segment 3 (signature): not base64url"},
		{"one letter", head + "." + body + ".c2lnc", "segment 3 (signature): not base64url: its length cannot be, was it cut off?"},
		{"stray bits, 4", head + "." + body + ".YR", "segment 3 (signature): not base64url: bits beyond the last byte are set"},
		{"stray bits, 2", head + "." + body + ".YWJ", "segment 3 (signature): not base64url: bits beyond the last byte are set"},
		{"stray bits in the payload", head + ".eyJ9." + "c2ln", "segment 2 (payload): an end in the middle (byte 3)"},

		{"null", jws(alg, `null`), "segment 2 (payload): null where an object must be (byte 0)"},
		{"array", jws(alg, `[]`), "segment 2 (payload): an array where an object must be (byte 0)"},
		{"number", jws(alg, `1`), "segment 2 (payload): a number where an object must be (byte 0)"},
		{"string", jws(alg, `"{}"`), "segment 2 (payload): a string where an object must be (byte 0)"},
		{"text", jws(alg, `hello`), "segment 2 (payload): not JSON (byte 0)"},
		{"trailing", jws(alg, `{}{}`), "segment 2 (payload): more text after the end (byte 2)"},
		{"mark", jws(alg, "\ufeff{}"), "segment 2 (payload): a byte order mark (byte 0)"},
		{"not UTF-8", jws(alg, "{\"sub\":\"\xff\"}"), "segment 2 (payload): sub: text that is not UTF-8 (byte 8)"},
		{"half a pair", jws(alg, `{"iss":"\ud800"}`), "segment 2 (payload): iss: half a surrogate pair (byte 8)"},
		{"twins", jws(alg, `{"canary":1,"canary":2}`), "segment 2 (payload): a name that occurs twice in one object, perhaps in another case (byte 12)"},
		{"twins of case", jws(alg, `{"nbf":1,"NBF":2}`), "segment 2 (payload): nbf: a name that occurs twice in one object, perhaps in another case (byte 9)"},
		{"twins of Unicode", jws(alg, `{"iss":"a","i\u017fs":"b"}`), "segment 2 (payload): iss: a name that occurs twice in one object, perhaps in another case (byte 11)"},
		{"deep", jws(alg, `{"canary":`+strings.Repeat("[", 99)), "segment 2 (payload): too deep a nesting (byte 41)"},
		{"many", jws(alg, `{"canary":[`+strings.Repeat("0,", 1<<13)), "segment 2 (payload): too many members (byte 8201)"},

		{"alg of a number", jws(`{"alg":5}`, `{}`), "segment 1 (header): alg: a number where a string must be (byte 7)"},
		{"alg empty", jws(`{"alg":""}`, `{}`), "segment 1 (header): alg: missing or empty"},
		{"alg missing", jws(`{"canary":"x"}`, `{}`), "segment 1 (header): alg: missing or empty"},
		{"no members", jws(`{}`, `{}`), "segment 1 (header): alg: missing or empty"},
		{"alg twice", jws(`{"alg":"RS256","alg":"none"}`, `{}`), "segment 1 (header): alg: a name that occurs twice in one object, perhaps in another case (byte 15)"},
		{"Alg too", jws(`{"alg":"RS256","Alg":"none"}`, `{}`), "segment 1 (header): alg: a name that occurs twice in one object, perhaps in another case (byte 15)"},
		{"kid of a number", jws(`{"alg":"RS256","kid":1}`, `{}`), "segment 1 (header): kid: a number where a string must be (byte 21)"},
		{"typ null", jws(`{"alg":"RS256","typ":null}`, `{}`), "segment 1 (header): typ: null where a string must be (byte 21)"},
		{"crit deep", jws(`{"alg":"RS256","crit":`+strings.Repeat("[", 99), `{}`), "segment 1 (header): too deep a nesting (byte 53)"},

		{"JWE without enc", b64(`{"alg":"dir"}`) + "..aXY.Y3Q.dGFn", "segment 1 (header): enc: missing or empty"},
		{"JWE without alg", b64(`{"enc":"A256GCM"}`) + "..aXY.Y3Q.dGFn", "segment 1 (header): alg: missing or empty"},
		{"JWE with a bad key", jwe + ".*.aXY.Y3Q.dGFn", "segment 2 (encrypted key): not base64url"},
		{"JWE with a bad iv", jwe + "..a.Y3Q.dGFn", "segment 3 (iv): not base64url: its length cannot be, was it cut off?"},
		{"JWE with a bad ciphertext", jwe + "..aXY.Y3Q=.dGFn", "segment 4 (ciphertext): padded base64: base64url without padding must be"},
		{"JWE without a tag", jwe + "..aXY.Y3Q.", "segment 5 (tag): empty: was it cut off?"},
		{"JWE with a bad tag", jwe + "..aXY.Y3Q.dGFn\n", "segment 5 (tag): white space in it: remove it"},
	} {
		refuses(t, test.name, test.text, test.want)
	}
}

func TestInspectRefusesJSON(t *testing.T) {
	t.Parallel()
	// One member is replaced, added or, if its value is empty, taken away.
	with := func(name, value string) string {
		members := []string{
			"protected", `"` + b64(`{"alg":"A128KW","enc":"A256GCM"}`) + `"`,
			"encrypted_key", `"a2V5"`, "iv", `"aXY"`, "ciphertext", `"Y3Q"`, "tag", `"dGFn"`,
		}
		var list []string
		for i := 0; i < len(members); i += 2 {
			switch {
			case members[i] != name:
				list = append(list, `"`+members[i]+`":`+members[i+1])
			case value != "":
				list = append(list, `"`+name+`":`+value)
			}
		}
		if text := strings.Join(list, ","); strings.Contains(text, `"`+name+`":`) || value == "" {
			return "{" + text + "}"
		}
		return "{" + strings.Join(list, ",") + `,"` + name + `":` + value + "}"
	}
	// So that nothing below is refused for another reason than it should be.
	if info, err := token.Inspect(token.NewSecret(with("canary", "[{}]"))); err != nil || info.Format != token.JWE {
		t.Fatal(info, err)
	}
	header := func(h string) string { return `"` + b64(h) + `"` }
	const brace = "JSON: no ciphertext: it is no JWE, and a signed token does not begin with a brace; if it is an answer that has a token in it, take that out"
	for _, test := range []struct{ name, text, want string }{
		{"brace", `{`, "JSON: an end in the middle (byte 1)"},
		{"white space and a brace", " \t\r\n{", "JSON: an end in the middle (byte 5)"},
		{"empty", `{}`, brace},
		{"JWS", `{"payload":"e30","protected":"e30","signature":"c2ln"}`, brace},
		{"trailing", with("canary", "1") + "}", "JSON: more text after the end (byte 136)"},
		{"no ciphertext", with("ciphertext", ""), brace},
		{"no tag", with("tag", ""), "JSON: no tag"},
		{"bad key", with("encrypted_key", `"a"`), "JSON: encrypted_key: not base64url: its length cannot be, was it cut off?"},
		{"bad iv", with("iv", `"aX Y"`), "JSON: iv: white space in it: remove it"},
		{"bad ciphertext", with("ciphertext", `"Y3Q="`), "JSON: ciphertext: padded base64: base64url without padding must be"},
		{"bad tag", with("tag", `"dGF/"`), "JSON: tag: standard base64: base64url must be"},
		{"iv of a number", with("iv", `1`), "JSON: iv: a number where a string must be (byte 87)"},
		{"Tag too", with("Tag", `"dGFn"`), "JSON: tag: a name that occurs twice in one object, perhaps in another case (byte 125)"},
		{"header of a string", with("header", `"x"`), "JSON: header: a string where an object must be (byte 134)"},
		{"recipients of an object", with("recipients", `{}`), "JSON: recipients: an object where an array must be (byte 138)"},
		{"both forms", with("recipients", `[{}]`), "JSON: recipients beside header or encrypted_key: of the two forms of a JWE it must be one"},
		{"no recipient", strings.Replace(with("encrypted_key", ""), "{", `{"recipients":[],`, 1), "JSON: 0 recipients, where a token has one"},
		{"two recipients", strings.Replace(with("encrypted_key", ""), "{", `{"recipients":[{},{}],`, 1), "JSON: 2 recipients, where a token has one"},
		{"a recipient of a number", strings.Replace(with("encrypted_key", ""), "{", `{"recipients":[1],`, 1), "JSON: recipients: a number where an object must be (byte 15)"},
		{"no header", with("protected", ""), "header: alg: missing or empty"},
		{"no enc", with("protected", header(`{"alg":"dir"}`)), "header: enc: missing or empty"},
		{"protected padded", with("protected", `"e30="`), "protected: padded base64: base64url without padding must be"},
		{"protected no JSON", with("protected", header(`canary`)), "protected: not JSON (byte 0)"},
		{"protected with twins", with("protected", header(`{"enc":"A","ENC":"B"}`)), "protected: enc: a name that occurs twice in one object, perhaps in another case (byte 11)"},
		{"alg in two headers", with("header", `{"alg":"dir"}`), "protected: alg: a parameter that another header of the token has too (byte 7)"},
		{"kid in two headers", strings.Replace(with("header", `{"kid":"canary"}`), "{", `{"unprotected":{"kid":"canary"},`, 1), "JSON: header: a parameter that another header of the token has too (byte 172)"},
		{"aad padded", with("aad", `"e30="`), "aad: padded base64: base64url without padding must be"},
	} {
		refuses(t, test.name, test.text, test.want)
	}
}

// refuses checks that text is refused for the reason want, of which nothing is
// of the text.
func refuses(t *testing.T, name, text, want string) {
	t.Helper()
	info, err := token.Inspect(token.NewSecret(text))
	if !errors.Is(err, token.ErrMalformed) {
		t.Errorf("%s: error %v, want ErrMalformed", name, err)
		return
	}
	if got := err.Error(); got != "token: invalid: malformed: "+want {
		t.Errorf("%s:\n got %s\nwant token: invalid: malformed: %s", name, got, want)
	}
	if !reflect.ValueOf(info).IsZero() {
		t.Errorf("%s: %+v beside the error", name, info)
	}
	if run := echo(text, err); run != "" {
		t.Errorf("%s: the error repeats %q", name, run)
	}
	walk(reflect.ValueOf(err), map[visit]bool{}, func(s string) {
		if strings.Contains(s, "canary") {
			t.Errorf("%s: the error knows a name of the token's: %q", name, s)
		}
	})
}

// echo returns a part of the token text, as it stands or decoded, that err
// repeats.
func echo(text string, err error) string {
	texts := []string{text}
	for _, segment := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(`.{}":,`, r) }) {
		decoded, _ := base64.RawURLEncoding.DecodeString(segment)
		texts = append(texts, string(decoded))
	}
	const n = 16 // "encrypted_key", the longest name that an error may have, is shorter
	for _, text := range texts {
		for i := 0; i+n <= len(text); i++ {
			if strings.Contains(err.Error(), text[i:i+n]) {
				return text[i : i+n]
			}
		}
	}
	return ""
}

func TestInspectTooLong(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("a", token.MaxSize+1),
		jws(`{"alg":"RS256"}`, `{"a":"`+strings.Repeat("x", token.MaxSize)+`"}`),
	} {
		refuses(t, "too long", text, fmt.Sprintf("length: %d bytes, more than the 1048576 that a token may have: is it one?", len(text)))
	}
	info, err := token.Inspect(token.NewSecret(strings.Repeat("a", token.MaxSize)))
	if err != nil || info.Format != token.Opaque {
		t.Errorf("at the limit: %v, %v", info, err)
	}
}
