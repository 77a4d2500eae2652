// Issuer is a service that people log in to and stay logged in: it hands out
// pairs of an access token and a refresh token, replaces both whenever a client
// asks, ends the login when a refresh token turns up twice, and has an API for
// those who bring an access token.
//
// From the root of the module:
//
//	go -C examples/issuer run .
//
// and, from another shell:
//
//	curl -d client_id=app -d username=alice -d password=wonderland http://127.0.0.1:8080/login
//	curl -d client_id=app -d grant_type=refresh_token -d refresh_token=... http://127.0.0.1:8080/token
//	curl -H 'Authorization: Bearer ...' http://127.0.0.1:8080/hello
//	curl -H 'Authorization: Bearer ...' -X POST http://127.0.0.1:8080/logout-everywhere
//	curl -d client_id=app -d token=... http://127.0.0.1:8080/revoke
//
// To see a reuse, exchange a refresh token, then what it brought, and then the first
// again. Without the second step it gets the same successor for a minute, since the
// answer may have been lost.
//
// It keeps its logins in a file of SQLite, or, for as many of it as one likes, in
// PostgreSQL or Redis.
//
// What a user writes is in service.go, and, for each store, in store.go. This file
// is the command line.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"
)

const usage = `Issuer is a service that people log in to and stay logged in.

usage: go -C examples/issuer run . [-store URL] [-keys FILE] [-listen ADDRESS]

  POST /login               username, password, client_id=app: a pair of tokens
  POST /token               grant_type=refresh_token, refresh_token, client_id: the
                            next pair (RFC 6749, section 6)
  POST /revoke              token, client_id: logout (RFC 7009)
  POST /logout-everywhere   with an access token: ends all logins of its user
  GET  /hello               with an access token: the API

  The users are alice, whose password is wonderland, and bob, whose is builder.
  Who logs in, and what is refused, it writes to standard output, until Ctrl-C.

  -store URL        where to keep the logins: the file of a SQLite database, or
                    postgres://user:password@host/database, or
                    redis://user:password@host:port/number (default what the
                    environment variable ISSUER_STORE says, or issuer.db); put a
                    URL with a password there, as anybody can see the flags
  -keys FILE        the keys, each 32 random bytes in base64, one a line: the
                    first makes tokens, all are taken. It is made if it is not
                    there (default issuer.keys)
  -listen ADDRESS   where to serve (default 127.0.0.1:8080); put TLS before it
                    if that is not a loopback address
  -h                this text
`

type options struct{ store, keys, listen string }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anything
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main, and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "issuer: %v; -h tells what there is\n", err)
		return 2
	}
	if err := o.serve(ctx, stdout); err != nil {
		fmt.Fprintf(stderr, "issuer: %s\n", strings.Join(strings.Fields(err.Error()), " "))
		return 1
	}
	return 0
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("issuer", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.store, "store", cmp.Or(os.Getenv("ISSUER_STORE"), "issuer.db"), "")
	flags.StringVar(&o.keys, "keys", "issuer.keys", "")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

// serve serves until ctx is done, and what is under way to its end.
func (o options) serve(ctx context.Context, stdout io.Writer) error {
	keys, err := readKeys(ctx, o.keys)
	if err != nil {
		return err
	}
	store, closeStore, err := openStore(ctx, o.store)
	if err != nil {
		return err
	}
	defer closeStore()
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	defer l.Close()
	log := slog.New(slog.NewTextHandler(stdout, nil))
	s, err := newService(store, keys, log)
	if err != nil {
		return err
	}
	log.Info("serving", "url", "http://"+l.Addr().String())
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
