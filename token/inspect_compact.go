package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/internal/jose"
)

// beginsJSON reports whether segment, what stands before the first dot of a
// token, begins as the base64url of a JSON object does. It asks for more than
// the brace, which one in a hundred of kubeadm's abcdef.0123456789abcdef has.
func beginsJSON(segment string) bool {
	const white = " \t\r\n"
	if segment == "e30" { // {}
		return true
	}
	// Where the decoder stops at a fault, what comes before it counts. A header
	// of which this much is white space makes an opaque token, which its
	// verifier will not like either.
	var buf [24]byte
	n, _ := base64.RawURLEncoding.Decode(buf[:], []byte(segment[:min(len(segment), 32)]))
	text, ok := strings.CutPrefix(strings.TrimLeft(string(buf[:n]), white), "{")
	return ok && strings.HasPrefix(strings.TrimLeft(text, white), `"`)
}

// inspectCompact reads a token of segments with dots between them, of which the
// first looked like a header.
func inspectCompact(text string) (Info, error) {
	switch n := strings.Count(text, ".") + 1; n {
	case 3:
		return inspectJWT(text)
	case 5:
		return inspectCompactJWE(text)
	default:
		return Info{}, malformed("segments", fmt.Errorf("%d of them, where a signed token has 3 and an encrypted one 5: was it cut off?", n))
	}
}

// inspectJWT reads header.payload.signature.
func inspectJWT(text string) (Info, error) {
	var scratch [2048]byte // more than most tokens need
	first, text, _ := strings.Cut(text, ".")
	second, third, _ := strings.Cut(text, ".")

	head, err := jose.DecodeHeader(first)
	if err != nil {
		return Info{}, malformed("segment 1 (header)", err)
	}
	raw, err := jose.Decode(scratch[:0], second)
	if err != nil {
		return Info{}, malformed("segment 2 (payload)", err)
	}
	var k kubernetesClaims
	claims, err := parseClaims(string(raw), &k)
	if err != nil {
		return Info{}, malformed("segment 2 (payload)", err)
	}
	if err := jose.Check(third); err != nil {
		return Info{}, malformed("segment 3 (signature)", err)
	}
	if third == "" && !strings.EqualFold(head.Algorithm, "none") {
		return Info{}, malformed("segment 3 (signature)", errors.New("empty: was it cut off?"))
	}

	info := Info{
		Format:    JWT,
		Algorithm: head.Algorithm,
		KeyID:     head.KeyID,
		Type:      head.Type,
		IssuedAt:  claims.IssuedAt,
		Expiry:    claims.Expiry,
		Claims:    claims,
	}
	k.fill(&info)
	return info, nil
}

// inspectCompactJWE reads header.key.iv.ciphertext.tag. The key is empty where
// it is agreed on beforehand, as with "dir".
func inspectCompactJWE(text string) (Info, error) {
	first, rest, _ := strings.Cut(text, ".")
	head, err := jose.DecodeHeader(first)
	if err == nil {
		err = head.CheckJWE()
	}
	if err != nil {
		return Info{}, malformed("segment 1 (header)", err)
	}
	for i, name := range [...]string{"encrypted key", "iv", "ciphertext", "tag"} {
		var segment string
		segment, rest, _ = strings.Cut(rest, ".")
		err := jose.Check(segment)
		if segment == "" && name == "tag" {
			err = errors.New("empty: was it cut off?")
		}
		if err != nil {
			return Info{}, malformed(fmt.Sprintf("segment %d (%s)", i+2, name), err)
		}
	}
	return infoOf(head), nil
}

// infoOf returns what h says of a JWE.
func infoOf(h jose.Header) Info {
	return Info{Format: JWE, Algorithm: h.Algorithm, Encryption: h.Encryption, KeyID: h.KeyID, Type: h.Type}
}
