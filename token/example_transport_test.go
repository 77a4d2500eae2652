package token_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"

	"github.com/tokenlife/tokenlife/token"
)

// api says who was let in, as any server behind Require can.
func api() *httptest.Server {
	verifier := token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
		if !presented.Equal(token.NewSecret("token-of-the-service")) {
			return token.Claims{}, fmt.Errorf("%w: not in the list", token.ErrRevoked)
		}
		return token.Claims{Subject: "service"}, nil
	})
	return httptest.NewServer(token.Require(verifier, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprint(w, "hello, ", claims.Subject)
	})))
}

// show prints an answer's status, challenge and text.
func show(resp *http.Response, err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status)
	if challenge := resp.Header.Get("WWW-Authenticate"); challenge != "" {
		fmt.Println(challenge)
	}
	fmt.Printf("%s\n", text)
}

func ExampleTransport() {
	server := api()
	defer server.Close()

	// In earnest a refresh.Source, which keeps the token fresh.
	src := token.Static(token.New(token.NewSecret("token-of-the-service")))
	client := &http.Client{Transport: &token.Transport{Source: src}}
	show(client.Get(server.URL))
	// Output:
	// 200 OK
	// hello, service
}

// A gateway that calls the server behind it in its own name. It must know its
// clients by other means: here anyone may come.
func ExampleTransport_reverseProxy() {
	server := api()
	defer server.Close()
	target, err := url.Parse(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	src := token.Static(token.New(token.NewSecret("token-of-the-service")))
	gateway := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization") // or the client's would win
		},
		Transport: &token.Transport{Source: src, Origin: server.URL},
	})
	defer gateway.Close()

	r, err := http.NewRequest("GET", gateway.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Authorization", "Bearer token-of-a-client")
	show(http.DefaultClient.Do(r))
	// Output:
	// 200 OK
	// hello, service
}

func ExampleRequire() {
	// In earnest a jwt.Policy or an introspect.Verifier.
	verifier := token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
		if presented.Equal(token.NewSecret("alices-token")) {
			return token.Claims{Subject: "alice"}, nil
		}
		return token.Claims{}, token.ErrExpired
	})
	handler := token.Require(verifier, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprintf(w, "hello, %s\n", claims.Subject)
	}))

	for _, header := range []string{"Bearer alices-token", "Bearer an-old-token", ""} {
		r := httptest.NewRequest("GET", "/", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		show(w.Result(), nil)
	}
	// Output:
	// 200 OK
	// hello, alice
	//
	// 401 Unauthorized
	// Bearer error="invalid_token", error_description="the token has expired"
	// the token has expired
	//
	// 401 Unauthorized
	// Bearer realm="api"
	// a bearer token is needed
}
