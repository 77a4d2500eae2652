//go:build linux || darwin

package refresh

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	// A name that is given anew names the old file or the new one, whoever has
	// it open.
	readersLock = false

	foldersSync = true
)

// tryLock takes the lock of f, unless another has it. It belongs to f as it was
// opened here, and not to the process: another Dir in this process waits too.
func tryLock(f *os.File) (bool, error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case nil:
			return true, nil
		case syscall.EWOULDBLOCK:
			return false, nil
		case syscall.EINTR:
		default:
			return false, os.NewSyscallError("flock", err)
		}
	}
}

// unlock gives the lock up. Closing f alone would not, as long as a child that
// is just being started has it open too.
func unlock(f *os.File) { syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

func rename(from, to string) error { return os.Rename(from, to) }

// checkFolder returns an error if somebody else can write to the folder at path,
// or can put another in its place.
func checkFolder(path string, info os.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return errors.New("it is not a folder")
	case !ok || int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to the user with number %d, and not to the one this program runs as, %d", stat.Uid, os.Geteuid())
	case info.Mode()&0o022 != 0:
		return fmt.Errorf("others can write to it: chmod go-w (its mode is %#o)", info.Mode().Perm())
	}
	for above := filepath.Dir(path); ; above = filepath.Dir(above) {
		info, err := os.Lstat(above)
		if err != nil {
			return err
		}
		if info.Mode()&0o002 != 0 && info.Mode()&os.ModeSticky == 0 {
			return fmt.Errorf("anybody can put another in its place, since they can write to %s: chmod o-w, or +t", above)
		}
		if above == filepath.Dir(above) {
			return nil
		}
	}
}
