package refresh

import (
	"fmt"
	"os"
	"syscall"
)

// From statfs(2) and linux/magic.h.
var remoteFilesystems = map[uint32]string{
	0x00006969: "NFS",
	0x0000517b: "SMB",
	0xff534d42: "SMB", // cifs
	0xfe534d42: "SMB", // smb2
	0x01021997: "9p",
	0x65735546: "FUSE",
	0x5346414f: "AFS",
	0x6b414653: "AFS", // of the kernel
	0x73757245: "Coda",
	0x00c36400: "Ceph",
	0x0bd00bd0: "Lustre",
	0x786f4256: "a VirtualBox shared folder",
}

// checkFilesystem returns an error if the locks of the file system may not hold.
func checkFilesystem(path string) error {
	var stat syscall.Statfs_t
	for {
		switch err := syscall.Statfs(path, &stat); err {
		case nil:
			return checkType(uint32(stat.Type)) // it has other widths elsewhere
		case syscall.EINTR:
		default:
			return os.NewSyscallError("statfs", err)
		}
	}
}

func checkType(t uint32) error {
	if name, remote := remoteFilesystems[t]; remote {
		return fmt.Errorf("it is on %s, where locks may not hold: use a folder on a local disk", name)
	}
	return nil
}
