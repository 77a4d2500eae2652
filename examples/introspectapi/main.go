// Introspectapi is an API that has the server that issued a token judge it: the
// token itself says nothing.
//
// From the root of the module, with nothing but Go, a demonstration of whom it
// lets in and whom it does not:
//
//	go run ./examples/introspectapi
//
// With an OAuth 2.0 server at hand, an API that asks it (RFC 7662):
//
//	export INTROSPECTAPI_SECRET # of the client that the server knows this API by
//	go run ./examples/introspectapi -introspect https://issuer.example/introspect -client api -audience https://api.example
//
// What a user writes is newAPI, below. The rest is the command line, and a
// server and its tokens to try it on.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
)

// newAPI returns an API for those who bring a token that the server at url calls
// active, and that is meant for audience. A token that is revoked is let in for
// up to ttl more.
func newAPI(url string, auth introspect.Auth, audience string, ttl time.Duration, log *log.Logger) (http.Handler, error) {
	verifier := &introspect.Verifier{
		URL:      url,
		Auth:     auth,
		Audience: []string{audience},
	}
	if err := verifier.Check(); err != nil {
		return nil, err
	}
	guard := &token.Guard{
		Verifier:  &token.VerifierCache{Verifier: verifier, TTL: ttl},
		OnRefusal: tell(log),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", hello)
	mux.Handle("POST /notes", token.RequireScope("notes:write", http.HandlerFunc(note)))
	return guard.Require(mux), nil
}

// hello greets whoever the token speaks for. Only requests with a good token
// get here.
func hello(w http.ResponseWriter, r *http.Request) {
	claims, _ := token.FromContext(r.Context())
	fmt.Fprintf(w, "hello, %s\n", claims.Subject)
}

// note takes a note. Only requests whose token has the scope get here.
func note(w http.ResponseWriter, r *http.Request) {
	claims, _ := token.FromContext(r.Context())
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "noted, %s\n", claims.Subject)
}

// tell returns what writes a line to the log for each request that is not let in:
// those who sent it learn less. No token is in the line, only what it can be told
// from others by.
func tell(log *log.Logger) func(*http.Request, error) {
	return func(r *http.Request, reason error) {
		what := r.Method + " " + r.URL.EscapedPath()
		if presented, err := token.FromRequest(r); err == nil {
			what += ", token " + presented.Fingerprint()
		}
		log.Printf("%s: %v", what, reason)
	}
}

// secretVariable is the environment variable with the client's secret. A flag
// would show it to whoever lists the processes.
const secretVariable = "INTROSPECTAPI_SECRET"

const usage = `Introspectapi is an API that has the server that issued a token judge it.

usage: go run ./examples/introspectapi

  It starts an authorization server and the API on ports of 127.0.0.1, and shows
  whom the API lets in and whom it does not: with good and bad tokens, when a
  token is revoked, when the API's own secret is wrong, and when the server is
  down. That takes some 5 seconds. Each line has the status the API answered
  with, what it was sent, and what it answered; beneath is what it wrote to its
  log. The exit status is 1 if an answer was not as it must be.

usage: go run ./examples/introspectapi -introspect URL -client ID -audience NAME
           [-ttl DURATION] [-listen ADDRESS]

  It serves the API, with GET /hello for all and POST /notes for tokens with the
  scope notes:write, until Ctrl-C. The environment variable INTROSPECTAPI_SECRET
  has the client's secret. Who is not let in, and why, it writes to standard
  output.

  -introspect URL   the server's introspection endpoint (RFC 7662)
  -client ID        the client that the server knows this API by
  -audience NAME    what the server calls this API: one of a token's aud
  -ttl DURATION     how long a revoked token may be let in still (default 10s)
  -listen ADDRESS   where to serve (default 127.0.0.1:8080); put TLS before it
                    if that is not a loopback address
  -h                this text
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anything
	secret := token.NewSecret(os.Getenv(secretVariable))
	os.Exit(run(ctx, os.Args[1:], secret, os.Stdout, os.Stderr))
}

// run is main, and returns the exit status.
func run(ctx context.Context, args []string, secret token.Secret, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("introspectapi", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	url := flags.String("introspect", "", "")
	client := flags.String("client", "", "")
	audience := flags.String("audience", "", "")
	ttl := flags.Duration("ttl", 10*time.Second, "")
	listen := flags.String("listen", "127.0.0.1:8080", "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case err == nil && flags.NFlag() > 0 && (*url == "" || *client == "" || *audience == ""):
		err = errors.New("to serve, -introspect, -client and -audience are needed")
	case err == nil && flags.NFlag() > 0 && secret.IsZero():
		err = errors.New("to serve, the client's secret is needed in the environment variable " + secretVariable)
	case err == nil && *ttl <= 0:
		err = fmt.Errorf("-ttl %v is no time at all", *ttl)
	}
	if err != nil {
		fmt.Fprintf(stderr, "introspectapi: %v; -h tells what there is\n", err)
		return 2
	}
	if *url == "" {
		err = demonstrate(ctx, stdout)
	} else {
		err = serve(ctx, *url, introspect.Basic(*client, secret), *audience, *ttl, *listen, stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "introspectapi: %v\n", err)
		return 1
	}
	return 0
}

// serve serves the API until ctx is done.
func serve(ctx context.Context, url string, auth introspect.Auth, audience string, ttl time.Duration, address string, out io.Writer) error {
	api, err := newAPI(url, auth, audience, ttl, log.New(out, "", log.LstdFlags))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := ask(ctx, url, auth); err != nil {
		return err
	}
	fmt.Fprintf(out, "serving http://%s/hello\n", l.Addr())
	server := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// ask asks about a token that nobody issued, so that a wrong address or secret
// shows at once.
func ask(ctx context.Context, url string, auth introspect.Auth) error {
	v := &introspect.Verifier{URL: url, Auth: auth, AnyAudience: true}
	_, err := v.Verify(ctx, token.NewSecret(rand.Text()))
	if errors.Is(err, token.ErrInvalid) {
		return nil
	}
	return err
}
