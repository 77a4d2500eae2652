package refresh

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

const mountLocal = 0x1000 // MNT_LOCAL of sys/mount.h

// checkFilesystem returns an error if the locks of the file system may not hold.
func checkFilesystem(path string) error {
	var stat syscall.Statfs_t
	for {
		switch err := syscall.Statfs(path, &stat); err {
		case nil:
			return checkType(stat)
		case syscall.EINTR:
		default:
			return os.NewSyscallError("statfs", err)
		}
	}
}

func checkType(stat syscall.Statfs_t) error {
	var name strings.Builder
	for _, c := range stat.Fstypename {
		if c == 0 {
			break
		}
		name.WriteByte(byte(c))
	}
	if stat.Flags&mountLocal == 0 || strings.Contains(name.String(), "fuse") {
		return fmt.Errorf("it is on %s, where locks may not hold: use a folder on a local disk", name.String())
	}
	return nil
}
