package skew

import (
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/internal/origin"
)

// Transport returns a RoundTripper that passes every request on to base and
// learns from the Date header of the answers (RFC 9110 section 6.6.1). It
// changes neither requests nor responses. A nil base means
// [http.DefaultTransport]; a base that caches belongs above this one, not below.
//
// Only what the origin first asked says of itself counts: answers over https,
// or over http from a literal loopback address, that came without a redirect to
// any other origin. They are final answers with a status of 2xx or 4xx; a 3xx
// or a 5xx is often the word of a gateway in between. An answer with an Age
// header comes from a cache and says what time it was. [Clock.Origin] limits
// all this to one origin, which a client that talks to many must do.
//
// A server that renews its Date only once a second looks up to a second slow,
// and behind one origin may stand machines that disagree: this makes a holder's
// leeway smaller, but not needless.
func (c *Clock) Transport(base http.RoundTripper) http.RoundTripper {
	t := &transport{clock: c, base: base}
	if base == nil {
		t.base = http.DefaultTransport
	}
	if c != nil && c.Origin != "" {
		t.home, t.homeErr = c.home()
	}
	return t
}

type transport struct {
	clock *Clock
	base  http.RoundTripper

	// Clock.Origin, if it is set.
	home    origin.Origin
	homeErr error
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := t.clock.now()
	resp, err := t.base.RoundTrip(req)
	received := t.clock.now()
	if err == nil && resp != nil {
		t.learn(req, resp, sent, received)
	}
	return resp, err
}

// WrappedRoundTripper returns the base, for those who look for a transport
// underneath others, as client-go does.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.base }

// CloseIdleConnections closes those of the base.
// [http.Client.CloseIdleConnections] calls it.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *transport) learn(req *http.Request, resp *http.Response, sent, received reading) {
	if !final(resp) || !t.heard(req, resp) {
		return
	}
	date, ok := dateOf(resp.Header)
	if !ok {
		return
	}
	o := Observation{Sent: sent.time(0), Received: received.time(0), Remote: date, Resolution: time.Second}
	if t.homeErr != nil {
		t.clock.ignored(o, t.homeErr)
		return
	}
	t.clock.observe(o, sent, received)
}

// final reports whether resp is the answer of a server that looked at the
// request, rather than of something in between.
func final(resp *http.Response) bool {
	switch resp.StatusCode / 100 {
	case 2:
		return true
	case 4:
		return resp.StatusCode != http.StatusProxyAuthRequired
	}
	return false
}

// heard reports whether resp is from the one origin that is listened to.
func (t *transport) heard(req *http.Request, resp *http.Response) bool {
	home := origin.Of(req.URL)
	if t.clock.Origin != "" && t.homeErr == nil && home != t.home {
		return false
	}
	return trusted(home) && stayed(req, resp)
}

// dateOf returns the one Date in h, if it is the server's time now.
func dateOf(h http.Header) (time.Time, bool) {
	const longestDate = len("Wednesday, 02-Jan-06 15:04:05 GMT") // RFC 850
	dates := h.Values("Date")
	if len(dates) != 1 || len(dates[0]) > longestDate || len(h.Values("Age")) > 0 {
		return time.Time{}, false
	}
	date, err := http.ParseTime(dates[0])
	return date, err == nil
}
