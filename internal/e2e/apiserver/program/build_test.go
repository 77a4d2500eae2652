package program

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestShiftNowOfAnotherRelease shows that a Go release whose time.Now reads
// its clock in another way stops the build, instead of making a server whose
// clock does not move.
func TestShiftNowOfAnotherRelease(t *testing.T) {
	for name, source := range map[string]string{
		"no such line":   "func Now() Time {\n\tsec, nsec := walltime()\n}\n",
		"the line twice": nowBefore + nowBefore,
	} {
		if _, err := shiftNow(source); err == nil || !strings.Contains(err.Error(), "bring overlay.go up to date") {
			t.Errorf("%s: got %v, want an error that says what to do", name, err)
		}
	}
}

// TestOverlay moves the clock of a program of a few lines, across and within
// seconds, and looks that only the wall reading moves.
func TestOverlay(t *testing.T) {
	r, err := newRecipe(t.Context(), Server)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay, err := writeOverlay(dir, r.GOROOT)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod": "module clock\n",
		"main.go": `package main

import (
	"sync/atomic"
	"time"
	_ "unsafe"
)

//go:linkname offset time.e2eOffset
var offset atomic.Int64

func main() {
	for _, d := range []time.Duration{0, 1, -1, 999999999, -999999999, 1e9, -1e9, time.Hour + 1, -time.Hour - 1} {
		offset.Store(0)
		before := time.Now()
		offset.Store(int64(d))
		after := time.Now()
		if got := after.Round(0).Sub(before.Round(0)) - d; got < 0 || got > time.Second/10 {
			println("the wall clock, moved by", d.String(), "is off by", got.String())
		}
		if got := after.Sub(before); got < 0 || got > time.Second/10 {
			println("the monotonic clock moved by", got.String())
		}
	}
}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := goCommand(t.Context(), dir, "run", "-overlay", overlay, "main.go")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestKey shows that another toolchain, a change of the source and a change of
// go.sum each make another program, and nothing else does.
func TestKey(t *testing.T) {
	source := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module m")
	write("go.sum", "")
	write("main.go", "package main")
	r := &recipe{GOVERSION: "go1.26.0", source: source}
	seen := map[string]string{}
	look := func(what string, fresh bool) {
		t.Helper()
		key, err := r.key()
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := seen[key]; ok == fresh {
			t.Errorf("%s: key %s, seen before: %v (%s)", what, key, ok, before)
		}
		seen[key] = what
	}
	look("first", true)
	look("again", false)
	write("README", "hello")
	look("another file", false)
	write("main.go", "package main // changed")
	look("source", true)
	write("more.go", "package main")
	look("another source file", true)
	write("go.sum", "m v1.0.0")
	look("go.sum", true)
	r.GOVERSION = "go1.26.1"
	look("toolchain", true)
}

// TestBuildLog feeds what go build -v writes, in pieces.
func TestBuildLog(t *testing.T) {
	var out strings.Builder
	log := report(&out, Server, time.Hour)
	for _, piece := range []string{"go: downloading example.com/a v1.0.0\nexample", ".com/a\nexample.com/b\n", "# example.com/c\n./c.go:1:2: undefined: x\n"} {
		if _, err := log.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	log.Close()
	if log.modules != 1 || log.packages != 2 {
		t.Errorf("counted %d modules and %d packages, want 1 and 2", log.modules, log.packages)
	}
	if want := "./c.go:1:2: undefined: x"; log.Last() != want || !strings.Contains(out.String(), want) {
		t.Errorf("last line %q, all of it %q; want %q in both", log.Last(), out.String(), want)
	}
}

// TestBuildCancelled shows that a build leaves with its context and leaves
// nothing behind, and that the error of what is not built names the command
// that builds it.
func TestBuildCancelled(t *testing.T) {
	r, err := newRecipe(t.Context(), Server)
	if err != nil {
		t.Fatal(err)
	}
	r.path = filepath.Join(t.TempDir(), "key", "kube-apiserver")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := r.build(ctx, writerFunc(cancel)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	left, err := os.ReadDir(filepath.Dir(r.path))
	if err != nil || len(left) > 0 {
		t.Errorf("the build left %v behind (%v)", left, err)
	}
	if err := r.built(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), BuildCommand) {
		t.Errorf("got %v, want an fs.ErrNotExist that names %q", err, BuildCommand)
	}
}

// TestBuildFails shows that a build that fails says what the compiler said, and
// leaves nothing behind.
func TestBuildFails(t *testing.T) {
	r, err := newRecipe(t.Context(), Server)
	if err != nil {
		t.Fatal(err)
	}
	r.path = filepath.Join(t.TempDir(), "key", "kube-apiserver")
	r.source = t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module m\n",
		"main.go": "package main\n\nfunc main() { undefined() }\n",
	} {
		if err := os.WriteFile(filepath.Join(r.source, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.build(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("got %v, want the compiler's words", err)
	}
	left, err := os.ReadDir(filepath.Dir(r.path))
	if err != nil || len(left) > 0 {
		t.Errorf("the build left %v behind (%v)", left, err)
	}
}

// A writerFunc is called whenever somebody writes.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}
