package introspect_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
)

// server is an issuer that knows one token of alice and has one client.
func server() *httptest.Server {
	alice := "alices-token"
	mux := http.NewServeMux()
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if id, secret, _ := r.BasicAuth(); id != "orders-api" || secret != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		if r.PostFormValue("token") == alice {
			fmt.Fprint(w, `{"active":true,"sub":"alice","aud":"https://orders.example","client_id":"shop","scope":"orders:read"}`)
			return
		}
		fmt.Fprint(w, `{"active":false}`)
	})
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("token") == alice {
			alice = "" // the one token that there was
		}
	})
	return httptest.NewServer(mux)
}

// An API protected by introspection.
func Example() {
	issuer := server()
	defer issuer.Close()

	v := &introspect.Verifier{
		URL:      issuer.URL + "/introspect",
		Auth:     introspect.Basic("orders-api", token.NewSecret("secret")),
		Audience: []string{"https://orders.example"},
	}
	if err := v.Check(); err != nil {
		fmt.Println(err)
		return
	}
	api := token.Require(&token.VerifierCache{Verifier: v}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprintln(w, "hello,", claims.Subject)
	}))

	for _, presented := range []string{"alices-token", "a-made-up-token"} {
		r := httptest.NewRequest("GET", "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+presented)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 hello, alice
	// 401 the token was revoked or is unknown
}

// What an issuer says of a token beside the registered claims.
func ExampleVerifier() {
	issuer := server()
	defer issuer.Close()

	v := &introspect.Verifier{
		URL:      issuer.URL + "/introspect",
		Auth:     introspect.Basic("orders-api", token.NewSecret("secret")),
		Audience: []string{"https://orders.example"},
	}
	claims, err := v.Verify(context.Background(), token.NewSecret("alices-token"))
	if err != nil {
		fmt.Println(err)
		return
	}
	var more struct {
		ClientID string `json:"client_id"`
	}
	if err := claims.Decode(&more); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(claims.Subject, "by way of", more.ClientID, "may", claims.Scopes())
	// Output: alice by way of shop may [orders:read]
}

// A service whose own credential is wrong does not blame those who call it.
func ExampleVerifier_refused() {
	issuer := server()
	defer issuer.Close()

	v := &introspect.Verifier{
		URL:      issuer.URL + "/introspect",
		Auth:     introspect.Basic("orders-api", token.NewSecret("last year's secret")),
		Audience: []string{"https://orders.example"},
	}
	_, err := v.Verify(context.Background(), token.NewSecret("alices-token"))
	fmt.Println("the token is at fault:", errors.Is(err, token.ErrInvalid))
	fmt.Println("this service is at fault:", errors.Is(err, token.ErrRefused))
	// Output:
	// the token is at fault: false
	// this service is at fault: true
}

func ExampleRevoker() {
	issuer := server()
	defer issuer.Close()
	auth := introspect.Basic("orders-api", token.NewSecret("secret"))

	r := &introspect.Revoker{URL: issuer.URL + "/revoke", Auth: auth}
	if err := r.Revoke(context.Background(), token.NewSecret("alices-token"), "access_token"); err != nil {
		fmt.Println(err)
		return
	}

	v := &introspect.Verifier{URL: issuer.URL + "/introspect", Auth: auth, AnyAudience: true}
	_, err := v.Verify(context.Background(), token.NewSecret("alices-token"))
	fmt.Println(err)
	// Output: token: invalid: revoked or unknown to its issuer: its issuer does not call it active
}

// An Auth that signs an assertion for each request (RFC 7523): private_key_jwt.
func ExampleAuthFunc() {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // in earnest from a file
	encode := base64.RawURLEncoding.EncodeToString

	auth := introspect.AuthFunc(func(_ context.Context, _ http.Header, form url.Values) error {
		now := time.Now()
		claims, err := json.Marshal(map[string]any{
			"iss": "orders-api", "sub": "orders-api", "aud": "https://issuer.example",
			"jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		})
		if err != nil {
			return err
		}
		signed := encode([]byte(`{"alg":"EdDSA"}`)) + "." + encode(claims)
		form.Set("client_id", "orders-api")
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", signed+"."+encode(ed25519.Sign(key, []byte(signed))))
		return nil
	})

	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assertion := r.PostFormValue("client_assertion")
		dot := max(0, strings.LastIndexByte(assertion, '.'))
		signed, signature := assertion[:dot], strings.TrimPrefix(assertion[dot:], ".")
		decoded, err := base64.RawURLEncoding.DecodeString(signature)
		known := err == nil && ed25519.Verify(key.Public().(ed25519.PublicKey), []byte(signed), decoded)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"active":%t,"sub":"alice"}`, known)
	}))
	defer issuer.Close()
	v := &introspect.Verifier{URL: issuer.URL, Auth: auth, AnyAudience: true}
	claims, err := v.Verify(context.Background(), token.NewSecret("alices-token"))
	fmt.Println(claims.Subject, err)
	// Output: alice <nil>
}
