// Command build builds the kube-apiserver that the tests run against and the
// kubectl that they run, into the user's cache folder, and prints where they
// lie. It does nothing if they are there already.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver/program"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), `usage: build

Builds kube-apiserver (with etcd in it) and kubectl %s into the user's cache
folder, for the tests of internal/e2e, and prints where they lie. With cold caches
it takes about five minutes, 2.5 GB of memory and 4 GB of disk; there already, no
time at all.
`, program.Version)
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "build: unexpected argument %q; there are none\n", flag.Arg(0))
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, p := range program.Programs {
		path, err := p.Build(ctx, os.Stderr)
		if err != nil {
			fmt.Fprintln(os.Stderr, "build:", err)
			os.Exit(1)
		}
		fmt.Println(path)
	}
}
