package main

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// A store is a [refresh.Dir] that this program can leave without leaving an exchange
// in its middle. A Rotator exchanges nothing without the store's lock, and may do so
// when it has answered already: at the end of the program the pair would be lost.
type store struct {
	*refresh.Dir

	mu     sync.Mutex // guards closed
	closed bool
	held   sync.WaitGroup // locks
}

func openStore(folder string) *store {
	return &store{Dir: &refresh.Dir{Path: filepath.Join(folder, "logins")}}
}

// Lock implements [refresh.Locker].
func (s *store) Lock(ctx context.Context, key string) (unlock func(), err error) {
	release, err := s.Dir.Lock(ctx, key)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		release()
		return nil, errors.New("this program is about to end")
	}
	s.held.Add(1)
	return sync.OnceFunc(func() { release(); s.held.Done() }), nil
}

// longestLeave is more than an exchange takes, and what comes of it to be stored.
const longestLeave = 30 * time.Second

// close waits until no lock is held, and lets nobody have one any more.
func (s *store) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	idle := make(chan struct{})
	go func() { s.held.Wait(); close(idle) }()
	select {
	case <-idle:
	case <-time.After(longestLeave):
	}
}

// update has change make of the value under key another, which is kept until expires;
// the zero time is for ever. Others may change it at the same time.
func (s *store) update(ctx context.Context, key string, change func(old []byte) (new []byte, expires time.Time, err error)) error {
	for range 100 {
		old, err := s.Get(ctx, key)
		if err != nil {
			return err
		}
		new, expires, err := change(old)
		if err != nil || string(new) == string(old) {
			return err
		}
		if done, err := s.Swap(ctx, key, old, new, expires); done || err != nil {
			return err
		}
	}
	return errors.New("others change what is kept there all the time: try again")
}
