// Package program is the node-oidc-provider that package oidcprovider runs, as
// npm installs it. It imports the standard library alone, so that the command
// that installs is itself built in a second.
package program

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/tokenlife/tokenlife/internal/e2e/npm"
)

//go:embed server/package.json server/package-lock.json server/server.js
var source embed.FS

// Package is the server's own program, node-oidc-provider, and the Node that it
// asks for.
var Package = npm.Package{
	Name:    "node-oidc-provider",
	Folder:  "oidc-provider",
	Files:   files(),
	Fetches: "about 50 MB",
	Command: "go -C internal/e2e run ./oidcprovider/install",
}

func files() fs.FS {
	sub, err := fs.Sub(source, "server")
	if err != nil {
		panic(err) // the path above is a good one
	}
	return sub
}

// A Program is an installed server.
type Program struct {
	Node   string // runs Server
	Server string // the server's own program
}

// Find finds the installed server. If it is not installed, the error is an
// [fs.ErrNotExist] that names the command to install it.
func Find() (Program, error) {
	dir, err := Package.Find()
	if err != nil {
		return Program{}, err
	}
	p := Program{
		Node:   filepath.Join(dir, "node_modules", ".bin", "node"),
		Server: filepath.Join(dir, "server.js"),
	}
	if _, err := os.Stat(p.Node); err != nil {
		// The lock file has no Node for this system.
		if p.Node, err = exec.LookPath("node"); err != nil {
			return Program{}, fmt.Errorf("node-oidc-provider needs Node 22 on %s/%s: %w; install it", runtime.GOOS, runtime.GOARCH, err)
		}
	}
	return p, nil
}
