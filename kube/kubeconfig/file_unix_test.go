//go:build unix

package kubeconfig

import (
	"os"
	"syscall"
	"testing"
)

// The owner and the group stay, if they can.
func TestWriteOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	t.Parallel()
	path := put(t, was)
	if err := os.Chown(path, 12345, 54321); err != nil {
		t.Fatal(err)
	}
	if _, err := (Files{path}).Forget(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 12345 || stat.Gid != 54321 {
		t.Errorf("it belongs to %d:%d", stat.Uid, stat.Gid)
	}
}
