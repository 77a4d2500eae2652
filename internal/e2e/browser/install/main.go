// Command install installs playwright-core, which drives the browser of the tests,
// into the user's cache folder, and prints where it lies. It does nothing if it is
// there already.
package main

import (
	"github.com/tokenlife/tokenlife/internal/e2e/browser/program"
	"github.com/tokenlife/tokenlife/internal/e2e/npm"
)

func main() { npm.Main(program.Driver) }
