package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/token"
)

// verify looks at a token from the cheapest check to the dearest, and asks for
// no key before all that can be said without one has been.
func (p *Policy) verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	text := presented.Reveal()
	if scheme := "Bearer "; len(text) > len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
		return token.Claims{}, malformed("scheme", errors.New("the token begins with one: pass what token.FromRequest returns"))
	}
	if text == "" {
		return token.Claims{}, malformed("length", errors.New("it is empty"))
	}
	if len(text) > token.MaxSize {
		return token.Claims{}, malformed("length", fmt.Errorf("%d bytes, more than the %d that a token may have", len(text), token.MaxSize))
	}
	switch n := strings.Count(text, ".") + 1; n {
	case 3:
		return p.verifySigned(ctx, text)
	case 5:
		return p.verifyEncrypted(ctx, presented)
	case 1:
		return token.Claims{}, malformed("segments", errors.New("no dots, so it is no JWT: for opaque tokens see package introspect"))
	default:
		return token.Claims{}, malformed("segments", fmt.Errorf("%d of them, where a signed token has 3 and an encrypted one 5: was it cut off, or is it no JWT?", n))
	}
}

// verifySigned verifies header.payload.signature.
func (p *Policy) verifySigned(ctx context.Context, text string) (token.Claims, error) {
	var scratch [2048]byte // more than most tokens need
	dot := strings.LastIndexByte(text, '.')
	signed, third := text[:dot], text[dot+1:]
	first, second, _ := strings.Cut(signed, ".")

	header, err := decodeHeader(first)
	if err == nil && header.Encryption != "" {
		err = errors.New("enc: in a token that is not encrypted")
	}
	if err != nil {
		return token.Claims{}, malformed("segment 1 (header)", err)
	}
	raw, err := jose.Decode(scratch[:0], second)
	if err != nil {
		return token.Claims{}, malformed("segment 2 (payload)", err)
	}
	claims, err := token.ParseClaims(raw)
	if err != nil {
		return token.Claims{}, err
	}
	signature, err := jose.Decode(nil, third)
	if err == nil && third == "" && !strings.EqualFold(header.Algorithm, "none") {
		err = errors.New("empty: was it cut off?")
	}
	if err != nil {
		return token.Claims{}, malformed("segment 3 (signature)", err)
	}

	if p.Type != "" && !jose.SameType(header.Type, p.Type) {
		return token.Claims{}, malformed("segment 1 (header)", fmt.Errorf("typ: %+.64q, and not the %+.64q that this Policy asks for: is it a token of another kind?", header.Type, p.Type))
	}
	if err := p.verifySignature(ctx, &header, signed, signature); err != nil {
		return token.Claims{}, err
	}
	if err := p.checkClaims(&claims); err != nil {
		return token.Claims{}, err
	}
	return claims, nil
}

// decodeHeader reads the header of a compact token, signed or encrypted.
func decodeHeader(segment string) (jose.Header, error) {
	h, err := jose.DecodeHeader(segment)
	if err == nil {
		err = h.CheckPlain()
	}
	return h, err
}

// maxTried is how many keys are tried for one token.
const maxTried = 16

// verifySignature finds the keys that may have made the signature, and tries
// them.
func (p *Policy) verifySignature(ctx context.Context, h *jose.Header, signed string, signature []byte) error {
	a, err := p.algorithm(h.Algorithm)
	if err != nil {
		return err
	}
	keys, err := p.Keys.Keys(ctx, h.KeyID)
	switch {
	case errors.Is(err, token.ErrInvalid): // it is not the token that is meant
		return token.Refused(fmt.Errorf("jwt: no keys to verify with: %w", err))
	case err != nil:
		return err
	case len(keys) == 0 && h.KeyID == "":
		return notVerified("there are no keys")
	case len(keys) == 0:
		return p.notVerified(fmt.Sprintf("kid %+.48q: none of the keys has it", h.KeyID))
	}
	var tried int
	var last *Key
	var reason string // why the last one that does not fit does not
	for i := range keys {
		k := &keys[i]
		if why := a.unfit(k, p.Algorithms != nil); why != "" {
			reason = why
			continue
		}
		if tried == maxTried {
			return notVerified(fmt.Sprintf("it was made with none of the first %d keys that fit; a token should name its key in kid", tried))
		}
		tried, last = tried+1, k
		switch good, err := a.verify(signed, signature, k); {
		case err != nil:
			return err
		case good:
			return nil
		}
	}
	switch {
	case tried == 1:
		return notVerified(fmt.Sprintf("it was not made with %v", last))
	case tried > 1:
		return notVerified(fmt.Sprintf("it was made with none of the %d keys that fit", tried))
	case len(keys) == 1:
		return p.notVerified(fmt.Sprintf("%v must not be used for %s: %s", &keys[0], a.name, reason))
	}
	return p.notVerified(fmt.Sprintf("none of %d keys may be used for %s; of the last, %s", len(keys), a.name, reason))
}

// notVerified is the error for a token for which there is no key, unless there
// is none for any.
func (p *Policy) notVerified(why string) error {
	if err := p.filled(); err != nil {
		return err
	}
	return notVerified(why)
}

// algorithm returns the algorithm that alg names, if the Policy might accept
// it. Which keys it may be used with is their affair.
func (p *Policy) algorithm(alg string) (*algorithm, error) {
	a := algorithms[alg]
	switch {
	case strings.EqualFold(alg, "none"):
		return nil, notVerified("alg: none: it is not signed")
	case a == nil:
		return nil, notVerified("alg: unknown, or one that is never accepted")
	case p.Algorithms != nil && !slices.Contains(p.Algorithms, alg):
		return nil, notVerified("alg: " + a.name + ", which is not in Policy.Algorithms")
	}
	return a, nil
}

// malformed returns an error that matches token.ErrMalformed. It does not wrap
// err.
func malformed(where string, err error) error {
	return fmt.Errorf("%w: %s: %v", token.ErrMalformed, where, err)
}

// notVerified returns an error that matches token.ErrSignature.
func notVerified(why string) error {
	return fmt.Errorf("%w: %s", token.ErrSignature, why)
}

// errPanic is no verdict: some code that was called could not cope.
var errPanic = errors.New("jwt: the code that verifies signatures panicked: is a Key incomplete?")
