package refresh_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

func loggedIn(access, refreshing string) (p refresh.Pair) {
	if access != "" {
		p.Access = token.Token{Value: token.NewSecret(access), ExpiresIn: time.Hour}
	}
	p.Refresh = token.New(token.NewSecret(refreshing))
	return p
}

// A pair of the former login that comes when there is a new one is not taken in
// hand, and nobody is given its access token, not even while the Store is away.
func TestRotatorBelatedPairAfterNewLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		late := make(chan refresh.Pair)
		store := &storetest.Faulty{Store: new(refresh.Memory)}
		r := &refresh.Rotator{
			Store: store, Key: "k", Initial: loggedIn("", "old"),
			Exchanger: refresh.ExchangerFunc(func(context.Context, token.Secret) (refresh.Pair, error) { return <-late, nil }),
		}
		if _, err := r.Token(t.Context()); err == nil {
			t.Fatal("no error from an Exchanger that does not return")
		}
		if err := r.Replace(t.Context(), loggedIn("of the new login", "new")); err != nil {
			t.Fatal(err)
		}
		store.Script = func(storetest.Call) storetest.Fault { return storetest.Fail }
		late <- loggedIn("of the old login", "late")
		synctest.Wait()
		got, err := r.Token(t.Context())
		if err != nil || got.Value.Reveal() != "of the new login" {
			t.Errorf("got the access token %s (%v)", got.Value.Reveal(), err)
		}
	})
}

// The pause after a failure is that of the login which failed.
func TestRotatorNewLoginEndsThePause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &refresh.Rotator{
			Initial: loggedIn("", "old"),
			Exchanger: refresh.ExchangerFunc(func(_ context.Context, s token.Secret) (refresh.Pair, error) {
				if s.Reveal() == "old" {
					return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Transient, Wait: time.Minute, Err: errors.New("busy")}
				}
				return loggedIn("of the new login", "next"), nil
			}),
		}
		if _, err := r.Token(t.Context()); err == nil {
			t.Fatal("no error from a busy issuer")
		}
		if err := r.Replace(t.Context(), loggedIn("", "new")); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Token(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
