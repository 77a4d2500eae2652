package seal

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/tokenlife/tokenlife/token"
)

const (
	textKey     = 32       // bytes, of each key in a text
	maxTextSize = 64 << 10 // bytes
)

// ParseKeys returns the keys in a text, for a Keyring's Keys or Load: each is 32
// random bytes in base64, on a line of its own, as "openssl rand -base64 32" prints
// them. Blank lines do not count, nor does what stands behind a #. The text has at
// most 64 KiB, and 1 to 16 keys.
//
// Errors name the line, and nothing of what is in it: it is for the caller to add what
// the text is, and they do not begin with the package's name. They do not match
// [token.ErrInvalid].
func ParseKeys(text []byte) (keys []token.Secret, err error) {
	if len(text) > maxTextSize {
		return nil, fmt.Errorf("longer than %d bytes: are these the keys?", maxTextSize)
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line, _, _ = bytes.Cut(line, []byte("#"))
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		// Of whatever is longer or shorter the decoder would skip line breaks.
		var key []byte
		if len(line) == base64.StdEncoding.EncodedLen(textKey) {
			key, err = base64.StdEncoding.Strict().AppendDecode(nil, line)
		}
		switch {
		case err != nil || len(key) != textKey:
			return nil, fmt.Errorf(`line %d is not %d bytes in base64, as "openssl rand -base64 %d" prints them`, number, textKey, textKey)
		case len(keys) == maxKeys:
			return nil, fmt.Errorf("line %d has one key more than the %d that there may be: remove the oldest", number, maxKeys)
		}
		keys = append(keys, token.NewSecret(string(key)))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf(`there is no key: write a line that "openssl rand -base64 %d" prints`, textKey)
	}
	return keys, nil
}
