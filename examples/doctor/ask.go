package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
)

// asking returns who is to be asked.
func (o options) asking(ctx context.Context) (a asking, err error) {
	a = asking{audiences: o.audiences, access: o.access}
	switch {
	case o.context != "":
		a.cluster, err = o.cluster(o.context)
	case o.rancher != "":
		a.rancher, err = o.rancherServer(ctx)
	case o.dashboard != "":
		a.dashboard, err = o.dashboardServer()
	}
	return a, err
}

// A rancherServer is a Rancher.
type rancherServer struct {
	at        *rancher.Server
	transport http.RoundTripper
	second    token.Secret // another token of the same user; zero if there is none
	server    *server
}

func (o options) rancherServer(ctx context.Context) (s *rancherServer, err error) {
	s = &rancherServer{server: &server{Product: "Rancher", URL: address(o.rancher)}}
	if s.transport, err = o.transport(); err != nil {
		return nil, err
	}
	s.at = &rancher.Server{URL: o.rancher, HTTP: &http.Client{Transport: s.transport}}
	if o.rancherToken != "" {
		s.second, err = readFile(ctx, "-rancher-token-file", o.rancherToken)
	}
	return s, err
}

// diagnose asks a Rancher, whichever it is, about a token, and has d say how long
// that lives, if the server tells.
func (s *rancherServer) diagnose(ctx context.Context, suspect token.Secret, d *described) token.Diagnosis {
	p, err := s.at.Detect(ctx)
	s.server.Version = p.Version
	old := p.V2Beta
	if err != nil { // which the client says that is asked next
		old = d != nil && d.Kind == token.KindRancher16.String()
	}
	var second token.Source
	if !s.second.IsZero() {
		second = token.Static(token.Token{Value: s.second})
	}
	if old {
		return (&rancher.V2Beta{Server: s.at, Source: second}).Diagnose(ctx, rancher.Suspect{Token: suspect})
	}
	if d != nil && d.Name != "" {
		d.Endless = "it does not say how long it lives, and the server has not told"
	}
	found := (&rancher.V3{Server: s.at, Source: second}).Diagnose(ctx, rancher.Suspect{Token: suspect})
	if d == nil || d.Name == "" || err != nil {
		return found
	}
	// Whoever holds a token may see what Rancher keeps of it.
	if second == nil {
		second = token.Static(token.Token{Value: suspect})
	}
	asker := &rancher.V3{Server: s.at, Source: second}
	get := asker.Get
	if d.Kind == token.KindRancherExt.String() {
		get = asker.GetExt
	}
	if t, err := get(ctx, d.Name); err == nil {
		d.IssuedAt, d.Expiry = t.Created.UTC(), t.ExpiresAt.UTC()
		d.Endless = "it has no end"
	}
	return found
}

// A dashboardServer is a Kubernetes Dashboard.
type dashboardServer struct {
	source    *dashboard.Source
	transport http.RoundTripper
	server    *server
}

func (o options) dashboardServer() (s *dashboardServer, err error) {
	s = &dashboardServer{server: &server{Product: "Dashboard", URL: address(o.dashboard)}}
	if s.transport, err = o.transport(); err != nil {
		return nil, err
	}
	s.source = &dashboard.Source{URL: o.dashboard, Client: &http.Client{Transport: s.transport, Timeout: 10 * time.Second}}
	return s, nil
}

// longestCA is more than all authorities of a system take.
const longestCA = 4 << 20

// transport returns what trusts the certificates of -ca as well.
func (o options) transport() (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if o.ca == "" {
		return transport, nil
	}
	f, err := os.Open(o.ca)
	if err != nil {
		return nil, fmt.Errorf("-ca: %w", err)
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, longestCA+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("-ca: %w", err)
	case len(pem) > longestCA:
		return nil, fmt.Errorf("-ca %s: it is longer than %d bytes", o.ca, longestCA)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("-ca %s: no certificate in PEM", o.ca)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	return transport, nil
}

// checkURL returns an error if a URL is none of a server that a token may be sent to,
// in the words of whoever gave it on the command line. Empty is none at all, and good.
func checkURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("it is a URL such as https://server.example, without user, query or fragment")
	}
	switch at, err := netip.ParseAddr(u.Hostname()); {
	case u.Scheme == "https":
	case u.Scheme != "http":
		return errors.New("it is a URL that begins with https://")
	case err != nil || !at.Unmap().IsLoopback():
		return errors.New("over plain http others could read the token: it is https, or a loopback address such as http://127.0.0.1:8001, where kubectl port-forward can bring it")
	}
	return nil
}

// address returns a URL as it is shown, without what may be a secret in it: the user
// and the query.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "an address that is none"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
