// Jwtapi is an API that lets in whoever brings a good JSON Web Token.
//
// From the root of the module, with nothing but Go, a demonstration of whom it
// lets in and whom it does not:
//
//	go run ./examples/jwtapi
//
// With an OpenID Connect issuer at hand, an API that takes its tokens:
//
//	go run ./examples/jwtapi -issuer https://issuer.example -audience https://api.example
//
// What a user writes is newAPI, below. The rest is the command line, and an
// issuer and its tokens to try it on.
package main

import (
	"context"
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
	"github.com/tokenlife/tokenlife/token/jwt"
)

// newAPI returns an API for those who bring a token of the issuer that is meant
// for audience.
func newAPI(issuer, audience string, keys jwt.KeySet, log *log.Logger) (http.Handler, error) {
	policy := &jwt.Policy{
		Issuer:   issuer,
		Audience: []string{audience},
		Keys:     keys,
	}
	if err := policy.Check(); err != nil {
		return nil, err
	}
	guard := &token.Guard{Verifier: policy, OnRefusal: tell(log)}
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

const usage = `Jwtapi is an API that lets in whoever brings a good JSON Web Token.

usage: go run ./examples/jwtapi

  It starts an issuer and the API on ports of 127.0.0.1, and shows whom the API
  lets in and whom it does not: with good and bad tokens, when the issuer
  replaces its key, and when the issuer is down. That takes some 5 seconds. Each
  line has the status the API answered with, what it was sent, and what it
  answered; beneath is what it wrote to its log. The exit status is 1 if an
  answer was not as it must be.

usage: go run ./examples/jwtapi -issuer URL -audience NAME [-listen ADDRESS]

  It serves the API, with GET /hello for all and POST /notes for tokens with the
  scope notes:write, until Ctrl-C. Who is not let in, and why, it writes to
  standard output, and when it cannot get the issuer's keys.

  -issuer URL       the OpenID Connect issuer whose tokens are taken: their iss
  -audience NAME    what the issuer calls this API: one of their aud
  -listen ADDRESS   where to serve (default 127.0.0.1:8080); put TLS before it
                    if that is not a loopback address
  -h                this text
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anything
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main, and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("jwtapi", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	issuer := flags.String("issuer", "", "")
	audience := flags.String("audience", "", "")
	listen := flags.String("listen", "127.0.0.1:8080", "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case err == nil && flags.NFlag() > 0 && (*issuer == "" || *audience == ""):
		err = errors.New("to serve, both -issuer and -audience are needed")
	}
	if err != nil {
		fmt.Fprintf(stderr, "jwtapi: %v; -h tells what there is\n", err)
		return 2
	}
	if *issuer == "" {
		err = demonstrate(ctx, stdout)
	} else {
		err = serve(ctx, *issuer, *audience, *listen, stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "jwtapi: %v\n", err)
		return 1
	}
	return 0
}

// serve serves the API until ctx is done. An issuer that is down does not keep it
// from starting: until keys come it answers 503.
func serve(ctx context.Context, issuer, audience, address string, out io.Writer) error {
	log := log.New(out, "", log.LstdFlags)
	keys := &jwt.Remote{Issuer: issuer, OnFetch: func(err error) {
		if err != nil {
			log.Print(err)
		}
	}}
	api, err := newAPI(issuer, audience, keys, log)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := keys.Fetch(ctx); err != nil && token.RetryAfter(err) == 0 {
		return err // and no later attempt will do better
	}
	fmt.Fprintf(out, "serving http://%s/hello to tokens of %s for %s\n", l.Addr(), issuer, audience)
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
