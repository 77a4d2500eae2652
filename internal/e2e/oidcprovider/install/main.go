// Command install installs the node-oidc-provider that the tests run against,
// and the Node that it needs, into the user's cache folder, and prints where they
// lie. It does nothing if they are there already.
package main

import (
	"github.com/tokenlife/tokenlife/internal/e2e/npm"
	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider/program"
)

func main() { npm.Main(program.Package) }
