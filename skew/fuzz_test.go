package skew

import (
	"encoding/binary"
	"net/http"
	"testing"
	"time"
)

// Whatever is observed, nothing panics, and at every moment the bounds are in
// order with Now between them.
func FuzzObserve(f *testing.F) {
	f.Add(int64(0), int64(0), []byte("seed"))
	f.Add(int64(-1), int64(3600), make([]byte, 34*3))
	f.Add(int64(-1<<63), int64(1<<62), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03\x00"))
	f.Fuzz(func(t *testing.T, most, offset int64, data []byte) {
		now := genesis
		c := Clock{Max: time.Duration(most)}
		c.read = func() reading { return readingOf(now) }
		next := func() (n int64) {
			if len(data) < 8 {
				data = nil
				return 0
			}
			n = int64(binary.LittleEndian.Uint64(data))
			data = data[8:]
			return n
		}
		for range 8 {
			// Times anywhere, or near each other.
			flags := next()
			sent, received, remote := time.Unix(next(), 0), time.Unix(next(), next()), time.Unix(next(), 0)
			if flags&1 != 0 {
				sent = now
			}
			if flags&2 != 0 {
				received = sent.Add(time.Duration(next() % int64(20*time.Second)))
			}
			if flags&4 != 0 {
				remote = received.Add(time.Duration(next()))
			}
			c.Observe(Observation{Sent: sent, Received: received, Remote: remote, Resolution: time.Duration(next()), AtLeast: flags&8 != 0})
			if flags&16 != 0 {
				now = now.Add(time.Duration(next()))
			}
			earliest, latest := c.Bounds()
			if latest.Before(earliest) {
				t.Fatalf("Bounds = %v, %v", earliest, latest)
			}
			if at := c.Now(); at.Before(earliest) || at.After(latest) {
				t.Fatalf("Now = %v, not within [%v, %v]", at, earliest, latest)
			}
			if e := c.Estimate(); e.Error < 0 || e.Samples < 0 {
				t.Fatalf("Estimate = %+v", e)
			}
			c.BoundsAt(remote)
		}
	})
}

// Whatever a server sends for a Date, nothing panics and nobody follows it
// further than Max.
func FuzzDate(f *testing.F) {
	for _, date := range []string{"", "Thu, 01 Jan 2026 00:00:01 GMT", "Thursday, 01-Jan-26 00:00:01 GMT", "Thu Jan  1 00:00:01 2026",
		"Thu, 01 Jan 0001 00:00:00 GMT", "Thu, 31 Dec 9999 23:59:59 GMT", "Sat, 32 Jan 2026 00:00:60 GMT", "0", "\x00"} {
		f.Add(date, "", 200)
		f.Add(date, "0", 401)
	}
	f.Fuzz(func(t *testing.T, date, age string, status int) {
		var c Clock
		rt := c.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
			h := http.Header{"Date": {date}}
			if age != "" {
				h.Set("Age", age)
			}
			return &http.Response{StatusCode: status, Header: h, Request: r}, nil
		}))
		if _, err := rt.RoundTrip(get(t, sampleURL)); err != nil {
			t.Fatal(err)
		}
		e := c.Estimate()
		if e.Samples != 0 && (age != "" || status < 200) {
			t.Errorf("status %d, Age %q, Date %q was observed", status, age, date)
		}
		if e.Offset.Abs() > defaultMax+time.Minute {
			t.Errorf("Date %q was followed: %+v", date, e)
		}
	})
}
