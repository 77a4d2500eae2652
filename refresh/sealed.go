package refresh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// Sealed returns a Store that keeps in s what it is given, encrypted with keys,
// for the purpose "store" and the place that its key is. Keys of entries stay in
// the clear. It is a [Locker] if s is one.
//
// Nobody who can read s or write to it can read a value, change one, or put one
// under another key; to put back an older one they can. Each Swap seals with the
// first key, so a key that was taken out of first place is needed until every
// value has been written once more, or has expired.
//
// Values grow by a third, so that Sealed takes no more than 47 KiB, or less if s
// does, which its method MaxValue returns. A Swap costs a Get more.
func Sealed(s Store, keys *seal.Keyring) Store {
	sealed := sealed{s, keys}
	if locker, ok := s.(Locker); ok {
		return sealedLocker{sealed, locker}
	}
	return sealed
}

const (
	sealedPurpose = "store"

	// What is sealed under a key of 256 bytes has up to sealedMore bytes more
	// than four thirds of the plaintext, and must not have more than the Store
	// takes: maxValue, which leaves maxSealed, or less.
	sealedMore = 593
	maxSealed  = 47 << 10
)

type sealed struct {
	store Store
	keys  *seal.Keyring
}

type sealedLocker struct {
	sealed
	locker Locker
}

// Lock implements [Locker].
func (s sealedLocker) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return s.locker.Lock(ctx, key)
}

// MaxValue returns how many bytes a value may have.
func (s sealed) MaxValue() int {
	if store, less := s.store.(interface{ MaxValue() int }); less {
		return min(maxSealed, (store.MaxValue()-sealedMore)/4*3)
	}
	return maxSealed
}

// Get implements [Store].
func (s sealed) Get(ctx context.Context, key string) ([]byte, error) {
	_, value, err := s.get(ctx, key)
	return value, err
}

// Swap implements [Store]. Whether the value there is old can be seen only when
// it has been opened, and what was opened must still be there for the new one to
// take its place.
func (s sealed) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	for _, value := range [][]byte{old, new} {
		if err := checkValue(value); err != nil {
			return false, err
		}
		if most := s.MaxValue(); len(value) > most {
			return false, fmt.Errorf("refresh: value of %d bytes: Sealed must not be given more than %d", len(value), most)
		}
	}
	text, value, err := s.get(ctx, key)
	if err != nil {
		return false, err
	}
	var sealed []byte
	if new != nil {
		text, err := s.keys.Seal(ctx, sealedPurpose, key, new)
		if err != nil {
			return false, fmt.Errorf("refresh: Sealed: %w", err)
		}
		sealed = []byte(text)
	}
	for {
		if !bytes.Equal(value, old) { // either is nil or not empty
			return false, nil
		}
		if ok, err := s.store.Swap(ctx, key, text, sealed, expires); ok || err != nil {
			return ok, err
		}
		// Somebody was faster, perhaps with the same value sealed anew. Or it was
		// this Swap, which the Store repeated: nothing is ever sealed twice alike.
		if text, value, err = s.get(ctx, key); err != nil {
			return false, err
		}
		if sealed != nil && bytes.Equal(text, sealed) {
			return true, nil
		}
	}
}

// get returns what the Store has under key, and the value sealed in it.
func (s sealed) get(ctx context.Context, key string) (text, value []byte, err error) {
	if s.store == nil || s.keys == nil {
		return nil, nil, errors.New("refresh: Sealed was given no Store or no Keyring")
	}
	text, err = s.store.Get(ctx, key)
	if text == nil || err != nil {
		return nil, nil, err
	}
	value, err = s.keys.Open(ctx, sealedPurpose, key, string(text))
	if errors.Is(err, token.ErrInvalid) {
		// This is nobody's token: whoever presented one must not be blamed.
		reason := strings.TrimPrefix(err.Error(), token.ErrInvalid.Error()+": ")
		return nil, nil, fmt.Errorf("refresh: Sealed: the value under %.80q does not open: %s; see that the Keyring has the key it was sealed with, or delete it", key, reason)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("refresh: Sealed: %w", err)
	}
	if len(value) == 0 {
		return nil, nil, fmt.Errorf("refresh: Sealed: the value under %.80q is empty: delete it", key)
	}
	return text, value, nil
}
