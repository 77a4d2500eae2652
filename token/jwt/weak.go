package jwt

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/hex"
)

// RSA keys have at least as many bits as RFC 7518, section 3.3, asks for, and at
// most as many as go-jose reads: with a larger one each token is expensive.
const (
	minRSA, maxRSA = 2048, 4096

	largeRSA = "it is an RSA key of more than 4096 bits"
)

// weakRSA says why nothing can be proved with pub, and nothing if something can.
func weakRSA(pub *rsa.PublicKey) string {
	switch bits := pub.N.BitLen(); {
	case bits < minRSA:
		return "it is an RSA key of less than 2048 bits"
	case bits > maxRSA:
		return largeRSA
	case pub.N.Sign() < 0 || pub.N.Bit(0) == 0:
		return "it is an RSA key with a modulus that is no product of primes"
	case pub.E < 3 || pub.E%2 == 0:
		return "it is an RSA key with an exponent that nobody may have"
	}
	return ""
}

// weakEd25519 is weakRSA for Ed25519. There are points for which anyone can
// make signatures, that of no order above 8; the curve's equation is all that
// crypto/ed25519 asks of a key.
func weakEd25519(pub ed25519.PublicKey) string {
	y := [ed25519.PublicKeySize]byte(pub)
	y[len(y)-1] &= 0x7f // the other bit is the sign of x
	if smallOrder[y] {
		return "it is an Ed25519 key that anyone can sign for"
	}
	return ""
}

// smallOrder are the y of the points of order 1, 2, 4 and 8, little-endian, and
// once more with the field's prime added where that leaves room.
var smallOrder = func() map[[ed25519.PublicKeySize]byte]bool {
	m := map[[ed25519.PublicKeySize]byte]bool{}
	for _, y := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000", // 0: order 4
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0100000000000000000000000000000000000000000000000000000000000000", // 1: order 1
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // -1: order 2
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	} {
		raw, err := hex.DecodeString(y)
		if err != nil {
			panic(err)
		}
		m[[ed25519.PublicKeySize]byte(raw)] = true
	}
	return m
}()
