package session_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
)

// An Until that panics ends the session, and not the server. Whoever logs in anew
// has data of today, or learns that it is no better.
func TestUntilPanics(t *testing.T) {
	t.Parallel()
	m := &session.Manager[*member]{Keys: keysOf("a")}
	p := begun(t, m, "mira", nil)
	s, err := m.Load(p.request())
	if err != nil {
		t.Fatal(err)
	}
	for name, until := range map[string]func(*member) time.Time{
		"nil":    func(data *member) time.Time { return data.Until },
		"secret": func(*member) time.Time { panic(hush) },
	} {
		m.Until = until
		_, err := m.Load(p.request())
		checkReason(t, name, err, token.ErrMalformed)
		if !strings.Contains(err.Error(), "Manager.Until panicked in ") || strings.Contains(err.Error(), hush) {
			t.Errorf("%s: %v", name, err)
		}
		if expiry := m.Expiry(s); !expiry.Equal(s.Began) {
			t.Errorf("%s: goes on until %v", name, expiry)
		}
		w := httptest.NewRecorder()
		_, err = m.Start(w, carrying(""), "mira", nil)
		if err == nil || errors.Is(err, token.ErrInvalid) || len(w.Header()) != 0 || strings.Contains(err.Error(), hush) {
			t.Errorf("%s: Start: %v", name, err)
		}
	}
}

// Data that panics as it is read is of another kind.
func TestDataPanics(t *testing.T) {
	t.Parallel()
	m := &session.Manager[panicky]{Keys: keysOf("a"), Now: at(noon)}
	_, err := m.Load(carrying(sealed(t, "a", "cookie/"+cookieName, "1", `{"v":1,"id":"A","sub":"mira","began":1,"seen":1,"data":{}}`)))
	checkReason(t, "panicky", err, token.ErrMalformed)
	if strings.Contains(err.Error(), hush) {
		t.Error(err)
	}
}

// What data says of itself is not repeated, and decides nothing.
func TestDataFails(t *testing.T) {
	t.Parallel()
	m := &session.Manager[unreadable]{Keys: keysOf("a"), Now: at(noon)}
	_, err := m.Load(carrying(sealed(t, "a", "cookie/"+cookieName, "1", `{"v":1,"id":"A","sub":"mira","began":1,"seen":1,"data":{}}`)))
	checkReason(t, "unreadable", err, token.ErrMalformed)
	if strings.Contains(err.Error(), hush) {
		t.Error(err)
	}
}

// Nor is what is no JSON.
func TestNoJSON(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon)}
	_, err := m.Load(carrying(sealed(t, "a", "cookie/"+cookieName, "1", "{!")))
	checkReason(t, "no JSON", err, token.ErrMalformed)
	if !strings.HasSuffix(err.Error(), ": it is no JSON") {
		t.Error(err)
	}
}

func TestOnEventPanics(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a"), OnEvent: func(session.Event) { panic(hush) }}
	if _, err := m.Load(begun(t, m, "mira", member{}).request()); err != nil {
		t.Error(err)
	}
	_, err := m.Load(carrying(cookieName + "=x"))
	checkReason(t, "garbage", err, token.ErrMalformed)
}

// Expiry is the nearest of three, each of which can be the one.
func TestExpiry(t *testing.T) {
	t.Parallel()
	var until time.Time
	m := &session.Manager[member]{Until: func(member) time.Time { return until }}
	s := &session.Session[member]{Began: noon, Seen: noon}
	for _, test := range []struct {
		seen  time.Duration
		until time.Time
		want  time.Duration
	}{
		{0, time.Time{}, 30 * time.Minute},
		{time.Hour, time.Time{}, 90 * time.Minute},
		{12*time.Hour - time.Minute, time.Time{}, 12 * time.Hour},
		{time.Hour, noon.Add(80 * time.Minute), 80 * time.Minute},
		{time.Hour, noon.Add(90 * time.Minute), 90 * time.Minute},
		{time.Hour, noon.Add(100 * time.Minute), 90 * time.Minute},
		{time.Hour, noon.Add(-time.Minute), -time.Minute},
	} {
		s.Seen, until = noon.Add(test.seen), test.until
		if got := m.Expiry(s).Sub(noon); got != test.want {
			t.Errorf("seen after %v, until %v: %v, want %v", test.seen, test.until, got, test.want)
		}
	}
}
