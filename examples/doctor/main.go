// Doctor says of a token what it is, how long it has, and why it is refused: one of
// Kubernetes, of a user of a kubeconfig, of a Rancher 1.6 or 2.x, or of a Kubernetes
// Dashboard.
//
// From the root of the module, with nothing but Go, a story that needs no server:
//
//	go -C examples/doctor run . -demo
//
// And of a token, which is asked for and not shown, or comes from a file or a pipe:
//
//	go -C examples/doctor install .
//	doctor
//	doctor -user ci-bot
//	doctor -user me -run aws
//	doctor -token-file token -context prod -can "list pods -n ci"
//	doctor -token-file token -rancher https://rancher.example
//
// What a user of the packages writes is in examine.go, and in plugin.go for plugins; who
// is asked is in ask.go and cluster.go. This file is the command line, report.go what
// comes of it, as JSON or as text.go writes it for people, with the life in picture.go;
// demo.go has the story.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

const usage = `Doctor says of a token what it is, how long it has, and why it is refused. It changes
nothing, runs no plugin of a kubeconfig unless -run names it, and never shows the
token.

usage: doctor [flags], once go -C examples/doctor install . has made it: go run would
look for files in another folder, and has a 1 for each exit status but 0.

The token is asked for, or read from a pipe, unless one of these says where it is:

  -token-file FILE      has the token and nothing else
  -user NAME            a user of the kubeconfig; "" is that of the current context
  -run PROGRAM          lets that program run, by its name in PATH or its path, if it
                        is the plugin of the user, as kubectl runs it: what it prints
                        is the token

It is sent nowhere unless one of these says whom to ask. Without, it is said what
the token itself tells; of a user of the kubeconfig whose token is known the cluster
of its context is asked.

  -context NAME         the cluster of this context of the kubeconfig; what its own
                        user may see of the token's service account is looked at too
  -rancher URL          a Rancher, 1.6 or 2.x
  -dashboard URL        a Kubernetes Dashboard, 2.x or 7.x
  -offline              nobody, also of a user of the kubeconfig

What more is known makes more certain:

  -audience NAME        the service that refuses it, if not the API server; may be
                        given more than once
  -can "VERB RESOURCE"  what it was refused for, as kubectl auth can-i has it, such
                        as "list pods -n ci" or "get /metrics"
  -rancher-token-file FILE
                        another token of the same user, to look the first one up
                        with: Rancher answers every refusal alike

  -kubeconfig FILE      the kubeconfig (default: $KUBECONFIG, or ~/.kube/config)
  -ca FILE              certificates to trust, in PEM, besides the system's, of a
                        Rancher or a Dashboard
  -json                 write JSON instead of text; its members are in report.go
  -h                    this text

The exit status is 0 if nothing was found that is wrong, 1 if there are findings, 2
if the command line or a file is wrong, there was no token to look at, or it was
interrupted, and 3 if nothing was found in a kubeconfig, but what a plugin prints, or
what the cluster says of a certificate, was not looked at.

usage: doctor -demo

  It plays a case of each system with servers in this program. Nothing is asked,
  and nothing is kept.
`

type options struct {
	demo, json, offline     bool
	tokenFile, user, run    string
	ofUser                  bool // -user was given, which may be empty
	kubeconfig, context, ca string
	rancher, rancherToken   string
	dashboard               string
	audiences               []string
	access                  *kube.Access
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anything
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main, and returns the exit status.
func run(ctx context.Context, args []string, stdin *os.File, stdout, stderr io.Writer) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "doctor: %s; -h tells what there is\n", said(err, args))
		return 2
	case o.demo:
		err = demo(ctx, stdout)
	default:
		var r *report
		// What was broken off says nothing of the token.
		if r, err = o.examine(ctx, stdin, stderr); err == nil && ctx.Err() == nil {
			return o.show(r, stdout, stderr)
		}
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintf(stderr, "doctor: %s\n", said(err, args))
		return 2
	}
	return 0
}

// show writes what was found, and returns the exit status.
func (o options) show(r *report, stdout, stderr io.Writer) int {
	var text strings.Builder
	if o.json {
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil { // it has texts and numbers, which are never one
			fmt.Fprintf(stderr, "doctor: %v\n", err)
			return 2
		}
	} else {
		r.write(&text, screenOf(stdout))
	}
	if _, err := io.WriteString(stdout, text.String()); err != nil {
		fmt.Fprintf(stderr, "doctor: what was found could not be written: %v\n", err)
		return 2
	}
	switch {
	case len(r.Findings) > 0:
		return 1
	case r.Unseen != "":
		return 3
	}
	return 0
}

// said returns the text of an error, unless that repeats a token which somebody has put
// on the command line, such as in place of the file that it is in.
func said(err error, args []string) string {
	text := clean(err.Error())
	for _, arg := range args {
		if name, value, joined := strings.Cut(arg, "="); joined && strings.HasPrefix(name, "-") {
			arg = value
		}
		s := token.NewSecret(arg)
		info, err := token.Inspect(s)
		isToken := err != nil || info.Format != token.Opaque || info.Kind != token.KindUnknown
		if isToken && keyOf(s).RepeatedIn(text) {
			return "a token is on the command line, where others can see it: it comes from a prompt, a pipe, or the file that -token-file names"
		}
	}
	return text
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&o.demo, "demo", false, "")
	flags.BoolVar(&o.json, "json", false, "")
	flags.BoolVar(&o.offline, "offline", false, "")
	text := func(name string, to *string) {
		flags.Func(name, "", func(value string) error {
			if value == "" { // otherwise nobody would be asked, and nothing be wrong
				return errors.New("is a variable not set?")
			}
			*to = value
			return nil
		})
	}
	text("token-file", &o.tokenFile)
	flags.Func("user", "", func(name string) error { o.user, o.ofUser = name, true; return nil })
	text("run", &o.run)
	text("kubeconfig", &o.kubeconfig)
	text("context", &o.context)
	text("rancher", &o.rancher)
	text("rancher-token-file", &o.rancherToken)
	text("dashboard", &o.dashboard)
	text("ca", &o.ca)
	flags.Func("audience", "", func(name string) error {
		if name == "" {
			return errors.New("is a variable not set?")
		}
		o.audiences = append(o.audiences, name)
		return nil
	})
	flags.Func("can", "", func(text string) (err error) { o.access, err = parseCan(text); return err })
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var servers []string
	for name, value := range map[string]string{"-context": o.context, "-rancher": o.rancher, "-dashboard": o.dashboard} {
		if value != "" {
			servers = append(servers, name)
		}
	}
	switch {
	case flags.NArg() > 0:
		// It may be the token.
		return o, errors.New("too much on the command line: there are only flags, and a token comes from a prompt, a pipe or -token-file, where nobody else sees it")
	case o.demo && flags.NFlag() > 1:
		return o, errors.New("-demo goes with nothing else")
	case o.ofUser && o.tokenFile != "":
		return o, errors.New("-user and -token-file are each a token, and one is looked at")
	case o.run != "" && !o.ofUser:
		return o, errors.New("-run lets the plugin of a user of the kubeconfig run: -user says which user")
	case len(servers) > 1:
		return o, errors.New("-context, -rancher and -dashboard each say whom to send the token to, and that is one")
	case o.offline && len(servers) > 0:
		return o, fmt.Errorf("-offline asks nobody, and %s says whom to ask", servers[0])
	case o.ofUser && (o.rancher != "" || o.dashboard != ""):
		return o, errors.New("-user is of a kubeconfig, whose credential is for the cluster there: for a Rancher or a Dashboard say -token-file")
	case o.rancherToken != "" && o.rancher == "":
		return o, errors.New("-rancher-token-file needs -rancher")
	case o.ca != "" && o.rancher == "" && o.dashboard == "":
		return o, errors.New("-ca is for -rancher and -dashboard: a kubeconfig has its own")
	case o.access != nil && (o.context == "" && !o.ofUser || o.offline):
		return o, errors.New("-can needs a cluster to ask: say -context or -user")
	case len(o.audiences) > 0 && (o.rancher != "" || o.dashboard != ""):
		return o, errors.New("-audience is for tokens of Kubernetes, and neither a Rancher nor a Dashboard looks at it")
	case o.kubeconfig != "" && o.context == "" && !o.ofUser:
		return o, errors.New("-kubeconfig alone says nothing: -user names one of its users, -context a cluster to ask")
	}
	// These are looked at last, since an error of package flag would repeat them.
	if err := checkURL(o.rancher); err != nil {
		return o, fmt.Errorf("-rancher: %w", err)
	}
	if err := checkURL(o.dashboard); err != nil {
		return o, fmt.Errorf("-dashboard: %w", err)
	}
	return o, nil
}
