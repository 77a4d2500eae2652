package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

const (
	minSecret = 32 // bytes
	maxKeys   = 16

	// maxSeals is how often one salt is used. Nonces are random, so that two
	// copies of one process, as a snapshot of a machine makes them, do not use
	// the same: a counter would repeat itself. Of 2^31 random nonces of 96 bits
	// two are alike with a probability of 2^-35, and with each salt all keys
	// are others.
	maxSeals = 1 << 31

	// keyInfo is the info that keys are derived with, in front of the purpose.
	// nameInfo is that of names, which are public: it is no keyInfo with any
	// purpose behind it, so that no name is the beginning of a key.
	keyInfo  = "tokenlife/1 "
	nameInfo = "tokenlife key id/1"

	// maxDerived bounds the derived keys that are kept for one secret. Each
	// process that seals has a salt of its own for as long as it runs.
	maxDerived = 256
)

// A ring is the keys that are in use together.
type ring struct {
	masters []*master
	loaded  time.Time
}

// newRing makes a ring of secrets. Those that before has too keep their salts
// and derived keys.
func newRing(secrets []token.Secret, before *ring) (*ring, error) {
	if n := len(secrets); n == 0 || n > maxKeys {
		return nil, fmt.Errorf("%d keys: there must be 1 to %d", n, maxKeys)
	}
	r := new(ring)
	for i, s := range secrets {
		if n := len(s.Reveal()); n < minSecret {
			return nil, fmt.Errorf("key %d of %d has %d bytes: it must have %d or more, all random", i+1, len(secrets), n, minSecret)
		}
		m, err := newMaster(s)
		if err != nil {
			return nil, err
		}
		if old := before.find(m.name); old != nil && old.secret.Equal(s) {
			m = old
		}
		r.masters = append(r.masters, m)
	}
	return r, nil
}

// find returns the key with a name, or nil.
func (r *ring) find(name [nameSize]byte) *master {
	if r == nil {
		return nil
	}
	for _, m := range r.masters {
		if m.name == name {
			return m
		}
	}
	return nil
}

// A master is a secret that other keys are derived from.
type master struct {
	secret token.Secret
	name   [nameSize]byte

	mu      sync.RWMutex
	current keyID // to seal under
	left    int64 // how often still
	derived map[use]cipher.AEAD
	macs    map[string]*sync.Pool // by purpose, of *macer
}

// A use is what a key is derived for.
type use struct {
	id      keyID
	purpose string
}

func newMaster(secret token.Secret) (*master, error) {
	name, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, nameInfo, nameSize)
	if err != nil {
		return nil, errors.New("no HKDF-SHA-256 here")
	}
	return &master{secret: secret, name: [nameSize]byte(name), derived: make(map[use]cipher.AEAD)}, nil
}

// next returns the ID to seal under, once.
func (m *master) next() keyID {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == 0 {
		copy(m.current[:], m.name[:])
		rand.Read(m.current[nameSize:])
		m.left = maxSeals
	}
	m.left--
	return m.current
}

// derive returns the content encryption key for an ID of m and a purpose.
func (m *master) derive(id keyID, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, []byte(m.secret.Reveal()), id[nameSize:], keyInfo+purpose, 32)
	if err != nil {
		return nil, errors.New("seal: no HKDF-SHA-256 here")
	}
	return key, nil
}

// aead returns the cipher for an ID of m and a purpose, and whether it is one
// that was remembered.
func (m *master) aead(id keyID, purpose string) (aead cipher.AEAD, known bool, err error) {
	m.mu.RLock()
	aead, known = m.derived[use{id, purpose}]
	m.mu.RUnlock()
	if known {
		return aead, true, nil
	}
	key, err := m.derive(id, purpose)
	if err != nil {
		return nil, false, err
	}
	block, err := aes.NewCipher(key)
	if err == nil {
		aead, err = cipher.NewGCMWithRandomNonce(block)
	}
	if err != nil {
		return nil, false, errors.New("seal: no AES-256-GCM here")
	}
	return aead, false, nil
}

// remember keeps a cipher that has sealed or opened something. One that has not
// is not kept: whoever makes tokens up chooses their salts.
func (m *master) remember(id keyID, purpose string, aead cipher.AEAD) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.derived) >= maxDerived {
		for old := range m.derived {
			delete(m.derived, old) // any: it can be derived again
			break
		}
	}
	m.derived[use{id, purpose}] = aead
}
