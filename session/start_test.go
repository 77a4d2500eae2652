package session_test

import (
	"errors"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
)

// hush is what must not be read anywhere.
const hush = "hush-hush"

// refusesToStart checks that no session is begun with data, for a reason in which
// there is text and nothing of the data.
func refusesToStart[T any](t *testing.T, name string, data T, text string) {
	t.Helper()
	m := &session.Manager[T]{Keys: keysOf("a")}
	w := httptest.NewRecorder()
	s, err := m.Start(w, carrying(""), "mira", data)
	switch {
	case err == nil || s != nil || len(w.Header()) != 0:
		t.Errorf("%s: %v, %v, %v", name, s, err, w.Header())
	case !strings.HasPrefix(err.Error(), "session: ") || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), hush):
		t.Errorf("%s: %v, want %q in it", name, err, text)
	case errors.Is(err, token.ErrInvalid) || errors.Is(err, session.ErrNoSession):
		t.Errorf("%s: %v, as if a token had been presented", name, err)
	}
}

// A half is written as JSON, and not read again.
type half struct{ A int }

func (half) MarshalJSON() ([]byte, error) { return []byte(`"` + hush + `"`), nil }

// A failing cannot be written, and has an error that says too much.
type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, tooMuch }

// An unreadable can be written, but not be read.
type unreadable struct{}

func (*unreadable) UnmarshalJSON([]byte) error { return tooMuch }

// tooMuch matches what it must not, and says what it must not.
var tooMuch = errors.Join(token.ErrExpired, session.ErrNoSession, errors.New(hush))

// A panicky panics when it is written, or else when it is read.
type panicky struct{ Write bool }

func (p panicky) MarshalJSON() ([]byte, error) {
	if p.Write {
		panic(hush)
	}
	return []byte(`{}`), nil
}

func (*panicky) UnmarshalJSON([]byte) error { panic(hush) }

func TestStartData(t *testing.T) {
	t.Parallel()
	secret := token.NewSecret(hush)
	refusesToStart(t, "a Secret", struct{ S token.Secret }{secret}, "keep a token.Record")
	refusesToStart(t, "a Token", token.New(secret), "keep a token.Record")
	refusesToStart(t, "a Secret as any", map[string]any{"s": []any{secret}}, "keep a token.Record")
	refusesToStart(t, "NaN", math.NaN(), "float64")
	refusesToStart(t, "a channel", struct{ C chan int }{}, "chan int")
	refusesToStart(t, "half a type", struct{ H half }{}, "data.H has another type than session_test.half")
	refusesToStart(t, "an interface", struct{ E error }{errors.New(hush)}, "data.E has another type than error")
	refusesToStart(t, "failing", failing{}, "a method of session_test.failing has failed")
	refusesToStart(t, "unreadable", unreadable{}, "a method of the data has failed")
	refusesToStart(t, "panics when written", panicky{true}, "panicked in ")
	refusesToStart(t, "panics when read", panicky{}, "panicked in ")

	// What does survive.
	begun(t, &session.Manager[token.Record]{Keys: keysOf("a")}, "mira", token.New(secret).Record())
	begun(t, &session.Manager[any]{Keys: keysOf("a")}, "mira", nil)
	begun(t, &session.Manager[*member]{Keys: keysOf("a")}, "mira", nil)
	begun(t, &session.Manager[struct{ S token.Secret }]{Keys: keysOf("a")}, "mira", struct{ S token.Secret }{})
	begun(t, &session.Manager[string]{Keys: keysOf("a")}, "mira", "it is [redacted]")
}

func TestStartSubject(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a")}
	for _, subject := range []string{"", "\xff", "mira\xc3"} {
		w := httptest.NewRecorder()
		if s, err := m.Start(w, carrying(""), subject, member{}); err == nil || s != nil || len(w.Header()) != 0 {
			t.Errorf("%q: %v, %v", subject, s, err)
		}
	}
	for _, subject := range []string{"mira", "<&\"\u2028\x00>", strings.Repeat("s", 1000)} {
		s, err := m.Load(begun(t, m, subject, member{}).request())
		if err != nil || s.Subject != subject {
			t.Errorf("%q: %v, %v", subject, s, err)
		}
	}
}

// A login that is over at once would be asked for again and again.
func TestStartOver(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon), Until: func(data member) time.Time { return data.Until }}
	w := httptest.NewRecorder()
	s, err := m.Start(w, carrying(""), "mira", member{Until: noon})
	if err == nil || s != nil || len(w.Header()) != 0 || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), "Manager.Until") {
		t.Errorf("%v, %v", s, err)
	}
	begun(t, m, "mira", member{Until: noon.Add(time.Millisecond)})
}

func TestStartTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var events []string
		m := &session.Manager[member]{Keys: keysOf("a"), Store: new(refresh.Memory)}
		p := begun(t, m, "mira", member{})
		old := p.request()
		first, err := m.Load(old)
		if err != nil {
			t.Fatal(err)
		}
		m.OnEvent = func(e session.Event) { events = append(events, e.Kind.String()+" "+e.Subject) }
		w := httptest.NewRecorder()
		second, err := m.Start(w, old, "tom", member{})
		if err != nil || second.ID == first.ID {
			t.Fatal(second, err)
		}
		if err := m.Save(w, old, second); err != nil { // in the same answer
			t.Fatal(err)
		}
		_, err = m.Load(old)
		checkReason(t, "the old one", err, token.ErrRevoked)
		if s, err := m.Load(p.take(w).request()); err != nil || s.ID != second.ID || s.Subject != "tom" {
			t.Errorf("the new one: %v, %v", s, err)
		}
		if got := strings.Join(events, ", "); got != "ended mira, started tom, refused mira" {
			t.Errorf("events: %s", got)
		}
	})
}

// An error of the Store leaves everything as it was.
func TestStartStoreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &session.Manager[member]{Keys: keysOf("a"), Store: new(refresh.Memory)}
		p := begun(t, m, "mira", member{})
		store := m.Store
		m.Store = &brokenStore{Store: store, writes: true}
		w := httptest.NewRecorder()
		if s, err := m.StartAt(w, p.request(), "tom", member{}, 0); err == nil || s != nil || len(w.Header()) != 0 || errors.Is(err, session.ErrNoSession) {
			t.Errorf("%v, %v, %v", s, err, w.Header())
		}
		m.Store = &brokenStore{Store: store, reads: true}
		if s, err := m.Start(w, carrying(""), "tom", member{}); err == nil || s != nil || len(w.Header()) != 0 || errors.Is(err, session.ErrNoSession) {
			t.Errorf("%v, %v, %v", s, err, w.Header())
		}
		m.Store = store
		if s, err := m.Load(p.request()); err != nil || s.Subject != "mira" {
			t.Errorf("%v, %v", s, err)
		}
	})
}

// Data that cannot be kept costs nobody the session that they have.
func TestStartBadDataEndsNothing(t *testing.T) {
	t.Parallel()
	m := &session.Manager[any]{Keys: keysOf("a"), Store: new(refresh.Memory)}
	p := begun[any](t, m, "mira", nil)
	for _, data := range []any{make(chan int), strings.Repeat("x", 20000)} {
		if _, err := m.Start(httptest.NewRecorder(), p.request(), "mira", data); err == nil {
			t.Error("no error")
		}
	}
	s, err := m.Load(p.request())
	if err != nil {
		t.Fatal(err)
	}
	s.Data = strings.Repeat("x", 20000)
	if err := m.Renew(httptest.NewRecorder(), p.request(), s); !errors.Is(err, session.ErrTooLarge) {
		t.Error(err)
	}
	if _, err := m.Load(p.request()); err != nil {
		t.Error(err)
	}
}

// Whoever logs in with the old password, while it is changed, is not logged in.
func TestStartAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &session.Manager[member]{Keys: keysOf("a"), Store: new(refresh.Memory)}
		epoch, err := m.Epoch(t.Context(), "mira")
		if err != nil {
			t.Fatal(err)
		}
		if err := m.EndAll(t.Context(), "mira"); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if _, err := m.StartAt(w, carrying(""), "mira", member{}, epoch); err != nil {
			t.Fatal(err)
		}
		_, err = m.Load(pocket{}.take(w).request())
		checkReason(t, "with the old epoch", err, token.ErrRevoked)
		if _, err := m.Load(begun(t, m, "mira", member{}).request()); err != nil {
			t.Errorf("with the new epoch: %v", err)
		}
	})
}

func TestSave(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon)}
	p := begun(t, m, "mira", member{})
	s, err := m.Load(p.request())
	if err != nil {
		t.Fatal(err)
	}
	later := noon.Add(time.Minute + 1234567)
	m.Now = at(later)
	s.Data.Name = "Mira"
	w := httptest.NewRecorder()
	if err := m.Save(w, p.request(), s); err != nil {
		t.Fatal(err)
	}
	got, err := m.Load(p.take(w).request())
	switch {
	case err != nil:
		t.Fatal(err)
	case got.Data.Name != "Mira" || got.ID != s.ID || !got.Began.Equal(noon):
		t.Errorf("%+v of %v, began %v", got.Data, got, got.Began)
	case !got.Seen.Equal(later.Truncate(time.Millisecond)) || !s.Seen.Equal(got.Seen):
		t.Errorf("seen %v, and %v by the one saved", got.Seen, s.Seen)
	}
}

// What cannot be saved stays as it was.
func TestSaveFails(t *testing.T) {
	t.Parallel()
	m := &session.Manager[any]{Keys: keysOf("a"), Now: at(noon)}
	p := begun[any](t, m, "mira", nil)
	m.Now = at(noon.Add(time.Minute))
	for name, test := range map[string]struct {
		change func(*session.Session[any])
		want   error
	}{
		"data":        {func(s *session.Session[any]) { s.Data = make(chan int) }, nil},
		"panics":      {func(s *session.Session[any]) { s.Data = panicky{true} }, nil},
		"too large":   {func(s *session.Session[any]) { s.Data = strings.Repeat("x", 20000) }, session.ErrTooLarge},
		"no subject":  {func(s *session.Session[any]) { s.Subject = "" }, nil},
		"not UTF-8":   {func(s *session.Session[any]) { s.Subject = "\xff" }, nil},
		"no ID":       {func(s *session.Session[any]) { s.ID = "" }, nil},
		"a path":      {func(s *session.Session[any]) { s.ID = "a/b" }, nil},
		"read only":   {func(s *session.Session[any]) { s.ReadOnly = true }, nil},
		"hand-made":   {func(s *session.Session[any]) { *s = session.Session[any]{ID: "A", Subject: "mira", Seen: noon} }, nil},
		"of nobody":   {func(s *session.Session[any]) { *s = session.Session[any]{Seen: noon} }, nil},
		"a long name": {func(s *session.Session[any]) { s.ID = strings.Repeat("A", 65) }, nil},
	} {
		for method, save := range map[string]func(*httptest.ResponseRecorder, *session.Session[any]) error{
			"Save":  func(w *httptest.ResponseRecorder, s *session.Session[any]) error { return m.Save(w, p.request(), s) },
			"Renew": func(w *httptest.ResponseRecorder, s *session.Session[any]) error { return m.Renew(w, p.request(), s) },
		} {
			s, err := m.Load(p.request())
			if err != nil {
				t.Fatal(err)
			}
			test.change(s)
			id := s.ID
			w := httptest.NewRecorder()
			err = save(w, s)
			if err == nil || len(w.Header()) != 0 || !s.Seen.Equal(noon) || s.ID != id || test.want != nil && !errors.Is(err, test.want) || strings.Contains(err.Error(), hush) {
				t.Errorf("%s, %s: %v, seen %v, header %v", name, method, err, s.Seen, w.Header())
			}
		}
	}
}

// IDs are 128 random bits, and never the same.
func TestIDs(t *testing.T) {
	t.Parallel()
	m := &session.Manager[struct{}]{Keys: keysOf("a")}
	ids := make(map[string]bool)
	for range 1000 {
		s, err := m.Start(httptest.NewRecorder(), carrying(""), "mira", struct{}{})
		if err != nil || len(s.ID) != 22 || ids[s.ID] {
			t.Fatal(s, err)
		}
		ids[s.ID] = true
	}
}

// An ID has the letters of base64url and no others: it is part of the Store's keys.
func TestIDLetters(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a")}
	s, err := m.Load(begun(t, m, "mira", member{}).request())
	if err != nil {
		t.Fatal(err)
	}
	for c := range 256 {
		s.ID = "A" + string([]byte{byte(c)})
		want := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", byte(c)) >= 0
		if err := m.Save(httptest.NewRecorder(), carrying(""), s); (err == nil) != want {
			t.Errorf("%q: %v", s.ID, err)
		}
	}
}
