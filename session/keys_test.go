package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A keyFile is where replicas read their keys.
type keyFile string

// set puts keys made of one byte each into the file, the first of which seals.
func (f keyFile) set(t *testing.T, keys string) {
	t.Helper()
	var text []byte
	for _, b := range []byte(keys) {
		text = base64.StdEncoding.AppendEncode(text, bytes.Repeat([]byte{b}, 32))
		text = append(text, '\n')
	}
	if err := os.WriteFile(string(f)+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(string(f)+".new", string(f)); err != nil {
		t.Fatal(err)
	}
}

// replica returns a Manager that reads its keys there.
func (f keyFile) replica() *session.Manager[string] {
	return &session.Manager[string]{Keys: &seal.Keyring{Load: seal.File(string(f))}, Idle: 2 * time.Hour}
}

// visit sends a request with a cookie to m, and returns the cookie that the
// browser has then.
func visit(t *testing.T, m *session.Manager[string], cookie string) string {
	t.Helper()
	h := m.Handler(m.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, carrying("__Host-session="+cookie))
	if w.Code != http.StatusOK {
		t.Fatalf("logged out: %d %s", w.Code, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		cookie = c.Value
	}
	return cookie
}

// sealedUnder reports whether cookie is sealed under the key made of this byte.
func sealedUnder(t *testing.T, cookie string, key rune) bool {
	t.Helper()
	_, err := keysOf(string(key)).Open(t.Context(), "cookie/__Host-session", "1", cookie)
	return err == nil
}

// A key is replaced while people are logged in, and nobody is logged out who was
// there since. Whoever was not logs in again: it is no fault of the service.
func TestKeysAreReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := keyFile(filepath.Join(t.TempDir(), "keys"))
		file.set(t, "a")
		one, two := file.replica(), file.replica()
		cookie := begun(t, one, "mira", "")["__Host-session"]
		away := begun(t, two, "mira", "")["__Host-session"]
		guarded, err := one.Load(carrying("__Host-session=" + cookie))
		if err != nil {
			t.Fatal(err)
		}
		form, err := one.CSRFToken(t.Context(), guarded, "save")
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			keys  string
			seals rune
		}{{"a", 'a'}, {"ab", 'a'}, {"ba", 'b'}, {"b", 'b'}} {
			if step.keys == "b" { // for as long as it is there, everything is as it was
				visit(t, two, away)
				if err := two.CheckCSRF(withCSRF("X-CSRF-Token", form), guarded, "save"); err != nil {
					t.Errorf("CSRF token: %v", err)
				}
			}
			file.set(t, step.keys)
			for range 20 { // minutes
				for range 2 {
					cookie = visit(t, one, cookie)
					cookie = visit(t, two, cookie)
				}
				time.Sleep(time.Minute)
			}
			if !sealedUnder(t, cookie, step.seals) {
				t.Errorf("keys %s: not sealed under %c", step.keys, step.seals)
			}
		}
		for _, m := range []*session.Manager[string]{one, two} {
			if _, err := m.Load(carrying("__Host-session=" + away)); !errors.Is(err, session.ErrNoSession) || !errors.Is(err, token.ErrSignature) {
				t.Errorf("a key that is gone: %v", err)
			}
		}
	})
}

// A replica that has not read the file since reads it when it meets the new key.
func TestKeysOfAnotherReplica(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := keyFile(filepath.Join(t.TempDir(), "keys"))
		file.set(t, "a")
		two := file.replica()
		visit(t, two, begun(t, two, "mira", "")["__Host-session"])
		time.Sleep(11 * time.Second)
		file.set(t, "ba")
		cookie := begun(t, file.replica(), "mira", "")["__Host-session"]
		if !sealedUnder(t, cookie, 'b') {
			t.Fatal("not sealed under b")
		}
		visit(t, two, cookie)
	})
}

// Where the keys come from may refuse this program. That says nothing of whoever
// is logged in: nobody is sent to log in again, for it would not help.
func TestKeysRefused(t *testing.T) {
	t.Parallel()
	good := &session.Manager[string]{Keys: keysOf("a")}
	p := begun(t, good, "mira", "")
	s, err := good.Load(p.request())
	if err != nil {
		t.Fatal(err)
	}
	form := csrfToken(t, good, s, "")
	for _, refusal := range []error{token.ErrExpired, token.Refused(errors.New("away")), session.ErrNoSession} {
		var events []session.Event
		m := &session.Manager[string]{
			Keys:    &seal.Keyring{Load: func(context.Context) ([]token.Secret, error) { return nil, refusal }},
			OnEvent: func(e session.Event) { events = append(events, e) },
		}
		_, loaded := m.Load(p.request())
		if len(events) != 1 || events[0].Kind != session.KeysAway || events[0].Err != loaded {
			t.Errorf("told %v", events)
		}
		_, started := m.StartAt(httptest.NewRecorder(), carrying(""), "mira", "", 0)
		_, csrf := m.CSRFToken(t.Context(), s, "")
		for name, err := range map[string]error{
			"Load":      loaded,
			"StartAt":   started,
			"Save":      m.Save(httptest.NewRecorder(), p.request(), s),
			"Renew":     m.Renew(httptest.NewRecorder(), p.request(), s),
			"CSRFToken": csrf,
			"CheckCSRF": m.CheckCSRF(withCSRF("X-CSRF-Token", form), s, ""),
		} {
			if err == nil || errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) || errors.Is(err, session.ErrNoSession) || errors.Is(err, session.ErrCSRF) {
				t.Errorf("%s: %v", name, err)
			}
			w := httptest.NewRecorder()
			if m.Deny(w, p.request(), err); w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: %d", name, w.Code)
			}
		}

		// Whoever has gone knows nothing of the keys.
		events = nil
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := m.Load(p.request().WithContext(ctx)); err == nil || len(events) != 0 {
			t.Errorf("%v, told %v", err, events)
		}
	}
}

// A file that cannot be read, or that is not whole, changes nothing.
func TestKeysThatCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		file := keyFile(filepath.Join(t.TempDir(), "keys"))
		file.set(t, "a")
		m := file.replica()
		var failed atomic.Int64
		m.Keys.OnLoad = func(err error) {
			if err != nil {
				failed.Add(1)
			}
		}
		cookie := begun(t, m, "mira", "")["__Host-session"]
		for _, broken := range []func() error{
			func() error { return os.WriteFile(string(file), []byte("YWFh"), 0o600) },
			func() error { return os.Remove(string(file)) },
		} {
			if err := broken(); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				time.Sleep(time.Minute)
				cookie = visit(t, m, cookie)
			}
			if synctest.Wait(); failed.Swap(0) == 0 {
				t.Error("OnLoad was not told")
			}
		}
	})
}
