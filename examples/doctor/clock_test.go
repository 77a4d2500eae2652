package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Which clock is off and by how much, as far as a round trip lets that be known.
func TestReadClock(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		off    time.Duration
		header [2]string
		status int
		known  bool
	}{
		"agree": {0, [2]string{}, 200, true}, "ahead": {time.Hour, [2]string{}, 401, true}, "behind": {-time.Hour, [2]string{}, 200, true},
		"a cache": {0, [2]string{"Age", "1"}, 200, false}, "a redirect": {0, [2]string{"Location", "/elsewhere"}, 302, false}, "no date": {0, [2]string{"Date", "soon"}, 200, false},
		"no clock": {0, [2]string{"Date", "Mon, 01 Jan 0001 00:00:00 GMT"}, 200, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" || r.URL.Path == "/elsewhere" {
				t.Errorf("%s: %v", name, r)
			}
			w.Header().Set("Date", time.Now().Add(test.off).UTC().Format(http.TimeFormat))
			if test.header[0] != "" {
				w.Header().Set(test.header[0], test.header[1])
			}
			w.WriteHeader(test.status)
		}))
		defer server.Close()
		c := readClock(t.Context(), http.DefaultTransport, server.URL)
		for try := 1; test.known && !c.known && try < 5; try++ { // a busy machine may take longer than it waits
			c = readClock(t.Context(), http.DefaultTransport, server.URL)
		}
		if c.known != test.known || test.known && (c.ahead-test.off).Abs() > clockTimeout+time.Second || test.off == 0 && c.ahead != 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := readClock(t.Context(), http.DefaultTransport, "http://127.0.0.1:1"); c.known {
		t.Errorf("%+v", c)
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		silent := tripper(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
		if c := readClock(t.Context(), silent, "http://127.0.0.1:1"); c.known || time.Since(began) != clockTimeout {
			t.Errorf("%+v after %v", c, time.Since(began))
		}
	})
}
