package introspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// Whatever is taken for an answer is JSON that encoding/json reads in the same
// way, and no error blames the token.
func FuzzParseAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"active":true}`, `{"active":false}`, `{"active":"true"}`, `{"active":null}`, `{"Active":true}`, `{"active":true,"active":false}`,
		`{"active":true,"sub":"s","aud":["a"],"exp":1800000000,"iss":"i","scope":"a b","token_type":"Bearer"}`,
		`{"active":true,"sub":null,"a":null,"aud":null,"b":{"c":[null]}}`,
		`{"active":true,"token_type":"DPoP","cnf":{"jkt":"x"}}`, `{"active":true,"token_use":"refresh_token"}`, `{"active":true,"typ":"Refresh"}`,
		`{"active":true,"a\"\u00e9":null,"<&>":1}`, `{"active":true,"exp":1e400}`, `[]`, ``, `{`, "{\"active\":true,\"\xff\":1}",
		`{"active":true,"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a, err := parseAnswer(body)
		if err != nil {
			if errors.Is(err, token.ErrInvalid) || a.active {
				t.Fatalf("%v", err)
			}
			return
		}
		var members map[string]json.RawMessage // since no float64 holds 1e400
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("not JSON: %v", err)
		}
		text := func(name string) (s string) {
			json.Unmarshal(members[name], &s)
			return s
		}
		if active := string(members["active"]); active != fmt.Sprint(a.active) {
			t.Fatalf("active %t, but encoding/json says %s", a.active, active)
		}
		if !a.active {
			return
		}
		if cnf := members["cnf"]; cnf != nil && string(cnf) != "null" && !a.bound {
			t.Fatal("bound, but not taken to be")
		}
		switch kind := strings.ToLower(text("token_type")); kind {
		case "", "bearer", "access_token", "urn:ietf:params:oauth:token-type:access_token":
		default:
			if !a.bound && !a.other {
				t.Fatalf("token_type %q was taken", kind)
			}
		}
		if s := text("sub"); s != a.claims.Subject {
			t.Fatalf("sub %q, but encoding/json says %q", a.claims.Subject, s)
		}
		// The claims are the members that are not null.
		for name, value := range members {
			if string(value) == "null" {
				delete(members, name)
			}
		}
		var decoded map[string]json.RawMessage
		if err := a.claims.Decode(&decoded); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(members, decoded); diff != "" {
			t.Fatalf("claims (-encoding/json +parseAnswer):\n%s", diff)
		}
	})
}

// Whatever the body of a failure, of it only known words are repeated.
func FuzzErrorCode(f *testing.F) {
	for _, seed := range []string{`{"error":"invalid_client"}`, `{"error":1}`, `{"error":"x"}`, `{"error":"server_error","ERROR":1}`, `invalid_client`, ``} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		code := errorCode(body)
		var said struct{ Error any }
		if code != "" && (json.Unmarshal([]byte(body), &said) != nil || said.Error != code) {
			t.Fatalf("%q, but encoding/json says %v", code, said.Error)
		}
	})
}
