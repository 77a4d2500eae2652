package jose

import (
	"encoding/base64"
	"errors"
	"strings"
)

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// value is the value of each of letters, and 0xff for every other byte.
var value = func() (v [256]byte) {
	for c := range v {
		v[c] = byte(strings.IndexByte(letters, byte(c)))
	}
	return v
}()

// Check reports what is wrong with s as base64url without padding (RFC 7515,
// section 2), of which there is one form for each sequence of bytes. Package
// base64 would skip line breaks, even if strict.
func Check(s string) error {
	for i := range len(s) {
		if value[s[i]] == 0xff {
			return notBase64(s[i])
		}
	}
	// One letter alone has no byte in it, and two or three more bits than
	// they have bytes for.
	switch len(s) % 4 {
	case 1:
		return errors.New("not base64url: its length cannot be, was it cut off?")
	case 2:
		if value[s[len(s)-1]]&0x0f != 0 {
			return errStrayBits
		}
	case 3:
		if value[s[len(s)-1]]&0x03 != 0 {
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

// strict knows all that Check does, but for line breaks, and is faster.
var strict = base64.RawURLEncoding.Strict()

// Decode appends what s stands for to dst, if s passes [Check].
func Decode(dst []byte, s string) ([]byte, error) {
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 {
		if decoded, err := strict.AppendDecode(dst, []byte(s)); err == nil {
			return decoded, nil
		}
	}
	return dst, Check(s)
}

// Encode appends the base64url of data to dst.
func Encode(dst, data []byte) []byte {
	return base64.RawURLEncoding.AppendEncode(dst, data)
}
