package main

import (
	"fmt"
	"net/http"
	"reflect"
)

// savingSessions measures what it costs to seal a session and to set its cookie,
// and how long that is.
func savingSessions(r *report) error {
	const (
		most      = 1.0 // times securecookie's
		mostBytes = 0.9
	)
	b, text, secure, err := logInToBoth()
	if err != nil {
		return err
	}
	ours, theirs := make(response), make(response)
	save := &runner{do: func() error {
		clear(ours)
		return b.sessions.Save(ours, b.request, b.session)
	}}
	encode := &runner{do: func() error {
		clear(theirs)
		return secure.save(theirs, b.kept)
	}}
	if err := takeTurns(pick(r, 1600, 10), save, encode); err != nil {
		return err
	}
	for _, x := range []struct {
		w    response
		load func(*http.Request) (kept, error)
	}{{ours, b.load}, {theirs, secure.load}} {
		cookie, err := x.w.cookie()
		if err != nil {
			return err
		}
		got, err := x.load(requestWith(cookie))
		got.Seen = b.kept.Seen
		if err != nil || !reflect.DeepEqual(got, b.kept) {
			return fmt.Errorf("what was saved is not what is loaded: %+v, %v", got, err)
		}
	}

	took, peer := save.time(), encode.time()
	r.add(row{
		name:  "a session saved: µs",
		cells: []string{micros(took), micros(peer)},
		ratio: fmt.Sprintf("%.2f × %.1f", took/peer, peer),
		bar:   fmt.Sprintf("≤ %.1f", most),
		ok:    took/peer <= most,
		timed: true,
	})
	r.add(row{name: "  allocations", cells: each([]*runner{save, encode}, func(x *runner) string { return count(x.allocs()) })})
	size, peerSize := float64(len(b.cookie.Value)), float64(len(secure.cookie.Value))
	r.add(row{
		name:  "  its cookie: bytes",
		cells: []string{count(size), count(peerSize)},
		ratio: fmt.Sprintf("%.2f × %.0f", size/peerSize, peerSize),
		bar:   fmt.Sprintf("≤ %.1f", mostBytes),
		ok:    size/peerSize <= mostBytes,
	})
	r.add(row{name: "  the JSON in it: bytes", cells: []string{count(float64(len(text))), count(keptSize)}})
	return nil
}
