package kube

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// wholeJWT returns what can be read of a JWT, and how many bytes its signature has.
// It is an error if the JWT is not whole, as far as that can be told without its key,
// or no API server made it. The error repeats nothing of it, and blames no token
// presented by another.
func wholeJWT(value token.Secret) (info token.Info, signature int, err error) {
	info, err = token.Inspect(value)
	switch {
	case err != nil:
		return info, 0, errors.New(strings.TrimPrefix(err.Error(), token.ErrMalformed.Error()+": "))
	case info.Format == token.JWE:
		return info, 0, errors.New("it is no JWT, but encrypted, as a JWE")
	case info.Format != token.JWT:
		return info, 0, errors.New("it is no JWT: what stands before its first dot is not the base64url of a JSON object")
	}
	text := value.Reveal()
	signature = base64.RawURLEncoding.DecodedLen(len(text) - strings.LastIndexByte(text, '.') - 1)
	return info, signature, signs(info.Algorithm, signature)
}

// signs returns an error unless a signature by alg can have n bytes (RFC 7518,
// sections 3.3 to 3.5, and RFC 8037, section 3.1). An RSA signature is as long as the
// key's modulus, of which RFC 7518 wants 2048 bits at least; what else there is comes
// in steps of 512.
func signs(alg string, n int) error {
	var can bool
	switch alg {
	case "ES256", "EdDSA":
		can = n == 64
	case "ES384":
		can = n == 96
	case "ES512":
		can = n == 132
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		can = n >= 256 && n%64 == 0
	default:
		return errors.New("segment 1 (header): its alg is none by which an API server signs, such as RS256 or ES256")
	}
	if !can {
		return fmt.Errorf("segment 3 (signature): %d bytes, which no signature by its alg has: was it cut off?", n)
	}
	return nil
}
