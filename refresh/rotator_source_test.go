package refresh_test

import (
	"context"
	"errors"
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
		src := refresh.New(&refresh.Rotator{
			Initial: refresh.Pair{Refresh: token.New(token.NewSecret("first"))},
			Exchanger: refresh.ExchangerFunc(func(context.Context, token.Secret) (refresh.Pair, error) {
				return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Transient, Err: errors.New("nobody is there")}
			}),
		})
		_, err := src.Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), "nobody is there") || strings.Count(err.Error(), "trying again") != 1 {
			t.Errorf("got %v", err)
		}
	})
}
