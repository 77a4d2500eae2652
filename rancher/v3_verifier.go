package rancher

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokenlife/tokenlife/token"
)

// A V3Verifier has Rancher 2.x judge the tokens that are presented to a service,
// by asking with each who its user is. It is a [token.Verifier]; put a
// [token.VerifierCache] before it.
//
// A token of Rancher's is for nobody in particular: it has no audience. Whoever
// is given one can do with it all that its user may, so that a service which takes
// them must be trusted as much as Rancher itself.
//
// Rancher refuses a token that has expired, one that was revoked, one that never
// was, and that of a disabled user alike. It also does so for a moment when it
// cannot read what it knows of a good one.
type V3Verifier struct {
	Client *V3 // required; its Source is not used
}

// Verify asks Rancher about a token. It implements [token.Verifier].
//
// The claims have the user's id as Subject, the token's name as ID, if it has
// one, and the URL of the server as Issuer. The dates of a token are not to be
// had from itself.
//
// What cannot be a token of Rancher 2.x is [token.ErrMalformed], and nobody is
// asked. One that Rancher refuses is [token.ErrRevoked]; so is one confined to a
// cluster, which is no good for saying who its user is. Anything else is no
// verdict.
func (v *V3Verifier) Verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	if v == nil || v.Client == nil {
		return token.Claims{}, errors.New("rancher: V3Verifier.Client is nil: set it to where Rancher is")
	}
	b, err := parseBearer(presented.Reveal())
	if err != nil {
		return token.Claims{}, fmt.Errorf("%w: no token of Rancher 2.x: %w", token.ErrMalformed, err)
	}
	p, err := v.Client.Probe(ctx, presented)
	switch {
	case err != nil:
		return token.Claims{}, err // it has nothing to say of a token, nor of a credential of our own
	case !p.Live:
		return token.Claims{}, fmt.Errorf("%w: the server does not accept it", token.ErrRevoked)
	case p.User.ID == "":
		return token.Claims{}, errors.New("rancher: the token is good, and the server does not let it say who its user is: have the user given the role User-Base")
	}
	return token.Claims{Issuer: v.Client.Server.URL, Subject: p.User.ID, ID: b.Name}, nil
}
