package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
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

	head, err := decodeHeader(first, scratch[:])
	if err != nil {
		return Info{}, malformed("segment 1 (header)", err)
	}
	raw, err := decodeBase64(second, scratch[:])
	if err != nil {
		return Info{}, malformed("segment 2 (payload)", err)
	}
	var k kubernetesClaims
	claims, err := parseClaims(raw, &k)
	if err != nil {
		return Info{}, malformed("segment 2 (payload)", err)
	}
	if err := checkBase64(third); err != nil {
		return Info{}, malformed("segment 3 (signature)", err)
	}
	if third == "" && !strings.EqualFold(head.alg, "none") {
		return Info{}, malformed("segment 3 (signature)", errors.New("empty: was it cut off?"))
	}

	info := Info{
		Format:    JWT,
		Algorithm: head.alg,
		KeyID:     head.kid,
		Type:      head.typ,
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
	head, err := decodeHeader(first, nil)
	if err == nil {
		err = head.checkJWE()
	}
	if err != nil {
		return Info{}, malformed("segment 1 (header)", err)
	}
	for i, name := range [...]string{"encrypted key", "iv", "ciphertext", "tag"} {
		var segment string
		segment, rest, _ = strings.Cut(rest, ".")
		err := checkBase64(segment)
		if segment == "" && name == "tag" {
			err = errors.New("empty: was it cut off?")
		}
		if err != nil {
			return Info{}, malformed(fmt.Sprintf("segment %d (%s)", i+2, name), err)
		}
	}
	return head.info(), nil
}

// A header is what Inspect reads of a JOSE header.
type header struct {
	alg, enc, kid, typ string
}

// decodeHeader reads the header of a compact token.
func decodeHeader(segment string, scratch []byte) (header, error) {
	var h header
	raw, err := decodeBase64(segment, scratch)
	if err != nil {
		return h, err
	}
	if err := h.parse(raw); err != nil {
		return h, err
	}
	if h.alg == "" {
		return h, errors.New("alg: missing or empty")
	}
	return h, nil
}

// parse reads raw, a header that is a JSON text of its own.
func (h *header) parse(raw string) error {
	r := strictjson.NewReader(raw, strictjson.Limits{Size: MaxSize})
	h.read(&r)
	return placed(r.End(), "alg", "enc", "kid", "typ")
}

// read adds what r is at, a header, to h. That no name occurs in two headers of
// one token, as RFC 7516, section 4, has it, is checked of those read.
func (h *header) read(r *strictjson.Reader) {
	for name := range r.Object() {
		var field *string
		switch name {
		case "alg":
			field = &h.alg
		case "enc":
			field = &h.enc
		case "kid":
			field = &h.kid
		case "typ":
			field = &h.typ
		default:
			continue
		}
		if *field != "" {
			r.Fail("a parameter that another header of the token has too")
		}
		*field = r.Text()
	}
}

// checkJWE reports what h lacks for a JWE.
func (h *header) checkJWE() error {
	switch {
	case h.alg == "":
		return errors.New("alg: missing or empty")
	case h.enc == "":
		return errors.New("enc: missing or empty")
	}
	return nil
}

// info returns what h says of a JWE.
func (h *header) info() Info {
	return Info{Format: JWE, Algorithm: h.alg, Encryption: h.enc, KeyID: h.kid, Type: h.typ}
}
