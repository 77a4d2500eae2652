package jwe

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"unicode/utf8"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A Header says how to encrypt, and what.
type Header struct {
	// Algorithm is the alg. Empty means the key's own, or else dir for a
	// secret, RSA-OAEP-256 or ECDH-ES.
	Algorithm string

	// Encryption is the enc. Empty means A256GCM, or with dir the AES-GCM that
	// the size of the secret is for.
	Encryption string

	// Type and ContentType are the typ and the cty. A signed token is encrypted
	// with cty "JWT" (RFC 7519, section 5.2).
	Type, ContentType string
}

// Encrypt returns plaintext as a compact JWE, encrypted under key: its Public,
// or the public half of its Private, or its Shared. The key's ID is the kid.
//
// An error means that key is not for this, or that plaintext is too long for a
// token of [token.MaxSize] bytes.
//
// With dir one secret must not encrypt more than 2^32 tokens, those of all
// programs that have it counted. Nobody here counts: where it may be more, use
// package [github.com/tokenlife/tokenlife/token/seal], which derives another key
// in time.
func Encrypt(key jwt.Key, plaintext []byte, h Header) (token.Secret, error) {
	m, err := h.method(&key)
	if err != nil {
		return token.Secret{}, err
	}
	if why := m.unfitUse(m.encryption, &key, true, m.encrypting()); why != "" {
		return token.Secret{}, fmt.Errorf("jwe: the key must not encrypt with %s: %s", m.algorithm.name, why)
	}
	if !utf8.ValidString(key.ID + h.Type + h.ContentType) {
		return token.Secret{}, errors.New("jwe: the key's ID, the Type or the ContentType is not UTF-8, so that no header can have it: encode it, in base64url for example")
	}
	public, why := m.public(m.encryption, &key)
	if why != "" {
		return token.Secret{}, fmt.Errorf("jwe: the key must not encrypt with %s and %s: %s", m.algorithm.name, m.encryption.name, why)
	}
	options := new(gojose.EncrypterOptions)
	if h.Type != "" {
		options.WithType(gojose.ContentType(h.Type))
	}
	if h.ContentType != "" {
		options.WithContentType(gojose.ContentType(h.ContentType))
	}
	text, err := encryptJOSE(m, gojose.Recipient{Algorithm: m.goAlgorithm()[0], Key: public, KeyID: key.ID}, options, func(e gojose.Encrypter) (string, error) {
		j, err := e.Encrypt(plaintext)
		if err != nil {
			return "", err
		}
		return j.CompactSerialize()
	})
	if err != nil {
		return token.Secret{}, err
	}
	return token.NewSecret(text), nil
}

// method returns what to encrypt with.
func (h *Header) method(k *jwt.Key) (method, error) {
	name := h.Algorithm
	if name == "" {
		name = k.Algorithm
		if name == "" || encryptions[name] != nil {
			name = usual(k)
		}
	}
	a := algorithms[name]
	if a == nil {
		return method{}, fmt.Errorf("jwe: nothing is encrypted with %.20q here: set Header.Algorithm to another", name)
	}
	enc := h.Encryption
	if enc == "" {
		enc = "A256GCM"
		if a.name == "dir" {
			enc = direct(k)
		}
	}
	e := encryptions[enc]
	if e == nil {
		return method{}, fmt.Errorf("jwe: nothing is encrypted with %.20q here: set Header.Encryption to another", enc)
	}
	return method{algorithm: a, encryption: e}, nil
}

// usual returns the algorithm for a key that names none.
func usual(k *jwt.Key) string {
	switch k.Public.(type) {
	case *rsa.PublicKey:
		return "RSA-OAEP-256"
	case *ecdsa.PublicKey:
		return "ECDH-ES"
	}
	switch k.Private.(type) {
	case *rsa.PrivateKey:
		return "RSA-OAEP-256"
	case *ecdsa.PrivateKey, *ecdh.PrivateKey:
		return "ECDH-ES"
	}
	return "dir"
}

// direct returns the encryption for a secret that encrypts by itself.
func direct(k *jwt.Key) string {
	if encryptions[k.Algorithm] != nil {
		return k.Algorithm
	}
	for name, e := range encryptions {
		if e.gcm && e.key == len(k.Shared.Reveal()) {
			return name
		}
	}
	return "A256GCM"
}

// encryptJOSE encrypts with go-jose.
func encryptJOSE(m method, to gojose.Recipient, options *gojose.EncrypterOptions, encrypt func(gojose.Encrypter) (string, error)) (text string, err error) {
	defer func() {
		if value := recover(); value != nil {
			text, err = "", fmt.Errorf("jwe: nothing encrypted: %w: is the Key incomplete?", panics.Error("go-jose", value))
		}
	}()
	e, err := gojose.NewEncrypter(m.goEncryption()[0], to, options)
	if err == nil {
		text, err = encrypt(e)
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("jwe: not encrypted: %w", err)
	case len(text) > token.MaxSize:
		return "", fmt.Errorf("jwe: a token of %d bytes, and %d are the most that one may have: encrypt less", len(text), token.MaxSize)
	}
	return text, nil
}
