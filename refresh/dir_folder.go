package refresh

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// folder returns the path of the folder, without symbolic links, once it has
// seen that nobody else can write to it. A folder that is not there is made, or
// else is an error that matches [fs.ErrNotExist].
func (d *Dir) folder(create bool) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen != nil {
		// It may have been opened to others since, or deleted and made by another
		// user: a new folder can have the number that an old one had.
		if info, err := os.Lstat(d.root); err == nil && os.SameFile(info, d.seen) {
			if err := checkFolder(d.root, info); err != nil {
				return "", fmt.Errorf("refresh: Dir: %s: %w", d.root, err)
			}
			return d.root, nil
		}
	}
	if d.Path == "" {
		return "", errors.New("refresh: Dir.Path is empty: set it to the path of a folder")
	}
	path, err := filepath.Abs(d.Path)
	if err != nil {
		return "", fmt.Errorf("refresh: Dir: %w", err)
	}
	if create {
		if err := d.make(path); err != nil {
			return "", fmt.Errorf("refresh: Dir: %w", err)
		}
	}
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("refresh: Dir: %w", err)
	}
	info, err := os.Lstat(root)
	if err != nil {
		return "", fmt.Errorf("refresh: Dir: %w", err)
	}
	if err := checkFolder(root, info); err != nil {
		return "", fmt.Errorf("refresh: Dir: %s: %w", root, err)
	}
	if !d.AnyFilesystem {
		if err := checkFilesystem(root); err != nil {
			return "", fmt.Errorf("refresh: Dir: %s: %w, or set AnyFilesystem if you know better", root, err)
		}
	}
	d.root, d.seen = root, info
	return root, nil
}

// make makes the folder at path and what is missing above it, so that a power
// cut does not take it away again.
func (d *Dir) make(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.make(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.syncFolder(filepath.Dir(path))
}
