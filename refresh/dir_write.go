package refresh

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A file that is being written has this behind its name.
const tempSuffix = ".tmp"

// disk is what can be lost in a power cut, for tests to look at; nil functions
// are those of the system.
type disk struct {
	sync   func(*os.File) error
	rename func(from, to string) error
}

// read returns the entry in the file called name, or none.
func (d *Dir) read(root, name string) (entry, error) {
	path := filepath.Join(root, name)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return entry{}, nil
	}
	if err != nil {
		return entry{}, fmt.Errorf("refresh: Dir: %w", err)
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, int64(maxFile)+1))
	if err != nil {
		return entry{}, fmt.Errorf("refresh: Dir: %w", err)
	}
	e, err := decodeFile(name, file)
	if err != nil {
		return entry{}, fmt.Errorf("refresh: Dir: %s: %w", path, err)
	}
	return e, nil
}

// write puts file in the place of the one called name: all of it, or nothing. It
// is on the disk before it has that name, and has the name for good before write
// returns.
func (d *Dir) write(root, name string, file []byte) error {
	temp, err := os.CreateTemp(root, name+".*"+tempSuffix) // with mode 0600
	if err != nil {
		return fmt.Errorf("refresh: Dir: %w", err)
	}
	_, err = temp.Write(file)
	if err == nil {
		err = d.sync(temp)
	}
	if failed := temp.Close(); err == nil {
		err = failed
	}
	if err == nil {
		err = d.rename(temp.Name(), filepath.Join(root, name))
	}
	if err != nil {
		os.Remove(temp.Name())
		return fmt.Errorf("refresh: Dir: %w", err)
	}
	return d.syncFolder(root)
}

// remove deletes the file called name, for good.
func (d *Dir) remove(root, name string) error {
	err := os.Remove(filepath.Join(root, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("refresh: Dir: %w", err)
	}
	return d.syncFolder(root)
}

func (d *Dir) sync(f *os.File) error {
	if d.disk.sync != nil {
		return d.disk.sync(f)
	}
	return f.Sync()
}

func (d *Dir) rename(from, to string) error {
	if d.disk.rename != nil {
		return d.disk.rename(from, to)
	}
	return rename(from, to)
}

// syncFolder makes the names in a folder last.
func (d *Dir) syncFolder(path string) error {
	if !foldersSync {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("refresh: Dir: %w", err)
	}
	defer f.Close()
	if err := d.sync(f); err != nil {
		return fmt.Errorf("refresh: Dir: %w", err)
	}
	return nil
}
