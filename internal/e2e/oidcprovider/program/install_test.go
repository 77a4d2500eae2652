package program

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFindNothing shows that the error of what is not installed names the
// command that installs it.
func TestFindNothing(t *testing.T) {
	_, err := find(filepath.Join(t.TempDir(), "oidc-provider"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), InstallCommand) {
		t.Errorf("got %v, want an fs.ErrNotExist that names %q", err, InstallCommand)
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
			dir := filepath.Join(t.TempDir(), "cache", "oidc-provider")
			if err := install(ctx, progress, dir); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) > 0 {
				t.Errorf("it left %v behind", left)
			}
		})
	}
}

// TestLockFile shows that the lock file holds what every package is made of,
// and no address to fetch it from: that is for each machine's npm to know.
func TestLockFile(t *testing.T) {
	lock, err := source.ReadFile("server/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lock, []byte(`"resolved"`)) {
		t.Error("package-lock.json says where packages were fetched from; make it with: npm install --package-lock-only --omit-lockfile-registry-resolved")
	}
	if packages, hashes := bytes.Count(lock, []byte(`"node_modules/`)), bytes.Count(lock, []byte(`"integrity": "sha512-`)); packages == 0 || packages != hashes {
		t.Errorf("package-lock.json has %d hashes for %d packages", hashes, packages)
	}
}

// A writerFunc is called whenever somebody writes.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}
