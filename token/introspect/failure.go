package introspect

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// A failure is an answer that is none.
type failure struct {
	text       string
	retryAfter time.Duration
}

func (f *failure) Error() string { return f.text }

// RetryAfter returns how long the endpoint asks to wait; 0 if it does not say.
func (f *failure) RetryAfter() time.Duration { return f.retryAfter }

// failure returns what a reply means that is not the one hoped for.
func (e *endpoint) failure(r *reply) error {
	said := fmt.Sprintf("%d", r.status)
	if text := http.StatusText(r.status); text != "" {
		said += " " + text
	}
	code := errorCode(r.body)
	if code != "" {
		said += ", " + code
	}
	switch {
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden,
		code == "invalid_client", code == "unauthorized_client":
		return token.Refused(fmt.Errorf("%v refused this service's own credential (%s): check %s.Auth, and at the server what it may do", r.from, said, e.owner))
	case r.status/100 == 3:
		return &failure{text: fmt.Sprintf("%v redirects (%s), which is not followed: set %s.URL to where the endpoint is", r.from, said, e.owner)}
	case code == unsupported:
		return &failure{text: fmt.Sprintf("%v does not do that with tokens of this kind (%s)", r.from, said)}
	case code == "invalid_request" && e.owner == "Revoker":
		return &failure{text: fmt.Sprintf("%v refuses (%s): was the token issued to the client that Revoker.Auth speaks for?", r.from, said)}
	case r.status == http.StatusTooManyRequests, r.status/100 == 5:
		return &failure{fmt.Sprintf("%v cannot answer now (%s): try again later", r.from, said), token.RetryAfterHeader(r.header)}
	}
	return &failure{fmt.Sprintf("%v did not do what it was asked (%s): is %s.URL the endpoint's?", r.from, said, e.owner), token.RetryAfterHeader(r.header)}
}

// unsupported is what endpoints answer that know the token given, and are not
// for tokens of its kind.
const unsupported = "unsupported_token_type"

// errorCodes are those that are repeated: RFC 6749 section 5.2, RFC 6750 section
// 3.1, RFC 7009 section 2.2.1, and what servers answer beside them.
var errorCodes = []string{
	"invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "invalid_token", "insufficient_scope", "access_denied",
	"unauthorized_client", "unsupported_grant_type", unsupported, "server_error", "temporarily_unavailable",
}

// errorCode returns the error in the body of an answer, if it is one of those
// known: whatever else a body says is not repeated.
func errorCode(body string) string {
	var code string
	r := strictjson.NewReader(body, strictjson.Limits{Size: longestBody})
	for name := range r.Object() {
		if name == "error" && r.Kind() == strictjson.String {
			code = r.Text()
		}
	}
	if r.End() != nil || !slices.Contains(errorCodes, code) {
		return ""
	}
	return code
}
