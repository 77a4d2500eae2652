// Package pipe reaches a server without a network, for the packages of servers
// that are for tests.
package pipe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// Client returns a client for which h is all there is, at the URL that at
// returns, through [net.Pipe]; requests for other hosts fail. Nothing is left
// running between two requests, so that it can be used in a bubble of
// testing/synctest. Who, the package that offers it, is named in errors.
func Client(who string, at func() string, h http.Handler) *http.Client {
	server := &http.Server{Handler: h}
	dial := func(_ context.Context, _, addr string) (net.Conn, error) {
		u, err := url.Parse(at())
		if err != nil {
			return nil, err
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		if addr != net.JoinHostPort(u.Hostname(), port) {
			return nil, fmt.Errorf("%s: this client reaches %s and nothing else", who, at())
		}
		near, far := net.Pipe()
		go server.Serve(&single{far})
		return near, nil
	}
	return &http.Client{Transport: &http.Transport{
		DialContext:    dial,
		DialTLSContext: dial, // no TLS: nobody is between the ends of a pipe
		// An idle connection has goroutines at both ends that wait for ever,
		// and a synctest bubble cannot end before they do.
		DisableKeepAlives: true,
	}}
}

// A single is a listener to whom one connection comes, and then no other.
type single struct{ conn net.Conn }

func (l *single) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	conn := l.conn
	l.conn = nil
	return conn, nil
}

func (l *single) Close() error   { return nil }
func (l *single) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "pipe" }
func (addr) String() string  { return "pipe" }
