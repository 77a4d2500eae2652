package session_test

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A page that needs a login, and the login page that leads back to it.
func ExampleManager_Return() {
	sessions := &session.Manager[string]{
		Keys: &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}}, // in an example only
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", sessions.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := sessions.From(r.Context())
		fmt.Fprintf(w, "the orders of %s", s.Subject)
	})))
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		if session.Why(r) == "expired" {
			fmt.Fprintln(w, "You were away for a while. Please log in again.")
		}
		fmt.Fprintln(w, `<form method="post">...</form>`) // to this URL, which has the way back in it
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		// ... check the password ...
		if _, err := sessions.Start(w, r, "mira", ""); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		sessions.Return(w, r, "/")
	})
	site := sessions.Handler(mux)

	// A browser asks for a page, is sent to log in, does, and is sent back.
	ask := httptest.NewRequest("GET", "/orders?open=1", nil)
	ask.Header.Set("Sec-Fetch-Mode", "navigate")
	w := httptest.NewRecorder()
	site.ServeHTTP(w, ask)
	login := w.Header().Get("Location")
	fmt.Println(w.Code, login[:len("/login?back=ey")]+"...")

	w = httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest("POST", login, nil))
	fmt.Println(w.Code, w.Header().Get("Location"))

	// Output:
	// 303 /login?back=ey...
	// 303 /orders?open=1
}

// A handler for those who are logged in and for those who are not.
func ExampleManager_From() {
	sessions := &session.Manager[string]{
		Keys: &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}}, // in an example only
	}
	home := func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.From(r.Context())
		switch {
		case err == nil:
			fmt.Fprintf(w, "Hello, %s.", html.EscapeString(s.Subject))
		case errors.Is(err, session.ErrNoSession):
			fmt.Fprintf(w, `Hello. <a href="%s">Log in</a>`, html.EscapeString(sessions.LoginURL(r)))
		default: // nobody can tell
			sessions.Deny(w, r, err)
		}
	}
	w := httptest.NewRecorder()
	sessions.Handler(http.HandlerFunc(home)).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Body)

	// Output:
	// Hello. <a href="/login">Log in</a>
}

// What a script gets whose session is gone.
func ExampleManager_Deny() {
	sessions := &session.Manager[string]{
		Keys: &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}}, // in an example only
	}
	site := sessions.Handler(sessions.Require(http.NotFoundHandler()))
	w := httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest("GET", "/api/orders", nil))
	fmt.Print(w.Code, " ", w.Body)

	// Output:
	// 401 {"error":"session_missing","error_description":"there is no session: log in"}
}

// A page asks how long is left, in order to warn: nobody stays logged in by that.
func ExampleManager_TimeLeft() {
	sessions := &session.Manager[string]{
		Keys: &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}}, // in an example only
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /session/left", sessions.TimeLeft)
	site := sessions.Handler(mux)

	w := httptest.NewRecorder()
	sessions.Start(w, httptest.NewRequest("POST", "/login", nil), "mira", "")
	r := httptest.NewRequest("GET", "/session/left", nil)
	r.AddCookie(w.Result().Cookies()[0])
	w = httptest.NewRecorder()
	site.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body.String()[:len(`{"expires_in":1`)]+"...")

	// Output:
	// 200 {"expires_in":1...
}
