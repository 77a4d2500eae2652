package skew

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// roundTrip is a function used as a RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answer makes the response of a server ten minutes ahead.
func answer(r *http.Request, status int, edit func(http.Header)) *http.Response {
	h := http.Header{"Date": {time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)}}
	if edit != nil {
		edit(h)
	}
	return &http.Response{StatusCode: status, Header: h, Body: http.NoBody, Request: r}
}

const sampleURL = "https://issuer.example/token"

// Which answers are the word of the issuer about its own clock.
func TestTransportAnswers(t *testing.T) {
	t.Parallel()
	set := func(name string, values ...string) func(http.Header) {
		return func(h http.Header) { h[name] = values }
	}
	ahead := time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC) // a bubble begins with 2000
	for _, tt := range []struct {
		name   string
		status int
		edit   func(http.Header)
		learns bool
	}{
		{"200", 200, nil, true},
		{"204", 204, nil, true},
		{"400", 400, nil, true},
		{"401", 401, nil, true},
		{"429", 429, nil, true},
		{"101", 101, nil, false},
		{"302", 302, nil, false},
		{"304", 304, nil, false},
		{"407, a proxy's", 407, nil, false},
		{"500", 500, nil, false},
		{"502", 502, nil, false},
		{"no status", 0, nil, false},
		{"negative status", -250, nil, false},
		{"from a cache", 200, set("Age", "17280"), false},
		{"from a cache just now", 200, set("Age", "0"), false},
		{"from a cache that does not say since when", 200, set("Age", ""), false},
		{"no Date", 200, func(h http.Header) { h.Del("Date") }, false},
		{"empty Date", 200, set("Date", ""), false},
		{"two Dates", 200, set("Date", ahead.Format(http.TimeFormat), ahead.Format(http.TimeFormat)), false},
		{"RFC 850 Date", 200, set("Date", ahead.Format(time.RFC850[:len(time.RFC850)-3]+"GMT")), true},
		{"asctime Date", 200, set("Date", ahead.Format(time.ANSIC)), true},
		{"RFC 3339 Date", 200, set("Date", ahead.Format(time.RFC3339)), false},
		{"numeric Date", 200, set("Date", "946685400"), false},
		{"endless Date", 200, set("Date", ahead.Format(http.TimeFormat)+strings.Repeat(" ", 1<<20)), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c Clock
				rt := c.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
					return answer(r, tt.status, tt.edit), nil
				}))
				if _, err := rt.RoundTrip(get(t, sampleURL)); err != nil {
					t.Fatal(err)
				}
				e := c.Estimate()
				if learned := e.Samples == 1; learned != tt.learns {
					t.Errorf("learned: %t, want %t", learned, tt.learns)
				}
				if tt.learns && (e.Offset-10*time.Minute).Abs() > time.Second {
					t.Errorf("Offset = %v, want 10m", e.Offset)
				}
			})
		})
	}
}

// A Date that cannot be one is not even parsed.
func TestDateIsBounded(t *testing.T) {
	h := http.Header{"Date": {strings.Repeat("Thu, 01 Jan 2026 00:00:01 GMT", 1000)}}
	if n := testing.AllocsPerRun(10, func() { dateOf(h) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// Bases that break the rules for RoundTrippers must not break the transport.
func TestTransportOddBases(t *testing.T) {
	t.Parallel()
	ring := func(r *http.Request) *http.Response {
		resp := answer(r, 200, nil)
		r.Response = resp
		return resp
	}
	broken := errors.New("broken")
	for _, tt := range []struct {
		name    string
		base    func(*http.Request) (*http.Response, error)
		samples int
	}{
		{"nothing", func(*http.Request) (*http.Response, error) { return nil, nil }, 0},
		{"error", func(*http.Request) (*http.Response, error) { return nil, broken }, 0},
		{"error and response", func(r *http.Request) (*http.Response, error) { return answer(r, 200, nil), broken }, 0},
		{"no headers", func(r *http.Request) (*http.Response, error) { return &http.Response{StatusCode: 200}, nil }, 0},
		{"no Request", func(r *http.Request) (*http.Response, error) { return answer(nil, 200, nil), nil }, 1},
		{"Request without URL", func(r *http.Request) (*http.Response, error) { return answer(&http.Request{}, 200, nil), nil }, 0},
		{"no host", func(r *http.Request) (*http.Response, error) {
			return answer(&http.Request{URL: &url.URL{}}, 200, nil), nil
		}, 0},
		{"redirected from nowhere", func(r *http.Request) (*http.Response, error) {
			r = r.Clone(context.Background())
			r.Response = &http.Response{}
			return answer(r, 200, nil), nil
		}, 0},
		{"a ring of redirects", func(r *http.Request) (*http.Response, error) { return ring(r), nil }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c Clock
			var gave *http.Response
			var gaveErr error
			resp, err := c.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
				gave, gaveErr = tt.base(r)
				return gave, gaveErr
			})).RoundTrip(get(t, sampleURL))
			if resp != gave || err != gaveErr {
				t.Errorf("RoundTrip = %v, %v, want what the base gave: %v, %v", resp, err, gave, gaveErr)
			}
			if got := c.Estimate().Samples; got != tt.samples {
				t.Errorf("%d samples, want %d", got, tt.samples)
			}
		})
	}
}

// Sent is taken right before the base is called and Received right after its
// headers came; the time that the body takes does not count.
func TestTransportTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		client := &http.Client{Transport: c.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
			time.Sleep(30 * time.Millisecond)
			resp := answer(r, 200, nil)
			time.Sleep(70 * time.Millisecond)
			resp.Body = io.NopCloser(slowly{})
			return resp, nil
		}))}
		time.Sleep(time.Hour)
		resp, err := client.Get(sampleURL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		// Half of the round trip, half of the resolution, and the drift while
		// the body came.
		want := 50*time.Millisecond + 500*time.Millisecond + time.Minute/drift
		if got := c.Estimate(); (got.Error-want).Abs() > time.Millisecond || (got.Offset-10*time.Minute).Abs() > got.Error {
			t.Errorf("Estimate = %+v, want an Offset of 10m give or take an Error of %v", got, want)
		}
	})
}

// slowly is a body that takes a minute and is empty.
type slowly struct{}

func (slowly) Read([]byte) (int, error) {
	time.Sleep(time.Minute)
	return 0, io.EOF
}

func TestTransportForwards(t *testing.T) {
	t.Parallel()
	var c Clock
	closed := 0
	base := closer{closed: &closed}
	rt := c.Transport(base)
	if got := rt.(interface{ WrappedRoundTripper() http.RoundTripper }).WrappedRoundTripper(); got != base {
		t.Errorf("WrappedRoundTripper = %v, want the base", got)
	}
	(&http.Client{Transport: rt}).CloseIdleConnections()
	if closed != 1 {
		t.Errorf("CloseIdleConnections reached the base %d times, want once", closed)
	}
	(&http.Client{Transport: c.Transport(roundTrip(nil))}).CloseIdleConnections() // cannot be closed
	if got := c.Transport(nil).(*transport).WrappedRoundTripper(); got != http.DefaultTransport {
		t.Errorf("a nil base is %v, want http.DefaultTransport", got)
	}
}

type closer struct{ closed *int }

func (c closer) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("closed") }
func (c closer) CloseIdleConnections()                           { *c.closed++ }
