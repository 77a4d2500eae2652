package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A form with a token in it, which only pages of this session have.
func ExampleManager_RequireCSRF() {
	keys := &seal.Keyring{Keys: []token.Secret{token.NewSecret("32 random bytes, from a file ...")}}
	sessions := &session.Manager[string]{Keys: keys}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /settings", func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.From(r.Context())
		if err != nil {
			sessions.Deny(w, r, err)
			return
		}
		csrf, err := sessions.CSRFToken(r.Context(), s, "settings")
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, csrf) // <input type="hidden" name="csrf_token" value="...">
	})
	mux.Handle("POST /settings", sessions.Require(sessions.RequireCSRF("settings",
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "saved") }))))
	server := sessions.Handler(mux)

	// A browser that has logged in.
	login := httptest.NewRecorder()
	if _, err := sessions.Start(login, httptest.NewRequest("POST", "/login", nil), "mira", ""); err != nil {
		fmt.Println(err)
		return
	}
	do := func(method string, form url.Values) (int, string) {
		r := httptest.NewRequest(method, "/settings", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(login.Result().Cookies()[0])
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	_, csrf := do("GET", nil)
	fmt.Println(do("POST", url.Values{"csrf_token": {csrf}}))
	fmt.Println(do("POST", nil))

	// Output:
	// 200 saved
	// 403 This page is of another login, or too old (missing or wrong CSRF token). Load it again, and try once more.
}
