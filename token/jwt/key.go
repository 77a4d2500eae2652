package jwt

import (
	"context"
	"crypto"

	"github.com/tokenlife/tokenlife/token"
)

// A Key verifies signatures, or decrypts. It prints without its secrets.
type Key struct {
	// ID is the key's kid. A Key without one is tried for every token.
	ID string

	// Algorithm is the key's alg: the only algorithm it may be used with, to the
	// letter. Empty leaves it to the kind of key; see [Policy.Algorithms].
	Algorithm string

	// Use is the key's use: "sig", "enc", or empty for either. Operations are
	// its key_ops; nil means any. A key is not used for what they exclude.
	Use        string
	Operations []string

	// At least one of these is set. A signature is verified by Public or Shared,
	// as Algorithm has it, which a Key with both must have, and never by Private.
	Public  crypto.PublicKey  // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey: to verify
	Private crypto.PrivateKey // *rsa.PrivateKey, *ecdsa.PrivateKey or *ecdh.PrivateKey: to decrypt
	Shared  token.Secret      // symmetric, the bytes themselves: to verify or decrypt
}

// A KeySet finds keys.
type KeySet interface {
	// Keys returns the keys that may have been used with the given key ID,
	// which is empty for a token that names none: then they are all. It returns
	// no keys, and no error, if it is sure that there are none; an error means
	// that it could not tell, and never matches [token.ErrInvalid]. The caller
	// does not modify what it gets.
	//
	// The key ID is from a token that nobody has verified: up to a megabyte of
	// anything.
	Keys(ctx context.Context, keyID string) ([]Key, error)
}

// Keys is a fixed [KeySet].
type Keys []Key

// Keys returns the keys whose ID is keyID, and those that have none.
func (ks Keys) Keys(_ context.Context, keyID string) ([]Key, error) {
	if keyID == "" {
		return ks, nil
	}
	// Nearly always it is one key, which needs no copy. Were it more, append
	// would make one, since found has no room.
	var found []Key
	for i := range ks {
		switch {
		case ks[i].ID != keyID && ks[i].ID != "":
		case found == nil:
			found = ks[i : i+1 : i+1]
		default:
			found = append(found, ks[i])
		}
	}
	return found, nil
}
