package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A site that calls an API on behalf of whoever is logged in. The pair that the
// login brought lies in the Store, and is exchanged when it has to be: once,
// however many pages are open.
func ExampleManager_Source() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "orders, for %s", r.Header.Get("Authorization"))
	}))
	defer api.Close()

	sessions := &session.Manager[struct{}]{
		Keys:  &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}}, // for the example: 32 random bytes
		Store: new(refresh.Memory),                                                           // replicas share another
		// &oauth2adapt.Exchanger{Config: config}, in earnest.
		Exchanger: refresh.ExchangerFunc(func(context.Context, token.Secret) (refresh.Pair, error) {
			fmt.Println("exchanged")
			return refresh.Pair{
				Access:  token.Token{Value: token.NewSecret("second"), ExpiresIn: time.Hour},
				Refresh: token.Token{Value: token.NewSecret("r2")},
			}, nil
		}),
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		// What the authorization server has just answered for mira; its access
		// token is as good as over.
		pair := refresh.Pair{
			Access:  token.Token{Value: token.NewSecret("first"), ExpiresIn: time.Nanosecond},
			Refresh: token.Token{Value: token.NewSecret("r1")},
		}
		s, err := sessions.Start(w, r, "mira", struct{}{})
		if err == nil {
			err = sessions.SetPair(r.Context(), s, pair)
		}
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("/orders", sessions.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := sessions.From(r.Context())
		client := &http.Client{Transport: &token.Transport{Source: sessions.Source(s), Base: api.Client().Transport, Origin: api.URL}}
		resp, err := client.Get(api.URL + "/orders")
		switch {
		case errors.Is(err, token.ErrRefused): // the login at the API is over
			sessions.End(w, r)
			http.Redirect(w, r, sessions.LoginURL(r), http.StatusSeeOther)
			return
		case err != nil:
			http.Error(w, "try again later", http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		io.Copy(w, resp.Body)
	})))
	site := sessions.Handler(mux)

	login := httptest.NewRecorder()
	site.ServeHTTP(login, httptest.NewRequest("POST", "https://www.example/login", nil))
	for range 2 {
		r := httptest.NewRequest("GET", "https://www.example/orders", nil)
		r.AddCookie(login.Result().Cookies()[0])
		page := httptest.NewRecorder()
		site.ServeHTTP(page, r)
		fmt.Println(page.Body)
	}

	// Output:
	// exchanged
	// orders, for Bearer second
	// orders, for Bearer second
}
