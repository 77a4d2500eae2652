package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
)

// A brokenStore can be read or written no more. Its errors say what they must not
// be taken for.
type brokenStore struct {
	refresh.Store
	reads, writes bool
}

func (s *brokenStore) Get(ctx context.Context, key string) ([]byte, error) {
	if s.reads {
		return nil, errors.Join(token.ErrRevoked, session.ErrNoSession)
	}
	return s.Store.Get(ctx, key)
}

func (s *brokenStore) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	if s.writes {
		return false, errors.Join(token.ErrExpired, session.ErrNoSession)
	}
	return s.Store.Swap(ctx, key, old, new, expires)
}

// End takes the cookies away, whatever is in them, and no other.
func TestEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good := begun(t, &session.Manager[member]{Keys: keysOf("a"), Now: at(noon)}, "mira", member{})[cookieName]
		for _, store := range []refresh.Store{nil, new(refresh.Memory)} {
			for name, test := range map[string]struct {
				cookie string
				now    time.Time
				gone   []string
			}{
				"good":            {cookieName + "=" + good, noon, []string{cookieName}},
				"expired":         {cookieName + "=" + good, noon.Add(time.Hour), []string{cookieName}},
				"long ago":        {cookieName + "=" + good, noon.Add(100 * time.Hour), []string{cookieName}},
				"from the future": {cookieName + "=" + good, noon.Add(-time.Hour), []string{cookieName}},
				"garbage":         {cookieName + "=x; " + cookieName + "-3=y; a=b; " + cookieName + "s=z", noon, []string{cookieName, cookieName + "-3"}},
				"none":            {"a=b", noon, nil},
			} {
				m := &session.Manager[member]{Keys: keysOf("a"), Now: at(test.now), Store: store}
				w := httptest.NewRecorder()
				w.Header().Add("Set-Cookie", "a=c")
				w.Header().Add("Set-Cookie", cookieName+"=slid")
				if err := m.End(w, carrying(test.cookie)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				var gone []string
				for _, c := range w.Result().Cookies()[1:] {
					if c.MaxAge >= 0 || c.Value != "" {
						t.Errorf("%s: %v is set", name, c)
					}
					gone = append(gone, c.Name)
				}
				if strings.Join(gone, " ") != strings.Join(test.gone, " ") {
					t.Errorf("%s: deleted %v, want %v", name, gone, test.gone)
				}
			}
		}
	})
}

// Any copy of a session logs it out: one that has expired, or is from before it was
// renewed.
func TestEndByAnyCopy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, save := range map[string]func(*session.Manager[member], *httptest.ResponseRecorder, *http.Request, *session.Session[member]) error{
			"saved": func(m *session.Manager[member], w *httptest.ResponseRecorder, r *http.Request, s *session.Session[member]) error {
				return m.Save(w, r, s)
			},
			"renewed": func(m *session.Manager[member], w *httptest.ResponseRecorder, r *http.Request, s *session.Session[member]) error {
				return m.Renew(w, r, s)
			},
		} {
			m := &session.Manager[member]{Keys: keysOf("a"), Store: new(refresh.Memory), Now: at(noon)}
			p := begun(t, m, "mira", member{})
			old := p.request()
			m.Now = at(noon.Add(20 * time.Minute))
			s, err := m.Load(old)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			if err := save(m, w, old, s); err != nil {
				t.Fatal(err)
			}
			newer := p.take(w).request()
			m.Now = at(noon.Add(40 * time.Minute))
			if _, err := m.Load(newer); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Load(old); !errors.Is(err, token.ErrExpired) {
				t.Fatal(err)
			}
			if err := m.End(httptest.NewRecorder(), old); err != nil {
				t.Fatal(err)
			}
			_, err = m.Load(newer)
			checkReason(t, name, err, token.ErrRevoked)
		}
	})
}

// After an error the person can try again.
func TestEndStoreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(refresh.Memory)
		m := &session.Manager[member]{Keys: keysOf("a"), Store: store}
		p := begun(t, m, "mira", member{})
		m.Store = &brokenStore{Store: store, writes: true}
		w := httptest.NewRecorder()
		if err := m.End(w, p.request()); err == nil || errors.Is(err, session.ErrNoSession) || errors.Is(err, token.ErrInvalid) || len(w.Header()) != 0 {
			t.Errorf("%v, %v", err, w.Header())
		}
		if _, err := m.Load(p.request()); err != nil {
			t.Errorf("the session is over: %v", err)
		}
		if err := m.EndAll(t.Context(), "mira"); err == nil || errors.Is(err, session.ErrNoSession) || errors.Is(err, token.ErrInvalid) {
			t.Error(err)
		}
		m.Store = store
		if err := m.End(w, p.request()); err != nil {
			t.Error(err)
		}
		_, err := m.Load(p.request())
		checkReason(t, "ended", err, token.ErrRevoked)
	})
}

// Whose session it was, and whether it was any, cannot be told without the keys.
// To take the cookies away needs none, where that is all that there is to do.
func TestEndNoKeys(t *testing.T) {
	t.Parallel()
	p := begun(t, &session.Manager[member]{Keys: keysOf("a")}, "mira", member{})
	m := &session.Manager[member]{Keys: keysOf(""), Store: new(refresh.Memory)}
	w := httptest.NewRecorder()
	if err := m.End(w, p.request()); err == nil || len(w.Header()) != 0 {
		t.Errorf("with a Store: %v, %v", err, w.Header())
	}
	m.Store = nil
	if err := m.End(w, p.request()); err != nil || len(p.take(w)) != 0 {
		t.Errorf("without a Store: %v, %v", err, w.Header())
	}
}

func TestEndAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &session.Manager[member]{Keys: keysOf("a"), Store: new(refresh.Memory)}
		phone, laptop, toms := begun(t, m, "mira", member{}), begun(t, m, "mira", member{}), begun(t, m, "tom", member{})
		if err := m.EndAll(t.Context(), "mira"); err != nil {
			t.Fatal(err)
		}
		for _, p := range []pocket{phone, laptop} {
			_, err := m.Load(p.request())
			checkReason(t, "EndAll", err, token.ErrRevoked)
		}
		if _, err := m.Load(toms.request()); err != nil {
			t.Error(err)
		}
		if _, err := m.Load(begun(t, m, "mira", member{}).request()); err != nil {
			t.Errorf("a login after it: %v", err)
		}
		if err := m.EndAll(t.Context(), ""); err == nil {
			t.Error("no error without a subject")
		}
		m.Store = nil
		if err := m.EndAll(t.Context(), "mira"); err == nil || !strings.Contains(err.Error(), "Manager.Store") {
			t.Errorf("without a Store: %v", err)
		}
	})
}

// Where there is nothing to take away the answer is as it was.
func TestEndNothing(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	if err := (&session.Manager[member]{Keys: keysOf("a")}).End(w, carrying("a=b")); err != nil || len(w.Header()) != 0 {
		t.Errorf("%v, %v", err, w.Header())
	}
}
