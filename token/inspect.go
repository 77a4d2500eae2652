package token

import (
	"fmt"
	"strings"
	"time"
)

// MaxSize is the longest token, in bytes, that this package looks at.
const MaxSize = 1 << 20

// A Format is the outward form of a token.
type Format int

// The forms a token can have.
const (
	Opaque Format = iota // means something only to its issuer
	JWT                  // signed: a compact JWS with JSON claims (RFC 7519)
	JWE                  // encrypted: compact or JSON serialization (RFC 7516)
)

// String returns "opaque", "JWT" or "JWE".
func (f Format) String() string {
	switch f {
	case JWT:
		return "JWT"
	case JWE:
		return "JWE"
	}
	return "opaque"
}

// Info is what a token reveals to anyone who looks. None of it is verified, and
// anyone can write a token that says the same.
//
// Of the token itself, Info holds nothing that could be used in its place: no
// signature, nothing encrypted, and of an opaque token at most the name.
type Info struct {
	Format Format
	Kind   Kind // whose token it is; KindUnknown for most

	// Algorithm, KeyID and Type are alg, kid and typ of the header of a JWT or
	// JWE. Algorithm is never empty there, and may be "none", in any case: such
	// a token can be read, and must never be believed. Encryption is enc, which
	// only a JWE has.
	Algorithm, KeyID, Type string
	Encryption             string

	// IssuedAt and Expiry bound the useful life, in UTC. Zero means that the
	// token does not say. For a service account token Expiry is the earlier of
	// its exp and its warnafter; for a JWE they are known only if it is of the
	// Kubernetes Dashboard, which writes them beside what it encrypts.
	IssuedAt, Expiry time.Time

	// Claims are those of a JWT.
	Claims Claims

	// ServiceAccount is whom a Kubernetes service account token is for.
	ServiceAccount ServiceAccount

	// Name is what its issuer calls an opaque token, by which it can be listed
	// and deleted there, and which is no secret. Only Rancher 2.x tokens have
	// one.
	Name string
}

// Inspect reports what can be read of a token without any key: it decodes, and
// neither verifies nor decrypts. Nothing in the result may be relied on to
// grant access: use a [Verifier].
//
// Whatever is neither a JWT nor a JWE is opaque. It is an error, matching
// [ErrMalformed], only if a token begins as one and does not go on as one, or
// is longer than [MaxSize]. To begin as one is to have before the first dot the
// base64url of a JSON object, or to be a JSON object. The error says where the
// token is at fault and repeats nothing of it.
func Inspect(s Secret) (Info, error) {
	text := s.Reveal()
	if len(text) > MaxSize {
		return Info{}, malformed("length", fmt.Errorf("%d bytes, more than the %d that a token may have: is it one?", len(text), MaxSize))
	}
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return inspectJSON(text)
	}
	if header, _, ok := strings.Cut(text, "."); ok && beginsJSON(header) {
		return inspectCompact(text)
	}
	return inspectOpaque(text), nil
}
