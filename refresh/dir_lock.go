package refresh

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// Files of a Dir beside those with values. The lock of the one called swapLock is
// held over each Swap, that of a key with heldSuffix behind its name by who has
// called Lock. They are never deleted: two processes could then hold the locks of
// two files of one name.
const (
	swapLock   = "lock"
	heldSuffix = ".held"
)

// acquire waits for the lock of the file called name, or until ctx is done, and
// returns the folder that it is in. The lock of a file ends with the process
// that holds it. It is asked for again and again, since a wait inside the system
// does not end with ctx.
func (d *Dir) acquire(ctx context.Context, name string) (root string, release func(), err error) {
	if err := ctx.Err(); err != nil {
		return "", nil, err
	}
	pause := time.Millisecond
	for {
		root, release, err := d.tryAcquire(name)
		if err != nil || release != nil {
			return root, release, err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		if ctx.Err() != nil {
			return "", nil, fmt.Errorf("refresh: Dir: another has the lock of %s: %w", filepath.Join(root, name), ctx.Err())
		}
		pause = min(2*pause, 32*time.Millisecond)
	}
}

// tryAcquire returns a nil release if somebody else has the lock.
func (d *Dir) tryAcquire(name string) (root string, release func(), err error) {
	root, err = d.folder(true)
	if err != nil {
		return "", nil, err
	}
	path := filepath.Join(root, name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", nil, fmt.Errorf("refresh: Dir: %w", err)
	}
	locked, err := lockAt(f, path)
	if err != nil || !locked {
		f.Close()
		if err != nil {
			err = fmt.Errorf("refresh: Dir: %s: %w", path, err)
		}
		return root, nil, err
	}
	return root, func() {
		unlock(f)
		f.Close()
	}, nil
}

// lockAt takes the lock of f, unless another has it, or somebody has deleted the
// file at path, or its folder, since f was opened there.
func lockAt(f *os.File, path string) (bool, error) {
	locked, err := tryLock(f)
	if err != nil || !locked {
		return false, err
	}
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(mine, there), nil
}
