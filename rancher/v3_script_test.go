package rancher

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// A v3Script is a server that answers what it is told to, and keeps what it is
// asked.
type v3Script struct {
	t       *testing.T
	answers map[string]http.HandlerFunc // by "GET /v3/tokens?limit=1"

	mu     sync.Mutex
	calls  []string // as the keys of answers
	bodies []string
	header []http.Header
}

// script returns a client of a server that gives these answers and no others.
func script(t *testing.T, answers map[string]http.HandlerFunc) (*V3, *v3Script) {
	s := &v3Script{t: t, answers: answers}
	return &V3{Server: at("https://rancher.example", s.ServeHTTP)}, s
}

func (s *v3Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	key := r.Method + " " + r.RequestURI
	s.mu.Lock()
	s.calls = append(s.calls, key)
	s.bodies = append(s.bodies, string(body))
	s.header = append(s.header, r.Header)
	s.mu.Unlock()
	answer, ok := s.answers[key]
	if !ok {
		s.t.Errorf("asked: %s", key)
		answer = reply(500, "text/plain", "not in the script")
	}
	answer(w, r)
}

// asked returns what was asked, in one line.
func (s *v3Script) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.calls, ", ")
}

// body returns that of the last call.
func (s *v3Script) body() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies[len(s.bodies)-1]
}

// says answers in JSON, with what X-API-Cattle-Auth says if that is not empty.
func says(status int, auth, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if auth != "" {
			w.Header().Set("X-API-Cattle-Auth", auth)
		}
		reply(status, "application/json", body)(w, r)
	}
}

// dated answers with a Date.
func dated(date string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch date {
		case "":
		case "none":
			w.Header()["Date"] = nil
		default:
			w.Header().Set("Date", date)
		}
		h(w, r)
	}
}

// What servers say, from 2.5 on, to whoever has no good token.
const mustAuthenticate = `{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`

const noSuchToken = `{"baseType":"error","code":"NotFound","message":"tokens.management.cattle.io \"token-7d9xk\" not found","status":404,"type":"error"}`

// checkV3Error checks an error: its kind, its text, and that nothing is in it that
// was secret, in whatever form it is printed.
func checkV3Error(t *testing.T, err, want error, status int, text string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, want) || e.Status != status || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %d, %v, with %q", err, status, want, text)
	}
	if errors.Is(err, token.ErrInvalid) {
		t.Errorf("%v: it blames a token that was presented", err)
	}
	if printed := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(printed, "hunter2") || len(printed) > 4000 {
		t.Errorf("printed: %.5000s", printed)
	}
}

// A tripFunc is a function used as an [http.RoundTripper].
type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
