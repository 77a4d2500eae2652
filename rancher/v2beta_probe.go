package rancher

import (
	"context"
	"errors"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// Probe asks about a token (GET /v2-beta/token), and with an empty one about the
// server: whether access control is on, by which provider, and where a browser
// logs in.
//
// A token that has expired and one that never was look alike: neither is live,
// and Err says nothing.
func (c *V2Beta) Probe(ctx context.Context, tok token.Secret) (Probe, error) {
	ask := call{op: "probe a token", method: http.MethodGet, path: "/v2-beta/token", header: v2betaHeader()}
	var text string
	if !tok.IsZero() {
		var err error
		if text, err = v2betaText(tok); err != nil {
			return Probe{}, ask.fail(err)
		}
		ask.present = func(r *http.Request) { setV2BetaCookie(r, text) }
	}
	a, err := c.Server.do(ctx, ask)
	if err != nil {
		return Probe{}, err
	}
	if a.status != http.StatusOK {
		failure := v2betaError(a)
		for _, verdict := range []error{ErrProviderChanged, ErrNoAccess, ErrNotAuthenticated} {
			if text != "" && errors.Is(failure, verdict) && read(a).isError {
				return Probe{Err: verdict}, nil
			}
		}
		return Probe{}, failure
	}
	t, err := parseV2BetaTokens(a)
	if err != nil {
		return Probe{}, a.unreadable(err)
	}
	p := Probe{
		Open:        t.isOpen(),
		Provider:    line(t.AuthProvider),
		RedirectURL: browsable(value(t.RedirectURL)),
	}
	if !t.isLive() {
		return p, nil
	}
	// It repeats what it was sent.
	if echo, err := v2betaText(*t.JWT); err != nil || !token.NewSecret(echo).Equal(token.NewSecret(text)) {
		return Probe{}, a.odd("the answer is about another token", "does a cache or a proxy answer in the server's place?")
	}
	p.Live, p.User = true, t.who()
	return p, nil
}
