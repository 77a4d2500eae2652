package rancher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// What First can be told in the error of a renewal. They match token.ErrRefused.
var (
	errNoFirst   = token.Refused(errors.New("rancher: there is no token to go on with, and V3Source.First is nil: set it to what supplies one"))
	errFirstDead = token.Refused(errors.New("rancher: V3Source.First supplies a token that was refused a moment ago, and is tried again later: if it stays so, make another API key, or log in again"))
	errClosed    = token.Refused(errors.New("rancher: the V3Source is closed: make another one"))
)

// first returns First's token, to begin a chain with, or to go on with the one
// that it began.
func (r *renewal) first(ctx context.Context) (token.Secret, error) {
	tok, err := r.s.askFirst(ctx, r.chain)
	if err != nil {
		return token.Secret{}, err
	}
	// Beside a confined token First's may be another each time.
	if r.s.Cluster == "" || r.chain.Chain == "" || r.left() <= 0 {
		r.chain.begin(sum(tok), time.Now())
	}
	if r.left() <= 0 {
		return token.Secret{}, r.s.ended(r.chain.began(r.chain.Chain))
	}
	return tok, nil
}

// askFirst asks First for a token that chain does not leave alone. If it has one
// that is, First is told, and asked once more.
func (s *V3Source) askFirst(ctx context.Context, chain v3Chain) (token.Secret, error) {
	if s.First == nil {
		return token.Secret{}, errNoFirst
	}
	for again := false; ; again = true {
		var tok token.Token
		err := panics.Call("V3Source.First", func() (err error) {
			tok, err = s.First.Token(ctx)
			return err
		})
		switch {
		case err != nil:
			return token.Secret{}, fmt.Errorf("rancher: V3Source.First: %w", ours(err))
		case tok.IsZero():
			return token.Secret{}, errors.New("rancher: V3Source.First gave an empty token and no error")
		case !chain.refuses(sum(tok.Value), time.Now()):
			return tok.Value, nil
		}
		first, ok := s.First.(token.Invalidator)
		if !ok || again {
			return token.Secret{}, errFirstDead
		}
		_ = panics.Call("V3Source.First", func() error { first.Invalidate(tok); return nil })
	}
}

// ended returns the error of a chain that has come to its end.
func (s *V3Source) ended(began time.Time) error {
	return token.Refused(fmt.Errorf("rancher: the chain of tokens began %s and may go on for %v, which is over (V3Source.Until): have First supply another token, or raise Until",
		began.UTC().Format(time.RFC3339), s.until()))
}
