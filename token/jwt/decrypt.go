package jwt

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/token"
)

// verifyEncrypted verifies a signed token that sealed is made of.
func (p *Policy) verifyEncrypted(ctx context.Context, sealed token.Secret) (token.Claims, error) {
	if p.Decrypt == nil {
		return token.Claims{}, malformed("segments", errors.New("5 of them, so it is encrypted, and this Policy has no Decrypt; if its claims are encrypted under a shared secret, see the Policy of package jwe"))
	}
	if err := checkEncrypted(sealed.Reveal()); err != nil {
		return token.Claims{}, err
	}
	plaintext, err := p.Decrypt.Decrypt(ctx, sealed)
	if err != nil {
		return token.Claims{}, err
	}
	if len(plaintext) > token.MaxSize {
		return token.Claims{}, malformed("plaintext", fmt.Errorf("%d bytes, more than the %d that a token may have", len(plaintext), token.MaxSize))
	}
	// Claims, or an encrypted token once more: whoever has the public key could
	// have made either. They begin with a brace or have other dots.
	text := string(plaintext)
	if strings.HasPrefix(text, "{") || strings.Count(text, ".") != 2 {
		return token.Claims{}, notVerified("it is encrypted, but what is in it is not signed")
	}
	return p.verifySigned(ctx, text)
}

// checkEncrypted checks the form of header.key.iv.ciphertext.tag, and that it
// says of itself that there is a token in it (RFC 7519, section 5.2).
func checkEncrypted(text string) error {
	first, rest, _ := strings.Cut(text, ".")
	header, err := decodeHeader(first)
	if err == nil {
		err = header.CheckJWE()
	}
	if err == nil && !jose.SameType(header.ContentType, "JWT") {
		err = errors.New("cty: not JWT, which an encrypted token has that is signed inside")
	}
	if err != nil {
		return malformed("segment 1 (header)", err)
	}
	for i := 2; i <= 5; i++ {
		var segment string
		segment, rest, _ = strings.Cut(rest, ".")
		if err := jose.Check(segment); err != nil {
			return malformed(fmt.Sprintf("segment %d", i), err)
		}
	}
	return nil
}
