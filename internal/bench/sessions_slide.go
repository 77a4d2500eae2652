package main

import (
	"fmt"
	"net/http"
	"time"
)

// slidingSessions counts how often a session's cookie is set while it is used
// much, in a tenth of the time that it lasts without use: begun where that makes
// most of it.
func slidingSessions(r *report) error {
	const (
		requests = 1000
		idle     = 30 * time.Minute // that of a Manager as it comes
		most     = 1
	)
	now := time.Now()
	b, err := logIn(func() time.Time { return now })
	if err != nil {
		return err
	}
	now = now.Add(idle / 20)
	handler := b.sessions.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	set := 0
	for range requests {
		w := make(response)
		handler.ServeHTTP(w, b.request)
		if n := len(w["Set-Cookie"]); n > 0 {
			set += n
			if err := b.take(w); err != nil {
				return err
			}
		}
		now = now.Add(idle / 10 / requests)
	}
	if _, err := b.sessions.Load(b.request); err != nil {
		return err
	}
	r.add(row{
		name:  "Set-Cookie, 1000 requests in Idle/10",
		cells: []string{count(float64(set))},
		bar:   fmt.Sprintf("≤ %d", most),
		ok:    set <= most,
	})
	return nil
}
