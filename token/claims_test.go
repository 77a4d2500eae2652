package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenlife/tokenlife/token"
)

func TestParseClaims(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		raw  string
		want token.Claims
	}{
		{`{}`, token.Claims{}},
		{`{"iss":"i","sub":"s","aud":"a","jti":"j","iat":1,"nbf":2,"exp":3}`, token.Claims{
			Issuer: "i", Subject: "s", Audience: []string{"a"}, ID: "j",
			IssuedAt: time.Unix(1, 0).UTC(), NotBefore: time.Unix(2, 0).UTC(), Expiry: time.Unix(3, 0).UTC(),
		}},
		{`{"aud":["a","b"]}`, token.Claims{Audience: []string{"a", "b"}}},
		{`{"aud":[]}`, token.Claims{Audience: []string{}}},
		{`{"iss":"","sub":"é\u00e9"}`, token.Claims{Subject: "éé"}},
		{`{"exp":0}`, token.Claims{Expiry: time.Unix(0, 0).UTC()}},

		// Claims that are not registered may be anything, also in names that
		// look like those.
		{`{"a":null,"b":[{"c":true}],"d":-1.5e300,"iss ":5,"Expiry":"x","":{}}`, token.Claims{}},
		{` { "iss" : "i" } ` + "\n", token.Claims{Issuer: "i"}},
	} {
		got, err := token.ParseClaims([]byte(test.raw))
		if err != nil {
			t.Errorf("%s: %v", test.raw, err)
		} else if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(token.Claims{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.raw, diff)
		}
	}
}

func TestParseClaimsRefuses(t *testing.T) {
	t.Parallel()
	const date = "a date outside the years 1970 to 9999: is it in milliseconds?"
	for _, test := range []struct{ raw, want string }{
		{``, "an end in the middle (byte 0)"},
		{`null`, "null where an object must be (byte 0)"},
		{`[]`, "an array where an object must be (byte 0)"},
		{`1`, "a number where an object must be (byte 0)"},
		{`"{}"`, "a string where an object must be (byte 0)"},
		{`{} {}`, "more text after the end (byte 3)"},
		{"{}\x00", "more text after the end (byte 2)"},
		{strings.Repeat(" ", token.MaxSize+1), "1048577 bytes, more than the 1048576 that are read"},

		{`{"iss":1}`, "iss: a number where a string must be (byte 7)"},
		{`{"iss":null}`, "iss: null where a string must be (byte 7)"},
		{`{"sub":["s"]}`, "sub: an array where a string must be (byte 7)"},
		{`{"jti":{}}`, "jti: an object where a string must be (byte 7)"},
		{`{"aud":1}`, "aud: neither a string nor an array of strings (byte 7)"},
		{`{"aud":null}`, "aud: neither a string nor an array of strings (byte 7)"},
		{`{"aud":{"a":1}}`, "aud: neither a string nor an array of strings (byte 7)"},
		{`{"aud":["a",1]}`, "aud: a number where a string must be (byte 12)"},
		{`{"aud":["a",["b"]]}`, "aud: an array where a string must be (byte 12)"},
		{`{"aud":["a"`, "aud: an end in the middle (byte 11)"},
		{`{"aud":x}`, "aud: not JSON (byte 7)"},
		{`{"exp":"3"}`, "exp: a string where a number must be (byte 7)"},
		{`{"exp":null}`, "exp: null where a number must be (byte 7)"},
		{`{"exp":true}`, "exp: true or false where a number must be (byte 7)"},
		{`{"exp":NaN}`, "exp: not JSON (byte 7)"},
		{`{"exp":Infinity}`, "exp: not JSON (byte 7)"},
		{`{"exp":-Infinity}`, "exp: not JSON (byte 8)"},
		{`{"exp":0x10}`, "exp: not JSON (byte 8)"},
		{`{"nbf":-1}`, "nbf: " + date + " (byte 9)"},
		{`{"iat":253402300800}`, "iat: " + date + " (byte 19)"},

		{`{"exp":1,"sub":"x","exp":2}`, "exp: a name that occurs twice in one object, perhaps in another case (byte 19)"},
		{`{"sub":"a","SUB":"b"}`, "sub: a name that occurs twice in one object, perhaps in another case (byte 11)"},
		{`{"exp":1,"EXP":2}`, "exp: a name that occurs twice in one object, perhaps in another case (byte 9)"},
		{`{"EXP":1}`, "exp: a claim in another case (byte 7)"},
		{`{"Iss":"i"}`, "iss: a claim in another case (byte 7)"},
		{`{"i\u017fs":"i"}`, "iss: a claim in another case (byte 12)"},

		// What else a token calls its claims is its own affair.
		{`{"canary":1,"canary":2}`, "a name that occurs twice in one object, perhaps in another case (byte 12)"},
		{`{"canary":"\ud800"}`, "half a surrogate pair (byte 11)"},
	} {
		got, err := token.ParseClaims([]byte(test.raw))
		raw := test.raw[:min(len(test.raw), 60)]
		if !errors.Is(err, token.ErrMalformed) || err.Error() != "token: invalid: malformed: claims: "+test.want {
			t.Errorf("%s:\n got %v\nwant token: invalid: malformed: claims: %s", raw, err, test.want)
		}
		if diff := cmp.Diff(token.Claims{}, got, cmp.AllowUnexported(token.Claims{})); diff != "" {
			t.Errorf("%s: claims beside the error:\n%s", raw, diff)
		}
	}
}

// Dates are exact to the second, however they are written, and rounded down: a
// float64 in between would make some of these a second too many.
func TestParseClaimsDates(t *testing.T) {
	t.Parallel()
	const never = -1
	for number, want := range map[string]int64{
		"0": 0, "0.0": 0, "0.9": 0, "0e0": 0, "0e5": 0, "0.0e-5": 0, "0e999999999": 0, "0e-999999999": 0,
		"1": 1, "1.0": 1, "1.999999999999999999999": 1, "1e0": 1, "10e-1": 1, "0.1e1": 1, "0.01E+2": 1,
		"1795353318": 1795353318, "1795353318.0": 1795353318, "1.795353318e9": 1795353318,
		"1.795353318E+9": 1795353318, "1.795353318e09": 1795353318, "17953533180e-1": 1795353318,
		"1795353318.9999999999": 1795353318, // 1795353319 to a float64
		"1.7953533189e9":        1795353318,
		"1.79535331e9":          1795353310,
		"0.0000001795353318e16": 1795353318,
		"1e-1":                  0, "1e-400": 0, "1e-99999999999999999999": 0,
		"253402300799": 253402300799, "253402300799.99": 253402300799, "2.53402300799e11": 253402300799,

		"253402300800": never, "2.534023008e11": never, "1e12": never, "9e18": never, "1e308": never,
		"9223372036854775808": never, "18446744073709551617": never, // 1 if it wraps
		"1e400": never, "1e99999999999999999999": never, "1e18446744073709551616": never,
		strings.Repeat("1", 400): never,
		"-1":                     never, "-0.1": never, "-0": never, "-1e400": never, "-1795353318": never,
		"0." + strings.Repeat("0", 5000) + "1e5001":          1,
		"1" + strings.Repeat("0", 5000) + "e-5000":           1,
		"1" + strings.Repeat("0", 5000) + ".0e-4991":         1e9,
		"0." + strings.Repeat("0", 5000) + "1795353318e5010": 1795353318,
	} {
		c, err := token.ParseClaims([]byte(`{"exp":` + number + `}`))
		name := number[:min(len(number), 40)]
		switch {
		case want == never && !errors.Is(err, token.ErrMalformed):
			t.Errorf("%s: %v, %v; want an error", name, c.Expiry, err)
		case want != never && (err != nil || !c.Expiry.Equal(time.Unix(want, 0)) || c.Expiry.Location() != time.UTC):
			t.Errorf("%s: %v, %v; want %v", name, c.Expiry, err, time.Unix(want, 0).UTC())
		}
	}
}

// A date of a few bytes is not a loop of millions of rounds.
func TestParseClaimsDateOfManyZeros(t *testing.T) {
	t.Parallel()
	raw := []byte(`{"iat":0e999999999,"nbf":0e999999999,"exp":0e999999999}`)
	start := time.Now()
	for range 5000 {
		if _, err := token.ParseClaims(raw); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("5000 times take %v", took)
	}
}

func TestClaimsDecode(t *testing.T) {
	t.Parallel()
	raw := []byte(`{"iss":"i","groups":["a","b"],"big":12345678901234567890}`)
	c, err := token.ParseClaims(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw) // it is the caller's again

	var got struct {
		Issuer string `json:"iss"`
		Groups []string
		Big    json.Number
	}
	if err := c.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Issuer != "i" || c.Issuer != "i" || !cmp.Equal(got.Groups, []string{"a", "b"}) || got.Big != "12345678901234567890" {
		t.Errorf("%+v", got)
	}

	// Nothing that Decode gives out is shared with the next.
	var first, second map[string]any
	if err := errors.Join(c.Decode(&first), c.Decode(&second)); err != nil {
		t.Fatal(err)
	}
	first["groups"].([]any)[0] = "changed"
	if got := second["groups"].([]any)[0]; got != "a" {
		t.Errorf("a second copy has %v", got)
	}

	var wrong struct{ Groups int }
	if err := c.Decode(&wrong); err == nil || !strings.HasPrefix(err.Error(), "token: the claims do not fit into *struct { Groups int }: ") {
		t.Errorf("a list in an int: %v", err)
	} else if typeError := (*json.UnmarshalTypeError)(nil); !errors.As(err, &typeError) || typeError.Field != "Groups" {
		t.Errorf("%v does not say which claim", err)
	}
	if err := c.Decode(got); err == nil {
		t.Error("decoded into what is no pointer")
	}
}

func TestClaimsWithoutJSON(t *testing.T) {
	t.Parallel()
	var v map[string]any
	err := token.Claims{Issuer: "i"}.Decode(&v)
	if want := "token: these Claims were not read from JSON: use their fields"; fmt.Sprint(err) != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A log has the registered claims, and nothing else of the token.
func TestClaimsLogValue(t *testing.T) {
	t.Parallel()
	claims, err := token.ParseClaims([]byte(`{"iss":"https://i.example","sub":"alice","aud":["a","b"],"exp":1795352400,"email":"canary@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "time" {
			return slog.Attr{}
		}
		return a
	}
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: drop}))
	log.Info("in", "claims", claims, "none", token.Claims{})
	want := `level=INFO msg=in claims.iss=https://i.example claims.sub=alice claims.aud="[a b]" claims.exp=2026-11-22T13:00:00.000Z` + "\n"
	if b.String() != want {
		t.Errorf("got  %swant %s", b.String(), want)
	}
}
