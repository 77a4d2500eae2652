// Package program builds the kube-apiserver that package apiserver runs, into
// the user's cache folder, and finds it there. It imports the standard library
// alone, so that the command that builds is itself built in a second.
package program

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// Version is the version of Kubernetes that is built and that the server
// reports.
const Version = "v1.37.1"

// BuildCommand, run in the root of the repository, builds the server.
const BuildCommand = "go -C internal/e2e run ./apiserver/build"

// buildArgs are the go command's arguments that decide what comes out.
var buildArgs = []string{
	"build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly",
	"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=" + Version,
}

// Build builds the server, unless it is built already, and returns where the
// program lies. It writes a line to progress now and then, and what the go
// command has to say if it fails; progress may be nil.
//
// A cold build takes about five minutes on two cores, 2.5 GB of memory and
// 4 GB of disk for the module and build caches.
func Build(ctx context.Context, progress io.Writer) (path string, err error) {
	if progress == nil {
		progress = io.Discard
	}
	r, err := newRecipe(ctx)
	if err != nil {
		return "", err
	}
	if r.built() == nil {
		return r.path, nil
	}
	if err := r.build(ctx, progress); err != nil {
		return "", fmt.Errorf("building kube-apiserver: %w", err)
	}
	return r.path, nil
}

// Path returns where the built server lies. If it is not built, the error is
// an [fs.ErrNotExist] that names the command to build it.
func Path() (string, error) {
	r, err := newRecipe(context.Background())
	if err != nil {
		return "", err
	}
	if err := r.built(); err != nil {
		return "", err
	}
	return r.path, nil
}

// A recipe is everything that the built program depends on.
type recipe struct {
	// What go env says of the toolchain that builds.
	GOVERSION, GOROOT, GOOS, GOARCH string

	source string // folder of the program's source
	path   string // where the built program goes
}

func newRecipe(ctx context.Context) (*recipe, error) {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) {
		return nil, errors.New("finding the source of kube-apiserver: this program was built with -trimpath and does not know where its source lies; build it without")
	}
	r := &recipe{source: filepath.Join(filepath.Dir(file), "..", "server")}

	// Asked in the server's folder, whose go.mod may choose the toolchain.
	env, err := goCommand(ctx, r.source, "env", "-json", "GOVERSION", "GOROOT", "GOOS", "GOARCH").Output()
	if err == nil {
		err = json.Unmarshal(env, r)
	}
	if err != nil {
		return nil, fmt.Errorf("asking go env in %s: %w", r.source, err)
	}
	key, err := r.key()
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	r.path = filepath.Join(cache, "tokenlife", "e2e", key, "kube-apiserver")
	return r, nil
}

// built returns nil if the program is there.
func (r *recipe) built() error {
	_, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("kube-apiserver is not built (%w); run: %s", fs.ErrNotExist, BuildCommand)
	}
	return err
}

// build makes the program in a folder beside the place where it goes, which it
// reaches by a rename: half a program is never found there, and two builds at
// once do no harm.
func (r *recipe) build(ctx context.Context, progress io.Writer) error {
	if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(r.path), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	overlay, err := writeOverlay(work, r.GOROOT)
	if err != nil {
		return err
	}

	built := filepath.Join(work, "kube-apiserver")
	cmd := goCommand(ctx, r.source, slices.Concat(buildArgs, []string{"-overlay", overlay, "-o", built, "."})...)
	log := report(progress, 15*time.Second)
	cmd.Stderr = log
	err = cmd.Run()
	log.Close()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("go build: %w: %s", err, log.Last())
	}
	return os.Rename(built, r.path)
}

// key names the built program after what it is built from.
func (r *recipe) key() (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, r.GOVERSION, r.GOOS, r.GOARCH, buildArgs)
	fmt.Fprint(hash, nowAfter, clockFile)
	files, err := filepath.Glob(filepath.Join(r.source, "*.go"))
	if err != nil {
		return "", err
	}
	for _, name := range append(files, filepath.Join(r.source, "go.mod"), filepath.Join(r.source, "go.sum")) {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("reading the source of kube-apiserver: %w", err)
		}
		fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(name), len(text), text)
	}
	return hex.EncodeToString(hash.Sum(nil))[:32], nil
}

// goCommand prepares a go command in dir that is not led astray by a go.work
// of the developer's, and needs no C compiler.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	// An interrupt lets the go command end its compilers and tidy up.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}
