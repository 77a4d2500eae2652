package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// keptSize is how many bytes of JSON are sealed, ID and times included. A Manager
// has the version of its form besides.
const keptSize = 350

// A kept is a session as one keeps it who has no Manager.
type kept struct {
	ID      string  `json:"id"`
	Subject string  `json:"sub"`
	Began   int64   `json:"began"`
	Seen    int64   `json:"seen"`
	Data    account `json:"data"`
}

// An account is what a service might know of somebody who is logged in.
type account struct {
	Name   string   `json:"name"`
	Email  string   `json:"email"`
	Tenant int64    `json:"tenant"`
	Roles  []string `json:"roles"`
	Theme  string   `json:"theme"`
	Note   string   `json:"note"`
}

// A browser is one that somebody has logged in with.
type browser struct {
	keys     *seal.Keyring
	sessions *session.Manager[account]
	cookie   *http.Cookie
	request  *http.Request // with the cookie in it

	session *session.Session[account]
	kept    kept // the same
}

// sessionCookie is the name of all cookies here.
const sessionCookie = "__Host-session"

// logIn returns a browser with a session of keptSize, by the clock now, or
// [time.Now] if that is nil.
func logIn(now func() time.Time) (*browser, error) {
	data := account{"Mira Example", "mira@example.com", 4711, []string{"editor", "billing", "support"}, "dark", ""}
	like := kept{strings.Repeat("i", 22), "user-0123456789", 1e12, 1e12, data}
	text, err := json.Marshal(like)
	if err != nil {
		return nil, err
	}
	data.Note = strings.Repeat("n", keptSize-len(text))

	b := &browser{keys: &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}}}
	b.sessions = &session.Manager[account]{Keys: b.keys, Name: sessionCookie, Now: now}
	w := make(response)
	s, err := b.sessions.Start(w, httptest.NewRequest("POST", "/login", nil), like.Subject, data)
	if err != nil {
		return nil, err
	}
	b.session = s
	b.kept = kept{s.ID, s.Subject, s.Began.UnixMilli(), s.Seen.UnixMilli(), s.Data}
	return b, b.take(w)
}

// take has b's next request carry the cookie that w sets.
func (b *browser) take(w response) (err error) {
	if b.cookie, err = w.cookie(); err == nil {
		b.request = requestWith(b.cookie)
	}
	return err
}

// sealedFor returns what b's cookie is sealed for, and in which place.
func (b *browser) sealedFor() (purpose, place string) { return "cookie/" + sessionCookie, "1" }

// plaintext returns what is sealed in b's cookie.
func (b *browser) plaintext() ([]byte, error) {
	purpose, place := b.sealedFor()
	return b.keys.Open(context.Background(), purpose, place, b.cookie.Value)
}

// load returns the session in r's cookie.
func (b *browser) load(r *http.Request) (kept, error) {
	s, err := b.sessions.Load(r)
	if err != nil {
		return kept{}, err
	}
	return kept{s.ID, s.Subject, s.Began.UnixMilli(), s.Seen.UnixMilli(), s.Data}, nil
}

// requestWith returns a request that carries a cookie.
func requestWith(c *http.Cookie) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(c)
	return r
}

// A response is a ResponseWriter of which only the header counts.
type response http.Header

func (w response) Header() http.Header         { return http.Header(w) }
func (w response) Write(p []byte) (int, error) { return len(p), nil }
func (w response) WriteHeader(int)             {}

// cookie returns the only cookie that w sets.
func (w response) cookie() (*http.Cookie, error) {
	if lines := w["Set-Cookie"]; len(lines) != 1 {
		return nil, fmt.Errorf("%d cookies set", len(lines))
	}
	return http.ParseSetCookie(w["Set-Cookie"][0])
}
