// Command install installs the node-oidc-provider that the tests run against,
// into the user's cache folder, and prints where it lies. It does nothing if it
// is there already.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider/program"
)

func main() {
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `usage: install

Installs node-oidc-provider and the Node that it needs from npm into the user's
cache folder, for the tests of internal/e2e, and prints where they lie. It needs
npm, and takes some ten seconds and 200 MB of disk; there already, no time at
all.
`)
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "install: unexpected argument %q; there are none\n", flag.Arg(0))
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := program.Install(ctx, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1)
	}
	fmt.Println(dir)
}
