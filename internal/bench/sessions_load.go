package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// loadingSessions measures what it costs to find the session that a request
// carries in its cookie: by itself, and without the reading of JSON, which all
// need.
func loadingSessions(r *report) error {
	const (
		most       = 0.85 // times securecookie's
		mostOpen   = 0.35 // times go-jose's parse and decrypt
		mostAllocs = 6
		mostRSA    = 0.02 // times what the Dashboard does with its own
	)
	b, text, secure, err := logInToBoth()
	if err != nil {
		return err
	}
	openJOSE, err := b.gojose()
	if err != nil {
		return err
	}
	openRSA, err := dashboardOpener()
	if err != nil {
		return err
	}
	load := &runner{do: func() error {
		s, err := b.sessions.Load(b.request)
		if err == nil && s.ID != b.kept.ID {
			err = errors.New("another session")
		}
		return err
	}}
	read := &runner{do: func() error {
		var s struct { // what a Manager reads
			Version int     `json:"v"`
			ID      string  `json:"id"`
			Login   string  `json:"login"`
			Subject string  `json:"sub"`
			Epoch   int64   `json:"epoch"`
			Began   int64   `json:"began"`
			Seen    int64   `json:"seen"`
			Data    account `json:"data"`
		}
		return json.Unmarshal(text, &s)
	}}
	decode := &runner{do: func() error {
		got, err := secure.load(secure.request)
		if err == nil && got.ID != b.kept.ID {
			err = errors.New("another session")
		}
		return err
	}}
	jose, rsa := &runner{do: openJOSE}, &runner{do: openRSA}
	if err := takeTurns(pick(r, 1600, 10), load, read, decode, jose, rsa); err != nil {
		return err
	}

	took, theirs := load.time(), decode.time()
	r.add(row{
		name:  "a session, from its cookie: µs",
		cells: []string{micros(took), micros(theirs)},
		ratio: fmt.Sprintf("%.2f × %.1f", took/theirs, theirs),
		bar:   fmt.Sprintf("≤ %.2f", most),
		ok:    took/theirs <= most,
		timed: true,
	})
	r.add(row{name: "  allocations", cells: each([]*runner{load, decode}, func(x *runner) string { return count(x.allocs()) })})
	rest, opened := took-read.time(), jose.time()
	r.add(row{
		name:  fmt.Sprintf("  less the %.1f of json.Unmarshal", read.time()),
		cells: []string{micros(rest), micros(theirs - read.time()), micros(opened)},
		ratio: fmt.Sprintf("%.2f × %.1f", rest/opened, opened),
		bar:   fmt.Sprintf("≤ %.2f", mostOpen),
		ok:    rest/opened <= mostOpen,
		timed: true,
	})
	restAllocs := load.allocs() - read.allocs()
	r.add(row{
		name:  "    allocations",
		cells: []string{count(restAllocs), count(decode.allocs() - read.allocs()), count(jose.allocs())},
		bar:   fmt.Sprintf("≤ %d", mostAllocs),
		ok:    restAllocs <= mostAllocs,
	})
	key := rsa.time()
	r.add(row{
		name:  "  all of it, beside a Dashboard's open",
		cells: []string{micros(took), "-", "-", micros(key)},
		ratio: fmt.Sprintf("%.3f × %.0f", took/key, key),
		bar:   fmt.Sprintf("≤ %.2f", mostRSA),
		ok:    took/key <= mostRSA,
		timed: true,
	})
	return nil
}
