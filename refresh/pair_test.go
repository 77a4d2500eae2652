package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

func TestOutcomeString(t *testing.T) {
	t.Parallel()
	for o, want := range map[refresh.Outcome]string{
		refresh.Unknown: "unknown", refresh.Transient: "transient", refresh.Terminal: "terminal", 7: "Outcome(7)",
	} {
		if got := o.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestExchangeError(t *testing.T) {
	t.Parallel()
	cause := errors.New("refresh: POST https://issuer.example/token: 503")
	err := fmt.Errorf("wrapped: %w", &refresh.ExchangeError{Outcome: refresh.Transient, Wait: time.Minute, Err: cause})
	if !errors.Is(err, cause) || token.RetryAfter(err) != time.Minute || !strings.HasSuffix(err.Error(), cause.Error()) {
		t.Errorf("got %v, to be retried after %v", err, token.RetryAfter(err))
	}
	if got := (&refresh.ExchangeError{Outcome: refresh.Terminal}).Error(); !strings.Contains(got, "terminal") {
		t.Errorf("without a cause: %q", got)
	}
	// A salvaged refresh token is in it, and is not printed.
	salvaged := &refresh.ExchangeError{Refresh: token.Token{Value: token.NewSecret("hunter2")}, Err: cause}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, *salvaged) + fmt.Sprintf(verb, salvaged); strings.Contains(text, "hunter2") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// That a refresh token was reused or lost means a new login, and blames nobody
// who presented a token to us.
func TestRefusedErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{refresh.ErrReused, refresh.ErrLost} {
		if !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%v: refused %t, invalid %t", err, errors.Is(err, token.ErrRefused), errors.Is(err, token.ErrInvalid))
		}
	}
	if errors.Is(refresh.ErrReused, refresh.ErrLost) {
		t.Error("reused is lost")
	}
}

func TestExchangerFunc(t *testing.T) {
	t.Parallel()
	var e refresh.Exchanger = refresh.ExchangerFunc(func(_ context.Context, s token.Secret) (refresh.Pair, error) {
		return refresh.Pair{Refresh: token.Token{Value: s}}, nil
	})
	p, err := e.Exchange(t.Context(), token.NewSecret("x"))
	if err != nil || p.Refresh.Value.Reveal() != "x" {
		t.Error(err)
	}
}
