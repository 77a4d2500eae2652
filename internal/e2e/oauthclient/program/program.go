// Package program is the OAuth client that package oauthclient runs, as npm
// installs it.
package program

import (
	"embed"
	"io/fs"

	"github.com/tokenlife/tokenlife/internal/e2e/npm"
)

//go:embed client/package.json client/package-lock.json client/client.js
var source embed.FS

// Client is the client's own program, client.js, and openid-client.
var Client = npm.Package{
	Name:    "openid-client",
	Folder:  "oauth-client",
	Files:   files(),
	Fetches: "less than 1 MB",
	Command: "go -C internal/e2e run ./oauthclient/install",
}

func files() fs.FS {
	sub, err := fs.Sub(source, "client")
	if err != nil {
		panic(err) // the path above is a good one
	}
	return sub
}
