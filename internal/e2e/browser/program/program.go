// Package program is the program that package browser drives a browser with, as
// npm installs it.
package program

import (
	"embed"
	"io/fs"

	"github.com/tokenlife/tokenlife/internal/e2e/npm"
)

//go:embed driver/package.json driver/package-lock.json driver/driver.js
var source embed.FS

// Driver is the program itself, driver.js, and playwright-core. It fetches no
// browser.
var Driver = npm.Package{
	Name:    "playwright-core",
	Folder:  "browser",
	Files:   files(),
	Fetches: "about 3 MB",
	Command: "go -C internal/e2e run ./browser/install",
}

func files() fs.FS {
	sub, err := fs.Sub(source, "driver")
	if err != nil {
		panic(err) // the path above is a good one
	}
	return sub
}
