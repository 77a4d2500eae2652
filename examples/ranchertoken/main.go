// Ranchertoken is a command-line tool for the tokens of a Rancher, 1.6 or 2.x: it
// finds out which. It logs in once, and keeps what it got in a folder, so that the
// next run goes on with it; it renews it, says why one is refused, and logs out.
//
// From the root of the module, with nothing but Go, a story that needs no server:
//
//	go run ./examples/ranchertoken -demo
//
// And at a Rancher:
//
//	go run ./examples/ranchertoken -url https://rancher.example -user admin login
//	go run ./examples/ranchertoken -url https://rancher.example show
//	go run ./examples/ranchertoken -url https://rancher.example keep
//	go run ./examples/ranchertoken -url https://rancher.example logout
//
// What a user of the packages writes is in tool.go, login.go, keep.go and show.go.
// This file is the command line; password.go asks for passwords, and demo.go has
// the story.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/tokenlife/tokenlife/rancher"
)

const usage = `Ranchertoken gets a token of a Rancher, keeps it fresh, and says why one is refused.

usage: go run ./examples/ranchertoken -url URL [FLAGS] COMMAND

  login         log in, and keep the token; its password is asked for
  show          whose token is kept, how long it lives, and what the server allows
  keep          keep it fresh until Ctrl-C
  renew         replace it now
  diagnose      say why it, or the one in -token-file, is refused
  logout        revoke it, with all that were made on its way

  -url URL      where Rancher is, such as https://rancher.example
  -user NAME    whom to log in (default: it is asked for)
  -provider P   who knows the user, such as openldap (2.x; default local)
  -password-file FILE
                has the password in its first line (default: it is asked for)
  -lifetime D   how long each token is to live, such as 8h (2.x; default 24h)
  -for D        how long keep keeps (default: until Ctrl-C)
  -token-file FILE
                has the token to diagnose in its first line
  -dir FOLDER   where to keep the token (default: tokenlife-ranchertoken in the
                user's folder for configuration); it is there in the clear
  -ca FILE      certificates to trust, in PEM, besides the system's
  -insecure     allow http to other machines: others can read the password
  -h            this text

usage: go run ./examples/ranchertoken -demo

  It plays all that with a Rancher 1.6 and a Rancher 2.x in this program, whose
  tokens live for seconds. Nothing is asked, and nothing is kept.
`

type options struct {
	command          string
	demo             bool
	url, dir, ca     string
	insecure         bool
	user, provider   string
	passwordFile     string
	tokenFile        string
	lifetime, during time.Duration
}

var commands = []string{"login", "show", "keep", "renew", "diagnose", "logout"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anything
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main, and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "ranchertoken: %v; -h tells what there is\n", err)
		return 2
	case o.demo:
		err = demo(ctx, stdout)
	default:
		err = o.do(ctx, stdout)
	}
	if ctx.Err() != nil && err != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintf(stderr, "ranchertoken: %s\n", oneLine(err.Error()))
		return 1
	}
	return 0
}

// do does what the command line asks for.
func (o options) do(ctx context.Context, out io.Writer) error {
	client, err := o.client()
	if err != nil {
		return err
	}
	t, err := newTool(ctx, &rancher.Server{URL: o.url, HTTP: client, Insecure: o.insecure}, o, out)
	if err != nil {
		return err
	}
	switch o.command {
	case "login":
		return t.login(ctx)
	case "show":
		return t.show(ctx)
	case "keep":
		return t.keep(ctx)
	case "renew":
		return t.renew(ctx)
	case "diagnose":
		return t.diagnose(ctx)
	}
	return t.logout(ctx)
}

// client returns a client that trusts the certificates of -ca as well.
func (o options) client() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if o.ca != "" {
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, fmt.Errorf("-ca: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("-ca %s: no certificate in PEM", o.ca)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{Transport: transport}, nil
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("ranchertoken", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&o.demo, "demo", false, "")
	flags.StringVar(&o.url, "url", "", "")
	flags.StringVar(&o.dir, "dir", "", "")
	flags.StringVar(&o.ca, "ca", "", "")
	flags.BoolVar(&o.insecure, "insecure", false, "")
	flags.StringVar(&o.user, "user", "", "")
	flags.StringVar(&o.provider, "provider", "", "")
	flags.StringVar(&o.passwordFile, "password-file", "", "")
	flags.StringVar(&o.tokenFile, "token-file", "", "")
	flags.DurationVar(&o.lifetime, "lifetime", 0, "")
	flags.DurationVar(&o.during, "for", 0, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	rest := flags.Args()
	if len(rest) > 0 {
		o.command, rest = rest[0], rest[1:]
	}
	switch {
	case o.demo && (flags.NFlag() > 1 || o.command != ""):
		return o, errors.New("-demo goes with nothing else")
	case o.demo:
		return o, nil
	case o.command == "":
		return o, fmt.Errorf("a command is missing: one of %s", strings.Join(commands, ", "))
	case !slices.Contains(commands, o.command):
		return o, fmt.Errorf("there is no command %.40q, but %s", o.command, strings.Join(commands, ", "))
	case len(rest) > 0:
		return o, fmt.Errorf("too much behind %s: flags come before the command, and passwords from a prompt or a file", o.command)
	case o.url == "":
		return o, errors.New("-url is missing: where Rancher is")
	case (&rancher.Server{URL: o.url}).Origin() == "":
		return o, errors.New("-url: it is a URL such as https://rancher.example, without user, query or fragment")
	case o.lifetime < 0 || o.during < 0:
		return o, errors.New("-lifetime and -for cannot be negative")
	}
	if o.dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return o, fmt.Errorf("no folder to keep the token in: %w; say -dir", err)
		}
		o.dir = filepath.Join(config, "tokenlife-ranchertoken")
	}
	return o, nil
}

// oneLine returns s as one line that does nothing to a terminal. A server may write
// what it likes.
func oneLine(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) })
	return strings.Join(words, " ")
}
