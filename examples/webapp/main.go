// Webapp is a small web site that people log in to: package session keeps them
// logged in for as long as they are there, and not longer.
//
// From the root of the module:
//
//	go -C examples/webapp run .
//
// and then open http://127.0.0.1:8080 in a browser. To see a session end, or to
// be warned that it will, give it less time:
//
//	go -C examples/webapp run . -idle 30s -lifetime 5m
//
// It keeps what cookies cannot in a file of SQLite, or, for as many of it as one
// likes, in PostgreSQL or Redis.
//
// What a user writes is in service.go; in orders.go, for calls of an API on the
// user's behalf; and, for each store, in store.go. The script that counts down is
// static/life.js. The API is upstream.go, which stands for one somewhere else. This
// file is the command line.
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
	"syscall"
	"time"

	"github.com/tokenlife/tokenlife/token/seal"
)

const usage = `Webapp is a small web site that people log in to.

usage: go -C examples/webapp run . [-idle TIME] [-lifetime TIME] [-access TIME]
                                   [-latency TIME] [-store URL] [-keys FILE]
                                   [-listen ADDRESS]

  The users are alice, whose password is wonderland, and bob, whose is builder.
  What happens it writes to standard output, until Ctrl-C.

  -idle TIME        how long somebody stays logged in without asking for anything,
                    as in 90s, 30m (the default) or 1h30m
  -lifetime TIME    how long at most, whatever they do (default 12h)
  -access TIME      how long the access tokens of the API are good that the orders
                    come from, at least 2s (default 30s)
  -latency TIME     how long the API's tokens take to be exchanged, as with one that
                    is far away (default 0s)
  -store URL        where to keep what cookies cannot: the file of a SQLite
                    database, or postgres://user:password@host/database, or
                    redis://user:password@host:port/number (default what the
                    environment variable WEBAPP_STORE says, or webapp.db); put a
                    URL with a password there, as anybody can see the flags
  -keys FILE        the keys, each 32 random bytes in base64, one a line: the
                    first seals, all of them open. It is made if it is not there,
                    and read again while the site runs (default webapp.keys)
  -listen ADDRESS   where to serve (default 127.0.0.1:8080); put TLS before it
                    if that is not a loopback address: browsers send the cookies
                    nowhere else without
  -h                this text
`

type options struct {
	idle, lifetime, access, latency time.Duration
	store, keys, listen             string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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
		fmt.Fprintf(stderr, "webapp: %v; -h tells what there is\n", err)
		return 2
	}
	if err := o.serve(ctx, stdout); err != nil {
		fmt.Fprintf(stderr, "webapp: %s\n", strings.Join(strings.Fields(err.Error()), " "))
		return 1
	}
	return 0
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.DurationVar(&o.idle, "idle", 30*time.Minute, "")
	flags.DurationVar(&o.lifetime, "lifetime", 12*time.Hour, "")
	flags.DurationVar(&o.access, "access", 30*time.Second, "")
	flags.DurationVar(&o.latency, "latency", 0, "")
	flags.StringVar(&o.store, "store", cmp.Or(os.Getenv("WEBAPP_STORE"), "webapp.db"), "")
	flags.StringVar(&o.keys, "keys", "webapp.keys", "")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.idle < time.Second:
		return o, fmt.Errorf("-idle %v is less than a second", o.idle)
	case o.lifetime < time.Second:
		return o, fmt.Errorf("-lifetime %v is less than a second", o.lifetime)
	case o.access < 2*time.Second:
		return o, fmt.Errorf("-access %v is less than 2 seconds", o.access)
	}
	return o, nil
}

// serve serves until ctx is done, and what is under way to its end.
func (o options) serve(ctx context.Context, stdout io.Writer) error {
	if err := haveKeys(ctx, o.keys); err != nil {
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
	ul, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ul.Close()

	events := &journal{}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(stdout, events), nil))
	keys := &seal.Keyring{
		Load: seal.File(o.keys),
		OnLoad: func(err error) {
			if err != nil {
				log.Error("the keys stay as they were", "error", err)
			}
		},
	}
	u := newUpstream("http://"+ul.Addr().String(), store, keys, o.access)
	u.latency = o.latency
	s, err := newService(o.idle, o.lifetime, store, keys, u, log, events)
	if err != nil {
		return err
	}

	upstreamServer := newServer(u.handler())
	go upstreamServer.Serve(ul)
	defer upstreamServer.Close() // after the site, which asks it
	site := newServer(s.handler())
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := site.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("a request was still under way 10 seconds after the end, and was cut off")
		}
		stopped <- err
	})
	log.Info("serving", "url", "http://"+l.Addr().String())
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		log.Warn("browsers keep no session of this address, unless there is TLS before it")
	}
	if err := site.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// newServer returns a server that waits for nobody for ever. The cookies of a
// session take at most 20 kB of the header.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
