package session

import (
	"context"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// pairStore returns the Store of the pair of s. Nothing in it outlives what else
// is kept of s.
func (m *Manager[T]) pairStore(s *Session[T]) refresh.Store {
	store := endingStore{m.Store, &m.deaf, m.kept(s)}
	if locker, ok := m.Store.(refresh.Locker); ok {
		return endingLocker{store, locker}
	}
	return store
}

// An endingStore is a Store whose values have an end. Its calls have one too,
// whether the Store takes notice of their context or not.
type endingStore struct {
	store refresh.Store
	deaf  *deaf
	end   time.Time
}

// An endingLocker is one that can lock.
type endingLocker struct {
	endingStore
	locker refresh.Locker
}

// Get implements [refresh.Store].
func (s endingStore) Get(ctx context.Context, key string) ([]byte, error) {
	return ask(ctx, s.deaf, func(ctx context.Context) ([]byte, error) { return s.store.Get(ctx, key) })()
}

// Swap implements [refresh.Store].
func (s endingStore) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	if expires.IsZero() || expires.After(s.end) {
		expires = s.end
	}
	return ask(ctx, s.deaf, func(ctx context.Context) (bool, error) { return s.store.Swap(ctx, key, old, new, expires) })()
}

// MaxValue returns how many bytes a value may have.
func (s endingStore) MaxValue() int {
	if store, less := s.store.(interface{ MaxValue() int }); less {
		return store.MaxValue()
	}
	return 64 << 10
}

// Lock implements [refresh.Locker].
func (s endingLocker) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return s.locker.Lock(ctx, key)
}
