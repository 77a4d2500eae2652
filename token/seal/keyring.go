package seal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/token"
)

// A Keyring seals and opens. Set Keys or Load before first use; it is then safe
// for concurrent use, and must not be copied.
type Keyring struct {
	// Keys are the secrets, of at least 32 random bytes each. The first seals,
	// all of them open. There are at most 16.
	Keys []token.Secret

	// Load, if not nil, reads the keys instead, such as what [File] returns. It
	// is called at first use, and until it succeeds at most once a second; then
	// when something turns up that was sealed under a key that is not known, at
	// most once in 10 seconds; and in the background at the first use after the
	// keys are 5 minutes old, so that a key that was removed goes out of use.
	// What it returns replaces the keys before; while it fails they stay. Its
	// context ends after 10 seconds, and nobody waits for it longer.
	Load func(ctx context.Context) ([]token.Secret, error)

	// OnLoad, if not nil, is called after each call of Load with its outcome:
	// the error, or nil. While there are keys from before it is the only one to
	// hear that Load fails. It must return soon.
	OnLoad func(error)

	// ring has the keys in use; nil before first use.
	ring atomic.Pointer[ring]

	// waiting is how many callers wait for a key that is not known.
	waiting atomic.Int64

	// mu guards what follows, and changes of ring. It is never held across a
	// wait.
	mu    sync.Mutex
	load  *load     // under way, or nil
	tried time.Time // when the last one began
	err   error     // of the last one
}

// Seal encrypts plaintext for the purpose and the place given. The purpose must
// not be empty. An error means that there are no keys to seal with, or that
// plaintext has more than about 3/4 MiB.
func (k *Keyring) Seal(ctx context.Context, purpose, place string, plaintext []byte) (string, error) {
	r, err := k.keys(ctx, purpose)
	if err != nil {
		return "", err
	}
	if n := sealedSize(place, plaintext); n > maxSize {
		return "", fmt.Errorf("seal: %d bytes to seal with a place of %d, too many by %d: seal less", len(plaintext), len(place), n-maxSize)
	}
	m := r.masters[0]
	id := m.next()
	aead, known, err := m.aead(id, purpose)
	if err != nil {
		return "", err
	}
	if !known {
		m.remember(id, purpose, aead)
	}
	return encode(aead, id, place, plaintext), nil
}

// Open returns what was sealed for this purpose and this place.
//
// The error matches [token.ErrMalformed] if sealed has not the form that Seal
// gives, and [token.ErrSignature] if it is of a key that is not there, of
// another purpose or place, or was changed. An error that does not match
// [token.ErrInvalid] means that the keys could not be had.
func (k *Keyring) Open(ctx context.Context, purpose, place, sealed string) ([]byte, error) {
	r, err := k.keys(ctx, purpose)
	if err != nil {
		return nil, err
	}
	c, err := parse(sealed, place)
	if err != nil {
		return nil, err
	}
	if !c.there {
		return nil, refused("it was sealed for another place")
	}
	m, err := k.find(ctx, r, c.id)
	if err != nil {
		return nil, err
	}
	aead, known, err := m.aead(c.id, purpose)
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(c.box[:0], nil, c.box, c.header)
	if err != nil {
		return nil, refused("it was changed, or sealed for another purpose")
	}
	if !known {
		m.remember(c.id, purpose, aead)
	}
	return plaintext, nil
}

// Key returns the content encryption key of what was sealed for a purpose with
// the given kid in its header, so that other software can open it. If that seals
// too, it needs a kid with a salt of its own: nobody here counts how often. The
// errors are those of [Keyring.Open].
func (k *Keyring) Key(ctx context.Context, kid, purpose string) (token.Secret, error) {
	r, err := k.keys(ctx, purpose)
	if err != nil {
		return token.Secret{}, err
	}
	id, err := parseID(kid)
	if err != nil {
		return token.Secret{}, malformed("kid", err)
	}
	m, err := k.find(ctx, r, id)
	if err != nil {
		return token.Secret{}, err
	}
	key, err := m.derive(id, purpose)
	if err != nil {
		return token.Secret{}, err
	}
	return token.NewSecret(string(key)), nil
}

// keys returns the keys to use for a purpose.
func (k *Keyring) keys(ctx context.Context, purpose string) (*ring, error) {
	if purpose == "" {
		return nil, errors.New("seal: the purpose is empty: give each use of a Keyring a name")
	}
	r := k.ring.Load()
	switch {
	case k.Load != nil && k.Keys != nil:
		return nil, errors.New("seal: the Keyring has both Keys and Load: set one of them")
	case k.Load == nil && r == nil:
		return k.fixed()
	case k.Load == nil:
		return r, nil
	case r == nil:
		r, err := k.newer(ctx)
		if r == nil {
			return nil, err
		}
		return r, nil
	case time.Since(r.loaded) >= maxAge:
		k.begin(ctx)
	}
	return r, nil
}

// fixed makes a ring of Keys.
func (k *Keyring) fixed() (*ring, error) {
	if len(k.Keys) == 0 {
		return nil, errors.New("seal: the Keyring has no keys: set Keys, or Load")
	}
	r, err := newRing(k.Keys, nil)
	if err != nil {
		return nil, fmt.Errorf("seal: Keyring.Keys: %w", err)
	}
	if !k.ring.CompareAndSwap(nil, r) {
		r = k.ring.Load() // whose salt is in use already
	}
	return r, nil
}

// find returns the key that id names, if r has it or, failing that, a newer
// ring.
func (k *Keyring) find(ctx context.Context, r *ring, id keyID) (*master, error) {
	if m := r.find(id.name()); m != nil {
		return m, nil
	}
	if k.Load != nil {
		defer k.waiting.Add(-1)
		if k.waiting.Add(1) > maxWaiting {
			return nil, errors.New("seal: too many are waiting for keys that are not known here: try again later")
		}
		newest, err := k.newer(ctx)
		if m := newest.find(id.name()); m != nil {
			return m, nil
		}
		if err != nil {
			return nil, err
		}
	}
	name := id.name()
	return nil, refused(fmt.Sprintf("the key that it names, %s, is not there: it was removed, or never was", jose.Encode(nil, name[:])))
}

// refused returns an error that matches ErrSignature.
func refused(why string) error { return fmt.Errorf("%w: %s", token.ErrSignature, why) }

// malformed returns an error that matches ErrMalformed. It does not wrap err.
func malformed(where string, err error) error {
	return fmt.Errorf("%w: %s: %v", token.ErrMalformed, where, err)
}
