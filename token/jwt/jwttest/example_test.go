package jwttest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
	"github.com/tokenlife/tokenlife/token/jwt/jwttest"
)

// newAPI is what is to be tested: it takes its issuer from outside.
func newAPI(issuer string, client *http.Client) http.Handler {
	policy := &jwt.Policy{
		Issuer:   issuer,
		Audience: []string{"https://api.example"},
		Keys:     &jwt.Remote{Issuer: issuer, Client: client},
	}
	return token.Require(policy, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprintf(w, "hello, %s", claims.Subject)
	}))
}

// call returns what the API answers to whoever brings the token.
func call(api http.Handler, t token.Token) (status int, body string) {
	r := httptest.NewRequest("GET", "/", nil)
	t.SetHeader(r)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// An API is tested with one good token and all sorts of bad ones.
func Example() {
	t := new(testing.T) // in a test, its own

	issuer := jwttest.NewIssuer(t)
	api := newAPI(issuer.URL, issuer.Client())

	claims := map[string]any{"sub": "alice", "aud": "https://api.example"}
	fmt.Println(call(api, issuer.Mint(claims)))
	for _, bad := range issuer.Bad(claims) {
		if status, _ := call(api, bad.Token); status != 401 {
			fmt.Printf("%s: answered %d, want 401\n", bad.Name, status)
		}
	}
	// Output:
	// 200 hello, alice
}

// A test of what happens within a day takes no time in a bubble.
func Example_synctest() {
	var t *testing.T // in a test, its own

	synctest.Test(t, func(t *testing.T) {
		issuer := jwttest.NewIssuer(t)
		api := newAPI(issuer.URL, issuer.Client())
		good := issuer.Mint(map[string]any{"sub": "alice", "aud": "https://api.example", "exp": time.Now().Add(48 * time.Hour)})

		if status, _ := call(api, good); status != 200 {
			t.Errorf("answered %d, want 200", status)
		}
		issuer.Rotate()
		time.Sleep(24 * time.Hour)
		if status, _ := call(api, good); status != 401 {
			t.Errorf("a day after its key was withdrawn: answered %d, want 401", status)
		}
		if _, keys := issuer.Requests(); keys > 2 {
			t.Errorf("the keys were fetched %d times, want at most 2", keys)
		}
	})
}

// Claims can be anything. Without a service, a Policy can be asked itself: an
// Issuer is also the set of its keys.
func ExampleIssuer_Mint() {
	t := new(testing.T) // in a test, its own

	issuer := jwttest.NewIssuer(t)
	policy := &jwt.Policy{Issuer: issuer.URL, AnyAudience: true, Keys: issuer}

	for _, exp := range []time.Duration{time.Minute, -time.Minute} {
		tok := issuer.Mint(map[string]any{"sub": "alice", "exp": time.Now().Add(exp)})
		_, err := policy.Verify(context.Background(), tok.Value)
		fmt.Println(errors.Is(err, token.ErrExpired))
	}
	// Output:
	// false
	// true
}

// All that is wrong with tokens, and what a Policy says of it.
func ExampleIssuer_Bad() {
	t := new(testing.T) // in a test, its own

	issuer := jwttest.NewIssuer(t)
	issuer.Type = "at+jwt"
	for _, bad := range issuer.Bad(map[string]any{"aud": "https://api.example"}) {
		fmt.Printf("%-40s %v\n", bad.Name, bad.Want)
	}
	// Output:
	// expired                                  token: invalid: expired
	// not yet valid                            token: invalid: not yet valid
	// issued in the future                     token: invalid: not yet valid
	// never expires                            token: invalid: malformed
	// exp in milliseconds                      token: invalid: malformed
	// exp as text                              token: invalid: malformed
	// wrong issuer                             token: invalid: wrong issuer
	// issuer with a slash at its end           token: invalid: wrong issuer
	// no issuer                                token: invalid: wrong issuer
	// wrong audience                           token: invalid: wrong audience
	// no audience                              token: invalid: wrong audience
	// alg none                                 token: invalid: signature not verified
	// alg nOnE                                 token: invalid: signature not verified
	// no alg                                   token: invalid: malformed
	// crit                                     token: invalid: malformed
	// b64 false                                token: invalid: malformed
	// wrong type                               token: invalid: malformed
	// exp twice                                token: invalid: malformed
	// exp and EXP                              token: invalid: malformed
	// padding                                  token: invalid: malformed
	// bits that no byte needs                  token: invalid: malformed
	// a fourth segment                         token: invalid: malformed
	// changed claims                           token: invalid: signature not verified
	// changed signature                        token: invalid: signature not verified
	// no signature                             token: invalid: malformed
	// signature of zeros                       token: invalid: signature not verified
	// another's key                            token: invalid: signature not verified
	// another's key and an unknown kid         token: invalid: signature not verified
	// another's key and no kid                 token: invalid: signature not verified
	// another's key in the header              token: invalid: signature not verified
	// another's key at a jku                   token: invalid: signature not verified
	// another's key at an x5u                  token: invalid: signature not verified
	// HS256 with the public key as its secret  token: invalid: signature not verified
	// HS256 with an empty secret               token: invalid: signature not verified
	// encrypted, not signed                    token: invalid: malformed
}
