package introspect_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
)

// canary is in each secret of these tests and must be in no error.
const canary = "canary-7f3a"

const presented = canary + "-presented"

// base is where the issuer of the tests is. Its client reaches it through pipes,
// also inside a synctest bubble.
const base = "http://127.0.0.1:8080"

// An issuer answers requests as it is told to, and keeps them.
type issuer struct {
	handler http.HandlerFunc

	mu       sync.Mutex
	requests []request
}

// A request is what an issuer got.
type request struct {
	method, path string
	header       http.Header
	form         url.Values
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	i.mu.Lock()
	i.requests = append(i.requests, request{r.Method, r.URL.String(), r.Header, r.PostForm})
	i.mu.Unlock()
	i.handler(w, r)
}

// got returns the requests so far.
func (i *issuer) got() []request {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]request(nil), i.requests...)
}

// client returns a client for whom every address is i's.
func (i *issuer) client(t testing.TB) *http.Client {
	server := &http.Server{Handler: i}
	listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	go server.Serve(listener)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case listener.conns <- theirs:
			return ours, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return &http.Client{Transport: transport}
}

// pipes is a listener for connections through net.Pipe.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// says returns a handler that answers with a status and a JSON body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// secret is the presented token.
var secret = token.NewSecret(presented)

// basic is how most tests authenticate.
var basic = introspect.Basic("orders-api", token.NewSecret(canary+"-secret"))

// verifier returns a Verifier that asks i and takes any audience.
func (i *issuer) verifier(t testing.TB) *introspect.Verifier {
	return &introspect.Verifier{URL: base + "/introspect", Auth: basic, AnyAudience: true, Client: i.client(t)}
}

func (i *issuer) revoker(t testing.TB) *introspect.Revoker {
	return &introspect.Revoker{URL: base + "/revoke", Auth: basic, Client: i.client(t)}
}

// checkError checks what no error may have in it.
func checkError(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if s := fmt.Sprintf("%v %+v %q", err, err, err); strings.Contains(s, canary) || len(s) > 2000 {
		t.Errorf("the error tells too much: %.2000s", s)
	}
}
