package token

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Require returns a handler that calls next only for requests whose bearer
// token v approves. [FromContext] gives next the claims. Others are answered as
// RFC 6750 section 3 asks:
//
//   - 401 if there is no token, or one that v calls [ErrInvalid]. The client
//     learns the kind of fault, such as that the token has expired, and nothing
//     more of v's error.
//   - 400 if there is an Authorization header that [FromRequest] cannot read.
//   - 503 if v could not tell. If its error has a method RetryAfter()
//     time.Duration, the client learns when to come back.
//
// What a token must allow beyond that, [RequireScope] and [ForAudience] ask.
// All methods are treated alike: where a browser's preflight requests, which
// carry no token, are to be answered, that is done before Require.
//
// Neither argument may be nil: Require panics rather than let requests in.
func Require(v Verifier, next http.Handler) http.Handler {
	if v == nil || next == nil {
		panic("token: Require needs a Verifier and a Handler, and one of them is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		presented, err := FromRequest(r)
		if errors.Is(err, ErrNoToken) {
			// RFC 6750 section 3.1: no error code for who did not try.
			refuse(w, http.StatusUnauthorized, "Bearer", "a bearer token is needed")
			return
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, `Bearer error="invalid_request"`, "the Authorization header is malformed")
			return
		}
		claims, err := v.Verify(r.Context(), presented)
		switch {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(NewContext(r.Context(), claims)))
		case errors.Is(err, ErrInvalid) && r.Context().Err() == nil:
			fault := describe(err)
			refuse(w, http.StatusUnauthorized, `Bearer error="invalid_token", error_description="`+fault+`"`, fault)
		default:
			// Also for a caller that has gone: what it gets it will not read,
			// but logs and layers between must not take it for a verdict.
			retryLater(w, err)
			refuse(w, http.StatusServiceUnavailable, "", "the token could not be checked: try again later")
		}
	})
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

// retryLater passes on how long err asks to wait, in whole seconds, rounded up.
func retryLater(w http.ResponseWriter, err error) {
	var later interface{ RetryAfter() time.Duration }
	if !errors.As(err, &later) {
		return
	}
	if wait := later.RetryAfter(); wait > 0 {
		seconds := int64((wait-1)/time.Second) + 1
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
}
