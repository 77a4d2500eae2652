package rancher

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// away returns why a server has not said anything about a token, as far as what
// was seen tells. It is certain that the token was not what it was about.
func away(s seen) token.Finding {
	e, _ := errors.AsType[*Error](s.err)
	switch text := fmt.Sprint(s.err); {
	case s.err == nil && s.status == http.StatusTooManyRequests:
		return certain("the server, or a proxy before it, wants to be asked less often", "wait, and find out who asks that often", s.evidence())
	case s.err == nil && s.foreign && s.status/100 == 4:
		return certain("a proxy before Rancher wants a login of its own, and the token was not looked at", "set Server.URL to where Rancher itself is, behind that proxy, or have the proxy let API calls through", s.evidence())
	case s.err == nil && s.foreign:
		return certain("a proxy before Rancher says that it is away, and the token was not looked at", "look at the proxy's log, and whether Rancher runs behind it", s.evidence())
	case s.err == nil:
		return certain("the server is in trouble, and has not looked at the token", "look at Rancher's own log, and that of what is between here and there", s.evidence())
	case e != nil && e.From == "":
		return certain("nothing was asked: the client is not set up", "set what is missing", s.evidence())
	case errors.Is(s.err, context.Canceled):
		return certain("the diagnosis was broken off before the server had answered", "let it go on for longer", s.evidence())
	case e != nil && e.Status/100 == 3:
		return certain("something before Rancher redirects, to a login of its own or to where Rancher is now", e.Remedy, s.evidence())
	case e != nil && (e.Status == http.StatusTooManyRequests || e.Status/100 == 5):
		return certain("a proxy before Rancher says that it is away, and the token was not looked at", "look at the proxy's log, and whether Rancher runs behind it", s.evidence())
	case errors.Is(s.err, ErrNotRancher):
		return certain("what answers is not Rancher: the token was not looked at", remedyOf(e, "look at what is between here and there"), s.evidence())
	case strings.Contains(text, "x509:") || strings.Contains(text, "tls:"):
		return certain("the connection to the server cannot be secured, and the token was not looked at", remedyOf(e, "have Server.HTTP trust the server's certificate authority"), s.evidence())
	case errors.Is(s.err, context.DeadlineExceeded):
		return certain("the server does not answer in time", "is it running, and can it be reached from here? Server.Timeout and the context say how long it has", s.evidence())
	}
	return certain("the server cannot be reached", remedyOf(e, "is it running, and can it be reached from here?"), s.evidence())
}

// trouble is the finding that what is behind a URL does not answer, though the
// server does.
func trouble(evidence ...token.Evidence) token.Finding {
	return certain("the token is good: what answers at this URL is away, or in trouble",
		"look at that: is the cluster up, and its agent connected? In Rancher's log and that of any proxy is why", evidence...)
}

// csrf is the finding that a server misses the repeated cookie.
func csrf(evidence ...token.Evidence) token.Finding {
	return certain("the token is not what was refused: the server takes the caller for a browser, by its User-Agent, and misses the header X-API-CSRF",
		"send the cookie CSRF and the same value in the header X-API-CSRF, or a User-Agent without the word Mozilla; Set does the first if the cookie is on the request", evidence...)
}

func remedyOf(e *Error, otherwise string) string {
	if e == nil || e.Remedy == "" {
		return otherwise
	}
	return e.Remedy
}
