package main

import "fmt"

// inspecting measures what it costs to read when a token expires.
func inspecting(r *report) error {
	const mostTime, mostAllocs = 0.5, 8 // times golang-jwt
	text := rs256().token(keyID, claims())
	rs := each(libraries(), func(l library) *runner {
		return &runner{do: func() error {
			_, err := l.expiry(text)
			return err
		}}
	})
	if err := takeTurns(pick(r, 800, 10), rs...); err != nil {
		return err
	}
	took := each(rs, (*runner).time)
	ratio := took[0] / took[1]
	r.add(row{
		name:  "exp read, unverified: µs",
		cells: each(took, micros),
		ratio: fmt.Sprintf("%.2f × %.1f", ratio, took[1]),
		bar:   fmt.Sprintf("≤ %.1f", mostTime),
		ok:    ratio <= mostTime,
		timed: true,
	})
	allocs := each(rs, (*runner).allocs)
	r.add(row{
		name:  "  allocations",
		cells: each(allocs, count),
		bar:   fmt.Sprintf("≤ %d", mostAllocs),
		ok:    allocs[0] <= mostAllocs,
	})
	return nil
}
