package kubeconfig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// kubectl's lock on a kubeconfig file is a file that it makes beside it, and removes
// when it is done. It does not wait for it, nor looks at how old it is; and if it is
// killed, it leaves it behind.
const lockSuffix = ".lock"

const (
	lockWait  = 5 * time.Second       // how long a lock is waited for
	lockRetry = 50 * time.Millisecond // how often it is looked at
	lockLeft  = time.Minute           // how old one is that is not waited for: nobody is coming for it
)

// lock takes kubectl's lock on a kubeconfig file: on the path as it is named, as kubectl
// has it, and also on the file that a link leads to. A lock that stays is an error: it
// is never broken, for nobody knows whether who made it is still writing.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	names, err := lockNames(path)
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(lockWait)
	for {
		held, err := take(names)
		if err == nil {
			return func() { release(names) }, nil
		}
		if !exists(err) {
			return nil, fmt.Errorf("kubeconfig: the lock of %s cannot be taken: %w; who may write to that folder?", path, err)
		}
		if age(held) > lockLeft || !time.Now().Before(end) {
			return nil, locked(path, held)
		}
		select {
		case <-time.After(lockRetry):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", locked(path, held), ctx.Err())
		}
	}
}

// lockNames returns the locks of a file: that of its path, and that of where a link
// leads, if it is one. A folder may have several paths too, and a lock only one.
func lockNames(path string) ([]string, error) {
	real, err := realPath(path)
	if err != nil {
		return nil, err
	}
	folder, err := realPath(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	names := []string{filepath.Join(folder, filepath.Base(path)) + lockSuffix}
	if real += lockSuffix; real != names[0] {
		names = append(names, real)
	}
	return names, nil
}

// writing reports whether somebody is changing a file, by its lock. One that has been
// there for longer than any change takes is of one who was killed.
func writing(path string) bool {
	names, err := lockNames(path)
	if err != nil {
		return false
	}
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()).Abs() < lockWait {
			return true
		}
	}
	return false
}

// age returns how long a lock has been there; zero if it is not.
func age(name string) time.Duration {
	info, err := os.Lstat(name)
	if err != nil {
		return 0
	}
	return time.Since(info.ModTime())
}

// take makes all of the locks, or none, and returns the one that it could not make.
func take(names []string) (string, error) {
	for i, name := range names {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0) // the mode that kubectl gives it
		if err != nil {
			release(names[:i])
			return name, err
		}
		f.Close()
	}
	return "", nil
}

func release(names []string) {
	for _, name := range names {
		os.Remove(name)
	}
}

// locked returns the error for a lock that is in the way. Only one that has been there
// for long is one to delete: many that change the file may have it by turns.
func locked(path, name string) error {
	old := age(name)
	when := ago(old)
	switch {
	case old.Abs() < lockWait:
		return fmt.Errorf("kubeconfig: %s is not changed: somebody else is changing it, who has the lock %s; try again", path, name)
	case old < 0:
		when = in(-old)
	}
	return fmt.Errorf("kubeconfig: %s is not changed: it is locked by the file %s, since %s (%s), and a change takes a moment only: whoever made that file was most likely killed; if nothing is changing it now, delete %s", path, name, stamp(time.Now().Add(-old)), when, name)
}

// realPath returns the absolute path of a file, without symbolic links.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("kubeconfig: %w", err)
	}
	return path, nil
}
