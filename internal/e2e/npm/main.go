package npm

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main is the main function of a command that installs p and prints where it
// lies.
func Main(p Package) {
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), `usage: install

Installs %s from npm into the user's cache folder, for the tests of
internal/e2e, and prints where it lies. It needs npm, and fetches %s;
there already, it takes no time at all.
`, p.Name, p.Fetches)
	}
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "install: unexpected argument %q; there are none\n", flag.Arg(0))
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := p.Install(ctx, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1)
	}
	fmt.Println(dir)
}
