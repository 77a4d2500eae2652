package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// A callback is where the browser comes back to: one request, to a port of this
// machine that nobody else can reach. Any page in any browser here can send requests
// to it as well. It takes the one that has the state, and no other ends the login.
type callback struct {
	url    string
	state  string
	issuer string // as the answer may name it, and must if names
	names  bool

	server  *http.Server
	host    string
	taken   atomic.Bool
	answers chan answer   // the one
	outcome chan struct{} // closed when good is known
	good    bool
}

// An answer is what the issuer had the browser bring (RFC 6749, section 4.1.2).
type answer struct {
	code string
	err  error
}

// listen waits for a browser at address, a literal one of this machine.
func listen(address, state string, p oauth2adapt.Provider) (*callback, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("a port is needed for the browser to come back to: %w; say -listen, or -device", err)
	}
	c := &callback{
		state: state, issuer: p.Issuer, names: p.SendsIssuer,
		host:    listener.Addr().String(),
		answers: make(chan answer, 1), outcome: make(chan struct{}),
	}
	c.url = "http://" + c.host + "/callback"
	c.server = &http.Server{
		Handler:           c,
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	c.server.SetKeepAlivesEnabled(false)
	go c.server.Serve(listener)
	return c, nil
}

// wait returns the code that the browser brings.
func (c *callback) wait(ctx context.Context) (code string, err error) {
	select {
	case a := <-c.answers:
		return a.code, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// close tells the browser whether the login was good, and listens no more.
func (c *callback) close(good bool) {
	c.good = good
	close(c.outcome)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c.server.Shutdown(ctx) != nil {
		c.server.Close()
	}
}

// ServeHTTP implements [http.Handler].
func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the address has the code in it
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Host != c.host { // a name that some page has pointed at this machine
		http.Error(w, "this is not "+c.host, http.StatusMisdirectedRequest)
		return
	}
	if r.URL.Path != "/callback" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet {
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	q, ok := single(r.URL.RawQuery)
	if !ok || subtle.ConstantTimeCompare([]byte(q["state"]), []byte(c.state)) != 1 {
		http.Error(w, "this is not an answer to the login under way", http.StatusBadRequest)
		return
	}
	if c.taken.Swap(true) {
		http.Error(w, "the answer to this login has come already", http.StatusGone)
		return
	}
	c.answers <- c.read(q)
	select {
	case <-c.outcome:
	case <-r.Context().Done():
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if c.good {
		io.WriteString(w, page("Logged in", "You can close this window and go back to kubectl."))
		return
	}
	w.WriteHeader(http.StatusForbidden)
	io.WriteString(w, page("Not logged in", "What went wrong is in the terminal, where kubectl runs."))
}

// read returns what the issuer's answer is. It names itself, so that nobody takes a
// code of another for its own (RFC 9207).
func (c *callback) read(q map[string]string) answer {
	issuer, named := q["iss"]
	switch {
	case named && issuer != c.issuer:
		return answer{err: errors.New("the answer is of another issuer")}
	case c.names && !named:
		return answer{err: errors.New("the answer does not say which issuer it is of, as those of this one do (RFC 9207)")}
	case q["error"] != "" && q["error_description"] != "":
		return answer{err: fmt.Errorf("the issuer refused: %s (%s)", brief(q["error"]), brief(q["error_description"]))}
	case q["error"] != "":
		return answer{err: fmt.Errorf("the issuer refused: %s", brief(q["error"]))}
	case q["code"] == "":
		return answer{err: errors.New("the issuer's answer has neither a code nor an error")}
	}
	return answer{code: q["code"]}
}

// single returns the parameters of a query, none of which may be there twice.
func single(query string) (map[string]string, bool) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, false
	}
	q := make(map[string]string)
	for name, vs := range values {
		if len(vs) > 1 {
			return nil, false
		}
		q[name] = vs[0]
	}
	return q, true
}

func page(title, text string) string {
	return `<!doctype html><html lang="en"><meta charset="utf-8"><title>` + title + `</title><h1>` + title + `</h1><p>` + text + `</p></html>
`
}
