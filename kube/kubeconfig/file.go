package kubeconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// A file is a kubeconfig file as it was read.
type file struct {
	path string // as Files names it
	text []byte
	doc  *yaml.Node // nil if there is none

	current  string // current-context
	contexts []contextEntry
	clusters []clusterEntry
	users    []userEntry
}

// maxFile is the longest kubeconfig that is read. One of a thousand clusters, each with
// its certificates in it, is near.
const maxFile = 4 << 20

// readFile reads and parses a kubeconfig file. locked says that the caller has its lock.
func readFile(path string, locked bool) (*file, error) {
	read := func() ([]byte, error) { return readBounded(path, maxFile) }
	text, err := []byte(nil), error(nil)
	if locked {
		text, err = read()
	} else {
		text, err = settled(read, func() bool { return writing(path) })
	}
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w; %s", err, remedy(err))
	}
	return parseFile(path, text)
}

// settled reads a file until nobody is writing it, but for a moment at most: kubectl
// empties a file before it writes it, and half of it may look like another login. The
// lock may come and go while the file is read, so that it is read twice.
func settled(read func() ([]byte, error), writing func() bool) ([]byte, error) {
	for end := time.Now().Add(settling); ; time.Sleep(settling / 25) {
		calm := !writing()
		text, err := read()
		if err != nil {
			return nil, err
		}
		if calm && !writing() {
			if again, err := read(); err == nil && bytes.Equal(text, again) {
				return text, nil
			}
		}
		if !time.Now().Before(end) {
			return text, nil
		}
	}
}

// settling is how long a file may be locked until it is read nevertheless.
const settling = 500 * time.Millisecond

// readBounded returns what is in a regular file, if that is not more than most bytes.
func readBounded(path string, most int64) ([]byte, error) {
	// Opening a pipe would wait for its other end, and no context ends that.
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is %w", path, errIrregular)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) > most:
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return text, nil
}

// errIrregular is what a pipe is, or a folder.
var errIrregular = errors.New("not a regular file")

// resolve returns what path stands for in a file: a relative one is relative to the
// folder of the file, as it is to kubectl.
func (f *file) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	dir, err := filepath.Abs(filepath.Dir(f.path))
	if err != nil {
		dir = filepath.Dir(f.path)
	}
	return filepath.Join(dir, path)
}

// user returns a user that f defines, or nil.
func (f *file) user(name string) *userEntry {
	if i := slices.IndexFunc(f.users, func(u userEntry) bool { return u.name == name }); i >= 0 {
		return &f.users[i]
	}
	return nil
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func exists(err error) bool { return errors.Is(err, fs.ErrExist) }
