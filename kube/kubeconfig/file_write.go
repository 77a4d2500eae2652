package kubeconfig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// tempSuffix is behind the name of a file that is being written. There is one at most,
// of whoever has the lock.
const tempSuffix = ".tokenlife-new"

// A hook is told of each step of a write before it is done, for tests; an error of it
// ends the write. A nil one does nothing.
type hook func(step string) error

func (h hook) do(step string, do func() error) error {
	if h != nil {
		if err := h(step); err != nil {
			return err
		}
	}
	return do()
}

// write puts text in the place of what is in f, all of it or nothing, whenever this
// process is killed, or the machine is. Whoever calls it has the lock. A symbolic link
// stays, and so do the mode and the owner. The error of a file that has changed all the
// same matches errUnsynced.
func (f *file) write(text []byte, h hook) error {
	real, err := realPath(f.path)
	if err != nil {
		return err
	}
	if err := replace(real, f.text, text, h); err != nil {
		return fmt.Errorf("kubeconfig: %s cannot be changed: %w", f.path, err)
	}
	if err := h.do("sync folder", func() error { return syncFolder(filepath.Dir(real)) }); err != nil {
		return fmt.Errorf("kubeconfig: %s %w: %w", f.path, errUnsynced, err)
	}
	return nil
}

var errUnsynced = errors.New("is changed, but a power cut may undo that")

// replace puts text in the place of old in the file at path.
func replace(path string, old, text []byte, h hook) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if links(info) > 1 {
		return errors.New("it has another name, by a hard link, that would go on to have what is in it now; make a copy of it, or a symbolic link")
	}
	temp := path + tempSuffix
	if err := os.Remove(temp); err != nil && !missing(err) { // of one who was killed
		return err
	}
	defer os.Remove(temp)
	if err := create(temp, text, info, h); err != nil {
		return err
	}
	// An editor does not look at the lock.
	if now, err := readBounded(path, maxFile); err != nil {
		return err
	} else if !bytes.Equal(now, old) {
		return errors.New("somebody else has changed it just now, and not looked at the lock; try again")
	}
	return h.do("rename", func() error { return os.Rename(temp, path) })
}

// create makes a file with text in it, and the mode and the owner that another has; nil
// means that it is for the eyes of its owner only. It is on the disk when create
// returns, but its name may not be.
func create(path string, text []byte, like os.FileInfo, h hook) error {
	var f *os.File
	if err := h.do("create", func() (err error) {
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	}); err != nil {
		return err
	}
	defer f.Close()
	if err := h.do("write", func() error {
		_, err := f.Write(text)
		return err
	}); err != nil {
		return err
	}
	if like != nil {
		if err := own(f, like); err != nil {
			return fmt.Errorf("its owner cannot be kept: %w; run this as that user", err)
		}
		if err := f.Chmod(like.Mode().Perm()); err != nil {
			return err
		}
	}
	if err := h.do("sync", f.Sync); err != nil {
		return err
	}
	return f.Close()
}
