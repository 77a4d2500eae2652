package jose

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

func TestParseHeader(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		raw  string
		want Header
	}{
		{`{"alg":"RS256"}`, Header{Algorithm: "RS256"}},
		{`{"alg":"none"}`, Header{Algorithm: "none"}},
		{`{"typ":"JWT","alg":"RS256","kid":"1","cty":"JWT","enc":"A256GCM"}`,
			Header{Algorithm: "RS256", Encryption: "A256GCM", KeyID: "1", Type: "JWT", ContentType: "JWT"}},
		{` { "alg" : "RS256" } `, Header{Algorithm: "RS256"}},
		{`{"alg":"\u0052S256"}`, Header{Algorithm: "RS256"}},
		{`{"alg":"A","kid":""}`, Header{Algorithm: "A"}},

		// Named whatever they hold: nobody may take them for absent.
		{`{"alg":"A","crit":["exp"]}`, Header{Algorithm: "A", Critical: true}},
		{`{"alg":"A","crit":null}`, Header{Algorithm: "A", Critical: true}},
		{`{"alg":"A","b64":true}`, Header{Algorithm: "A", Unencoded: true}},
		{`{"alg":"A","zip":0}`, Header{Algorithm: "A", Compressed: true}},

		// Where keys could be had is not read, though it must be JSON.
		{`{"alg":"A","jku":"https://evil.example","x5u":7,"x5c":[],"jwk":{"kty":"oct","k":"AAAA"}}`, Header{Algorithm: "A"}},
	} {
		got, err := ParseHeader(test.raw)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", test.raw, err, diff)
		}
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		``:                               "an end in the middle (byte 0)",
		`{`:                              "an end in the middle (byte 1)",
		`[]`:                             "an array where an object must be (byte 0)",
		`null`:                           "null where an object must be (byte 0)",
		`{}`:                             "alg: missing or empty",
		`{"alg":""}`:                     "alg: missing or empty",
		`{"ALG":"RS256"}`:                "alg: a parameter in another case (byte 7)",
		`{"alg":"A","KID":"1"}`:          "kid: a parameter in another case (byte 17)",
		`{"alg":"A","\u212aid":"1"}`:     "kid: a parameter in another case (byte 22)",
		`{"alg":"A","Typ":"1"}`:          "typ: a parameter in another case (byte 17)",
		`{"alg":"A","ctY":"1"}`:          "cty: a parameter in another case (byte 17)",
		`{"alg":"A","Enc":"1"}`:          "enc: a parameter in another case (byte 17)",
		`{"alg":"A","Crit":[]}`:          "a parameter in another case (byte 18)",
		`{"alg":"A","B64":1}`:            "a parameter in another case (byte 17)",
		`{"alg":"A","ZIP":1}`:            "a parameter in another case (byte 17)",
		`{"alg":null}`:                   "alg: null where a string must be (byte 7)",
		`{"alg":["RS256"]}`:              "alg: an array where a string must be (byte 7)",
		`{"alg":"A","kid":1}`:            "kid: a number where a string must be (byte 17)",
		`{"alg":"A","typ":{}}`:           "typ: an object where a string must be (byte 17)",
		`{"alg":"A","cty":1}`:            "cty: a number where a string must be (byte 17)",
		`{"alg":"A","enc":1}`:            "enc: a number where a string must be (byte 17)",
		`{"alg":"none","alg":"RS256"}`:   "alg: a name that occurs twice in one object, perhaps in another case (byte 14)",
		`{"alg":"none","ALG":"RS256"}`:   "alg: a name that occurs twice in one object, perhaps in another case (byte 14)",
		`{"alg":"A","b64":0,"B64":1}`:    "a name that occurs twice in one object, perhaps in another case (byte 19)",
		`{"alg":"A"}{}`:                  "more text after the end (byte 11)",
		"{\"alg\":\"A\",\"x\":\"\xff\"}": "text that is not UTF-8 (byte 16)",
	} {
		_, err := ParseHeader(raw)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
	if _, err := ParseHeader(`{"alg":"` + strings.Repeat("A", MaxSize) + `"}`); err == nil {
		t.Error("a header longer than MaxSize is read")
	}
}

// A JWE in JSON has up to three headers, and no name may be in two of them.
func TestHeadersTogether(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ first, second, err string }{
		{`{"alg":"dir"}`, `{"enc":"A256GCM"}`, ""},
		{`{"enc":"A256GCM"}`, `{"alg":"dir","kid":"1"}`, ""},
		{`{"alg":"dir"}`, `{"enc":"A256GCM","alg":"dir"}`, "alg: a parameter that another header of the token has too (byte 23)"},
		{`{"kid":"1"}`, `{"kid":""}`, "kid: a parameter that another header of the token has too (byte 7)"},
	} {
		var h Header
		if err := h.Parse(test.first); err != nil {
			t.Fatal(err)
		}
		err := h.Parse(test.second)
		if got := fmt.Sprint(err); err == nil && test.err != "" || err != nil && got != test.err {
			t.Errorf("%s and %s: %v, want %q", test.first, test.second, err, test.err)
		}
	}
}

func TestDecodeHeader(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"alg":"RS256"}`: "<nil>",
		`{"alg":""}`:      "alg: missing or empty",
		`x`:               "not JSON (byte 0)",
	} {
		if _, err := DecodeHeader(string(Encode(nil, []byte(raw)))); fmt.Sprint(err) != want {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
	if h, err := DecodeHeader(string(Encode(nil, []byte(`{"alg":"RS256"}`))) + "\n"); err == nil || h != (Header{}) {
		t.Errorf("with a line break: %+v, %v", h, err)
	}
}

func TestCheckPlain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		h    Header
		want string
	}{
		{Header{Algorithm: "A", Encryption: "A", KeyID: "A", Type: "A", ContentType: "A"}, "<nil>"},
		{Header{Critical: true}, "crit: no extension is understood here"},
		{Header{Unencoded: true}, "b64: a token has its payload encoded (RFC 7797, section 7)"},
		{Header{Compressed: true}, "zip: compressed tokens are not read"},
	} {
		if got := fmt.Sprint(test.h.CheckPlain()); got != test.want {
			t.Errorf("%+v: %s, want %s", test.h, got, test.want)
		}
	}
}

func TestCheckJWE(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		h    Header
		want string
	}{
		{Header{Algorithm: "dir", Encryption: "A256GCM"}, "<nil>"},
		{Header{Encryption: "A256GCM"}, "alg: missing or empty"},
		{Header{Algorithm: "dir"}, "enc: missing or empty"},
	} {
		if got := fmt.Sprint(test.h.CheckJWE()); got != test.want {
			t.Errorf("%+v: %s, want %s", test.h, got, test.want)
		}
	}
}

// FuzzHeader checks that encoding/json reads the same of what is taken.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{
		`{"alg":"RS256","kid":"1","typ":"JWT"}`, `{"alg":"dir","enc":"A256GCM","cty":"JWT"}`, `{"alg":"\u0041"}`,
		`{"alg":"A","crit":["exp"],"b64":false,"zip":"DEF"}`, `{"alg":"A","ALG":"B"}`, `{"alg":null}`, `null`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		h, err := ParseHeader(raw)
		if err != nil {
			if _, ok := errors.AsType[*strictjson.Error](err); !ok && err.Error() != "alg: missing or empty" {
				t.Fatal(err)
			}
			return
		}
		var all map[string]any
		if err := json.Unmarshal([]byte(raw), &all); err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]string{"alg": h.Algorithm, "enc": h.Encryption, "kid": h.KeyID, "typ": h.Type, "cty": h.ContentType} {
			if want, there := all[name]; there && want != got || !there && got != "" {
				t.Fatalf("%s is %q, and to encoding/json %v", name, got, want)
			}
		}
		for name, got := range map[string]bool{"crit": h.Critical, "b64": h.Unencoded, "zip": h.Compressed} {
			if _, want := all[name]; want != got {
				t.Fatalf("that there is a %s is %v, and to encoding/json %v", name, got, want)
			}
		}
	})
}
