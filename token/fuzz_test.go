package token_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

func FuzzInspect(f *testing.F) {
	files, _ := filepath.Glob("testdata/inspect/*.txt")
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(content), "-- token --\n")
		text, _, _ := strings.Cut(rest, "\n-- info --")
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		info, err := token.Inspect(token.NewSecret(text))
		if err != nil {
			if !errors.Is(err, token.ErrMalformed) || !reflect.ValueOf(info).IsZero() {
				t.Fatalf("%+v, %v", info, err)
			}
			if run := echo(text, err); run != "" {
				t.Fatalf("the error repeats %q: %v", run, err)
			}
			return
		}
		for name, d := range map[string]time.Time{"iat": info.IssuedAt, "exp": info.Expiry, "warnafter": info.ServiceAccount.WarnAfter} {
			if !d.IsZero() && (d.Unix() < 0 || d.Year() > 9999 || d.Location() != time.UTC) {
				t.Fatalf("%s is %v", name, d)
			}
		}
		switch info.Format {
		case token.Opaque:
			checkOpaque(t, text, info)
		case token.JWT:
			checkJWT(t, text, info)
		case token.JWE:
			if info.Algorithm == "" || info.Encryption == "" {
				t.Fatalf("%+v", info)
			}
		}
	})
}

// checkOpaque checks that of an opaque token nothing is known but what may be.
func checkOpaque(t *testing.T, text string, info token.Info) {
	name := info.Name
	info.Kind, info.Name = 0, ""
	if !reflect.ValueOf(info).IsZero() {
		t.Fatalf("%+v", info)
	}
	if name != "" && !strings.HasPrefix(strings.TrimPrefix(text, "ext/"), name+":") {
		t.Fatalf("%q is not the name of it", name)
	}
}

// checkJWT checks that the decoders of the standard library read the same.
func checkJWT(t *testing.T, text string, info token.Info) {
	segments := strings.Split(text, ".")
	if len(segments) != 3 || info.Algorithm == "" {
		t.Fatalf("%d segments, alg %q", len(segments), info.Algorithm)
	}
	var decoded [3][]byte
	for i, s := range segments {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(s); err != nil || strings.ContainsAny(s, "\r\n") {
			t.Fatalf("segment %d: %v", i+1, err)
		}
	}
	var header map[string]any
	if err := json.Unmarshal(decoded[0], &header); err != nil || header["alg"] != info.Algorithm {
		t.Fatalf("header %v: %v", header, err)
	}
	checkClaims(t, decoded[1], info.Claims)
}

func FuzzParseClaims(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"iss":"i","sub":"s","aud":"a","jti":"j","iat":1,"nbf":2,"exp":3}`,
		`{"aud":["a","b"],"exp":1795353318.5}`, `{"exp":1.795353318e9}`, `{"exp":17953533180e-1}`,
		`{"exp":1,"EXP":2}`, `{"exp":-1}`, `{"exp":253402300800}`, `{"exp":1e400}`, `{"exp":"1"}`, `null`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		claims, err := token.ParseClaims(raw)
		if err != nil {
			if !errors.Is(err, token.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		checkClaims(t, raw, claims)
	})
}

// checkClaims checks claims against what encoding/json makes of raw.
func checkClaims(t *testing.T, raw []byte, claims token.Claims) {
	var want map[string]any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := claims.Decode(&all); err != nil || len(all) != len(want) {
		t.Fatalf("Decode: %v, %v; want %v", all, err, want)
	}
	for name, got := range map[string]string{"iss": claims.Issuer, "sub": claims.Subject, "jti": claims.ID} {
		if s, _ := want[name].(string); s != got || (want[name] != nil && reflect.TypeOf(want[name]).Kind() != reflect.String) {
			t.Fatalf("%s is %q, want %v", name, got, want[name])
		}
	}
	if s, ok := want["aud"].(string); ok {
		want["aud"] = []any{s}
	}
	if got := fmt.Sprintf("%q", claims.Audience); want["aud"] != nil && got != fmt.Sprintf("%q", want["aud"]) {
		t.Fatalf("aud is %s, want %q", got, want["aud"])
	}
	for name, got := range map[string]time.Time{"iat": claims.IssuedAt, "nbf": claims.NotBefore, "exp": claims.Expiry} {
		number, ok := want[name].(json.Number)
		if ok == got.IsZero() {
			t.Fatalf("%s is %v, want %v", name, got, want[name])
		}
		// A Rat of a large exponent would fill the memory.
		if _, exponent, _ := strings.Cut(strings.ToLower(string(number)), "e"); !ok || len(exponent) > 4 {
			continue
		}
		exact, ok := new(big.Rat).SetString(string(number))
		if !ok {
			t.Fatalf("%s is no number: %s", name, number)
		}
		seconds := new(big.Int).Div(exact.Num(), exact.Denom())
		if !seconds.IsInt64() || seconds.Int64() != got.Unix() {
			t.Fatalf("%s is %d, want %v", name, got.Unix(), exact)
		}
	}
}
