package token

import (
	"fmt"
	"net/http"

	"github.com/tokenlife/tokenlife/internal/origin"
)

// pinned returns the only place to which r may take a token.
func (t *Transport) pinned(r *http.Request) (origin.Origin, error) {
	if t.Origin == "" {
		return origin.Of(r.URL), nil
	}
	o, err := origin.Parse(t.Origin)
	if err != nil {
		return o, fmt.Errorf("token: Transport.Origin is %w", err)
	}
	return o, nil
}

// stayed reports whether r is for pinned, and so was every request before it in
// its chain of redirects.
func (t *Transport) stayed(r *http.Request, pinned origin.Origin) bool {
	if t.Origin == "" {
		return pinned.Stayed(r, nil)
	}
	return pinned.Stayed(r, pinned.Names)
}

// private reports whether nobody on the way to its server can read r.
func (t *Transport) private(r *http.Request) bool {
	to := origin.Of(r.URL)
	return t.Insecure || to.Encrypted() || to.Loopback() && origin.Direct(t.base(), r)
}
