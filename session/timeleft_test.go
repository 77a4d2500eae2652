package session

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTimeLeft(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		m     *Manager[person]
		until time.Duration // after the login; 0 means never
		after time.Duration
		want  string
	}{
		{&Manager[person]{}, 0, 0, `{"expires_in":1800,"by":"idle"}`},
		{&Manager[person]{}, 0, time.Millisecond, `{"expires_in":1799,"by":"idle"}`},
		{&Manager[person]{}, 0, time.Second, `{"expires_in":1799,"by":"idle"}`},
		{&Manager[person]{}, 0, 29*time.Minute + 59001*time.Millisecond, `{"expires_in":0,"by":"idle"}`},
		{&Manager[person]{}, time.Hour, 20 * time.Minute, `{"expires_in":600,"by":"idle"}`},
		{&Manager[person]{}, 25 * time.Minute, 20 * time.Minute, `{"expires_in":300,"by":"token"}`},
		{&Manager[person]{Lifetime: 22 * time.Minute}, 25 * time.Minute, 20 * time.Minute, `{"expires_in":120,"by":"lifetime"}`},
		{&Manager[person]{Idle: -1}, 0, 11 * time.Hour, `{"expires_in":3600,"by":"lifetime"}`},
	} {
		clock := newWallClock()
		test.m.Keys, test.m.Now = oneKey, clock.now
		if test.until != 0 {
			until := clock.now().Add(test.until)
			test.m.Until = func(person) time.Time { return until }
		}
		v := newBrowser(t, newSite(test.m))
		v.visit("POST", "/login")
		clock.advance(test.after)
		for range 2 { // it is not extended
			resp := v.visit("GET", "/left")
			if got := bodyOf(t, resp); got != test.want+"\n" {
				t.Errorf("after %v: %s, want %s", test.after, got, test.want)
			}
			want := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Vary": {"Cookie"}}
			if diff := cmp.Diff(want, resp.Header); diff != "" || resp.StatusCode != 200 {
				t.Errorf("after %v: %d (-want +got):\n%s", test.after, resp.StatusCode, diff)
			}
		}
	}
}

// A session may end while its request is answered: it has no less than nothing left.
func TestTimeLeftOver(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login")
	v.site = m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clock.advance(time.Hour)
		m.TimeLeft(w, r)
	}))
	if got := bodyOf(t, v.visit("GET", "/left")); got != `{"expires_in":0,"by":"idle"}`+"\n" {
		t.Error(got)
	}
}

// Whoever asks for the time left is a script, whatever it says it is.
func TestTimeLeftOfNone(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now}
	v := newBrowser(t, newSite(m))
	const missing = `{"error":"session_missing","error_description":"there is no session: log in"}` + "\n"
	if resp := v.visit("GET", "/left", page...); resp.StatusCode != 401 || bodyOf(t, resp) != missing {
		t.Errorf("%d", resp.StatusCode)
	}
	v.visit("POST", "/login")
	clock.advance(time.Hour)
	const expired = `{"error":"session_expired","error_description":"the session has expired: log in again"}` + "\n"
	if resp := v.visit("GET", "/left"); resp.StatusCode != 401 || bodyOf(t, resp) != expired {
		t.Errorf("%d", resp.StatusCode)
	}
}
