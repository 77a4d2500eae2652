package seal

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"hash"
	"sync"
)

// macInfo is the info that MAC keys are derived with, in front of the purpose.
// It is neither keyInfo nor nameInfo with anything behind it, so that no MAC key
// is one that seals, whatever the purposes are called.
const macInfo = "tokenlife mac/1 "

// MAC returns a MAC of message for a purpose, and the name of the key it was
// made with, which is the first of k. It is for what nobody may make up and
// anybody may read. The purpose must not be empty. An error means that there are
// no keys.
func (k *Keyring) MAC(ctx context.Context, purpose string, message []byte) (keyID [6]byte, mac [32]byte, err error) {
	r, err := k.keys(ctx, purpose)
	if err != nil {
		return keyID, mac, err
	}
	m := r.masters[0]
	mac, err = m.mac(purpose, message)
	return m.name, mac, err
}

// CheckMAC returns nil if mac is what [Keyring.MAC] returned for this purpose
// and message, with the name of its key.
//
// The error matches [token.ErrSignature] if it is not, or the key is not there.
// An error that does not match [token.ErrInvalid] means that the keys could not
// be had.
func (k *Keyring) CheckMAC(ctx context.Context, purpose string, keyID [6]byte, message []byte, mac [32]byte) error {
	r, err := k.keys(ctx, purpose)
	if err != nil {
		return err
	}
	var id [nameSize + saltSize]byte
	copy(id[:], keyID[:])
	m, err := k.find(ctx, r, id)
	if err != nil {
		return err
	}
	want, err := m.mac(purpose, message)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want[:], mac[:]) != 1 {
		return refused("it was changed, or made for another purpose")
	}
	return nil
}

// A macer makes MACs under one key, one at a time.
type macer struct {
	hash   hash.Hash
	buffer []byte
}

// mac returns the MAC of the name of m and message.
func (m *master) mac(purpose string, message []byte) (mac [32]byte, err error) {
	macers, err := m.macers(purpose)
	if err != nil {
		return mac, err
	}
	h := macers.Get().(*macer)
	defer macers.Put(h)
	h.hash.Reset()
	h.buffer = append(append(h.buffer[:0], m.name[:]...), message...)
	h.hash.Write(h.buffer)
	h.buffer = h.hash.Sum(h.buffer[:0])
	return [32]byte(h.buffer), nil
}

// macers returns the macers of a purpose. Purposes are the program's own, so
// that those which are kept are few; they are bounded all the same.
func (m *master) macers(purpose string) (*sync.Pool, error) {
	m.mu.RLock()
	pool := m.macs[purpose]
	m.mu.RUnlock()
	if pool != nil {
		return pool, nil
	}
	key, err := hkdf.Key(sha256.New, []byte(m.secret.Reveal()), nil, macInfo+purpose, 32)
	if err != nil {
		return nil, errors.New("seal: no HKDF-SHA-256 here")
	}
	pool = &sync.Pool{New: func() any { return &macer{hash: hmac.New(sha256.New, key)} }}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.macs) >= maxDerived {
		clear(m.macs)
	}
	if m.macs == nil {
		m.macs = make(map[string]*sync.Pool)
	}
	m.macs[purpose] = pool
	return pool, nil
}
