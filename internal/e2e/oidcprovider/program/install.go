// Package program installs the node-oidc-provider that package oidcprovider
// runs, into the user's cache folder, and finds it there. It imports the
// standard library alone, so that the command that installs is itself built in
// a second.
package program

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// InstallCommand, run in the root of the repository, installs the server.
const InstallCommand = "go -C internal/e2e run ./oidcprovider/install"

//go:embed server/package.json server/package-lock.json server/server.js
var source embed.FS

// installArgs are npm's arguments. No package's own scripts are run: none is
// needed.
var installArgs = []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}

// A Program is an installed server.
type Program struct {
	Node   string // runs Server
	Server string // the server's own program
}

// Find finds the installed server. If it is not installed, the error is an
// [fs.ErrNotExist] that names the command to install it.
func Find() (Program, error) {
	dir, err := folder()
	if err != nil {
		return Program{}, err
	}
	return find(dir)
}

func find(dir string) (Program, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return Program{}, fmt.Errorf("node-oidc-provider is not installed (%w); run: %s", fs.ErrNotExist, InstallCommand)
	} else if err != nil {
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

// Install installs the server, unless it is installed already, and returns
// where. It says on progress what it does, and what npm has to say if it fails.
func Install(ctx context.Context, progress io.Writer) (dir string, err error) {
	if dir, err = folder(); err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := install(ctx, progress, dir); err != nil {
		return "", fmt.Errorf("installing node-oidc-provider: %w", err)
	}
	return dir, nil
}

// install installs the server in a folder beside dir, which then becomes dir by
// a rename: half a server is never found there, and two at once do no harm.
func install(ctx context.Context, progress io.Writer, dir string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("%w; install npm, which comes with Node", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "install-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	files, err := fs.Sub(source, "server")
	if err != nil {
		return err
	}
	if err := os.CopyFS(work, files); err != nil {
		return err
	}

	fmt.Fprintln(progress, "installing node-oidc-provider and Node from npm, once; this fetches about 50 MB")
	began := time.Now()
	cmd := exec.CommandContext(ctx, npm, installArgs...)
	cmd.Dir = work
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// An interrupt lets npm end what it started.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("npm ci: %w:\n%s", err, bytes.TrimSpace(out.Bytes()))
	}
	fmt.Fprintf(progress, "installed node-oidc-provider in %v\n", time.Since(began).Round(time.Second))

	err = os.Rename(work, dir)
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody else was faster
	}
	return err
}

// folder returns where the server is installed, named after what it is
// installed from.
func folder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.GOOS, runtime.GOARCH, installArgs)
	err = fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := source.ReadFile(path)
		fmt.Fprintf(hash, "%s %d\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "tokenlife", "e2e", "oidc-provider-"+hex.EncodeToString(hash.Sum(nil))[:32]), nil
}
