package sessions

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// key returns a secret made of a letter.
func key(letter string) token.Secret { return token.NewSecret(strings.Repeat(letter, 32)) }

// A site is one replica: a Manager with a Keyring and a Store of its own, behind a
// server of its own.
type site struct {
	*session.Manager[string]
	url string
}

// newSite returns a Manager for a replica; serve starts it.
func newSite(store refresh.Store, keys ...token.Secret) *site {
	return &site{Manager: &session.Manager[string]{Keys: &seal.Keyring{Keys: keys}, Store: store}}
}

func (s *site) serve(t *testing.T) *site {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, err error) {
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			t.Logf("%s: %v", s.url, err)
		}
	}
	mux.HandleFunc("POST /login/{subject}", func(w http.ResponseWriter, r *http.Request) {
		_, err := s.Start(w, r, r.PathValue("subject"), "data")
		answer(w, err)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { answer(w, s.End(w, r)) })
	mux.HandleFunc("POST /logout/{subject}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, s.EndAll(r.Context(), r.PathValue("subject")))
	})
	mux.Handle("/", s.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, err := s.From(r.Context())
		answer(w, err)
		fmt.Fprintf(w, "%s, read only: %t", found.Subject, found.ReadOnly)
	})))
	mux.Handle("/api", s.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, _ := s.From(r.Context())
		tok, err := s.Source(found).Token(r.Context())
		answer(w, err)
		io.WriteString(w, tok.Value.Fingerprint())
	})))
	server := httptest.NewServer(s.Handler(mux))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// A browser has the cookie of a session.
type browser string

// ask makes a request of b and returns the status and the body of the answer.
func (b browser) ask(t testing.TB, s *site, method, path string) (int, string) {
	t.Helper()
	resp := b.send(t, s, method, path)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	if resp.StatusCode == http.StatusServiceUnavailable && path == "/" && resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s is answered 503 without Retry-After", method, path)
	}
	return resp.StatusCode, string(body)
}

func (b browser) send(t testing.TB, s *site, method, path string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b != "" {
		r.Header.Set("Cookie", string(b))
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// login logs somebody in.
func login(t testing.TB, s *site, subject string) browser {
	t.Helper()
	for try := 1; ; try++ {
		began := time.Now()
		resp := browser("").send(t, s, "POST", "/login/"+subject)
		resp.Body.Close()
		switch {
		case tooSlow(resp.StatusCode, began, try):
		case len(resp.Cookies()) != 1:
			t.Fatalf("the login was answered %s with %d cookies", resp.Status, len(resp.Cookies()))
		default:
			return browser(resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value)
		}
	}
}

const (
	// storeTime is how long a Manager waits for its Store.
	storeTime = 3 * time.Second

	// attempts is how often something is asked that a machine may be too busy for.
	attempts = 5
)

// tooSlow reports whether a request is to be made once more, for the answer is 503 as
// the Store took too long, which it does at times on a machine that is busy. It is no
// excuse for a 503 that comes sooner.
func tooSlow(status int, began time.Time, try int) bool {
	return status == http.StatusServiceUnavailable && time.Since(began) >= storeTime && try < attempts
}

// must fails the test unless b gets this answer.
func (b browser) must(t testing.TB, s *site, method, path string, status int, text string) {
	t.Helper()
	for try := 1; ; try++ {
		began := time.Now()
		got, body := b.ask(t, s, method, path)
		if got != status && tooSlow(got, began, try) {
			continue
		}
		if got != status || !strings.Contains(body, text) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, got, body, status, text)
		}
		return
	}
}

// within fails the test if f takes longer, each time.
func within(t *testing.T, most time.Duration, f func()) {
	t.Helper()
	for try := 1; ; try++ {
		began := time.Now()
		f()
		took := time.Since(began)
		if took <= most {
			return
		}
		if try == attempts {
			t.Errorf("it took %v, want no more than %v", took, most)
			return
		}
	}
}

// heals waits until b gets in again.
func (b browser) heals(t *testing.T, s *site) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		status, body := b.ask(t, s, "POST", "/")
		if status == http.StatusOK {
			return
		}
		if status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Fatalf("after the outage: %d %s", status, body)
		}
		<-time.After(50 * time.Millisecond)
	}
}
