package main

import (
	"errors"
	"fmt"
	"slices"
)

// verifying measures what it costs to verify a token, and how much of that is
// not the signature's. The latter is a small difference of two large figures,
// so all are taken in the same rounds.
func verifying(r *report) error {
	for _, a := range algorithms() {
		r.progress("verifying " + a.name)
		if err := a.verifying(r); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	return nil
}

func (a algorithm) verifying(r *report) error {
	const most = 0.4 // times golang-jwt's, beside the signature
	signed, signature := a.sign(keyID, claims())
	text := signed + "." + encode(signature)
	bare := &runner{do: func() error {
		if !a.bare(signed, signature) {
			return errors.New("a wrong signature")
		}
		return nil
	}}
	rs := each(libraries(), func(l library) *runner {
		verify := l.verifier(a)
		return &runner{do: func() error { return verify(text) }}
	})
	if err := takeTurns(pick(r, 1600, 10), append(rs, bare)...); err != nil {
		return err
	}

	took := each(rs, (*runner).time)
	first := slices.Min(took[1:])
	r.add(row{
		name:  a.name + ": µs a token",
		cells: each(took, micros),
		ratio: fmt.Sprintf("%.2f × %.1f", took[0]/first, first),
		bar:   "first",
		ok:    took[0] < first,
		timed: true,
	})
	beside := each(took, func(x float64) float64 { return x - bare.time() })
	ratio := beside[0] / beside[1]
	r.add(row{
		name:  fmt.Sprintf("  beside the %.1f of the signature", bare.time()),
		cells: each(beside, micros),
		ratio: fmt.Sprintf("%.2f × %.1f", ratio, beside[1]),
		bar:   fmt.Sprintf("≤ %.1f", most),
		ok:    ratio <= most,
		timed: true,
	})
	const parts = 5 // how far each is from the whole says how certain that is
	var ratios []float64
	for i := range parts {
		from, to := len(bare.turns)*i/parts, len(bare.turns)*(i+1)/parts
		signature := bare.timeIn(from, to)
		ratios = append(ratios, (rs[0].timeIn(from, to)-signature)/(rs[1].timeIn(from, to)-signature))
	}
	r.add(row{
		name:  "  the same in each fifth of the rounds",
		ratio: fmt.Sprintf("%.2f to %.2f", slices.Min(ratios), slices.Max(ratios)),
	})
	r.add(row{name: "  allocations", cells: each(each(rs, (*runner).allocs), count)})
	return nil
}
