package seal

import (
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/internal/jose"
)

// The header, around the place and the key ID. Its members are in the order in
// which those JOSE libraries write them that sort.
const (
	beforePlace = `{"alg":"dir","ctx":"`
	beforeID    = `","enc":"A256GCM","kid":"`
	afterID     = `"}`
)

const (
	nameSize = 6
	saltSize = 12
	idSize   = 24 // letters

	ivSize  = 16 // letters, of 12 bytes
	tagSize = 22 // letters, of 16 bytes
	boxMore = 12 + 16

	maxSize = jose.MaxSize
)

// A keyID is what kid stands for: the name of a key, and a salt.
type keyID [nameSize + saltSize]byte

func (id keyID) name() [nameSize]byte { return [nameSize]byte(id[:]) }

// parseID reads a kid.
func parseID(kid string) (id keyID, err error) {
	if len(kid) != idSize {
		return id, fmt.Errorf("%d characters, where %d must be", len(kid), idSize)
	}
	_, err = jose.Decode(id[:0], kid)
	return id, err
}

// sealedSize returns the length of what encode returns.
func sealedSize(place string, plaintext []byte) int {
	letters := base64.RawURLEncoding.EncodedLen
	header := len(beforePlace) + letters(len(place)) + len(beforeID) + idSize + len(afterID)
	return letters(header) + len("..") + ivSize + len(".") + letters(len(plaintext)) + len(".") + tagSize
}

// encode seals plaintext.
func encode(aead cipher.AEAD, id keyID, place string, plaintext []byte) string {
	var scratch [256]byte
	header := append(scratch[:0], beforePlace...)
	header = jose.Encode(header, []byte(place))
	header = append(header, beforeID...)
	header = jose.Encode(header, id[:])
	header = append(header, afterID...)

	text := jose.Encode(make([]byte, 0, sealedSize(place, plaintext)), header)
	box := aead.Seal(make([]byte, 0, len(plaintext)+boxMore), nil, plaintext, text)
	tag := len(box) - 16
	text = append(text, ".."...)
	text = jose.Encode(text, box[:12])
	text = append(text, '.')
	text = jose.Encode(text, box[12:tag])
	text = append(text, '.')
	text = jose.Encode(text, box[tag:])
	return string(text)
}

// A compact is what stands in a sealed text.
type compact struct {
	header string // as it is in the text
	id     keyID
	place  string
	box    []byte // iv, ciphertext and tag
}

// parse reads a sealed text, of which there is one for what stands in it.
func parse(text string) (c compact, err error) {
	if len(text) > maxSize {
		return c, malformed("size", fmt.Errorf("%d bytes, more than the %d that are read", len(text), maxSize))
	}
	header, rest, _ := strings.Cut(text, ".")
	key, rest, _ := strings.Cut(rest, ".")
	iv, rest, _ := strings.Cut(rest, ".")
	ciphertext, tag, found := strings.Cut(rest, ".")
	switch {
	case !found:
		return c, malformed("segments", errors.New("fewer than five: was it cut off?"))
	case key != "":
		return c, malformed("segment 2 (key)", errors.New("there must be none"))
	case len(iv) != ivSize:
		return c, malformed("segment 3 (iv)", fmt.Errorf("%d characters, where %d must be", len(iv), ivSize))
	case len(tag) != tagSize:
		return c, malformed("segment 5 (tag)", fmt.Errorf("%d characters, where %d must be", len(tag), tagSize))
	}
	c.header = header
	if c.id, c.place, err = parseHeader(header); err != nil {
		return c, malformed("segment 1 (header)", err)
	}
	c.box = make([]byte, 0, base64.RawURLEncoding.DecodedLen(len(ciphertext))+boxMore)
	for _, part := range [...]struct{ name, text string }{
		{"segment 3 (iv)", iv}, {"segment 4 (ciphertext)", ciphertext}, {"segment 5 (tag)", tag},
	} {
		if c.box, err = jose.Decode(c.box, part.text); err != nil {
			return c, malformed(part.name, err)
		}
	}
	return c, nil
}

// parseHeader reads the first segment. Whatever has another header than encode
// writes is not of this package, and of a version that is not known here.
func parseHeader(segment string) (id keyID, place string, err error) {
	var scratch [256]byte
	decoded, err := jose.Decode(scratch[:0], segment)
	if err != nil {
		return id, "", err
	}
	text, begins := strings.CutPrefix(string(decoded), beforePlace)
	ctx, text, _ := strings.Cut(text, beforeID)
	kid, ends := strings.CutSuffix(text, afterID)
	if !begins || !ends {
		return id, "", errors.New("it is not one that this package writes")
	}
	if id, err = parseID(kid); err != nil {
		return id, "", fmt.Errorf("kid: %w", err)
	}
	raw, err := jose.Decode(scratch[:0], ctx) // text is a copy
	if err != nil {
		return id, "", fmt.Errorf("ctx: %w", err)
	}
	return id, string(raw), nil
}
