package jwt_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// exampleKey is the issuer's key. Its seed is known to all: it is for examples.
var exampleKey = ed25519.NewKeyFromSeed([]byte("a seed of exactly 32 bytes here."))

// issue signs claims as the issuer does, which has a library for it.
func issue(claims string) token.Secret {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"EdDSA","kid":"1"}`)) + "." + encode([]byte(claims))
	return token.NewSecret(signed + "." + encode(ed25519.Sign(exampleKey, []byte(signed))))
}

// A Policy whose keys are known beforehand. For an issuer that publishes its
// keys use a Remote instead.
func ExamplePolicy() {
	p := &jwt.Policy{
		Issuer:   "https://issuer.example",
		Audience: []string{"https://api.example"},
		Keys:     jwt.Keys{{ID: "1", Public: exampleKey.Public()}},
	}
	presented := issue(fmt.Sprintf(`{"iss":"https://issuer.example","aud":"https://api.example","sub":"alice","exp":%d}`,
		time.Now().Add(time.Hour).Unix()))

	claims, err := p.Verify(context.Background(), presented)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("good, for", claims.Subject)

	// Output:
	// good, for alice
}

// Errors say whose fault it is: a token that is no good matches
// token.ErrInvalid, and anything else means that nobody could tell.
func ExamplePolicy_Verify() {
	p := &jwt.Policy{
		Issuer:   "https://issuer.example",
		Audience: []string{"https://api.example"},
		Keys:     jwt.Keys{{ID: "1", Public: exampleKey.Public()}},
		Now:      func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
	}
	for _, presented := range []token.Secret{
		issue(`{"iss":"https://issuer.example","aud":"https://other.example","exp":1795352400}`),
		token.NewSecret(issue(`{"iss":"https://issuer.example"}`).Reveal() + "\n"),
	} {
		_, err := p.Verify(context.Background(), presented)
		fmt.Println(errors.Is(err, token.ErrInvalid), err)
	}

	var incomplete jwt.Policy
	_, err := incomplete.Verify(context.Background(), issue(`{}`))
	fmt.Println(errors.Is(err, token.ErrInvalid), err)

	// Output:
	// true token: invalid: wrong audience: ["https://other.example"], and this Policy is for ["https://api.example"]
	// true token: invalid: malformed: segment 3 (signature): white space in it: remove it
	// false jwt: Policy: neither Issuer nor AnyIssuer is set; neither Audience nor AnyAudience is set; Keys is not set
}

// A token outside its lifetime is old, or else a clock is off.
func ExamplePolicy_clocks() {
	p := &jwt.Policy{
		Issuer:      "https://issuer.example",
		AnyAudience: true,
		Keys:        jwt.Keys{{ID: "1", Public: exampleKey.Public()}},
		Now:         func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
	}
	for _, claims := range []string{
		`{"iss":"https://issuer.example","iat":1795338000,"exp":1795341600}`,
		`{"iss":"https://issuer.example","iat":1795348980,"exp":1795352580}`,
	} {
		_, err := p.Verify(context.Background(), issue(claims))
		if fault, ok := errors.AsType[*token.TimeError](err); ok {
			fmt.Printf("clock off: %v, %s by %v\n", fault.ClockOff(), fault.Claim, fault.Now.Sub(fault.Limit))
		}
	}

	// Output:
	// clock off: false, exp by 2h0m0s
	// clock off: true, iat by -3m0s
}

// A token that was encrypted for this service, and signed inside.
func ExamplePolicy_nested() {
	ours, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := &jwt.Policy{
		Issuer:   "https://issuer.example",
		Audience: []string{"https://api.example"},
		Keys:     jwt.Keys{{ID: "1", Public: exampleKey.Public()}},
		Decrypt:  &jwe.Decrypter{Keys: jwt.Keys{{ID: "ours", Private: ours}}},
	}

	// The issuer signs, and then encrypts. Others can only encrypt.
	claims := fmt.Sprintf(`{"iss":"https://issuer.example","aud":"https://api.example","sub":"alice","exp":%d}`,
		time.Now().Add(time.Hour).Unix())
	for _, plaintext := range []string{issue(claims).Reveal(), claims} {
		key := jwt.Key{ID: "ours", Public: ours.Public()}
		presented, err := jwe.Encrypt(key, []byte(plaintext), jwe.Header{ContentType: "JWT"})
		if err != nil {
			fmt.Println(err)
			return
		}
		claims, err := p.Verify(context.Background(), presented)
		fmt.Printf("%q, %v\n", claims.Subject, err)
	}

	// Output:
	// "alice", <nil>
	// "", token: invalid: signature not verified: it is encrypted, but what is in it is not signed
}

// Keys from a file, whichever form they have there.
func ExampleParseKeys() {
	for _, file := range []string{`{
		"keys": [
			{"kty": "OKP", "crv": "Ed25519", "kid": "2026-11", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
			{"kty": "AKP", "alg": "ML-DSA-44", "kid": "2027-01", "pub": "AAAA"}
		]
	}`, `
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
`, `{"kty": "oct", "k": "c2VjcmV0"}`} {
		keys, err := jwt.ParseKeys([]byte(file))
		fmt.Println(keys, err)
	}

	// Output:
	// [key "2026-11" (Ed25519)] <nil>
	// [key (Ed25519)] <nil>
	// [] jwt: keys: none can be used: key 1: it is a secret shorter than the algorithm's hash
}
