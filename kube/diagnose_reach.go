package kube

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/token"
)

// A reached is what came of asking a server, as nobody, what it is.
type reached struct {
	seen
	version string // of Kubernetes; empty if it does not tell those it does not know
	api     bool   // it answers as an API server does
	around  seen   // what came of it with what is around the Transport, if that had to be left out
}

func reach(ctx context.Context, a *asker) reached {
	r := reached{seen: a.get(ctx, "/version", asJSON)}
	var answer struct {
		GitVersion string `json:"gitVersion"`
	}
	r.read(&answer)
	r.version = answer.GitVersion
	r.api = r.version != "" || r.said.Kind != ""
	return r
}

// away returns why the server cannot say anything about a token; nil if it may.
func (r reached) away() *token.Finding {
	f := r.seen.away()
	if f == nil {
		if r.api || r.status == http.StatusUnauthorized || r.status == http.StatusForbidden {
			return nil // what is before the API server may let pass whoever has a token
		}
		t := certain(causeNotAPI, notAPI, saw(r.what, "%s, and not what an API server answers", r.outcome()))
		f = &t
	}
	if r.around.asked() { // which may be the only way there
		f.Certain = false
		f.Evidence = append([]token.Evidence{r.around.evidence()}, f.Evidence...)
	}
	return f
}

// inClear reports whether others could read what is sent to u.
func inClear(u *url.URL, server *rest.Config) bool {
	if u.Scheme == "https" {
		return false
	}
	if address, _ := netip.ParseAddr(u.Hostname()); !address.Unmap().IsLoopback() {
		return true
	}
	if server.Proxy == nil {
		return false // that of the environment is not for loopback addresses
	}
	proxy, err := server.Proxy(&http.Request{URL: u})
	return proxy != nil || err != nil
}
