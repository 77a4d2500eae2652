//go:build unix

package kube_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe that nobody writes to holds nobody up.
func TestProjectedPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := look(t, path); err == nil || !strings.Contains(err.Error(), path+" is not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
}
