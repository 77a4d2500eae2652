package rancher

import (
	"context"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// presents returns what puts the tokens of src on requests to s, and on no others.
func (s *Server) presents(src token.Source, set func(*http.Request, token.Token), refused func(*http.Response) bool) *token.Transport {
	if _, err := s.address(); err != nil {
		// Without an Origin the tokens would go wherever the first request goes.
		fails := call{op: "present a token"}.fail(err)
		return &token.Transport{Source: token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, fails })}
	}
	return &token.Transport{Source: src, Base: s.base(), Origin: s.Origin(), Set: set, Refused: refused, Insecure: s.Insecure}
}

// bare takes every credential off a request: the header Authorization, which
// would go out in whatever spelling, and the cookies of a name.
func bare(r *http.Request, cookie string) {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	for key := range r.Header {
		if strings.EqualFold(key, "Authorization") {
			delete(r.Header, key)
		}
	}
	dropCookie(r, cookie)
}

// dropCookie takes the cookies of a name off a request, in any case: 1.6 takes the
// first there is.
func dropCookie(r *http.Request, name string) {
	for key, lines := range r.Header {
		if !strings.EqualFold(key, "cookie") {
			continue
		}
		var kept []string
		for _, line := range lines {
			var pairs []string
			for pair := range strings.SplitSeq(line, ";") {
				pair = strings.TrimSpace(pair)
				other, _, _ := strings.Cut(pair, "=")
				if pair != "" && !strings.EqualFold(strings.TrimSpace(other), name) {
					pairs = append(pairs, pair)
				}
			}
			if len(pairs) > 0 {
				kept = append(kept, strings.Join(pairs, "; "))
			}
		}
		delete(r.Header, key)
		if len(kept) > 0 {
			r.Header[key] = kept
		}
	}
}
