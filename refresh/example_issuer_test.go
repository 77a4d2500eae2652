package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// newIssuer returns the Issuer of the examples.
func newIssuer() *refresh.Issuer {
	key := token.NewSecret("32 random bytes from a secret...") // "openssl rand 32"
	return &refresh.Issuer{
		Keys:     &seal.Keyring{Keys: []token.Secret{key}},
		Store:    new(refresh.Memory), // a database, where there are several servers
		Subjects: true,
		Mint: func(ctx context.Context, g refresh.Grant) (token.Token, error) {
			// A JWT, most likely, with g.Subject as sub, g.Scope as scope and
			// g.Session as sid.
			return token.Token{Value: token.NewSecret("access token of " + g.Subject), ExpiresIn: 10 * time.Minute}, nil
		},
		OnAudit: func(_ context.Context, a refresh.Audit) {
			fmt.Println("audit:", a.Kind, a.Subject, a.Client)
		},
	}
}

// A login handler reads the epoch of the subject before it checks the password.
// If that is changed in between, the login does not survive.
func ExampleIssuer() {
	issuer := newIssuer()
	passwords := map[string]string{"mira": "old"}
	login := func(ctx context.Context, subject, password string, meanwhile func()) (refresh.Pair, error) {
		epoch, err := issuer.Epoch(ctx, subject)
		if err != nil {
			return refresh.Pair{}, err // 503
		}
		if passwords[subject] != password {
			return refresh.Pair{}, errors.New("wrong password")
		}
		meanwhile()
		return issuer.Begin(ctx, refresh.Grant{Subject: subject, Client: "web", Scope: "orders", Epoch: epoch})
	}
	changePassword := func() {
		passwords["mira"] = "new"
		if err := issuer.RevokeSubject(context.Background(), "mira"); err != nil {
			fmt.Println(err)
		}
	}

	ctx := context.Background()
	thief, err := login(ctx, "mira", "old", changePassword)
	fmt.Println("logged in:", err == nil)
	_, err = issuer.Exchange(ctx, refresh.Request{Refresh: thief.Refresh.Value, Client: "web"})
	fmt.Println("revoked:", errors.Is(err, token.ErrRevoked))

	mira, err := login(ctx, "mira", "new", func() {})
	fmt.Println("logged in:", err == nil)
	_, err = issuer.Exchange(ctx, refresh.Request{Refresh: mira.Refresh.Value, Client: "web"})
	fmt.Println("exchanged:", err == nil)

	// Output:
	// logged in: true
	// revoked: true
	// logged in: true
	// exchanged: true
}

// A refresh token that comes a second time, after its successor was used, is in
// two hands, of which one is a thief's. Both lose it.
func ExampleIssuer_Exchange() {
	ctx := context.Background()
	issuer := newIssuer()
	exchange := func(p refresh.Pair) (refresh.Pair, error) {
		return issuer.Exchange(ctx, refresh.Request{Refresh: p.Refresh.Value, Client: "web"})
	}
	first, err := issuer.Begin(ctx, refresh.Grant{Subject: "mira", Client: "web"})
	if err != nil {
		fmt.Println(err)
		return
	}
	second, _ := exchange(first)
	again, _ := exchange(first) // since the answer was lost
	fmt.Println("the same successor:", again.Refresh.Equal(second.Refresh))
	third, _ := exchange(second)

	_, err = exchange(first)
	var reuse *refresh.ReuseError
	fmt.Println("used twice:", errors.As(err, &reuse))
	_, err = exchange(third)
	fmt.Println("over:", errors.Is(err, token.ErrRevoked))

	// Output:
	// audit: grace mira web
	// the same successor: true
	// audit: reuse mira web
	// used twice: true
	// over: true
}

// A service for any OAuth 2.0 client. Its clients have secrets; without a Client
// they would be public.
func ExampleEndpoint() {
	endpoint := &refresh.Endpoint{
		Issuer: newIssuer(),
		Client: func(r *http.Request) (id, confirm string, err error) {
			id, secret, ok := r.BasicAuth()
			if !ok || id != "web" || !token.NewSecret(secret).Equal(token.NewSecret("s3cret")) {
				return "", "", errors.New("unknown client or wrong secret")
			}
			return id, "", nil
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", endpoint.Token)
	mux.HandleFunc("POST /revoke", endpoint.Revoke)

	post := func(path string, form url.Values) {
		r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("web", "s3cret")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		body := w.Body.String()
		if before, after, cut := strings.Cut(body, `"refresh_token":"`); cut {
			body = before + `"refresh_token":"…` + after[106:]
		}
		fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", body)))
	}
	p, err := endpoint.Issuer.Begin(context.Background(), refresh.Grant{Subject: "mira", Client: "web", Scope: "orders"})
	if err != nil {
		fmt.Println(err)
		return
	}
	refreshing := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.Refresh.Value.Reveal()}}
	post("/token", refreshing)
	post("/revoke", url.Values{"token": {p.Refresh.Value.Reveal()}})
	post("/token", refreshing)

	// Output:
	// 200 {"access_token":"access token of mira","token_type":"Bearer","expires_in":600,"refresh_token":"…","scope":"orders"}
	// 200
	// 400 {"error":"invalid_grant","error_description":"the refresh token was revoked or is unknown"}
}

// Both ends in one program, as in a test or a server with sessions of its own.
func ExampleRotator_issuer() {
	ctx := context.Background()
	issuer := newIssuer()
	login, err := issuer.Begin(ctx, refresh.Grant{Subject: "mira", Client: "cli"})
	if err != nil {
		fmt.Println(err)
		return
	}
	src := &refresh.Rotator{
		Exchanger: refresh.ExchangerFunc(func(ctx context.Context, s token.Secret) (refresh.Pair, error) {
			return issuer.Exchange(ctx, refresh.Request{Refresh: s, Client: "cli"})
		}),
		Initial: refresh.Pair{Refresh: login.Refresh},
		Store:   new(refresh.Memory),
		Key:     "mira",
	}
	tok, err := src.Token(ctx)
	fmt.Println(tok.Value, tok.ExpiresIn.Round(time.Minute), err)

	// Output:
	// [redacted] 10m0s <nil>
}
