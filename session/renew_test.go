package session_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
)

func TestRenew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, store := range []refresh.Store{nil, new(refresh.Memory)} {
			m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon), Store: store}
			p := begun(t, m, "mira", member{})
			old := p.request()
			s, err := m.Load(old)
			if err != nil {
				t.Fatal(err)
			}
			id, later := s.ID, noon.Add(time.Minute)
			m.Now = at(later)
			s.Data.Roles = []string{"admin"}
			w := httptest.NewRecorder()
			w.Header().Add("Set-Cookie", cookieName+"=slid")
			var events []session.Event
			m.OnEvent = func(e session.Event) { events = append(events, e) }
			if err := m.Renew(w, old, s); err != nil {
				t.Fatal(err)
			}
			if n := len(w.Result().Cookies()); n != 1 {
				t.Errorf("%d cookies set", n)
			}
			if len(events) != 1 || events[0] != (session.Event{Kind: session.Renewed, ID: s.ID, Subject: "mira"}) {
				t.Errorf("events %v", events)
			}
			got, err := m.Load(p.take(w).request())
			switch {
			case err != nil:
				t.Fatal(err)
			case got.ID == id || got.ID != s.ID || len(got.Data.Roles) != 1 || !got.Began.Equal(noon) || !got.Seen.Equal(later) || !s.Seen.Equal(later):
				t.Errorf("%v, was %s; began %v, seen %v", got, id, got.Began, got.Seen)
			}
			if _, err := m.Load(old); store == nil {
				if err != nil {
					t.Error(err)
				}
			} else {
				checkReason(t, "the old ID", err, token.ErrRevoked)
			}

			// Of a session that is over there is no other ID.
			if store != nil {
				if err := m.End(httptest.NewRecorder(), p.request()); err != nil {
					t.Fatal(err)
				}
				w := httptest.NewRecorder()
				checkReason(t, "renewed after a logout", m.Renew(w, p.request(), got), token.ErrRevoked)
				if len(w.Header()) != 0 {
					t.Errorf("header %v", w.Header())
				}
			}
		}
	})
}

// If the old ID cannot be ended there is no new one.
func TestRenewStoreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(refresh.Memory)
		m := &session.Manager[member]{Keys: keysOf("a"), Store: store}
		p := begun(t, m, "mira", member{})
		s, err := m.Load(p.request())
		if err != nil {
			t.Fatal(err)
		}
		m.Store = &brokenStore{Store: store, writes: true}
		before, w := *s, httptest.NewRecorder()
		err = m.Renew(w, p.request(), s)
		if err == nil || errors.Is(err, session.ErrNoSession) || errors.Is(err, token.ErrInvalid) || len(w.Header()) != 0 || s.ID != before.ID {
			t.Errorf("%v, %v, %v", err, w.Header(), s)
		}
		m.Store = store
		if _, err := m.Load(p.request()); err != nil {
			t.Error(err)
		}
	})
}

// EndAll holds for a session that has had another ID since it began.
func TestRenewEndAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &session.Manager[member]{Keys: keysOf("a"), Store: new(refresh.Memory)}
		p := begun(t, m, "mira", member{})
		s, err := m.Load(p.request())
		if err != nil {
			t.Fatal(err)
		}
		if err := m.EndAll(t.Context(), "mira"); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := m.Renew(w, p.request(), s); err == nil {
			_, err = m.Load(p.take(w).request())
			checkReason(t, "renewed after EndAll", err, token.ErrRevoked)
		}
	})
}
