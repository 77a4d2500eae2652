// Package npm installs programs for Node that tests run, from npm and by a lock
// file, into the user's cache folder, and finds them there. It imports the
// standard library alone, so that a command that installs is itself built in a
// second.
package npm

import (
	"bytes"
	"context"
	"crypto/sha256"
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

// installArgs are npm's arguments. No package's own scripts are run: none is
// needed.
var installArgs = []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund"}

// A Package is a program and the packages that it needs.
type Package struct {
	Name    string // what people call it
	Folder  string // what its folder's name begins with
	Files   fs.FS  // the program, package.json and package-lock.json
	Fetches string // what an installation fetches, such as "about 50 MB"
	Command string // run in the root of the repository, it installs the package
}

// Find returns the folder that p is installed in. If it is not installed, the
// error is an [fs.ErrNotExist] that names the command to install it.
func (p Package) Find() (dir string, err error) {
	if dir, err = p.folder(); err != nil {
		return "", err
	}
	return dir, p.find(dir)
}

func (p Package) find(dir string) error {
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not installed (%w); run: %s", p.Name, fs.ErrNotExist, p.Command)
	}
	return err
}

// Install installs p, unless it is installed already, and returns where. It says
// on progress what it does, and what npm has to say if it fails.
func (p Package) Install(ctx context.Context, progress io.Writer) (dir string, err error) {
	if dir, err = p.folder(); err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := p.install(ctx, progress, dir); err != nil {
		return "", fmt.Errorf("installing %s: %w", p.Name, err)
	}
	return dir, nil
}

// install installs p in a folder beside dir, which then becomes dir by a rename:
// half of it is never found there, and two at once do no harm.
func (p Package) install(ctx context.Context, progress io.Writer, dir string) error {
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
	if err := os.CopyFS(work, p.Files); err != nil {
		return err
	}

	fmt.Fprintf(progress, "installing %s from npm, once; this fetches %s\n", p.Name, p.Fetches)
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
	fmt.Fprintf(progress, "installed %s in %v\n", p.Name, time.Since(began).Round(time.Second))

	err = os.Rename(work, dir)
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody else was faster
	}
	return err
}

// folder returns where p is installed, named after what it is installed from.
func (p Package) folder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.GOOS, runtime.GOARCH, installArgs)
	err = fs.WalkDir(p.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(p.Files, path)
		fmt.Fprintf(hash, "%s %d\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "tokenlife", "e2e", p.Folder+"-"+hex.EncodeToString(hash.Sum(nil))[:32]), nil
}

// CheckLock returns an error unless the lock file says what every package is
// made of, and no address to fetch it from: that is for each machine's npm to
// know.
func (p Package) CheckLock() error {
	lock, err := fs.ReadFile(p.Files, "package-lock.json")
	if err != nil {
		return err
	}
	if bytes.Contains(lock, []byte(`"resolved"`)) {
		return errors.New("package-lock.json says where packages were fetched from; make it with: npm install --package-lock-only --omit-lockfile-registry-resolved")
	}
	if packages, hashes := bytes.Count(lock, []byte(`"node_modules/`)), bytes.Count(lock, []byte(`"integrity": "sha512-`)); packages == 0 || packages != hashes {
		return fmt.Errorf("package-lock.json has %d hashes for %d packages", hashes, packages)
	}
	return nil
}
