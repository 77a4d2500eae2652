package refresh

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Dir keeps values in the files of a folder, for any number of processes on one
// machine. It runs on Linux, macOS and Windows.
//
//	store := &refresh.Dir{Path: filepath.Join(home, ".config", "mytool")}
//
// A value that Swap has written survives the end of the process and a power cut.
// On its way there it is the old value or the new one for everybody, whoever is
// killed when. Names of files are hashes of keys; files and folders are made for
// the eyes of their owner only, and the values in them are in the clear: see
// [Sealed].
//
// Set the fields before first use; a Dir must not be copied afterwards. Several
// of one Path are fine.
type Dir struct {
	// Path is the folder. Required. It is made, with what is missing above it,
	// when it is first written to; symbolic links on the way to it are followed
	// once. It is an error if others can write to the folder, or if anybody can
	// put another in its place; on Windows, who can is not looked at.
	Path string

	// AnyFilesystem allows a folder on a network or on FUSE: NFS, SMB, 9p and
	// the like. Their locks do not hold everywhere, nor do all of them keep what
	// they said they had written; a pair may then be spent twice, or lost.
	AnyFilesystem bool

	disk   disk          // nil functions are those of the system
	writes atomic.Uint32 // so far

	mu   sync.Mutex
	root string      // Path without links
	seen os.FileInfo // the folder there, once it has been looked at
}

// Get implements [Store].
func (d *Dir) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	root, err := d.folder(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if readersLock {
		_, release, err := d.acquire(ctx, swapLock)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	e, err := d.read(root, fileName(key))
	if err != nil || !e.live(time.Now()) {
		return nil, err
	}
	return e.value, nil
}

// Swap implements [Store].
func (d *Dir) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	for _, err := range []error{checkKey(key), checkValue(old), checkValue(new)} {
		if err != nil {
			return false, err
		}
	}
	root, release, err := d.acquire(ctx, swapLock)
	if err != nil {
		return false, err
	}
	defer release()
	name := fileName(key)
	now := time.Now()
	e, err := d.read(root, name)
	if err != nil {
		return false, err
	}
	if !e.live(now) {
		e = entry{}
	}
	if !bytes.Equal(e.value, old) { // either is nil or not empty
		return false, nil
	}
	if new == nil {
		err = d.remove(root, name)
	} else {
		err = d.write(root, name, encodeFile(name, entry{new, expires}))
	}
	if err != nil {
		return false, err
	}
	d.sweep(root, now)
	return true, nil
}

// Lock implements [Locker]. It does not keep a Swap waiting. An empty file stays
// for each key.
func (d *Dir) Lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	_, unlock, err = d.acquire(ctx, fileName(key)+heldSuffix)
	return unlock, err
}
