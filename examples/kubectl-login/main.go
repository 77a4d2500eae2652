// Kubectl-login is an exec credential plugin of kubectl: it logs a user in by OpenID
// Connect, and from then on answers every kubectl with an ID token that is good. It
// keeps the login in a folder, and spends its refresh token once for each new ID
// token, however many kubectl run at once; it may be killed at any moment.
//
// In the folder of this file:
//
//	go install .
//	kubectl-login setup -issuer https://issuer.example -client-id kubernetes
//	kubectl --user oidc get pods
//	kubectl login status
//	kubectl login logout
//
// The first command that kubectl runs opens a browser, or says where to enter a code
// where there is none. The issuer must know the client with the redirect URI
// http://127.0.0.1/callback, on any port (RFC 8252, section 7.3), or have the device
// flow (RFC 8628); it must give refresh tokens, and an ID token with each.
//
// What a user of the packages writes is in login.go and gettoken.go: a refresh.Rotator
// over a refresh.Dir. Signin.go has the login, browser.go, callback.go and device.go
// its two ways, tell.go what other kubectl say of it. Handed.go mends what the API
// server refuses. This file is the command line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"unicode"
)

const usage = `Kubectl-login logs in to Kubernetes by OpenID Connect, once for many kubectl.

usage: kubectl-login COMMAND [FLAGS]

  setup         print what goes into the kubeconfig
  get-token     print a token for kubectl, which runs this; log in if need be
  status        whose logins are kept here, and how long their tokens are good
  logout        end a login, here and at the issuer

setup and get-token:

  -issuer URL       who knows the users, as the API server has it
  -client-id ID     what the issuer calls the cluster's client
  -client-secret-file FILE
                    has the client's secret, if it has one: the first line is the
                    issuer's URL, a space, and the secret
  -scopes A,B       what to ask for (default openid,offline_access,email);
                    without offline_access many issuers give no refresh token,
                    and Google takes openid,email only
  -ca FILE          certificates to trust at the issuer, in PEM, besides the
                    system's
  -cache FOLDER     where to keep logins (default: tokenlife-kubectl-login in the
                    user's folder for configuration); they are there in the clear
  -browser          log in with a browser, which the program in $BROWSER opens
  -device           log in by a code that is entered on another device
                    (default: whichever of the two there can be)
  -listen ADDRESS   where the browser comes back to (default 127.0.0.1:0, which is
                    any free port)
  -login-timeout D  how long a login may take (default 3m)

status:

  -cache FOLDER     as above
  -json             for programs

logout:

  -cache FOLDER     as above
  -issuer URL       only logins at this issuer
  -all              all of them

  -h                this text
`

func main() {
	// A write to a kubectl that is gone must not end this before a new pair is kept.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
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
		fmt.Fprintf(stderr, "kubectl-login: %v; -h tells what there is\n", err)
		return 2
	}
	switch o.command {
	case "setup":
		err = o.setup(stdout)
	case "get-token":
		err = o.getToken(ctx, stdout, stderr)
	case "status":
		err = o.status(ctx, stdout)
	case "logout":
		err = o.logout(ctx, stdout)
	}
	if ctx.Err() != nil && err != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintf(stderr, "kubectl-login: %s\n", cut(explain(err), 2000))
		return 1
	}
	return 0
}

// explain returns the text of err, without the key that a Rotator looked under.
func explain(err error) string { return pairKey.ReplaceAllString(err.Error(), "") }

var pairKey = regexp.MustCompile(`refresh: pair "[^"]*": `)

// oneLine returns s as one line that does nothing to a terminal. An issuer may write
// what it likes.
func oneLine(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) })
	return strings.Join(words, " ")
}

// brief is oneLine for what somebody else wrote, of which nobody needs more.
func brief(s string) string { return cut(s, 200) }

// cut is oneLine of at most so many characters.
func cut(s string, most int) string {
	line := []rune(oneLine(s[:min(len(s), 16*most)]))
	if len(line) > most {
		return string(line[:most]) + "…"
	}
	return string(line)
}
