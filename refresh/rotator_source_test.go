package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A Source and its Rotator each pause, and users are told of the one that they
// wait for.
func TestRotatorUnderASourceTellsOnePause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rotator := &refresh.Rotator{
			Initial: refresh.Pair{Refresh: token.New(token.NewSecret("first"))},
			Exchanger: refresh.ExchangerFunc(func(context.Context, token.Secret) (refresh.Pair, error) {
				return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Transient, Err: errors.New("nobody is there")}
			}),
		}
		within := token.SourceFunc(func(ctx context.Context) (token.Token, error) {
			tok, err := rotator.Token(ctx)
			return tok, fmt.Errorf("around: %w", err)
		})
		for _, base := range []token.Source{rotator, within} {
			_, err := refresh.New(base).Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), "nobody is there; trying again in ") || strings.Count(err.Error(), "trying again") != 1 {
				t.Errorf("got %v", err)
			}
		}
	})
}
