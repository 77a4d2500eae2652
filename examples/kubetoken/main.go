// Kubetoken lists the namespaces of a Kubernetes cluster as a service account:
// with the rights of whoever runs it, it asks the API server for a token of that
// account (TokenRequest), keeps the token fresh, and has no other credential when
// it asks for the namespaces.
//
// From the root of the module:
//
//	go -C examples/kubetoken run . -namespace ci -serviceaccount builder -watch
//
// What it does is in list.go; this file is its command line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

const usage = `Kubetoken lists the namespaces of a cluster as a service account, with a token
that it asks the API server for and keeps fresh.

Whoever runs it needs the verb create on serviceaccounts/token, the account the
verb list on namespaces.

usage: go -C examples/kubetoken run . -serviceaccount name [flags]

  -serviceaccount name   whose token to use
  -namespace name        where the account is (default: that of the kubeconfig's
                         context, or that of the pod)
  -audience name         whom the token is for; one that the API server takes
                         (default: the API server)
  -lifetime duration     how long the token should live, such as 2h, ten minutes at
                         least; less may be granted (default: the server's, 1h)
  -pod name              a pod of the account: the token dies with it
  -kubeconfig file       how to reach the cluster (default: $KUBECONFIG, or
                         ~/.kube/config, or in a pod what the pod is given)
  -watch                 go on every 10 seconds, and tell what happens to the
                         token; Ctrl-C ends it
  -h                     this text
`

type options struct {
	kubeconfig, namespace, serviceAccount, audience, pod string
	lifetime                                             time.Duration
	watch                                                bool
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
		fmt.Fprintf(stderr, "kubetoken: %v; -h tells what there is\n", err)
		return 2
	}
	if err := o.list(ctx, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "kubetoken: %s\n", oneLine(err.Error()))
		return 1
	}
	return 0
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("kubetoken", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "")
	flags.StringVar(&o.namespace, "namespace", "", "")
	flags.StringVar(&o.serviceAccount, "serviceaccount", "", "")
	flags.StringVar(&o.audience, "audience", "", "")
	flags.DurationVar(&o.lifetime, "lifetime", 0, "")
	flags.StringVar(&o.pod, "pod", "", "")
	flags.BoolVar(&o.watch, "watch", false, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.serviceAccount == "" {
		return o, errors.New("-serviceaccount is needed")
	}
	return o, nil
}

// oneLine returns s as one line. A server may write what it likes.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
