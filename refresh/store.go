package refresh

import (
	"context"
	"fmt"
	"time"
)

// A Store keeps small values under string keys, on behalf of one process or
// many. Two methods are enough for everything this module persists; databases,
// files and Kubernetes Secrets have them. The values are secrets.
//
// Package storetest checks an implementation.
type Store interface {
	// Get returns the value under key, or nil if there is none or it has
	// expired. The slice is the caller's. Called with a ctx that is done, Get and
	// Swap do nothing, and their error matches that of ctx.
	Get(ctx context.Context, key string) ([]byte, error)

	// Swap puts new under key if the value there is old, atomically, and
	// reports whether it did. A nil old means that there is no value, a nil
	// new deletes it. After expires, by the Store's own clock, the value is
	// absent; the zero time means never. Both slices stay the caller's.
	//
	// Swap returns false only if it saw another value, and an error if it
	// cannot know. A caller takes neither as proof, since what lies between
	// may have repeated a write that had landed: it reads again, and looks for
	// what it wrote, which is never the same twice.
	//
	// Keys are 1 to 256 bytes, any bytes; values 1 byte to 64 KiB, or to what a
	// method MaxValue() int of the Store says. Anything else is an error, an
	// empty slice that is not nil too.
	Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error)
}

const (
	maxKey   = 256
	maxValue = 64 << 10
)

// checkKey and checkValue hold a Store to its limits.
func checkKey(key string) error {
	if len(key) < 1 || len(key) > maxKey {
		return fmt.Errorf("refresh: Store key of %d bytes: it must have 1 to %d", len(key), maxKey)
	}
	return nil
}

func checkValue(v []byte) error {
	if v != nil && len(v) == 0 {
		return fmt.Errorf("refresh: Store value is empty: use nil for none")
	}
	if len(v) > maxValue {
		return fmt.Errorf("refresh: Store value of %d bytes: it must not have more than %d", len(v), maxValue)
	}
	return nil
}
