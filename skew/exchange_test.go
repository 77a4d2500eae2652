package skew

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// The cases of clock skew correction as the SDKs of AWS share them: there a
// Date is the offset, here it bounds it. Times are seconds of the local clock;
// the remote one reads them plus the offset in the middle of the round trip.
func TestTransportSequences(t *testing.T) {
	t.Parallel()
	type exchange struct {
		sent, received int
		status         int
		date           int // what the Date says, as seconds; -1: no Date
		age            string
		want           int // the offset afterwards
		samples        int
	}
	for _, tt := range []struct {
		name      string
		exchanges []exchange
	}{
		{"clocks agree", []exchange{{0, 2, 200, 1, "", 0, 1}}},
		{"refused for skew, then accepted, and remembered", []exchange{
			{0, 2, 403, 301, "", 300, 1},
			{2, 4, 200, 303, "", 300, 2},
			{60, 62, 200, 361, "", 300, 3},
		}},
		{"refused for skew and not tried again", []exchange{{0, 2, 403, 301, "", 300, 1}}},
		{"held up on the way for a quarter of an hour", []exchange{
			{0, 960, 200, 600, "", 0, 0},
			{1020, 1022, 200, 1321, "", 300, 1},
		}},
		{"an offset that is no longer true is put right by one answer", []exchange{
			{0, 2, 200, 301, "", 300, 1},
			{10, 12, 200, 11, "", 0, 1},
		}},
		{"refused for something else", []exchange{{0, 2, 400, 121, "", 120, 1}}},
		{"refused for skew or something else, then accepted", []exchange{
			{0, 2, 400, 301, "", 300, 1},
			{2, 4, 200, 303, "", 300, 2},
		}},
		{"no Date", []exchange{{0, 2, 403, -1, "", 0, 0}}},
		{"from a cache, then not", []exchange{
			{17280, 17282, 200, 1, "17280", 0, 0},
			{17290, 17292, 200, 17591, "", 300, 1},
		}},
		{"from a cache, then from a server that agrees", []exchange{
			{17280, 17282, 200, 1, "17280", 0, 0},
			{17290, 17292, 200, 17291, "", 0, 1},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				until := func(second int) { time.Sleep(time.Until(start.Add(time.Duration(second) * time.Second))) }
				var c Clock
				for i, x := range tt.exchanges {
					rt := c.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
						until(x.received)
						return answer(r, x.status, func(h http.Header) {
							h.Del("Date")
							if x.date >= 0 {
								h.Set("Date", start.Add(time.Duration(x.date)*time.Second).UTC().Format(http.TimeFormat))
							}
							if x.age != "" {
								h.Set("Age", x.age)
							}
						}), nil
					}))
					until(x.sent)
					if _, err := rt.RoundTrip(get(t, sampleURL)); err != nil {
						t.Fatal(err)
					}
					e, want := c.Estimate(), time.Duration(x.want)*time.Second
					// Two seconds under way and one of resolution.
					if (e.Offset-want).Abs() > 1500*time.Millisecond || e.Samples != x.samples {
						t.Errorf("exchange %d: offset %v from %d samples, want %v from %d", i, e.Offset, e.Samples, want, x.samples)
					}
					truth := time.Now().Add(want)
					if earliest, latest := c.Bounds(); truth.Before(earliest) || truth.After(latest) {
						t.Errorf("exchange %d: the truth, %v, is not within [%v, %v]", i, truth, earliest, latest)
					}
				}
			})
		})
	}
}

// The local clock is set between two answers.
func TestTransportLocalStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Minute)
	rt := w.clock.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
		w.pass(10 * time.Millisecond)
		resp := answer(r, 200, func(h http.Header) { h.Set("Date", w.remote().Format(http.TimeFormat)) })
		w.pass(10 * time.Millisecond)
		return resp, nil
	}))
	do := func() {
		t.Helper()
		if _, err := rt.RoundTrip(get(t, sampleURL)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []time.Duration{time.Hour, -3 * time.Hour} {
		do()
		w.checkBounds("before the step")
		w.step(step)
		w.pass(time.Minute)
		w.checkBounds("after the step")
		do()
		w.checkBounds("after another answer")
		if got := w.width(); got > 1100*time.Millisecond {
			t.Errorf("set by %v: bounds are %v apart after another answer", step, got)
		}
	}
}

// The whole of net/http, over TLS, with redirects, and a clock ten minutes
// behind.
func TestTransportServer(t *testing.T) {
	t.Parallel()
	const offset = -10 * time.Minute
	dated := func(offset time.Duration, next http.HandlerFunc) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(offset).UTC().Format(http.TimeFormat))
			next(w, r)
		})
	}
	elsewhere := httptest.NewTLSServer(nil)
	defer elsewhere.Close()
	issuer := httptest.NewTLSServer(dated(offset, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/within":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			io.WriteString(w, "hello")
		}
	}))
	defer issuer.Close()
	elsewhere.Config.Handler = dated(time.Hour, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, issuer.URL, http.StatusFound) })

	c := Clock{Origin: issuer.URL}
	base := &http.Transport{TLSClientConfig: issuer.Client().Transport.(*http.Transport).TLSClientConfig}
	defer base.CloseIdleConnections()
	client := &http.Client{Transport: c.Transport(base)}
	for _, tt := range []struct {
		path    string
		samples int
	}{{"/away", 0}, {"/", 1}, {"/within", 2}, {"/away", 2}} {
		resp, err := client.Get(issuer.URL + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "hello" || err != nil {
			t.Errorf("%s: body %q, %v", tt.path, body, err)
		}
		if got := c.Estimate().Samples; got != tt.samples {
			t.Errorf("%s: %d samples, want %d", tt.path, got, tt.samples)
		}
	}
	// On a machine that is busy an answer may take longer than a second.
	if got := c.Estimate(); (got.Offset - offset).Abs() > max(time.Second, got.Error) {
		t.Errorf("Offset = %v give or take %v, want %v", got.Offset, got.Error, offset)
	}
}
