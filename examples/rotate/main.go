// Rotate is a command-line tool that logs in once and uses an API from then on:
// with OAuth 2.0's device flow (RFC 8628), and a refresh token that may be used
// once. It can run as often as one likes, also several times at once, and be killed
// at any moment: the next run goes on. Only if it was killed while it replaced the
// pair, and the next run is more than a minute later, does that log in again.
//
// From the root of the module, with nothing but Go:
//
//	go run ./examples/rotate
//	go run ./examples/rotate -force
//	go run ./examples/rotate -force & go run ./examples/rotate -force & wait
//	go run ./examples/rotate -logout
//
// What a user writes is in tool.go, and in login.go, which asks for the login.
// This file is the command line. The rest is an issuer and an API to try it on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

const usage = `Rotate logs in once, and uses an API from then on.

usage: go run ./examples/rotate [-dir FOLDER] [-n CALLS] [-force | -logout]

  It logs in if there is no login, calls the API, and tells what became of the
  login meanwhile. Run it again, or several times at once: all use one login. The
  issuer and the API are in this program, on a port of 127.0.0.1; what the issuer
  knows is kept beside the login.

  -dir FOLDER   where to keep the login (default: tokenlife-rotate in the
                user's folder for configuration)
  -n CALLS      how often to call the API (default 1)
  -force        replace the access token first, though it is good
  -logout       end the login instead
  -h            this text

usage: go run ./examples/rotate -device-endpoint URL -token-endpoint URL
           -client ID [-revocation-endpoint URL] [-scope SCOPE] -api URL ...

  It logs in at another issuer that has the device flow, as a public client, and
  gets the URL of an API.
`

type options struct {
	dir           string
	calls         int
	force, logout bool
	remote        // the zero value for the issuer in this program
}

// A remote is an issuer elsewhere, and an API that takes its tokens.
type remote struct {
	deviceEndpoint, tokenEndpoint, revocationEndpoint string
	client, scope                                     string
	api                                               string
}

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
		fmt.Fprintf(stderr, "rotate: %v; -h tells what there is\n", err)
		return 2
	}
	err = o.do(ctx, stdout)
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintf(stderr, "rotate: %s\n", oneLine(err.Error()))
		return 1
	}
	return 0
}

// do does what the command line asks for.
func (o options) do(ctx context.Context, out io.Writer) error {
	var t *tool
	if o.remote == (remote{}) {
		l, err := startLocal(ctx, filepath.Join(o.dir, "issuer"))
		if err != nil {
			return err
		}
		defer l.stop()
		t = newTool(l.remote(), o.dir, "local", out)
		t.confirm = l.confirm
	} else {
		t = newTool(o.remote, o.dir, o.client+" at "+o.tokenEndpoint, out)
	}
	if o.logout {
		return t.logout(ctx)
	}
	if err := t.login(ctx); err != nil {
		return err
	}
	err := t.use(ctx, o.calls, o.force)
	if errors.Is(err, token.ErrRefused) {
		// The login has ended, which showed only when it was used.
		if _, why := t.rotator.Token(ctx); why != nil {
			t.say("%s", oneLine(why.Error()))
		}
		if err = t.login(ctx); err == nil {
			err = t.use(ctx, o.calls, false)
		}
	}
	return err
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("rotate", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.dir, "dir", "", "")
	flags.IntVar(&o.calls, "n", 1, "")
	flags.BoolVar(&o.force, "force", false, "")
	flags.BoolVar(&o.logout, "logout", false, "")
	flags.StringVar(&o.deviceEndpoint, "device-endpoint", "", "")
	flags.StringVar(&o.tokenEndpoint, "token-endpoint", "", "")
	flags.StringVar(&o.revocationEndpoint, "revocation-endpoint", "", "")
	flags.StringVar(&o.client, "client", "", "")
	flags.StringVar(&o.scope, "scope", "", "")
	flags.StringVar(&o.api, "api", "", "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.calls < 1:
		return o, fmt.Errorf("-n %d is no call at all", o.calls)
	case o.force && o.logout:
		return o, errors.New("-force and -logout do not go together")
	case o.remote != remote{} && (o.deviceEndpoint == "" || o.tokenEndpoint == "" || o.client == "" || o.api == ""):
		return o, errors.New("for another issuer, -device-endpoint, -token-endpoint, -client and -api are needed")
	}
	if o.dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return o, fmt.Errorf("no folder to keep the login in: %w; say -dir", err)
		}
		o.dir = filepath.Join(config, "tokenlife-rotate")
	}
	return o, nil
}

// oneLine returns s as one line. A server may write what it likes.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
