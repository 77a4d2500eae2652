package oauth2adapt_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// issuing is an issuer whose refresh tokens may be spent once: r1, then r2, and
// so on.
func issuing() *httptest.Server {
	n := 1
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.PostFormValue("refresh_token") != fmt.Sprint("r", n) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"the refresh token was used before"}`)
			return
		}
		n++
		fmt.Fprintf(w, `{"access_token":"a%d","token_type":"bearer","expires_in":3600,"refresh_token":"r%[1]d"}`, n)
	}))
}

// From oauth2.ReuseTokenSource in five lines.
func Example() {
	issuer := issuing()
	defer issuer.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the API sees", r.Header.Get("Authorization"))
	}))
	defer api.Close()

	config := &oauth2.Config{ClientID: "cli", Endpoint: oauth2.Endpoint{TokenURL: issuer.URL + "/token"}}
	// What a login brought, a while ago.
	tok := &oauth2.Token{AccessToken: "a1", RefreshToken: "r1", Expiry: time.Now().Add(-time.Hour)}
	store := new(refresh.Memory) // a *refresh.Dir, to keep the login between runs

	// Before: client := oauth2.NewClient(ctx, config.TokenSource(ctx, tok))
	src := refresh.New(&refresh.Rotator{
		Exchanger: &oauth2adapt.Exchanger{Config: config},
		Store:     store, Key: "github",
		Initial: oauth2adapt.Pair(tok)})
	client := &http.Client{Transport: &token.Transport{Source: src}}

	for range 2 {
		resp, err := client.Get(api.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
	}
	// Output:
	// the API sees Bearer a2
	// the API sees Bearer a2
}

// One exchange by hand, and what there is to know of one that failed.
func ExampleExchanger() {
	issuer := issuing()
	defer issuer.Close()

	x := &oauth2adapt.Exchanger{Config: &oauth2.Config{
		ClientID: "cli",
		Endpoint: oauth2.Endpoint{TokenURL: issuer.URL + "/token", AuthStyle: oauth2.AuthStyleInParams},
	}}
	if err := x.Check(); err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		p, err := x.Exchange(context.Background(), token.NewSecret("r1"))
		if e, ok := errors.AsType[*refresh.ExchangeError](err); ok {
			fmt.Println(e.Outcome, e.Reused, errors.Is(err, token.ErrRefused))
			continue
		}
		fmt.Println(p.Access.ExpiresIn, p.Refresh.Value)
	}
	// Output:
	// 1h0m0s [redacted]
	// terminal true true
}

// A client that signs an assertion for each request instead of sending a secret.
func ExampleExchanger_sign() {
	x := &oauth2adapt.Exchanger{
		Config: &oauth2.Config{ClientID: "cli", Endpoint: oauth2.Endpoint{TokenURL: "https://issuer.example/token"}},
		Sign: func(ctx context.Context, header http.Header, form url.Values) error {
			form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			form.Set("client_assertion", signed("https://issuer.example/token"))
			return nil
		},
	}
	fmt.Println(x.Check())
	// Output:
	// <nil>
}

// signed stands for what makes a JWT (RFC 7523, section 3) that is good for a
// moment and has a jti of its own.
func signed(audience string) string { return "a JWT for " + audience }

// An oauth2 source of another kind, kept fresh.
func ExampleSource() {
	metadata := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "a1", Expiry: time.Now().Add(time.Hour)})
	src := refresh.New(oauth2adapt.Source(metadata))
	t, err := src.Token(context.Background())
	fmt.Println(t.Value, t.ExpiresIn.Round(time.Minute), err)
	// Output:
	// [redacted] 1h0m0s <nil>
}

// A Source for a library that wants oauth2's kind.
func ExampleTokenSource() {
	src := refresh.New(token.Static(token.Token{Value: token.NewSecret("a1"), ExpiresIn: time.Hour}))
	client := &http.Client{Transport: &oauth2.Transport{Source: oauth2adapt.TokenSource(context.Background(), src)}}
	_ = client
	// Output:
}

// A login without a browser on this machine, by the device flow (RFC 8628).
func ExamplePair() {
	login := func(ctx context.Context, config *oauth2.Config) (refresh.Pair, error) {
		device, err := config.DeviceAuth(ctx)
		if err != nil {
			return refresh.Pair{}, err
		}
		fmt.Println("open", device.VerificationURI, "and enter", device.UserCode)
		tok, err := config.DeviceAccessToken(ctx, device)
		return oauth2adapt.Pair(tok), err // for Rotator.Replace
	}
	_ = login

	p := oauth2adapt.Pair(&oauth2.Token{AccessToken: "a1", RefreshToken: "r1", Expiry: time.Now().Add(time.Minute)})
	fmt.Println(p.Access.ExpiresIn.Round(time.Second), p.Access.Value, p.Refresh.Value)
	// Output:
	// 1m0s [redacted] [redacted]
}
