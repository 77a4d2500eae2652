package jwe

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/token"
)

// A compact is a JWE in the compact serialization (RFC 7516, section 7.1), of
// which there is one spelling.
type compact struct {
	text   string
	header jose.Header

	// As they are in the text, in base64url.
	protected, key, iv, ciphertext, tag string

	box []byte // the iv, the ciphertext and the tag themselves
}

// parseCompact reads header.key.iv.ciphertext.tag.
func parseCompact(text string) (*compact, error) {
	if len(text) > token.MaxSize {
		return nil, malformed("length", fmt.Errorf("%d bytes, more than the %d that a token may have", len(text), token.MaxSize))
	}
	switch n := strings.Count(text, ".") + 1; {
	case strings.HasPrefix(text, "{"):
		return nil, malformed("segments", errors.New("it is JSON, where the compact form with 5 segments must be"))
	case n == 3:
		return nil, malformed("segments", errors.New("3 of them, so it is signed and not encrypted"))
	case n != 5:
		return nil, malformed("segments", fmt.Errorf("%d of them, where an encrypted token has 5: was it cut off?", n))
	}
	c := &compact{text: text, box: make([]byte, 0, len(text)*3/4)}
	var err error
	rest := text
	for i, segment := range [...]*string{&c.protected, &c.key, &c.iv, &c.ciphertext, &c.tag} {
		*segment, rest, _ = strings.Cut(rest, ".")
		switch i {
		case 0:
			c.header, err = decodeHeader(c.protected)
		case 1:
			err = jose.Check(c.key)
		default:
			c.box, err = jose.Decode(c.box, *segment)
		}
		if err != nil {
			names := [...]string{"header", "encrypted key", "iv", "ciphertext", "tag"}
			return nil, malformed(fmt.Sprintf("segment %d (%s)", i+1, names[i]), err)
		}
	}
	return c, nil
}

// decodeHeader reads a protected header, and refuses what changes the meaning of
// the rest.
func decodeHeader(segment string) (jose.Header, error) {
	h, err := jose.DecodeHeader(segment)
	if err == nil {
		err = h.CheckPlain()
	}
	if err == nil {
		err = h.CheckJWE()
	}
	return h, err
}

// malformed returns an error that matches token.ErrMalformed. It does not wrap
// err.
func malformed(where string, err error) error {
	return fmt.Errorf("%w: %s: %v", token.ErrMalformed, where, err)
}

// notDecrypted returns an error that matches token.ErrSignature.
func notDecrypted(why string) error {
	return fmt.Errorf("%w: %s", token.ErrSignature, why)
}
