package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A program that shows a login looks at it, and has nothing exchanged.
func ExampleRotator_Stored() {
	ctx := context.Background()
	rotator := &refresh.Rotator{
		Exchanger: refresh.ExchangerFunc(func(context.Context, token.Secret) (refresh.Pair, error) {
			return refresh.Pair{}, errors.New("nothing is to be exchanged")
		}),
		Store: new(refresh.Memory), Key: "github", // a *refresh.Dir in earnest
	}
	show := func() {
		p, err := rotator.Stored(ctx)
		switch {
		case errors.Is(err, token.ErrRefused):
			fmt.Println("no login")
		case err != nil:
			fmt.Println("it cannot be told:", err)
		default:
			fmt.Println("logged in, with a token for", p.Access.ExpiresIn.Round(time.Minute))
		}
	}
	show()
	err := rotator.Replace(ctx, refresh.Pair{
		Access:  token.Token{Value: token.NewSecret("a1"), ExpiresIn: time.Hour},
		Refresh: token.Token{Value: token.NewSecret("r1")},
	})
	if err != nil {
		fmt.Println(err)
	}
	show()
	// Output:
	// no login
	// logged in, with a token for 1h0m0s
}
