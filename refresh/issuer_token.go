package refresh

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/token"
)

// The purposes of an Issuer's keys: for what is in a refresh token, and for
// what hides the subject in it.
const (
	tokenPurpose   = "refresh-issuer"
	subjectPurpose = "refresh-issuer/subject"
)

// A refresh token is the base64url of these, one after the other: the version, 1
// byte; the name of the key, 6 bytes; the family, 16 random bytes; the
// generation, 8 bytes; the subject tag, 16 bytes; and the MAC of all that, 32
// bytes. Each has its place, so that no two refresh tokens have the same MACed
// bytes.
const (
	tokenVersion = 1
	tokenSize    = 1 + 6 + 16 + 8 + 16 + 32
	tokenLetters = (tokenSize*8 + 5) / 6
)

// A refreshToken is what stands in a refresh token.
type refreshToken struct {
	keyID      [6]byte
	family     [16]byte
	generation uint64

	// tag is the name of the subject's row, hidden by a MAC of the family: who
	// sees tokens cannot tell by it whether two are of the same subject. All
	// zeros is none.
	tag [16]byte
}

// macced appends the part of the token that the MAC is of beside the name of
// its key.
func (t *refreshToken) macced(b []byte) []byte {
	b = append(b, tokenVersion)
	b = append(b, t.family[:]...)
	b = binary.BigEndian.AppendUint64(b, t.generation)
	return append(b, t.tag[:]...)
}

// encode returns t under the first key.
func (i *Issuer) encode(ctx context.Context, t refreshToken) (token.Secret, error) {
	var message, all [tokenSize]byte
	var text [tokenLetters]byte
	macced := t.macced(message[:0])
	id, mac, err := i.Keys.MAC(ctx, tokenPurpose, macced)
	if err != nil {
		return token.Secret{}, foreign("no key for the refresh token", err)
	}
	b := append(all[:0], tokenVersion)
	b = append(b, id[:]...)
	b = append(b, macced[1:]...)
	b = append(b, mac[:]...)
	return token.NewSecret(string(jose.Encode(text[:0], b))), nil
}

// decode reads a refresh token that one of the keys was used for. The error
// matches ErrMalformed or ErrSignature if there is none such, and is another if
// the keys could not be had.
func (i *Issuer) decode(ctx context.Context, presented token.Secret) (t refreshToken, err error) {
	text := presented.Reveal()
	if len(text) != tokenLetters {
		return t, fmt.Errorf("%w: a refresh token of this issuer has %d characters, and this has %d", token.ErrMalformed, tokenLetters, len(text))
	}
	var scratch, message [tokenSize]byte
	b, err := jose.Decode(scratch[:0], text)
	if err != nil {
		return t, fmt.Errorf("%w: the refresh token is %v", token.ErrMalformed, err)
	}
	if b[0] != tokenVersion {
		return t, fmt.Errorf("%w: a refresh token of version %d, which this program does not know", token.ErrMalformed, b[0])
	}
	b = b[1:]
	b = b[copy(t.keyID[:], b):]
	b = b[copy(t.family[:], b):]
	t.generation, b = binary.BigEndian.Uint64(b), b[8:]
	b = b[copy(t.tag[:], b):]
	switch err := i.Keys.CheckMAC(ctx, tokenPurpose, t.keyID, t.macced(message[:0]), [32]byte(b)); {
	case err == nil:
		return t, nil
	case isRefusal(err):
		return t, err
	default:
		return t, foreign("the keys could not be had", err)
	}
}

// hideSubject sets the tag of t.
func (i *Issuer) hideSubject(ctx context.Context, t *refreshToken, subject string) error {
	_, mask, err := i.Keys.MAC(ctx, subjectPurpose, t.family[:])
	if err != nil {
		return foreign("no key for the refresh token", err)
	}
	name := subjectName(subject)
	subtle.XORBytes(t.tag[:], name[:], mask[:])
	return nil
}

// seenSubject returns the name of the subject's row, if t has a tag that the
// first key hides. That of an older key is not worth the trouble: the row of
// the family says who its subject is.
func (i *Issuer) seenSubject(ctx context.Context, t refreshToken) (name [16]byte, seen bool) {
	if t.tag == [16]byte{} {
		return name, false
	}
	id, mask, err := i.Keys.MAC(ctx, subjectPurpose, t.family[:])
	if err != nil || id != t.keyID {
		return name, false
	}
	subtle.XORBytes(name[:], t.tag[:], mask[:])
	return name, true
}
