package oauth2adapt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// An Exchanger is a [refresh.Exchanger] that asks the token endpoint of an OAuth
// 2.0 server (RFC 6749, section 6). It sends exactly one POST, and never sends a
// refresh token twice by itself: not in a second style of authentication, not
// after a redirect, not on another connection.
//
// The fields must be set before first use. An Exchanger is then safe for
// concurrent use.
type Exchanger struct {
	// Config has the token endpoint, which must be https, or http to a literal
	// loopback address, and the client's ID and secret. Required. Its AuthStyle
	// says where ID and secret go. AuthStyleAutoDetect, which is the zero value,
	// detects nothing here, since that costs a second request: it means the
	// Authorization header if there is a secret, and the ID in the body if
	// there is none.
	Config *oauth2.Config

	// Sign, if not nil, adds to the header and the form of each POST just before
	// it is sent: a client assertion (RFC 7523), a DPoP proof (RFC 9449), a
	// scope or a resource. The refresh token is not there yet. If it returns an
	// error, nothing is sent.
	Sign func(ctx context.Context, header http.Header, form url.Values) error

	// Client makes the requests; its redirects are not followed. Its Transport
	// must not send a request again by itself. Nil means one of its own that
	// makes a new connection each time: one that the server has closed in the
	// meantime would leave the outcome unknown.
	Client *http.Client

	// IDToken has the ID token of each answer (OpenID Connect Core 1.0, section
	// 12.2) take the place of the access token: it is what a Kubernetes API server
	// takes. Its life is its exp less its iat; expires_in is the access token's. An
	// answer without one is an error, whose refresh token is kept. The pair of a login
	// then comes from [IDTokenPair].
	IDToken bool

	// Insecure permits http to hosts other than loopback addresses: whoever is
	// on the way can read the tokens.
	Insecure bool
}

// Check returns an error that says which field is missing or wrong, if one is, so
// that a program can fail at its start. It sends nothing.
func (e *Exchanger) Check() error {
	u, err := e.address()
	if err == nil {
		_, err = e.sender(&http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}})
	}
	if err != nil {
		return fmt.Errorf("oauth2adapt: %w", err)
	}
	return nil
}

// defaultTimeout bounds an exchange for a caller who does not.
const defaultTimeout = 10 * time.Second

// Exchange implements [refresh.Exchanger]. It lasts until ctx is done, and at
// most 10 seconds if ctx has no deadline.
//
// Its errors are [*refresh.ExchangeError], by the table in the package comment.
// One that is [refresh.Terminal] matches [token.ErrRefused].
func (e *Exchanger) Exchange(ctx context.Context, refreshToken token.Secret) (refresh.Pair, error) {
	if refreshToken.IsZero() {
		err := token.Refused(errors.New("oauth2adapt: there is no refresh token to exchange: log in"))
		return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Terminal, Err: err}
	}
	start := time.Now()
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	p, err := e.prepare(ctx, refreshToken)
	if err != nil {
		return refresh.Pair{}, failed(start, refresh.Transient, "nothing was sent", err)
	}
	var resp *http.Response
	err = panics.Call("Exchanger.Client", func() (err error) {
		resp, err = p.client.Do(p.request)
		return err
	})
	if err != nil {
		err = p.hides.from(err)
		if p.body.Stop() {
			return refresh.Pair{}, failed(start, refresh.Transient, "the refresh token was not sent to "+p.to, err)
		}
		return refresh.Pair{}, failed(start, refresh.Unknown, "no answer from "+p.to+", which may have spent the refresh token", err)
	}
	defer panics.Call("Exchanger.Client", resp.Body.Close) // a panic here must not cost the pair
	return p.read(start, resp)
}

// failed returns the error of an exchange, begun at start, that ended in err.
func failed(start time.Time, o refresh.Outcome, what string, err error) error {
	return &refresh.ExchangeError{Outcome: o, Wait: token.RetryAfter(err), Err: sentence(start, what, err)}
}

// sentence returns what happened because of err. That is no verdict on a token,
// neither on one presented to this program nor on its own: the issuer's answer
// would be.
func sentence(start time.Time, what string, err error) error {
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) {
		err = errors.New(err.Error())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		what += fmt.Sprintf(" within %v", time.Since(start).Round(time.Millisecond))
	}
	return fmt.Errorf("oauth2adapt: %s: %w", what, err)
}
