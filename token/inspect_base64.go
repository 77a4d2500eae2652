package token

import (
	"encoding/base64"
	"errors"
	"strings"
)

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// base64Value is the value of each of base64Letters, and 0xff for every other
// byte.
var base64Value = func() (v [256]byte) {
	for c := range v {
		v[c] = byte(strings.IndexByte(base64Letters, byte(c)))
	}
	return v
}()

// checkBase64 reports what is wrong with s as base64url without padding
// (RFC 7515, section 2), of which there is one form for each sequence of
// bytes. Package base64 would skip line breaks, even if strict.
func checkBase64(s string) error {
	for i := range len(s) {
		if base64Value[s[i]] == 0xff {
			return notBase64(s[i])
		}
	}
	// One letter alone has no byte in it, and two or three more bits than
	// they have bytes for.
	switch len(s) % 4 {
	case 1:
		return errors.New("not base64url: its length cannot be, was it cut off?")
	case 2:
		if base64Value[s[len(s)-1]]&0x0f != 0 {
			return errStrayBits
		}
	case 3:
		if base64Value[s[len(s)-1]]&0x03 != 0 {
			return errStrayBits
		}
	}
	return nil
}

var errStrayBits = errors.New("not base64url: bits beyond the last byte are set")

func notBase64(c byte) error {
	switch c {
	case ' ', '\t', '\r', '\n':
		return errors.New("white space in it: remove it")
	case '=':
		return errors.New("padded base64: base64url without padding must be")
	case '+', '/':
		return errors.New("standard base64: base64url must be")
	}
	return errors.New("not base64url")
}

// decodeBase64 returns what s stands for. Scratch is used on the way if it is
// long enough.
func decodeBase64(s string, scratch []byte) (string, error) {
	if err := checkBase64(s); err != nil {
		return "", err
	}
	if n := base64.RawURLEncoding.DecodedLen(len(s)); n > len(scratch) {
		scratch = make([]byte, n)
	}
	n, err := base64.RawURLEncoding.Decode(scratch, []byte(s))
	return string(scratch[:n]), err
}
