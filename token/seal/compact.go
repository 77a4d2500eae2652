package seal

import (
	"bytes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
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
	var scratch [1024]byte
	header := append(scratch[:0], beforePlace...)
	header = jose.Encode(header, []byte(place))
	header = append(header, beforeID...)
	header = jose.Encode(header, id[:])
	header = append(header, afterID...)

	segment := base64.RawURLEncoding.EncodedLen(len(header))
	work := jose.Encode(make([]byte, 0, segment+len(plaintext)+boxMore), header)
	box := aead.Seal(work[segment:], nil, plaintext, work)
	tag := len(box) - 16

	var text strings.Builder
	text.Grow(sealedSize(place, plaintext))
	text.Write(work)
	text.WriteString("..")
	text.Write(jose.Encode(scratch[:0], box[:12]))
	text.WriteByte('.')
	for part := range slices.Chunk(box[12:tag], len(scratch)/4*3) { // whole letters
		text.Write(jose.Encode(scratch[:0], part))
	}
	text.WriteByte('.')
	text.Write(jose.Encode(scratch[:0], box[tag:]))
	return text.String()
}

// A compact is what stands in a sealed text, in one piece of memory.
type compact struct {
	header []byte // as it is in the text
	id     keyID
	there  bool   // whether it was sealed for the place that was asked for
	box    []byte // iv, ciphertext and tag
}

// parse reads a sealed text, of which there is one for what stands in it.
func parse(text, place string) (c compact, err error) {
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
	if c.id, c.there, err = parseHeader(header, place); err != nil {
		return c, malformed("segment 1 (header)", err)
	}
	memory := make([]byte, 0, len(header)+base64.RawURLEncoding.DecodedLen(len(ciphertext))+boxMore)
	c.header = append(memory, header...)
	c.box = c.header[len(header):]
	for _, part := range [...]struct{ name, text string }{
		{"segment 3 (iv)", iv}, {"segment 4 (ciphertext)", ciphertext}, {"segment 5 (tag)", tag},
	} {
		if c.box, err = jose.Decode(c.box, part.text); err != nil {
			return c, malformed(part.name, err)
		}
	}
	return c, nil
}

// parseHeader reads the first segment, and says whether its place is the one
// given. Whatever has another header than encode writes is not of this package,
// and of a version that is not known here.
func parseHeader(segment, place string) (id keyID, there bool, err error) {
	var scratch, expected [256]byte
	decoded, err := jose.Decode(scratch[:0], segment)
	if err != nil {
		return id, false, err
	}
	text, begins := bytes.CutPrefix(decoded, []byte(beforePlace))
	ctx, text, _ := bytes.Cut(text, []byte(beforeID))
	kid, ends := bytes.CutSuffix(text, []byte(afterID))
	if !begins || !ends {
		return id, false, errors.New("it is not one that this package writes")
	}
	if id, err = parseID(string(kid)); err != nil {
		return id, false, fmt.Errorf("kid: %w", err)
	}
	if bytes.Equal(ctx, jose.Encode(expected[:0], []byte(place))) {
		return id, true, nil
	}
	if err := jose.Check(string(ctx)); err != nil {
		return id, false, fmt.Errorf("ctx: %w", err)
	}
	return id, false, nil
}
