package refresh

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestDirRefusesRemote(t *testing.T) {
	for kind, name := range map[uint32]string{
		0x6969: "NFS", 0xff534d42: "SMB", 0x01021997: "9p", 0x65735546: "FUSE",
	} {
		if err := checkType(kind); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%#x: %v, want %s", kind, err, name)
		}
	}
	for _, kind := range []uint32{0xef53 /* ext4 */, 0x01021994 /* tmpfs */, 0x58465342 /* XFS */, 0x9123683e /* Btrfs */, 0x794c7630 /* overlay */} {
		if err := checkType(kind); err != nil {
			t.Errorf("%#x: %v", kind, err)
		}
	}

	// As if the temporary folder were on one of them.
	path := t.TempDir()
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); err != nil {
		t.Fatal(err)
	}
	here := uint32(stat.Type)
	if name, remote := remoteFilesystems[here]; remote {
		t.Skip("it is on " + name)
	}
	remoteFilesystems[here] = "NFS"
	defer delete(remoteFilesystems, here)
	d := &Dir{Path: path}
	if _, err := d.Swap(t.Context(), "k", nil, []byte("v"), time.Time{}); err == nil || !strings.Contains(err.Error(), "AnyFilesystem") || !strings.Contains(err.Error(), path) {
		t.Errorf("Swap: %v", err)
	}
	if _, err := d.Get(t.Context(), "k"); err == nil {
		t.Errorf("Get succeeded")
	}
	d = &Dir{Path: path, AnyFilesystem: true}
	if ok, err := d.Swap(t.Context(), "k", nil, []byte("v"), time.Time{}); !ok || err != nil {
		t.Errorf("with AnyFilesystem: %t, %v", ok, err)
	}
}
