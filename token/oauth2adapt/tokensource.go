package oauth2adapt

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/token"
)

// TokenSource returns src as an [oauth2.TokenSource], for code that wants one.
// Each of its calls is one of src with ctx, since that interface gives a call
// none of its own; it never has a refresh token.
//
// Use it in an [oauth2.Transport]. What [oauth2.NewClient] and
// [oauth2.ReuseTokenSource] put around it keeps each token to its Expiry, by the
// time of day, and one without an Expiry for ever.
func TokenSource(ctx context.Context, src token.Source) oauth2.TokenSource {
	return &tokenSource{ctx, src}
}

type tokenSource struct {
	ctx context.Context
	src token.Source
}

// Token implements [oauth2.TokenSource].
func (s *tokenSource) Token() (*oauth2.Token, error) {
	if s.src == nil {
		return nil, errors.New("oauth2adapt: TokenSource was given no Source")
	}
	asked := time.Now()
	t, err := s.src.Token(s.ctx)
	switch {
	case err != nil:
		return nil, err
	case t.IsZero():
		return nil, errors.New("oauth2adapt: the Source gave an empty token and no error")
	}
	out := &oauth2.Token{AccessToken: t.Value.Reveal(), TokenType: t.Type, Expiry: t.Expiry}
	if t.ExpiresIn != 0 {
		out.Expiry = asked.Add(t.ExpiresIn)
		out.ExpiresIn = max(0, int64(t.ExpiresIn/time.Second))
	}
	return out, nil
}
