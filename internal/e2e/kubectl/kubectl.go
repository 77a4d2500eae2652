// Package kubectl runs a real kubectl in tests, of the version of the server of
// package apiserver and built with it:
//
//	go -C internal/e2e run ./apiserver/build
//
// A kubectl that lies in PATH is left alone: it could be of any age.
package kubectl

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"testing"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver/program"
)

// Path returns where kubectl lies. Where it has not been built, Path skips the test;
// with the environment variable CI set it fails it.
func Path(tb testing.TB) string {
	tb.Helper()
	path, err := program.Kubectl.Path()
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// A User runs kubectl in a home of its own.
type User struct {
	Path       string   // of kubectl
	Home       string   // folder, for its caches
	Kubeconfig string   // file
	Env        []string // NAME=value, added to what the test has
}

// Command prepares kubectl with args. It is killed when ctx is done.
func (u User) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, u.Path, args...)
	cmd.Env = append(cmd.Environ(), "HOME="+u.Home, "KUBECONFIG="+u.Kubeconfig)
	cmd.Env = append(cmd.Env, u.Env...)
	return cmd
}
