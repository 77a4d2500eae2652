package kube_test

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"sync"
)

// A record is what went over the wire, beneath the tokens.
type record struct {
	mu  sync.Mutex
	all []exchange
}

// An exchange is one request, and its answer.
type exchange struct {
	method, path string
	watch        bool
	token        [sha256.Size]byte // of its Authorization
	header       http.Header       // of the request, without that
	status       int               // 0 if none came
	proto        string
}

// wrap is for rest.Config.Wrap.
func (rec *record) wrap(base http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		x := exchange{
			method: r.Method, path: r.URL.Path, watch: r.URL.Query().Get("watch") != "",
			token: sha256.Sum256([]byte(r.Header.Get("Authorization"))), header: r.Header.Clone(),
		}
		x.header.Del("Authorization")
		resp, err := base.RoundTrip(r)
		if err == nil {
			x.status, x.proto = resp.StatusCode, resp.Proto
		}
		rec.mu.Lock()
		rec.all = append(rec.all, x)
		rec.mu.Unlock()
		return resp, err
	})
}

// since returns the exchanges from the n-th on.
func (rec *record) since(n int) []exchange {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return slices.Clone(rec.all[n:])
}

// watches returns those that began a watch.
func (rec *record) watches() []exchange {
	return slices.DeleteFunc(rec.since(0), func(x exchange) bool { return !x.watch })
}

// distinct returns how many tokens they had.
func distinct(all []exchange) int {
	tokens := map[[sha256.Size]byte]bool{}
	for _, x := range all {
		tokens[x.token] = true
	}
	return len(tokens)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
