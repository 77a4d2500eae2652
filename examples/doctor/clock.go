package main

import (
	"context"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/skew"
)

// A clock is what a server's clock said when it was asked, without a credential.
type clock struct {
	known bool
	ahead time.Duration // of this machine's; less than 0 is behind, and 0 that they may agree
}

// clockTimeout bounds the question what time it is.
const clockTimeout = 5 * time.Second

// readClock asks the server at a URL what time it is, by the header Date, which is
// good to a second. Redirects are another's to answer, and a cache has an old date.
func readClock(ctx context.Context, transport http.RoundTripper, url string) clock {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return clock{}
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	sent := time.Now()
	resp, err := client.Do(r)
	if err != nil {
		return clock{}
	}
	defer resp.Body.Close()
	received := time.Now()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || date.IsZero() || resp.Header.Get("Age") != "" || resp.StatusCode/100 == 3 {
		return clock{}
	}
	return clock{known: true, ahead: skew.Apart(sent, received, date)}
}
