package jwe

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"sync"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// errDecrypt says that a key did not decrypt a token, for whatever reason.
var errDecrypt = errors.New("jwe: not decrypted")

// decrypt decrypts c with one of keys. listed are the algorithms that may be
// used; nil means all.
func (c *compact) decrypt(ctx context.Context, keys jwt.KeySet, listed []string) ([]byte, error) {
	m, err := methodOf(&c.header, listed)
	if err != nil {
		return nil, err
	}
	if err := m.checkSizes(c.key, c.iv, c.tag); err != nil {
		return nil, err
	}
	if m.algorithm.name == "dir" && m.gcm {
		return m.decrypt(ctx, keys, c.header.KeyID, c.openDirect)
	}
	return m.decrypt(ctx, keys, c.header.KeyID, openJOSE(func() (*gojose.JSONWebEncryption, error) {
		return gojose.ParseEncryptedCompact(c.text, m.goAlgorithm(), m.goEncryption())
	}))
}

// openDirect decrypts c with AES-GCM under key itself.
func (c *compact) openDirect(key any) ([]byte, error) {
	block, err := aes.NewCipher(key.([]byte))
	if err != nil {
		return nil, errDecrypt
	}
	aead, err := cipher.NewGCMWithRandomNonce(block) // of which the box begins with the nonce
	if err != nil {
		return nil, errDecrypt
	}
	plaintext, err := aead.Open(nil, nil, c.box, []byte(c.protected))
	if err != nil {
		return nil, errDecrypt
	}
	return plaintext, nil
}

// openJOSE returns a function that decrypts with go-jose what parse reads. That
// is read once, however many keys are tried: how long it is is up to whoever
// presents it.
func openJOSE(parse func() (*gojose.JSONWebEncryption, error)) func(key any) ([]byte, error) {
	parse = sync.OnceValues(parse)
	return func(key any) (plaintext []byte, err error) {
		defer func() {
			if value := recover(); value != nil { // which is no verdict
				plaintext, err = nil, fmt.Errorf("jwe: nothing decrypted: %w: is a Key incomplete?", panics.Error("go-jose", value))
			}
		}()
		j, err := parse()
		if err != nil {
			return nil, errDecrypt
		}
		if plaintext, err = j.Decrypt(key); err != nil {
			return nil, errDecrypt
		}
		return plaintext, nil
	}
}
