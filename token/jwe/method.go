package jwe

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// maxTried is how many keys are tried for one token.
const maxTried = 16

// A method is what a header asks for: an algorithm and an encryption.
type method struct {
	*algorithm
	*encryption
	listed bool // in Algorithms, so that the algorithm need not be the usual one
}

// methodOf returns what h asks for, if it is there. listed are the algorithms
// that may be used; nil means all.
func methodOf(h *jose.Header, listed []string) (method, error) {
	a, e := algorithms[h.Algorithm], encryptions[h.Encryption]
	switch {
	case a == nil:
		return method{}, notDecrypted("alg: unknown, or one that is never accepted")
	case listed != nil && !slices.Contains(listed, a.name):
		return method{}, notDecrypted("alg: " + a.name + ", which is not in Algorithms")
	case e == nil:
		return method{}, notDecrypted("enc: unknown, or one that is never accepted")
	}
	return method{a, e, listed != nil}, nil
}

// checkSizes checks the parts of a JWE, in base64url, for the sizes that m has.
// The encrypted key is not authenticated where none is needed, nor is where the
// ciphertext ends and the tag begins: other sizes would be other spellings.
func (m method) checkSizes(key, iv, tag string) error {
	letters := base64.RawURLEncoding.EncodedLen
	switch {
	case m.agree && key != "":
		return malformed("encrypted key", errors.New("there must be none for its alg"))
	case !m.agree && key == "":
		return malformed("encrypted key", errors.New("empty"))
	case len(iv) != letters(m.iv):
		return malformed("iv", fmt.Errorf("not of the %d bytes for its enc", m.iv))
	case len(tag) != letters(m.tag):
		return malformed("tag", fmt.Errorf("not of the %d bytes for its enc", m.tag))
	}
	return nil
}

// decrypt finds the keys that keyID may mean and fit m, and calls open with
// what of each decrypts, until it does.
func (m method) decrypt(ctx context.Context, keys jwt.KeySet, keyID string, open func(material any) ([]byte, error)) ([]byte, error) {
	found, err := keys.Keys(ctx, keyID)
	switch {
	case errors.Is(err, token.ErrInvalid): // it is not the token that is meant
		return nil, token.Refused(fmt.Errorf("jwe: no keys to decrypt with: %w", err))
	case err != nil:
		return nil, err
	case len(found) == 0 && keyID == "":
		return nil, notDecrypted("there are no keys")
	case len(found) == 0:
		return nil, notDecrypted("kid: none of the keys has it")
	}
	tried, reason := 0, ""
	for i := range found {
		k := &found[i]
		material, why := m.fit(m.encryption, k, m.listed)
		if why != "" {
			reason = why
			continue
		}
		if tried == maxTried {
			return nil, notDecrypted(fmt.Sprintf("not by the first %d keys that fit; a token should name its key in kid", maxTried))
		}
		tried++
		switch plaintext, err := open(material); {
		case err == nil:
			return plaintext, nil
		case !errors.Is(err, errDecrypt):
			return nil, err
		}
	}
	if tried == 0 {
		return nil, notDecrypted(fmt.Sprintf("none of %d keys may be used for %s with %s; of the last, %s", len(found), m.algorithm.name, m.encryption.name, reason))
	}
	return nil, notDecrypted("no key decrypts it, or it was changed")
}

// goAlgorithm and goEncryption return what go-jose is to allow.
func (m method) goAlgorithm() []gojose.KeyAlgorithm {
	return []gojose.KeyAlgorithm{gojose.KeyAlgorithm(m.algorithm.name)}
}

func (m method) goEncryption() []gojose.ContentEncryption {
	return []gojose.ContentEncryption{gojose.ContentEncryption(m.encryption.name)}
}
