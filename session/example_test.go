package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

func ExampleManager() {
	type User struct {
		Name string
		Lang string
	}
	sessions := &session.Manager[User]{
		Keys: &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}}, // openssl rand 32
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", sessions.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := sessions.From(r.Context()) // Require has seen to the error
		left := time.Until(sessions.Expiry(s)).Round(time.Minute)
		fmt.Fprintf(w, "hello %s, for %v", s.Data.Name, left)
	})))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		// Who is it? A password would be checked here.
		if _, err := sessions.Start(w, r, "mira", User{Name: "Mira", Lang: "en"}); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		sessions.Return(w, r, "/")
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.End(w, r); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	})
	site := sessions.Handler(mux)

	// A browser: it keeps the cookies that it is given.
	cookies := make(map[string]*http.Cookie)
	visit := func(method, path string) {
		r, w := httptest.NewRequest(method, "https://example.com"+path, nil), httptest.NewRecorder()
		r.Header.Set("Accept", "text/html")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		site.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			if cookies[c.Name] = c; c.MaxAge < 0 {
				delete(cookies, c.Name)
			}
		}
		to, _, _ := strings.Cut(w.Header().Get("Location"), "?") // and the way back
		if to == "" {
			to = w.Body.String()
		}
		fmt.Println(method, path, w.Code, to)
	}
	visit("GET", "/")
	visit("POST", "/login")
	visit("GET", "/")
	visit("POST", "/logout")
	visit("GET", "/")

	// Output:
	// GET / 303 /login
	// POST /login 303 /
	// GET / 200 hello Mira, for 30m0s
	// POST /logout 303 /login
	// GET / 303 /login
}

// After a change of password nobody stays logged in with the old one, on whatever
// machine that may be.
func ExampleManager_EndAll() {
	sessions := &session.Manager[string]{
		Keys:  &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}},
		Store: new(refresh.Memory), // where there is more than one replica: sqlstore, redisstore
	}
	login := func() *http.Request {
		r, w := httptest.NewRequest("GET", "https://example.com/", nil), httptest.NewRecorder()
		if _, err := sessions.Start(w, r, "mira", "Mira"); err != nil {
			fmt.Println(err)
		}
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		return r
	}
	phone, laptop := login(), login()
	if err := sessions.EndAll(context.Background(), "mira"); err != nil {
		fmt.Println(err)
	}
	for _, r := range []*http.Request{phone, laptop, login()} {
		s, err := sessions.Load(r)
		fmt.Println(s != nil, err)
	}

	// Output:
	// false session: none: revoked or unknown to its issuer: all sessions of its subject were ended
	// false session: none: revoked or unknown to its issuer: all sessions of its subject were ended
	// true <nil>
}

// With more rights comes another ID, so that a copy of the cookie from before has
// none of them.
func ExampleManager_Renew() {
	type User struct{ SecondFactor bool }
	sessions := &session.Manager[User]{
		Keys:  &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}},
		Store: new(refresh.Memory),
	}
	before, w := httptest.NewRequest("POST", "https://example.com/otp", nil), httptest.NewRecorder()
	if _, err := sessions.Start(w, before, "mira", User{}); err != nil {
		fmt.Println(err)
	}
	for _, c := range w.Result().Cookies() {
		before.AddCookie(c)
	}

	// In the handler that has checked the second factor:
	s, err := sessions.Load(before) // inside Handler: From
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Data.SecondFactor = true
	if err := sessions.Renew(w, before, s); err != nil {
		fmt.Println(err)
	}

	_, err = sessions.Load(before)
	fmt.Println(err)

	// Output:
	// session: none: revoked or unknown to its issuer: it has another ID by now
}
