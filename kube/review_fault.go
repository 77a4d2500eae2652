package kube

import (
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// A fault is what is wrong with a token by the words of an API server, which has
// no other way to say it.
type fault struct {
	text   string // in status.error
	kind   error  // of ErrInvalid; nil means that the server could not tell
	remedy string
}

const (
	anew   = ": get a new token"
	gone   = ": what it was made for is gone, so get a new token of what is there"
	clocks = ": check the clocks of the API servers"
	wanted = ": request a token that is for this service"
)

// faults are in the order in which they decide, because an API server asks one
// authenticator after the other and lists what each says. First comes what nobody
// else could say better, even if somebody else was away: what it says of service
// account tokens after it has verified the signature, and of what is no token at
// all, in words that may be those of whoever made it up. Then comes that somebody
// was away, who might have approved the token. Then what is left.
//
// The texts are those of kube-apiserver 1.20 to 1.37 (pkg/serviceaccount), of
// client-go and Go's net/http where they fail to ask, and of its OpenID Connect
// authenticator, in lower case and with "" for what was quoted. A webhook has words
// of its own as well, which may be those of whomever it asks in turn. That it says no
// by HTTP status 401 or 403, as some do, is a no.
var faults = []fault{
	{"malformed jwt", token.ErrMalformed, ""},
	{"service account token has expired", token.ErrExpired, anew},
	{"service account token is not valid yet", token.ErrNotYetValid, clocks},
	{"service account token is issued in the future", token.ErrNotYetValid, clocks},
	{`serviceaccounts "" not found`, token.ErrRevoked, gone},
	{`serviceaccount "" not found`, token.ErrRevoked, gone},
	{") does not match claim (", token.ErrRevoked, gone},           // UID of a service account
	{") does not match service account ", token.ErrRevoked, gone},  // UID of a pod, secret or node
	{"token has been invalidated", token.ErrRevoked, gone},         // pod, secret or node
	{" has been deleted", token.ErrRevoked, gone},                  // service account that is being deleted
	{"token does not match server's copy", token.ErrRevoked, gone}, // legacy
	{" has been marked invalid", token.ErrRevoked, ""},             // legacy; the text has its own remedy
	{" is invalid for the target audiences ", token.ErrAudience, wanted},

	{text: `get "": `}, // what net/http says of any request that failed
	{text: `post "": `},
	{text: "dial "},
	{text: "connection reset"},
	{text: "broken pipe"},
	{text: "x509: "},
	{text: "timeout"},
	{text: "timed out"},
	{text: "deadline exceeded"},
	{text: "time allotted"},
	{text: "context canceled"},
	{text: "internal error"},
	{text: "unable to handle the request"},
	{text: "an error on the server"},
	{text: "too many requests"},
	{text: "etcdserver: "},
	{text: "rpc error: "},
	{text: "500 internal server error"},
	{text: "502 bad gateway"},
	{text: "503 service unavailable"},
	{text: "the server could not find"}, // 404, then 400, 405, and whatever client-go has no words for
	{text: "the server rejected our request"},
	{text: "the server does not allow this method"},
	{text: "the server responded with the status code"},
	{text: "reading response body"},
	{text: "0-length response"}, // here a webhook answers something else
	{text: "couldn't get version/kind"},
	{text: ` is registered for version ""`},
	{text: "unknown conversion"},
	{text: "fetching keys"},
	{text: "not initialized"},

	{"error in cryptographic primitive", token.ErrSignature, anew},
	{"invalid signature", token.ErrSignature, anew},
	{"failed to verify signature", token.ErrSignature, anew},
	{"failed to verify id token signature", token.ErrSignature, anew},
	{"token is expired", token.ErrExpired, anew},
	{"token has expired", token.ErrExpired, anew},
	{"before the nbf (not before) time", token.ErrNotYetValid, clocks},
	{"expected audience ", token.ErrAudience, wanted},
	{"issued by a different provider", token.ErrIssuer, ""},
	{`token issuer "" is invalid`, token.ErrIssuer, ""},
}

// faultOf returns the fault that said, a status.error, speaks of.
func faultOf(said string) fault {
	said = strings.ToLower(unquoted(said))
	for _, f := range faults {
		if strings.Contains(said, f.text) {
			return f
		}
	}
	return fault{kind: token.ErrInvalid}
}

// unquoted returns s with nothing inside its quotes. What the server quotes are
// names that others chose, some of them whoever made the token, and they must not
// decide what is wrong with it.
func unquoted(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `"`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(`""`)
		if s, found = afterQuote(after); !found {
			return b.String()
		}
	}
}

// afterQuote returns what follows the next quote in s that has no backslash before
// it.
func afterQuote(s string) (rest string, found bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[i+1:], true
		}
	}
	return "", false
}
