package rancher

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// Errors of the network by their words, which are all that is left of them.
var (
	insecure    = regexp.MustCompile(`(^|[ (])(x509|tls): `)
	unconnected = regexp.MustCompile(`^` + regexp.QuoteMeta(ErrUnavailable.Error()) + `: (proxyconnect [a-z0-9]+: )?(dial|socks connect) `)
)

// away returns why a server has not said anything about a token, as far as what
// was seen tells. Who it is that answers, where it is not in Rancher's words,
// nothing tells.
func away(s seen) token.Finding {
	e, _ := errors.AsType[*Error](s.err)
	if s.err == nil || e == nil {
		e = &Error{From: s.what, Status: s.status}
	}
	_, late := errors.AsType[lateError](s.err)
	brokenOff := errors.Is(s.err, context.Canceled) || errors.Is(s.err, context.DeadlineExceeded) && !late
	switch {
	case e.From == "":
		return certain("nothing was asked: the client is not set up", "set what is missing, or mend what is wrong there", s.evidence())
	case brokenOff:
		return certain("the diagnosis was broken off before the server had answered", "let it go on for longer", s.evidence())
	case e.Status == http.StatusTooManyRequests:
		return certain("the server, or a proxy before it, wants to be asked less often", "wait, and find out who asks that often", s.evidence())
	case e.Status/100 == 5:
		return certain("the server, or a proxy before it, cannot answer now", "look at Rancher's own log, and that of what is between here and there", s.evidence())
	case s.err == nil:
		return likely("what answers does not answer in Rancher's words: perhaps a proxy before it wants a login of its own, or lets nobody through",
			"set Server.URL to where Rancher itself is, behind that proxy, or have the proxy let API calls through", s.evidence())
	case e.Status/100 == 3:
		return certain("the request is redirected, perhaps to a login of a proxy's, or to where Rancher is now", e.Remedy, s.evidence())
	case errors.Is(s.err, ErrNotRancher):
		return likely("what answers is perhaps not Rancher, or something on the way changes what Rancher answers", remedyOf(e, "look at what is between here and there"), s.evidence())
	case late:
		return certain("no answer came in time", "is the server running, and can it be reached from here? Server.Timeout and the context say how long it has", s.evidence())
	case e.Status != 0:
		return certain("the answer broke off", remedyOf(e, "try again"), s.evidence())
	case insecure.MatchString(why(s.err)) && !strings.Contains(why(s.err), "lookup "):
		remedy := "find out what is wanted there, such as a certificate of the client's, or another version of TLS"
		if strings.Contains(why(s.err), "x509: ") {
			remedy = remedyOf(e, "have Server.HTTP trust the server's certificate authority")
		}
		return certain("the connection to the server, or to a proxy on the way, cannot be secured", remedy, s.evidence())
	case unconnected.MatchString(why(s.err)):
		return certain("the server, or a proxy on the way, cannot be reached", "is the server running, and can it be reached from here?", s.evidence())
	}
	return certain("no answer came", remedyOf(e, "is the server running, and can it be reached from here?"), s.evidence())
}

// silent is what there is to say of a URL at which a good token got no answer of
// Rancher's. Live is what says that it is good.
func silent(p seen, live token.Evidence) token.Finding {
	status := max(p.status, statusOf(p.err))
	const good = "the token is good, and "
	switch {
	case status/100 == 5:
		return certain("the token is good: what answers at this URL is away, or in trouble",
			"look at that: is the cluster up, and its agent connected? In Rancher's log and that of any proxy is why", live, p.evidence())
	case status == http.StatusTooManyRequests:
		return certain(good+"at this URL somebody wants to be asked less often", "wait, and find out who asks that often", live, p.evidence())
	case p.err == nil, errors.Is(p.err, ErrNotRancher):
		return likely(good+"at this URL something else answers, not in Rancher's words: perhaps a proxy before it that lets nobody through",
			"look at what is between here and there, and whether the URL is right", live, p.evidence())
	}
	return likely(good+"of what is at this URL nothing is known: there was no answer", away(p).Remedy, live, p.evidence())
}

// csrf is the finding that a server misses the repeated cookie. It does so of what
// changes something, and to a GET it is somebody's mistake.
func csrf(evidence ...token.Evidence) token.Finding {
	return likely("the token is not what was refused: the server takes the caller for a browser, by its User-Agent, and misses the cookie CSRF in the header X-API-CSRF",
		"send the cookie CSRF and the same value in the header X-API-CSRF, or a User-Agent without the word Mozilla; Set does the first if the cookie is on the request", evidence...)
}

func remedyOf(e *Error, otherwise string) string {
	if e == nil || e.Remedy == "" {
		return otherwise
	}
	return e.Remedy
}
