// Package program builds the kube-apiserver that package apiserver runs and the
// kubectl of package kubectl, into the user's cache folder, and finds them
// there. It imports the standard library alone, so that the command that builds
// is itself built in a second.
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

// Version is the version of Kubernetes that is built and that both programs
// report.
const Version = "v1.37.1"

// BuildCommand, run in the root of the repository, builds the programs.
const BuildCommand = "go -C internal/e2e run ./apiserver/build"

// buildArgs are the go command's arguments that decide what comes out.
var buildArgs = []string{
	"build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly",
	"-gcflags=all=-dwarf=false", // which -s leaves out anyway, and takes an eighth of the time
	"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=" + Version,
}

// A Program is one of those that are built, by its name.
type Program string

// The programs. One module, the folder server, has both, so that the version of
// Kubernetes is written down once, and what they share is compiled once: also with
// one package time, although nothing moves kubectl's clock.
const (
	Server  Program = "kube-apiserver" // with etcd in it
	Kubectl Program = "kubectl"
)

// Programs are all of them, in the order of their building.
var Programs = []Program{Server, Kubectl}

// source is the package that p is built from.
func (p Program) source() string {
	if p == Kubectl {
		return "k8s.io/kubernetes/cmd/kubectl"
	}
	return "."
}

// Build builds p, unless it is built already, and returns where it lies. It
// writes a line to progress now and then, and what the go command has to say if
// it fails; progress may be nil.
//
// A cold build of all programs takes about five minutes on two cores, 2.5 GB of
// memory and 4 GB of disk for the module and build caches.
func (p Program) Build(ctx context.Context, progress io.Writer) (path string, err error) {
	if progress == nil {
		progress = io.Discard
	}
	r, err := newRecipe(ctx, p)
	if err != nil {
		return "", err
	}
	if r.built() == nil {
		return r.path, nil
	}
	if err := r.build(ctx, progress); err != nil {
		return "", fmt.Errorf("building %s: %w", p, err)
	}
	return r.path, nil
}

// Path returns where the built program lies. If it is not built, the error is
// an [fs.ErrNotExist] that names the command to build it.
func (p Program) Path() (string, error) {
	r, err := newRecipe(context.Background(), p)
	if err != nil {
		return "", err
	}
	if err := r.built(); err != nil {
		return "", err
	}
	return r.path, nil
}

// A recipe is everything that a built program depends on.
type recipe struct {
	// What go env says of the toolchain that builds.
	GOVERSION, GOROOT, GOOS, GOARCH string

	program Program
	source  string // folder of the module that it is built in
	path    string // where the built program goes
}

func newRecipe(ctx context.Context, p Program) (*recipe, error) {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) {
		return nil, fmt.Errorf("finding the source of %s: this program was built with -trimpath and does not know where its source lies; build it without", p)
	}
	r := &recipe{program: p, source: filepath.Join(filepath.Dir(file), "..", "server")}

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
	r.path = filepath.Join(cache, "tokenlife", "e2e", key, string(p))
	return r, nil
}

// built returns nil if the program is there.
func (r *recipe) built() error {
	_, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not built (%w); run: %s", r.program, fs.ErrNotExist, BuildCommand)
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

	built := filepath.Join(work, string(r.program))
	cmd := goCommand(ctx, r.source, slices.Concat(buildArgs, []string{"-overlay", overlay, "-o", built, r.program.source()})...)
	log := report(progress, r.program, 15*time.Second)
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

// key names the folder of the built programs after what they are built from.
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
			return "", fmt.Errorf("reading the source of %s: %w", r.program, err)
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
