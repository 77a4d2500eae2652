package session

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/token"
)

// A CSRF token is the base64url of a random mask, and of what it masks: the name
// of the key, and the MAC.
const (
	csrfVersion = 1

	csrfKeyID   = 6
	csrfMasked  = csrfKeyID + 32
	csrfSize    = 2 * csrfMasked
	csrfLetters = (csrfSize*8 + 5) / 6
)

// csrfMessage returns what a token of the session with this ID is a MAC of. The
// length of the ID keeps it and the action apart.
func csrfMessage(id, action string) []byte {
	b := make([]byte, 0, 128)
	b = binary.BigEndian.AppendUint32(append(b, csrfVersion), uint32(len(id)))
	return append(append(b, id...), action...)
}

// CSRFToken returns a token that only pages of s have, for requests that do
// action, which may be empty: a token for one action is none for another. It is
// good for as long as s has its ID. It is masked: it differs on every call, so
// that compressed pages do not give it away.
func (m *Manager[T]) CSRFToken(ctx context.Context, s *Session[T], action string) (string, error) {
	if err := m.Check(); err != nil {
		return "", err
	}
	if s == nil || !isID(s.ID) {
		return "", errors.New("session: a CSRF token is of a session that a Manager has returned, and there is none")
	}
	id, mac, err := m.Keys.MAC(ctx, m.purpose("csrf"), csrfMessage(s.ID, action))
	if err != nil {
		return "", noKeys(err)
	}
	var b [csrfSize]byte
	mask, masked := b[:csrfMasked], b[csrfMasked:]
	rand.Read(mask)
	copy(masked, id[:])
	copy(masked[csrfKeyID:], mac[:])
	subtle.XORBytes(masked, masked, mask)
	return string(jose.Encode(nil, b[:])), nil
}

// checkToken checks one that was presented, and does what [Manager.CheckCSRF]
// says of errors.
func (m *Manager[T]) checkToken(ctx context.Context, s *Session[T], action, presented string) error {
	if len(presented) != csrfLetters {
		return fmt.Errorf("%w: it has not the form of one", ErrCSRF)
	}
	b, err := jose.Decode(make([]byte, 0, csrfSize), presented)
	if err != nil {
		return fmt.Errorf("%w: it has not the form of one", ErrCSRF)
	}
	mask, masked := b[:csrfMasked], b[csrfMasked:]
	subtle.XORBytes(masked, masked, mask)
	id, mac := [csrfKeyID]byte(masked), [32]byte(masked[csrfKeyID:])
	err = m.Keys.CheckMAC(ctx, m.purpose("csrf"), id, csrfMessage(s.ID, action), mac)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, token.ErrInvalid): // which speaks of tokens that prove who somebody is
		return fmt.Errorf("%w: it is of another session or action, or of a key that is gone", ErrCSRF)
	}
	return noKeys(err)
}
