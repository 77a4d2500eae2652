package npm

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var example = Package{
	Name:    "example-program",
	Folder:  "example",
	Files:   fstest.MapFS{"package.json": &fstest.MapFile{Data: []byte("{}")}},
	Fetches: "nothing",
	Command: "go run ./install",
}

// TestFindNothing shows that the error of what is not installed names the
// command that installs it.
func TestFindNothing(t *testing.T) {
	err := example.find(filepath.Join(t.TempDir(), "example"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), example.Command) {
		t.Errorf("got %v, want an fs.ErrNotExist that names %q", err, example.Command)
	}
}

// TestInstallFails shows that an installation that fails says what npm said, and
// leaves nothing behind; so does one that is interrupted.
func TestInstallFails(t *testing.T) {
	for name, test := range map[string]struct {
		npm, want string
		cancel    bool
	}{
		"none":        {want: "install npm"},
		"failure":     {npm: "#!/bin/sh\necho npm: no such registry >&2\nexit 7\n", want: "no such registry"},
		"interrupted": {npm: "#!/bin/sh\nexec sleep 60\n", want: context.Canceled.Error(), cancel: true},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			if test.npm != "" {
				if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(test.npm), 0o700); err != nil {
					t.Fatal(err)
				}
				bin += string(os.PathListSeparator) + os.Getenv("PATH")
			}
			t.Setenv("PATH", bin)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			progress := io.Discard
			if test.cancel {
				progress = writerFunc(cancel)
			}
			dir := filepath.Join(t.TempDir(), "cache", "example")
			if err := example.install(ctx, progress, dir); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) > 0 {
				t.Errorf("it left %v behind", left)
			}
		})
	}
}

// TestCheckLock shows what is wrong with a lock file.
func TestCheckLock(t *testing.T) {
	const whole = `"node_modules/a": {"integrity": "sha512-x"}`
	for lock, want := range map[string]string{
		whole:                           "",
		"{}":                            "0 packages",
		whole + `"node_modules/b": {}`:  "1 hashes for 2",
		whole + `"resolved": "https:/"`: "fetched from",
	} {
		p := Package{Files: fstest.MapFS{"package-lock.json": &fstest.MapFile{Data: []byte(lock)}}}
		if err := p.CheckLock(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", lock, err, want)
		}
	}
}

// A writerFunc is called whenever somebody writes.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}
