// Command install installs the openid-client that the tests run, into the user's
// cache folder, and prints where it lies. It does nothing if it is there already.
package main

import (
	"github.com/tokenlife/tokenlife/internal/e2e/npm"
	"github.com/tokenlife/tokenlife/internal/e2e/oauthclient/program"
)

func main() { npm.Main(program.Client) }
