package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// An issuer that takes each refresh token once. A program would use
// oauth2adapt.Exchanger here.
var onceOnly = refresh.ExchangerFunc(func(_ context.Context, presented token.Secret) (refresh.Pair, error) {
	fmt.Println("exchanging", presented)
	return refresh.Pair{
		Access:  token.Token{Value: token.NewSecret("2YotnFZFEjr1zCsicMWpAA"), ExpiresIn: time.Hour},
		Refresh: token.Token{Value: token.NewSecret("tGzv3JOkF0XG5Qx2TlKWIA")},
	}, nil
})

// Two runs of a program share one login. The first exchanges the refresh token,
// the second finds the new pair in the Store.
func ExampleRotator() {
	store := new(refresh.Memory) // outlives the runs, as a Dir does
	login := refresh.Pair{Refresh: token.Token{Value: token.NewSecret("8xLOxBtZp8")}}
	for run := range 2 {
		src := refresh.New(&refresh.Rotator{
			Exchanger: onceOnly,
			Initial:   login,
			Store:     store,
			Key:       "user@issuer.example",
		})
		t, err := src.Token(context.Background())
		fmt.Println("run", run, "has", t.Value, err)
	}
	// Output:
	// exchanging [redacted]
	// run 0 has [redacted] <nil>
	// run 1 has [redacted] <nil>
}

// A login that is over says so in one way, whatever the reason: then somebody
// has to log in again, and Replace goes on with what they get.
func ExampleRotator_Replace() {
	r := &refresh.Rotator{
		Exchanger: refresh.ExchangerFunc(func(ctx context.Context, presented token.Secret) (refresh.Pair, error) {
			if presented.Reveal() == "8xLOxBtZp8" {
				return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Terminal, Err: errors.New("invalid_grant: expired")}
			}
			return onceOnly(ctx, presented)
		}),
		Initial: refresh.Pair{Refresh: token.Token{Value: token.NewSecret("8xLOxBtZp8")}},
	}
	ctx := context.Background()
	_, err := r.Token(ctx)
	if errors.Is(err, token.ErrRefused) {
		fmt.Println(err)
		err = r.Replace(ctx, refresh.Pair{Refresh: token.Token{Value: token.NewSecret("a new login")}})
	}
	fmt.Println(err)
	t, err := r.Token(ctx)
	fmt.Println(t.Value, err)
	// Output:
	// refresh: pair: the refresh token was refused for good: invalid_grant: expired; log in again
	// <nil>
	// exchanging [redacted]
	// [redacted] <nil>
}

// What somebody has to act on is told apart from what is only logged.
func ExampleRotator_alerting() {
	r := &refresh.Rotator{
		Exchanger: refresh.ExchangerFunc(func(context.Context, token.Secret) (refresh.Pair, error) {
			return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Terminal, Reused: true, Err: errors.New("invalid_grant: used before")}
		}),
		Initial: refresh.Pair{Refresh: token.Token{Value: token.NewSecret("8xLOxBtZp8")}},
		OnEvent: func(e refresh.Event) {
			switch e.Kind {
			case refresh.Died, refresh.Unsaved, refresh.StoreFailed, refresh.RolledBack:
				fmt.Println("alert:", e.Kind, errors.Is(e.Err, refresh.ErrReused))
			default:
				slog.Info("pair", "event", e)
			}
		},
	}
	_, err := r.Token(context.Background())
	fmt.Println(errors.Is(err, token.ErrRefused))
	// Output:
	// alert: died true
	// true
}

// A logout tells the issuer, and leaves nothing secret in the Store.
func ExampleRotator_Forget() {
	r := &refresh.Rotator{
		Exchanger: onceOnly,
		Initial:   refresh.Pair{Refresh: token.Token{Value: token.NewSecret("8xLOxBtZp8")}},
		Revoke: func(_ context.Context, presented token.Secret) error {
			fmt.Println("revoking", presented)
			return nil
		},
	}
	ctx := context.Background()
	fmt.Println(r.Forget(ctx))
	_, err := r.Token(ctx)
	fmt.Println(errors.Is(err, token.ErrRefused))
	// Output:
	// revoking [redacted]
	// <nil>
	// true
}
