// Quickstart shows what this module is for: 50 callers use an API for 15
// seconds, the token they need lives for 5, the issuer that gives it has a wrong
// clock and fails twice, the API revokes a token that is in use, and no caller
// notices any of it.
//
// From the root of the module, with nothing but Go:
//
//	go run ./examples/quickstart
//
// What a user writes is in source.go, which gets a token from the issuer, and in
// the middle of the method play below, where it is kept fresh and put on
// requests. The rest is an issuer and an API to try it on, and a view of what
// happens.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

const usage = `Quickstart shows a token being kept fresh while everything around it goes wrong.

It starts an issuer and an API on two ports of 127.0.0.1, and 50 callers that use
the API. Tokens live for 5 seconds, and the issuer wants to be asked for the next
after one. Its clock is 90 seconds fast, and its 2nd and 3rd answers are a 500. The
API goes by the issuer's clock to the instant, and after 8 seconds it revokes a token
that is in use.

Each line says when something happened, to whom, and what. On a terminal, the
last line is the life of the token in use. The summary at the end counts what
the callers noticed: if that is anything, the exit status is 1.

usage: go run ./examples/quickstart [-for duration]

  -for duration   how long the callers go on (default 15s); Ctrl-C ends it earlier
  -h              this text
`

// A demo is what is played, and how it goes wrong.
type demo struct {
	length  time.Duration
	callers int
	life    time.Duration // of a token; whole seconds
	again   time.Duration // how soon the issuer wants to be asked for the next; whole seconds
	ahead   time.Duration // by how much the issuer's clock is fast
	broken  []int         // the answers of the issuer that are a 500, counted from 1
	revoke  time.Duration // when the API revokes the token in use
}

var quickstart = demo{
	length:  15 * time.Second,
	callers: 50,
	life:    5 * time.Second,
	again:   1 * time.Second,
	ahead:   90 * time.Second,
	broken:  []int{2, 3},
	revoke:  8 * time.Second,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anything
	os.Exit(quickstart.run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main, and returns the exit status.
func (d demo) run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.DurationVar(&d.length, "for", d.length, "")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case err == nil && d.length <= 0:
		err = fmt.Errorf("-for %v is no time at all", d.length)
	}
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v; -h tells what there is\n", err)
		return 2
	}

	s, err := d.play(ctx, stdout)
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return 1
	}
	fmt.Fprint(stdout, s)
	if s.noticed() {
		return 1
	}
	return 0
}

// play runs d until its time is over or ctx is done, and tells out what happens.
func (d demo) play(ctx context.Context, out io.Writer) (summary, error) {
	story := &story{screen: newScreen(out), began: time.Now()}
	issuer := &issuer{demo: d, story: story, secret: token.NewSecret(rand.Text())}
	issuerURL, stopIssuer, err := serve(issuer)
	if err != nil {
		return summary{}, err
	}
	defer stopIssuer()
	api := &api{issuer: issuer, story: story, revokeAt: time.Now().Add(d.revoke)}
	apiURL, stopAPI, err := serve(token.Require(api, http.HandlerFunc(hello)))
	if err != nil {
		return summary{}, err
	}
	defer stopAPI()

	// This is what a user writes.
	src := refresh.New(&clientCredentials{
		URL:    issuerURL,
		ID:     "quickstart",
		Secret: issuer.secret,
		Client: &http.Client{Transport: story.clock.Transport(nil)}, // measures the issuer's clock
	})
	src.OnEvent = story.event
	story.source = &watched{Source: src}
	client := &http.Client{Transport: &token.Transport{Source: story.source, Base: connections(d.callers)}}

	callers := &callers{client: client, url: apiURL}
	ctx, cancel := context.WithTimeout(ctx, d.length)
	defer cancel()
	finish := story.screen.start(func() string { return story.status(callers) })
	callers.run(ctx, d.callers)
	finish()
	return story.summary(d, api, callers), nil
}

// connections returns what [http.DefaultTransport] is, but with n connections
// kept open to a server instead of two.
func connections(n int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = n
	return t
}

// serve serves h on a port of this machine that nobody else can reach.
func serve(h http.Handler) (url string, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("a port of 127.0.0.1 is needed: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go s.Serve(l)
	return "http://" + l.Addr().String(), s.Close, nil
}
