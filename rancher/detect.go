package rancher

import (
	"context"
	"errors"
	"net/http"
	"regexp"
)

// A Product is which Rancher a server is.
type Product struct {
	V2Beta  bool   // it is 1.6: v2-beta is its API
	Version string // such as "v2.13.1"; empty if it does not say
}

// Detect asks a server which Rancher it is, without a credential.
//
// An error that matches [ErrNotRancher] says that it is none, and one that
// matches [ErrUnavailable] that it, or a proxy before it, cannot say now.
func (s *Server) Detect(ctx context.Context) (Product, error) {
	var first error
	for _, look := range []struct {
		path string
		see  func(*answer) (Product, bool)
	}{
		{"/rancherversion", detectedVersion},
		{"/v2-beta/token", detectedV2Beta},
		// Rancher 2 says its version from some release on. All have one of
		// these, of which the first can be turned off where the second is.
		{"/v3-public/authProviders", detectedProviders},
		{"/v1-public/authproviders", detectedProviders},
	} {
		a, err := s.do(ctx, call{op: "detect which Rancher it is", method: http.MethodGet, path: look.path})
		if err == nil {
			p, ok := look.see(a)
			switch {
			case ok:
				return p, nil
			case a.status == http.StatusTooManyRequests || a.status/100 == 5:
				return Product{}, a.failed(ErrUnavailable, "is Rancher running, behind what answers for it? Try again")
			}
			err = a.odd("this is not what Rancher answers there, nor anywhere else that was asked", "set Server.URL to where Rancher is")
		}
		if !errors.Is(err, ErrNotRancher) {
			return Product{}, err
		}
		if first == nil {
			first = err
		}
	}
	return Product{}, first
}

// detectedVersion reads what Rancher 2 says of itself.
func detectedVersion(a *answer) (p Product, ok bool) {
	r := a.reader()
	for name := range r.Object() {
		if name == "Version" {
			p.Version = version(text(&r))
		}
	}
	return p, a.status == http.StatusOK && r.End() == nil && p.Version != ""
}

// detectedV2Beta reads what Rancher 1.6 says of a token that was not shown to it. It
// says that whoever asks, unless something is wrong with itself.
func detectedV2Beta(a *answer) (Product, bool) {
	p := Product{V2Beta: true, Version: version(a.header.Get("X-Rancher-Version"))}
	if p.Version != "" && read(a).isError {
		return p, true
	}
	kind, of := kinds(a)
	return p, a.status == http.StatusOK && kind == "collection" && of == "token"
}

// detectedProviders reads the list of providers of Rancher 2. In that of v1-public
// there is nothing else.
func detectedProviders(a *answer) (Product, bool) {
	list := false
	r := a.reader()
	for name := range r.Object() {
		if name == "data" {
			list = true
			for range r.Array() {
				r.Object()(func(string) bool { return true })
			}
		}
	}
	return Product{}, a.status == http.StatusOK && r.End() == nil && list
}

// kinds returns the type of an answer, and of what it is a collection.
func kinds(a *answer) (kind, of string) {
	r := a.reader()
	for name := range r.Object() {
		switch name {
		case "type":
			kind = text(&r)
		case "resourceType":
			of = text(&r)
		}
	}
	if r.End() != nil {
		return "", ""
	}
	return kind, of
}

// versions are what a server can be of: releases, and builds of branches.
var versions = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$`)

func version(s string) string {
	if versions.MatchString(s) {
		return s
	}
	return ""
}

// Open asks a server which Rancher it is, and returns the client for it: a
// [*V2Beta] or a [*V3].
func (s *Server) Open(ctx context.Context) (API, error) {
	p, err := s.Detect(ctx)
	switch {
	case err != nil:
		return nil, err
	case p.V2Beta:
		return &V2Beta{Server: s}, nil
	}
	return &V3{Server: s}, nil
}
