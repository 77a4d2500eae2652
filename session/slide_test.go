package session

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The cookie is written again only when a tenth of Idle has passed.
func TestSlidesRarely(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now, Idle: 10000 * time.Second}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login")
	for _, want := range []int{0, 1, 1} { // 1000 requests in 999 seconds each
		set := 0
		for range 1000 {
			resp := v.visit("GET", "/")
			if resp.StatusCode != 200 {
				t.Fatal(resp.StatusCode)
			}
			set += len(resp.Header["Set-Cookie"])
			clock.advance(999 * time.Millisecond)
		}
		if set != want {
			t.Errorf("%d cookies set, want %d", set, want)
		}
		clock.advance(time.Second)
	}
}

// Somebody who is there stays until Lifetime ends, and somebody who is not until
// Idle has.
func TestActivity(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now, Idle: 30 * time.Minute, Lifetime: 3 * time.Hour}
	v := newBrowser(t, newSite(m))

	v.visit("POST", "/login")
	for at := 29 * time.Minute; at < 3*time.Hour; at += 29 * time.Minute {
		clock.advance(29 * time.Minute)
		if resp := v.visit("GET", "/home"); resp.StatusCode != 200 {
			t.Fatalf("after %v: %d", at, resp.StatusCode)
		}
	}
	clock.advance(29 * time.Minute) // 3:23 in all
	if resp := v.visit("GET", "/home"); resp.StatusCode != 401 || !strings.Contains(bodyOf(t, resp), "session_expired") {
		t.Errorf("after Lifetime: %d", resp.StatusCode)
	}

	v.visit("POST", "/login")
	clock.advance(30*time.Minute - time.Millisecond)
	if resp := v.visit("GET", "/home"); resp.StatusCode != 200 {
		t.Errorf("before Idle: %d", resp.StatusCode)
	}
	clock.advance(30 * time.Minute)
	if resp := v.visit("GET", "/home"); resp.StatusCode != 401 {
		t.Errorf("after Idle: %d", resp.StatusCode)
	}
}

// A page that only polls does not keep itself alive.
func TestPassive(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		target  string
		headers []string
		want    bool // that it keeps the session alive
	}{
		{"/home", nil, true},
		{"/home", []string{PassiveHeader, "1"}, false},
		{"/home", []string{PassiveHeader, ""}, false},
		{"/home", []string{"x-session-passive", "0"}, false},
		{"/left", nil, false},
	} {
		clock := newWallClock()
		m := &Manager[person]{Keys: oneKey, Now: clock.now}
		v := newBrowser(t, newSite(m))
		v.visit("POST", "/login")
		for range 2 {
			clock.advance(20 * time.Minute)
			resp := v.visit("GET", test.target, test.headers...)
			if got := resp.StatusCode == 200; got != test.want && clock.now().Minute() == 40 {
				t.Errorf("%s %q: %d", test.target, test.headers, resp.StatusCode)
			}
			if set := resp.Header["Set-Cookie"] != nil; set != test.want {
				t.Errorf("%s %q: sets cookies %t, want %t", test.target, test.headers, set, test.want)
			}
		}
	}
}

// The handler sees the session as it goes on: Expiry is what the page may show.
func TestSlidSession(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login")
	clock.advance(20 * time.Minute)
	v.site = m.Handler(m.RequireFunc(func(w http.ResponseWriter, r *http.Request, s *Session[person]) {
		if !s.Seen.Equal(clock.now()) || !m.Expiry(s).Equal(clock.now().Add(defaultIdle)) || w.Header()["Set-Cookie"] == nil {
			t.Errorf("%v, seen %v", s, s.Seen)
		}
	}))
	if resp := v.visit("GET", "/"); resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// Whatever a handler does after the session was extended, each of its cookies is
// set once, and nobody else's are touched.
func TestSlidThenSet(t *testing.T) {
	t.Parallel()
	const name = "__Host-session"
	others := []string{name + "x=1", name + "x1=1", name + "-x=1", name + "-5=1", name + "-0=1", name + "-11=1", "x" + name + "=1", name + "-1x=1"}
	for _, test := range []struct {
		name string
		then func(*Manager[person], http.ResponseWriter, *http.Request, *Session[person]) error
		want []string
	}{
		{"nothing", nil, []string{name, name + "-1", name + "-2"}},
		{"Save", func(m *Manager[person], w http.ResponseWriter, r *http.Request, s *Session[person]) error {
			return m.Save(w, r, s)
		}, []string{name, name + "-1", name + "-2"}},
		{"Save less", func(m *Manager[person], w http.ResponseWriter, r *http.Request, s *Session[person]) error {
			s.Data.Note = ""
			return m.Save(w, r, s)
		}, []string{name, "-" + name + "-1", "-" + name + "-2"}},
		{"Save more", func(m *Manager[person], w http.ResponseWriter, r *http.Request, s *Session[person]) error {
			s.Data.Note += strings.Repeat("n", 2000)
			return m.Save(w, r, s)
		}, []string{name, name + "-1", name + "-2", name + "-3"}},
		{"Start", func(m *Manager[person], w http.ResponseWriter, r *http.Request, s *Session[person]) error {
			_, err := m.Start(w, r, "mira", person{Note: strings.Repeat("n", 4000)})
			return err
		}, []string{name, name + "-1", "-" + name + "-2"}},
		{"End", func(m *Manager[person], w http.ResponseWriter, r *http.Request, s *Session[person]) error {
			return m.End(w, r)
		}, []string{"-" + name, "-" + name + "-1", "-" + name + "-2"}},
		{"End and Start", func(m *Manager[person], w http.ResponseWriter, r *http.Request, s *Session[person]) error {
			if err := m.End(w, r); err != nil {
				return err
			}
			_, err := m.Start(w, r, "mira", person{})
			return err
		}, []string{name, "-" + name + "-1", "-" + name + "-2"}},
		{"Save and End", func(m *Manager[person], w http.ResponseWriter, r *http.Request, s *Session[person]) error {
			if err := m.Save(w, r, s); err != nil {
				return err
			}
			return m.End(w, r)
		}, []string{"-" + name, "-" + name + "-1", "-" + name + "-2"}},
		{"TimeLeft", func(m *Manager[person], w http.ResponseWriter, r *http.Request, s *Session[person]) error {
			m.TimeLeft(w, r)
			return nil
		}, nil},
	} {
		clock := newWallClock()
		m := &Manager[person]{Keys: oneKey, Now: clock.now}
		v := newBrowser(t, newSite(m))
		v.visit("POST", "/login?note=8000")
		clock.advance(10 * time.Minute)
		v.site = m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := m.From(r.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range others {
				w.Header().Add("Set-Cookie", line)
			}
			if test.then != nil {
				if err := test.then(m, w, r, s); err != nil {
					t.Errorf("%s: %v", test.name, err)
				}
			}
		}))
		w := httptest.NewRecorder()
		v.site.ServeHTTP(w, v.request("POST", "/"))
		var kept, got []string
		for _, line := range w.Result().Header["Set-Cookie"] {
			if slices.Contains(others, line) {
				kept = append(kept, line)
				continue
			}
			c, err := http.ParseSetCookie(line)
			if err != nil {
				t.Fatal(err)
			}
			if c.MaxAge < 0 {
				c.Name = "-" + c.Name
			}
			got = append(got, c.Name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(others, kept); diff != "" {
			t.Errorf("%s: others (-want +got):\n%s", test.name, diff)
		}
	}
}

// A session that cannot be extended is told of, and the request goes on.
func TestUnsaved(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	var events []Event
	m := &Manager[person]{Keys: oneKey, Now: clock.now, OnEvent: func(e Event) {
		if e.Kind == Unsaved {
			events = append(events, e)
		}
	}}
	v := newBrowser(t, newSite(m))
	startLargest(t, m, v)

	m.SameSite = http.SameSiteStrictMode // has three letters more
	clock.advance(10 * time.Minute)
	resp := v.visit("GET", "/home")
	if resp.StatusCode != 200 || resp.Header["Set-Cookie"] != nil {
		t.Errorf("%d, sets %q", resp.StatusCode, setCookieNames(resp))
	}
	if len(events) != 1 || events[0].Subject != "mira" || events[0].ID == "" || events[0].Err == nil {
		t.Errorf("told %v", events)
	}
}

// While the Store is away nothing is written, and nothing is tried.
func TestReadOnlyDoesNotSlide(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey, OnEvent: func(e Event) { t.Errorf("told %v", e) }}
	w := httptest.NewRecorder()
	m.slide(w, httptest.NewRequest("GET", "/", nil), &Session[person]{ID: "i", Subject: "mira", ReadOnly: true})
	if len(w.Header()) != 0 {
		t.Errorf("%v", w.Header())
	}
}

// Requests of one browser at the same time do not come between each other.
func TestParallelRequests(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login?note=9000")
	clock.advance(10 * time.Minute)
	answers := make([]*http.Response, 50)
	var wg sync.WaitGroup
	for i := range answers {
		r := v.request("GET", "/home")
		wg.Go(func() {
			w := httptest.NewRecorder()
			v.site.ServeHTTP(w, r)
			answers[i] = w.Result()
		})
	}
	wg.Wait()
	for i, resp := range answers {
		if resp.StatusCode != 200 || len(resp.Header["Set-Cookie"]) != 4 {
			t.Errorf("%d: %d, sets %q", i, resp.StatusCode, setCookieNames(resp))
		}
		v.take(resp) // in whatever order
		if got := v.visit("GET", "/home"); got.StatusCode != 200 {
			t.Errorf("after %d: %d", i, got.StatusCode)
		}
	}
}

// A tenth of Idle has passed when it has, to the millisecond.
func TestSlidesAtATenth(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login")
	clock.advance(3*time.Minute - time.Millisecond)
	if got := setCookieNames(v.visit("GET", "/home")); got != nil {
		t.Errorf("before: sets %q", got)
	}
	clock.advance(time.Millisecond)
	if got := setCookieNames(v.visit("GET", "/home")); len(got) != 1 {
		t.Errorf("at it: sets %q", got)
	}
}
