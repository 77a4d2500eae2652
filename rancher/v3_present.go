package rancher

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// Set puts a token on a request as Authorization: Bearer, in the place of any
// other credential: the header, in whatever spelling, and the cookie R_SESS. The
// cookie CSRF, if there is one, is repeated in X-API-CSRF.
func (c *V3) Set(r *http.Request, tok token.Token) {
	bare(r, "R_SESS")
	tok.SetHeader(r)
	echoCSRF(r)
}

// peeked is how much of the answer Refused looks at.
const peeked = 8 << 10

// Refused reports whether a response says that its request's token is no good.
// That is a 401, and, on the paths of Kubernetes, a 403 that speaks of nobody's
// or of the user system:cattle:error. From 2.6 on the header X-API-Cattle-Auth
// says whether it is the token or the user's permissions. A page with a challenge
// is a proxy's.
func (c *V3) Refused(resp *http.Response) bool {
	if resp == nil {
		return false
	}
	auth := resp.Header.Get(cattleAuth)
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		page := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
		return auth != "true" && !(page && resp.Header.Get("WWW-Authenticate") != "")
	case http.StatusForbidden:
		return auth == "false" || auth != "true" && speaksOf(resp, errored)
	}
	return false
}

// speaksOf reports whether text is in the beginning of a Status of Kubernetes,
// in JSON or in its binary form. It leaves the body as it was.
func speaksOf(resp *http.Response, text string) bool {
	if resp.Body == nil || resp.Body == http.NoBody {
		return false
	}
	beginning, err := io.ReadAll(io.LimitReader(resp.Body, peeked))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = broken{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(beginning), rest), resp.Body}
	return bytes.Contains(beginning, []byte("Status")) && bytes.Contains(beginning, []byte(text))
}

// broken is what is left of a body that broke off.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// Transport returns what puts the tokens of src on requests to this server, and
// on no others.
func (c *V3) Transport(src token.Source) *token.Transport {
	return c.Server.presents(src, c.Set, c.Refused)
}
