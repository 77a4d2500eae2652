package jwt_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// An exampleIssuer signs tokens and publishes what verifies them.
type exampleIssuer struct {
	*httptest.Server
	key ed25519.PrivateKey
}

func newExampleIssuer() *exampleIssuer {
	iss := &exampleIssuer{key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, iss.URL, iss.URL+"/jwks.json")
	})
	mux.HandleFunc("/jwks.json", func(w http.ResponseWriter, r *http.Request) {
		public := base64.RawURLEncoding.EncodeToString(iss.key.Public().(ed25519.PublicKey))
		w.Header().Set("Cache-Control", "max-age=3600")
		fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026","x":%q}]}`, public)
	})
	iss.Server = httptest.NewServer(mux)
	return iss
}

func (iss *exampleIssuer) sign(subject string) token.Secret {
	t := gojwt.NewWithClaims(gojwt.SigningMethodEdDSA, gojwt.MapClaims{
		"iss": iss.URL, "sub": subject, "aud": "https://api.example", "exp": time.Now().Add(time.Hour).Unix(),
	})
	t.Header["kid"] = "2026"
	text, err := t.SignedString(iss.key)
	if err != nil {
		panic(err)
	}
	return token.NewSecret(text)
}

// An API that accepts the tokens of an issuer by the keys that it publishes.
func ExampleRemote() {
	iss := newExampleIssuer()
	defer iss.Close()

	policy := &jwt.Policy{
		Issuer:   iss.URL,
		Audience: []string{"https://api.example"},
		Keys: &jwt.Remote{
			Issuer: iss.URL,
			OnFetch: func(err error) {
				fmt.Println("keys fetched:", err)
			},
		},
	}
	api := token.Require(policy, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprint(w, "hello, ", claims.Subject)
	}))

	for _, name := range []string{"alice", "bob"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+iss.sign(name).Reveal())
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		answer, _ := io.ReadAll(w.Result().Body)
		fmt.Println(w.Code, string(answer))
	}
	// Output:
	// keys fetched: <nil>
	// 200 hello, alice
	// 200 hello, bob
}

// A program that does not start without its issuer.
func ExampleDiscover() {
	iss := newExampleIssuer()
	defer iss.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	keys, err := jwt.Discover(ctx, nil, iss.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	policy := &jwt.Policy{Issuer: iss.URL, Audience: []string{"https://api.example"}, Keys: keys}

	claims, err := policy.Verify(ctx, iss.sign("alice"))
	fmt.Println(claims.Subject, err)
	// Output: alice <nil>
}
