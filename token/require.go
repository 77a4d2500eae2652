package token

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// Require returns a handler that calls next only for requests whose bearer
// token v approves. [FromContext] gives next the claims. Others are answered as
// RFC 6750 section 3 asks:
//
//   - 401 if there is no token, or one that v calls [ErrInvalid]. The client
//     learns the kind of fault, such as that the token has expired, and nothing
//     more of v's error.
//   - 400 if there is an Authorization header that [FromRequest] cannot read,
//     with what is wrong with it.
//   - 503 if v could not tell. If its error says when to come back, the client
//     learns it: see [RetryAfter].
//
// A [Guard] does the same and tells this side what it answered so, and why. What
// a token must allow beyond that, [RequireScope] and [ForAudience] ask.
// All methods are treated alike: where a browser's preflight requests, which
// carry no token, are to be answered, that is done before Require.
//
// Neither argument may be nil: Require panics rather than let requests in.
func Require(v Verifier, next http.Handler) http.Handler {
	return (&Guard{Verifier: v}).Require(next)
}

// FromContext returns the claims that [Require] verified for the request whose
// context this is, or that were given to [NewContext].
func FromContext(ctx context.Context) (Claims, bool) {
	claims, ok := ctx.Value(claimsKey{}).(Claims)
	return claims, ok
}

// NewContext returns a context from which [FromContext] gets claims: for tests
// of handlers that run inside [Require], and for servers other than net/http
// that have a [Verifier] decide. Whoever calls it vouches for the claims.
func NewContext(ctx context.Context, claims Claims) context.Context {
	return context.WithValue(ctx, claimsKey{}, claims)
}

type claimsKey struct{}

// refuseHeader answers a request in which [FromRequest] finds no token.
func refuseHeader(w http.ResponseWriter, err error) {
	if errors.Is(err, ErrNoToken) {
		// RFC 6750 section 3.1: no error code for who did not try. The realm
		// is there because section 3 wants at least one parameter.
		refuse(w, http.StatusUnauthorized, `Bearer realm="api"`, "a bearer token is needed")
		return
	}
	// What is left is in FromRequest's own words, and none of the header's.
	fault := strings.TrimPrefix(err.Error(), ErrMalformed.Error()+": ")
	refuse(w, http.StatusBadRequest, `Bearer error="invalid_request", error_description="`+fault+`"`, fault)
}

// refuseToken answers a request whose token a Verifier does not approve.
func refuseToken(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrInvalid) && r.Context().Err() == nil {
		fault := describe(err)
		refuse(w, http.StatusUnauthorized, `Bearer error="invalid_token", error_description="`+fault+`"`, fault)
		return
	}
	// Also for a caller that has gone: what it gets it will not read, but logs
	// and layers between must not take it for a verdict.
	SetRetryAfter(w.Header(), RetryAfter(err))
	refuse(w, http.StatusServiceUnavailable, "", "the token could not be checked: try again later")
}

// refuse answers with status and challenge, and with text for people.
func refuse(w http.ResponseWriter, status int, challenge, text string) {
	if challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// describe says in fixed words what is wrong with a token: the text of err is
// for this side's logs, and may name what a stranger has no business to know.
func describe(err error) string {
	for _, kind := range []struct {
		err  error
		text string
	}{
		{ErrExpired, "the token has expired"},
		{ErrNotYetValid, "the token is not yet valid"},
		{ErrRevoked, "the token was revoked or is unknown"},
		{ErrAudience, "the token is meant for another audience"},
		{ErrIssuer, "the token comes from another issuer"},
		{ErrSignature, "the token's signature does not verify"},
		{ErrMalformed, "the token is malformed"},
	} {
		if errors.Is(err, kind.err) {
			return kind.text
		}
	}
	return "the token is not valid"
}
