package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/ory/fosite/handler/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// login is who logged in, where, and for what, at all issuers measured.
var login = refresh.Grant{Subject: "alice", Client: "cli", Scope: "notes:read"}

// newIssuer returns an Issuer that keeps its families in s, with its key and
// whatever is not said here as they come. Its access tokens are text.
func newIssuer(s refresh.Store, text func() (string, error)) *refresh.Issuer {
	return &refresh.Issuer{
		Mint: func(context.Context, refresh.Grant) (token.Token, error) {
			t, err := text()
			return token.Token{Value: token.NewSecret(t), ExpiresIn: time.Hour}, err
		},
		Keys:  &seal.Keyring{Keys: []token.Secret{token.NewSecret(string(make([]byte, 32)))}},
		Store: s,
	}
}

// opaque makes an access token that says nothing.
func opaque() (string, error) { return rand.Text(), nil }

// A family is a login at an Issuer, by whoever has its refresh token.
type family struct {
	issuer  *refresh.Issuer
	refresh token.Secret
}

func begin(ctx context.Context, i *refresh.Issuer) (*family, error) {
	p, err := i.Begin(ctx, login)
	return &family{i, p.Refresh.Value}, err
}

// rotate trades the refresh token for the next.
func (f *family) rotate(ctx context.Context) error {
	p, err := f.issuer.Exchange(ctx, refresh.Request{Refresh: f.refresh, Client: login.Client})
	if err == nil {
		f.refresh = p.Refresh.Value
	}
	return err
}

// rotating measures one rotation of one family in memory, without HTTP. Access
// tokens are numbers, at both ends, so that it is the rotation that is measured;
// and then what fosite's own strategy makes, at both ends, which is a good part
// of the whole.
func rotating(r *report) error {
	const (
		most       = 0.2 // times fosite's
		mostAllocs = 40
	)
	took, allocs, err := rotatingBoth(r, &numbered{CoreStrategy: fositeHMAC()})
	if err != nil {
		return err
	}
	r.add(row{
		name:  "one rotation at the issuer: µs",
		cells: each(took, micros),
		ratio: fmt.Sprintf("%.2f × %.1f", took[0]/took[1], took[1]),
		bar:   fmt.Sprintf("≤ %.2f", most),
		ok:    took[0]/took[1] <= most,
		timed: true,
	})
	took, hmacAllocs, err := rotatingBoth(r, fositeHMAC())
	if err != nil {
		return err
	}
	r.add(row{
		name:  "  with access tokens by fosite's HMAC",
		cells: each(took, micros),
		ratio: fmt.Sprintf("%.2f × %.1f", took[0]/took[1], took[1]),
	})
	for _, x := range []struct {
		name   string
		allocs []float64
	}{{"one rotation at the issuer: allocations", allocs}, {"  with access tokens by fosite's HMAC", hmacAllocs}} {
		r.add(row{
			name:  x.name,
			cells: each(x.allocs, count),
			bar:   fmt.Sprintf("≤ %d", mostAllocs),
			ok:    x.allocs[0] <= mostAllocs,
		})
	}
	return nil
}

// rotatingBoth returns how many microseconds a rotation takes, and how many
// allocations, ours and fosite's, with access tokens by s.
func rotatingBoth(r *report, s oauth2.CoreStrategy) (took, allocs []float64, err error) {
	ctx := context.Background()
	peer := newFosite(s)
	theirs, err := peer.begin(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("fosite: %w", err)
	}
	f, err := begin(ctx, newIssuer(new(refresh.Memory), func() (string, error) {
		text, _, err := s.GenerateAccessToken(ctx, nil)
		return text, err
	}))
	if err != nil {
		return nil, nil, err
	}
	rs := []*runner{
		{do: func() error { return f.rotate(ctx) }},
		{do: func() (err error) {
			theirs, err = peer.exchange(ctx, theirs)
			return err
		}},
	}
	err = takeTurns(pick(r, 1600, 10), rs...)
	return each(rs, (*runner).time), each(rs, (*runner).allocs), err
}
