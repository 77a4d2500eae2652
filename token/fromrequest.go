package token

import (
	"fmt"
	"net/http"
	"strings"
)

// FromRequest returns the bearer token in r's Authorization header (RFC 6750
// section 2.1). The other two places where RFC 6750 lets a token be, form and
// query, end up in logs and are not looked at.
//
// The error is [ErrNoToken] if r has no such header or one of another scheme.
// It matches [ErrMalformed] if there are several, or if what follows "Bearer",
// in any case, is not one token of at most [MaxSize] bytes.
//
// RFC 6750 builds tokens of letters, digits and -._~+/ with = at the end. Real
// issuers also use : (Rancher), | ! % and an = in the middle, so any visible
// ASCII character is taken but three: quotes and backslashes, which some
// readers of headers unescape, and commas, with which proxies join two headers
// into one.
func FromRequest(r *http.Request) (Secret, error) {
	return FromHeader(r.Header["Authorization"])
}

// FromHeader is [FromRequest] for servers of other protocols that carry
// Authorization headers, such as gRPC in the metadata called "authorization".
// Headers are the values of all there are, each with its scheme.
func FromHeader(headers []string) (Secret, error) {
	if len(headers) == 0 {
		return Secret{}, ErrNoToken
	}
	if len(headers) > 1 {
		return Secret{}, fmt.Errorf("%w: %d Authorization headers where one is allowed", ErrMalformed, len(headers))
	}
	scheme, text, _ := strings.Cut(headers[0], " ")
	if !isScheme(scheme) {
		return Secret{}, fmt.Errorf("%w: the Authorization header does not begin with a scheme", ErrMalformed)
	}
	if !strings.EqualFold(scheme, "bearer") {
		return Secret{}, ErrNoToken
	}
	text = strings.TrimLeft(text, " ") // RFC 9110 allows several
	if text == "" {
		return Secret{}, fmt.Errorf("%w: the Authorization header has a scheme and no token", ErrMalformed)
	}
	if len(text) > MaxSize {
		return Secret{}, fmt.Errorf("%w: a token of %d bytes where %d are allowed", ErrMalformed, len(text), MaxSize)
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' || c == ',' {
			if c == ' ' {
				return Secret{}, fmt.Errorf("%w: a space in the token: is its scheme there twice?", ErrMalformed)
			}
			return Secret{}, fmt.Errorf("%w: at byte %d of the token is a character that is in none", ErrMalformed, i)
		}
	}
	return NewSecret(text), nil
}

// isScheme reports whether s is an auth-scheme, which is a token in the sense
// of RFC 9110 section 5.6.2.
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
