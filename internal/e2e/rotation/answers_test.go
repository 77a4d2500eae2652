package rotation_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/tokenlife/tokenlife/internal/e2e/fosite"
	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// wantOutcome exchanges p, and fails the test unless that fails with outcome o.
func (i issuer) wantOutcome(t *testing.T, p refresh.Pair, o refresh.Outcome, reused bool) {
	t.Helper()
	_, err := i.exchanger().Exchange(t.Context(), p.Refresh.Value)
	i.wantError(t, err, o, reused)
	i.keepsSecrets(t, err, p)
}

func (i issuer) wantError(t *testing.T, err error, o refresh.Outcome, reused bool) {
	t.Helper()
	e, ok := errors.AsType[*refresh.ExchangeError](err)
	if !ok || e.Outcome != o || e.Reused != reused {
		t.Fatalf("got %v, want outcome %v, reused %t", err, o, reused)
	}
	if errors.Is(err, token.ErrRefused) != (o == refresh.Terminal) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("%v matches another sentinel", err)
	}
	t.Logf("%v: %v", o, err)
}

// TestAnswers shows that what these servers say is what it is taken for.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, start := range issuers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := start(t)
			first := i.login(t)
			second, err := i.exchanger().Exchange(t.Context(), first.Refresh.Value)
			if err != nil || second.Refresh.Value.Equal(first.Refresh.Value) || second.Access.ExpiresIn <= 0 {
				t.Fatalf("the first exchange: %v, %v left", err, second.Access.ExpiresIn)
			}
			i.wantCount(t, count{Presented: 1, Different: 1, Exchanged: 1})

			// Used before, and then what becomes of its successor.
			i.wantOutcome(t, first, refresh.Terminal, i.says)
			i.wantCount(t, count{Presented: 2, Different: 1, Exchanged: 1, Revoked: 1})
			i.wantOutcome(t, second, refresh.Terminal, i.says)

			// Never issued.
			i.wantOutcome(t, refresh.Pair{Refresh: token.Token{Value: token.NewSecret("nobody-ever-issued-this")}}, refresh.Terminal, false)

			// Not the refresh token's fault: it is as good as before.
			third := i.login(t)
			other := i
			other.config.ClientSecret = "not the secret"
			other.wantOutcome(t, third, refresh.Transient, false)
			other = i
			other.config.Endpoint.TokenURL += "/elsewhere"
			other.wantOutcome(t, third, refresh.Transient, false)
			if _, err := i.exchanger().Exchange(t.Context(), third.Refresh.Value); err != nil {
				t.Errorf("after that: %v", err)
			}

			fourth := i.login(t)
			i.expire(t, fourth)
			i.wantOutcome(t, fourth, refresh.Terminal, false)
		})
	}
}

// TestRaceAtFosite: of two exchanges at once one is told to retry, and the other
// has a pair that is good.
func TestRaceAtFosite(t *testing.T) {
	t.Parallel()
	s := fosite.Start(t)
	i := issuer{config: s.Config}
	p := oauth2adapt.Pair(s.Login(t))
	s.Collide()
	won, lost := i.race(t, p, 2)
	if len(won) != 1 || len(lost) != 1 {
		t.Fatalf("%d won and %d lost", len(won), len(lost))
	}
	i.wantError(t, lost[0], refresh.Transient, false)
	if _, err := i.exchanger().Exchange(t.Context(), won[0].Refresh.Value); err != nil {
		t.Errorf("the winner's: %v", err)
	}
	if got, want := s.Count(), (fosite.Count{Presented: 3, Different: 2, Exchanged: 2}); got != want {
		t.Errorf("the server counts %+v, want %+v", got, want)
	}
}

// TestRaceAtNode: of ten exchanges at once one has a pair, which the others have
// made worthless. This is what a Rotator is for.
func TestRaceAtNode(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	i := issuer{config: issuerOf(s).config}
	p := s.Login(t, s.Basic)
	won, lost := i.race(t, p, 10)
	if len(won) != 1 {
		t.Fatalf("%d won and %d lost", len(won), len(lost))
	}
	for _, err := range lost {
		i.wantError(t, err, refresh.Terminal, false)
	}
	i.wantOutcome(t, won[0], refresh.Terminal, false)
	if got := s.Count(t); got.Exchanged != 1 || got.Presented != 11 || got.Revoked == 0 {
		t.Errorf("the server counts %+v", got)
	}
}

// race exchanges p n times at once.
func (i issuer) race(t *testing.T, p refresh.Pair, n int) (won []refresh.Pair, lost []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			next, err := i.exchanger().Exchange(t.Context(), p.Refresh.Value)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				lost = append(lost, err)
			} else {
				won = append(won, next)
			}
		})
	}
	wg.Wait()
	return won, lost
}

// TestNobodyThere: a server that is gone has spent nothing.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	i := issuerOf(s)
	p := s.Login(t, s.Basic)
	s.Stop()
	i.wantOutcome(t, p, refresh.Transient, false)
}
