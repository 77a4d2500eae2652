package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// opening measures what it costs to open a JWE under a shared key (dir,
// A256GCM), and to judge the claims in it.
func opening(r *report) error {
	const most = 0.4 // times go-jose
	b, err := boxed(claims())
	if err != nil {
		return err
	}
	opened := func(open func() ([]byte, error)) func() error {
		return func() error {
			plaintext, err := open()
			if err == nil && !bytes.Equal(plaintext, claims()) {
				err = errors.New("another plaintext")
			}
			return err
		}
	}
	ring := &runner{do: opened(func() ([]byte, error) {
		return b.ring.Open(context.Background(), boxPurpose, boxPlace, b.text)
	})}
	all := []*runner{ring}
	runners := func(do func(l library) func() error) []*runner {
		return each(libraries(), func(l library) *runner {
			if l.opener == nil {
				return nil
			}
			x := &runner{do: do(l)}
			all = append(all, x)
			return x
		})
	}
	open := runners(func(l library) func() error { return opened(l.opener(b)) })
	judge := runners(func(l library) func() error { return l.judge(b) })
	if err := takeTurns(pick(r, 800, 10), all...); err != nil {
		return err
	}

	const gojose = 2
	for _, m := range []struct {
		name    string
		ours    *runner
		columns []*runner
		bar     string
	}{
		{"JWE, dir + A256GCM, opened by Keyring: µs", ring, open, fmt.Sprintf("≤ %.1f", most)},
		{"  by jwe.Decrypter", open[0], open, fmt.Sprintf("≤ %.1f", most)},
		{"  and its claims judged, by jwe.Policy", judge[0], judge, ""},
	} {
		columns := append([]*runner{m.ours}, m.columns[1:]...)
		cells := func(format func(*runner) string) []string {
			return each(columns, func(x *runner) string {
				if x == nil {
					return "-"
				}
				return format(x)
			})
		}
		peer := columns[gojose].time()
		ratio := m.ours.time() / peer
		r.add(row{
			name:  m.name,
			cells: cells(func(x *runner) string { return micros(x.time()) }),
			ratio: fmt.Sprintf("%.2f × %.1f", ratio, peer),
			bar:   m.bar,
			ok:    ratio <= most,
			timed: true,
		})
		r.add(row{name: "    allocations", cells: cells(func(x *runner) string { return count(x.allocs()) })})
	}
	return nil
}

// A box is a text that a Keyring has sealed.
type box struct {
	ring *seal.Keyring
	text string

	kid string // of the key below, for those who have no Keyring
	key []byte
}

const boxPurpose, boxPlace = "bench", "0"

// boxed seals plaintext.
func boxed(plaintext []byte) (box, error) {
	ring := &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("s", 32))}}
	text, err := ring.Seal(context.Background(), boxPurpose, boxPlace, plaintext)
	if err != nil {
		return box{}, err
	}
	return boxOf(ring, boxPurpose, text)
}

// boxOf returns the box of a text that ring has sealed for purpose.
func boxOf(ring *seal.Keyring, purpose, text string) (box, error) {
	segment, _, _ := strings.Cut(text, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		return box{}, err
	}
	var header struct{ Kid string }
	if err := json.Unmarshal(decoded, &header); err != nil {
		return box{}, err
	}
	key, err := ring.Key(context.Background(), header.Kid, purpose)
	return box{ring, text, header.Kid, []byte(key.Reveal())}, err
}
