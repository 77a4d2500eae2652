package refresh

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

const (
	// A file that somebody has open cannot be replaced.
	readersLock = true

	// Folders cannot be flushed; rename writes through.
	foldersSync = false
)

var (
	kernel32      = syscall.NewLazyDLL("kernel32.dll")
	lockFileEx    = kernel32.NewProc("LockFileEx")
	unlockFileEx  = kernel32.NewProc("UnlockFileEx")
	moveFileExW   = kernel32.NewProc("MoveFileExW")
	getDriveTypeW = kernel32.NewProc("GetDriveTypeW")
)

const (
	lockfileFailImmediately = 0x1
	lockfileExclusiveLock   = 0x2

	movefileReplaceExisting = 0x1
	movefileWriteThrough    = 0x8

	errorLockViolation = syscall.Errno(33)

	driveRemote = 4
)

// tryLock takes the lock of f, unless another has it. It belongs to f as it was
// opened here, and not to the process: another Dir in this process waits too.
func tryLock(f *os.File) (bool, error) {
	var at syscall.Overlapped
	ok, _, err := lockFileEx.Call(f.Fd(), lockfileExclusiveLock|lockfileFailImmediately, 0, 1, 0, uintptr(unsafe.Pointer(&at)))
	switch {
	case ok != 0:
		return true, nil
	case err == errorLockViolation || err == syscall.ERROR_IO_PENDING:
		return false, nil
	}
	return false, os.NewSyscallError("LockFileEx", err)
}

// unlock gives the lock up.
func unlock(f *os.File) {
	var at syscall.Overlapped
	unlockFileEx.Call(f.Fd(), 0, 1, 0, uintptr(unsafe.Pointer(&at)))
}

// rename returns when the new name is on the disk.
func rename(from, to string) error {
	f, err := syscall.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	t, err := syscall.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	ok, _, err := moveFileExW.Call(uintptr(unsafe.Pointer(f)), uintptr(unsafe.Pointer(t)), movefileReplaceExisting|movefileWriteThrough)
	if ok == 0 {
		return &os.LinkError{Op: "MoveFileEx", Old: from, New: to, Err: err}
	}
	return nil
}

// checkFolder leaves the access control list of the folder to its owner: below
// the user's profile nobody else can write.
func checkFolder(path string, info os.FileInfo) error {
	if !info.IsDir() {
		return errors.New("it is not a folder")
	}
	return nil
}

// checkFilesystem returns an error if the locks of the file system may not hold.
func checkFilesystem(path string) error {
	volume := filepath.VolumeName(path)
	root, err := syscall.UTF16PtrFromString(volume + `\`)
	if err != nil {
		return err
	}
	kind, _, _ := getDriveTypeW.Call(uintptr(unsafe.Pointer(root)))
	if kind == driveRemote || len(volume) > 2 {
		return fmt.Errorf("it is on the network, on %s, where locks may not hold: use a folder on a local disk", volume)
	}
	return nil
}
