package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

var shared refresh.Memory

// brokenProcesses are the ways in which a Store can be wrong that only several
// processes can find.
var brokenProcesses = []struct {
	name, part string
	open       func(place string) refresh.Store
}{
	{"is another each time", "opens", func(string) refresh.Store { return new(refresh.Memory) }},
	{"is another in each process", "contention", func(string) refresh.Store { return &shared }},
	{"has no lock", "contention", func(place string) refresh.Store {
		return &file{path: filepath.Join(place, "value"), lock: func() (func(), error) { return func() {}, nil }}
	}},
	{"writes in place", "kill", func(place string) refresh.Store {
		d := &refresh.Dir{Path: place}
		return &file{
			path: filepath.Join(place, "value"), inPlace: true,
			lock: func() (func(), error) { return d.Lock(context.Background(), "value") },
		}
	}},
	{"says true before it has written", "kill", func(place string) refresh.Store {
		d, m := &refresh.Dir{Path: place}, new(refresh.Memory)
		return swapper{d, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			if storetest.Child() {
				time.AfterFunc(20*time.Millisecond, func() { d.Swap(context.Background(), key, old, new, expires) })
				return m.Swap(ctx, key, nil, new, expires)
			}
			return d.Swap(ctx, key, old, new, expires)
		}}
	}},
	{"has a lock that nobody breaks", "kill", func(place string) refresh.Store {
		return &file{path: filepath.Join(place, "value"), lock: func() (func(), error) {
			return lockFile(context.Background(), filepath.Join(place, "lock"))
		}}
	}},
	{"has a lock that survives its holder", "lock", func(place string) refresh.Store {
		d := &refresh.Dir{Path: filepath.Join(place, "d")}
		return locker{d, func(ctx context.Context, key string) (func(), error) {
			return lockFile(ctx, filepath.Join(place, "lock"))
		}}
	}},
	{"has a lock for one process", "lock", func(place string) refresh.Store {
		return &storetest.Locking{Store: &refresh.Dir{Path: place}}
	}},
}

// lockFile makes a file that must not be there.
func lockFile(ctx context.Context, path string) (func(), error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			f.Close()
			return func() { os.Remove(path) }, nil
		}
		if !slowly(ctx, time.Millisecond) {
			return nil, context.DeadlineExceeded
		}
	}
}

// A file is a Store of one value.
type file struct {
	path    string
	lock    func() (func(), error)
	inPlace bool
}

func (s *file) Get(context.Context, string) ([]byte, error) {
	v, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if s.inPlace { // those who read wait too
		unlock, err := s.lock()
		if err != nil {
			return nil, err
		}
		defer unlock()
		v, err = os.ReadFile(s.path)
		return v, err
	}
	return v, err
}

func (s *file) Swap(ctx context.Context, key string, old, new []byte, _ time.Time) (bool, error) {
	unlock, err := s.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	there, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		there, err = nil, nil
	}
	if err != nil || !bytes.Equal(there, old) {
		return false, err
	}
	if new == nil {
		return true, os.Remove(s.path)
	}
	if s.inPlace {
		f, err := os.Create(s.path)
		if err != nil {
			return false, err
		}
		defer f.Close()
		slowly(ctx, 2*time.Millisecond)
		_, err = f.Write(new)
		return err == nil, err
	}
	temp := s.path + time.Now().Format(".000000000")
	if err := os.WriteFile(temp, new, 0o600); err != nil {
		return false, err
	}
	slowly(ctx, time.Millisecond)
	return true, os.Rename(temp, s.path)
}
