package token

import (
	"context"
	"net/http"
)

// A Guard lets in requests whose bearer token its Verifier approves, as [Require]
// does, and tells of those that it does not let in.
//
// The fields must be set before first use. A Guard is then safe for concurrent
// use.
type Guard struct {
	// Verifier judges the tokens. Required.
	Verifier Verifier

	// OnRefusal, if not nil, is for logs and metrics. It is called for each
	// request that is not let in, before that is answered, with the error of
	// [FromRequest], such as [ErrNoToken], or of the Verifier, or of a
	// [RequireScope] inside, which matches [ErrScope]. It runs in the request's
	// goroutine; a panic in it goes up to the server, and the request stays out.
	//
	// The errors of this module hold no token, but names and dates that are for
	// this side's logs and not for clients. To tell tokens apart, take
	// [Secret.Fingerprint] of what FromRequest returns.
	OnRefusal func(*http.Request, error)
}

// Require returns a handler that calls next only for requests whose bearer token
// g's Verifier approves, and answers others as [Require] does. It panics if next,
// g or its Verifier is nil.
func (g *Guard) Require(next http.Handler) http.Handler {
	if g == nil || g.Verifier == nil || next == nil {
		panic("token: Require needs a Verifier and a Handler, and one of them is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		presented, err := FromRequest(r)
		if err != nil {
			g.tell(r, err)
			refuseHeader(w, err)
			return
		}
		claims, err := g.Verifier.Verify(r.Context(), presented)
		if err != nil {
			g.tell(r, err)
			refuseToken(w, r, err)
			return
		}
		ctx := NewContext(r.Context(), claims)
		if g.OnRefusal != nil {
			ctx = context.WithValue(ctx, guardKey{}, g)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// tell tells of a request that is not let in.
func (g *Guard) tell(r *http.Request, err error) {
	if g.OnRefusal != nil {
		g.OnRefusal(r, err)
	}
}

type guardKey struct{}

// guardOf returns the innermost Guard with an OnRefusal that has let a request
// with this context in, or one that tells nobody.
func guardOf(ctx context.Context) *Guard {
	if g, ok := ctx.Value(guardKey{}).(*Guard); ok {
		return g
	}
	return &Guard{}
}
