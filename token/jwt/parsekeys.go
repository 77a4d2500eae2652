package jwt

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// How much ParseKeys reads.
const (
	maxKeysSize = 1 << 20
	maxKeys     = 1000
)

// ParseKeys reads keys from data: a JSON Web Key Set or one JSON Web Key
// (RFC 7517), or PEM, with any number of public or private keys and
// certificates in it. Data may be up to 1 MiB long and have up to 1000 keys.
//
// As RFC 7517, section 5, asks, keys of a kind that is not known here are
// skipped; so are keys that nothing may be verified or decrypted with, such as
// an RSA key of less than 2048 bits or more than 4096, or a point that is not on
// its curve. If none remain, the error says why each was skipped. Text that
// could be read in two ways, such as a member that is there twice, is an error
// altogether.
//
// Of a private key both halves are set: Public verifies what it signed, and
// Private decrypts. Of one that is not for decrypting, by its use or as Ed25519
// is not, only Public is. A key of type oct is Shared.
//
// PEM says nothing of a key but the key: its ID, Algorithm and Use are empty.
// Labels are not relied on, since they are often wrong. A certificate counts as
// the key in it: who signed it and when it expires is not looked at.
func ParseKeys(data []byte) (Keys, error) {
	if len(data) > maxKeysSize {
		return nil, fmt.Errorf("jwt: keys of %d bytes, more than the %d that are read: is it a key file?", len(data), maxKeysSize)
	}
	p := new(keyParser)
	var err error
	switch {
	case bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")):
		err = p.parseJSON(string(data))
	case bytes.Contains(data, []byte("-----BEGIN ")):
		err = p.parsePEM(data)
	default:
		err = errors.New("neither JSON, which begins with a brace, nor PEM: convert them to one of these")
	}
	if err == nil {
		err = p.nothing()
	}
	if err != nil {
		return nil, fmt.Errorf("jwt: keys: %w", err)
	}
	return p.keys, nil
}

// A keyParser gathers keys, and why others are not among them.
type keyParser struct {
	keys    Keys
	skipped []string
	seen    int

	// published says that anyone can have what is parsed: a set, of which only
	// public keys are taken.
	published bool
}

// add adds k, the next key of the data, unless it could not be read, for the
// reason err, or is of no use.
func (p *keyParser) add(k Key, err error) error {
	p.seen++
	if p.seen > maxKeys {
		return fmt.Errorf("more than the %d that are read", maxKeys)
	}
	if err == nil {
		err = k.useless()
	}
	if err != nil {
		p.skip(fmt.Sprintf("key %d: %v", p.seen, err))
		return nil
	}
	if !k.decrypts() {
		k.Private = nil // what nobody needs cannot leak
	}
	p.keys = append(p.keys, k)
	return nil
}

func (p *keyParser) skip(why string) { p.skipped = append(p.skipped, why) }

// nothing says why there are no keys, if there are none.
func (p *keyParser) nothing() error {
	const most = 5
	switch n := len(p.skipped); {
	case len(p.keys) > 0:
		return nil
	case n == 0:
		return errors.New("there are none")
	case n > most:
		return fmt.Errorf("none can be used: %s; and %d more", strings.Join(p.skipped[:most], "; "), n-most)
	}
	return fmt.Errorf("none can be used: %s", strings.Join(p.skipped, "; "))
}

// keyOf returns a Key for what a parser found.
func keyOf(material any) (Key, error) {
	switch m := material.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return Key{Public: m}, nil
	case *rsa.PrivateKey:
		m.Precompute()
		return Key{Private: m, Public: &m.PublicKey}, nil
	case *ecdsa.PrivateKey:
		return Key{Private: m, Public: &m.PublicKey}, nil
	case *ecdh.PrivateKey:
		return Key{Private: m}, nil
	case ed25519.PrivateKey:
		return Key{Public: m.Public()}, nil
	case []byte:
		return Key{Shared: token.NewSecret(string(m))}, nil
	}
	return Key{}, errors.New("nothing is verified or decrypted with keys of its kind")
}
