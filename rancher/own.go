package rancher

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// own returns a token of a client's Source. Client is what errors call it, such as
// "V3".
func own(ctx context.Context, client string, src token.Source) (tok token.Token, err error) {
	if src == nil {
		return token.Token{}, fmt.Errorf("%s.Source is nil: set it to what supplies the tokens for this call", client)
	}
	err = panics.Call(client+".Source", func() error {
		tok, err = src.Token(ctx)
		return err
	})
	if err == nil && tok.IsZero() {
		err = fmt.Errorf("%s.Source gave an empty token and no error", client)
	}
	return tok, err
}

// withOwn has ask make a call with a token of a client's Source. If that is
// refused, a Source that can be told is told, and the call is made once more with
// another.
func withOwn(ctx context.Context, client string, src token.Source, c call, ask func(token.Token) error) error {
	tok, err := own(ctx, client, src)
	if err != nil {
		return c.fail(err)
	}
	err = ask(tok)
	told, ok := src.(token.Invalidator)
	if !ok || !errors.Is(err, ErrNotAuthenticated) {
		return err
	}
	tell := func(refused token.Token) {
		// If it panics, the refusal says more.
		_ = panics.Call(client+".Source", func() error { told.Invalidate(refused); return nil })
	}
	// It was turned away before anything was done, and can be made again. What
	// goes wrong with that says less than the refusal does.
	tell(tok)
	next, failed := own(ctx, client, src)
	if failed != nil || next.Equal(tok) {
		return err
	}
	if err = ask(next); errors.Is(err, ErrNotAuthenticated) {
		tell(next)
	}
	return err
}
