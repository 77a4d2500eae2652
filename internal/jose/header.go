package jose

import (
	"errors"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// MaxSize is the longest token, in bytes, that anyone here looks at.
const MaxSize = 1 << 20

// A Header is what is read of a JOSE header (RFC 7515, section 4.1; RFC 7516,
// section 4.1). None of it is to be believed before the token is verified, and
// what would name a key from elsewhere (jku, jwk, x5u, x5c) not even then: it
// is not read.
type Header struct {
	Algorithm   string // alg
	Encryption  string // enc
	KeyID       string // kid
	Type        string // typ
	ContentType string // cty

	// Critical, Unencoded and Compressed say that crit, b64 (RFC 7797) and zip
	// are there, whatever their values: nobody here takes a token that has one.
	Critical, Unencoded, Compressed bool
}

// ParseHeader reads raw, which must be one JSON object with an alg.
func ParseHeader(raw string) (Header, error) {
	var h Header
	if err := h.Parse(raw); err != nil {
		return h, err
	}
	if h.Algorithm == "" {
		return h, errors.New("alg: missing or empty")
	}
	return h, nil
}

// Parse adds raw, a header that is a JSON text of its own, to h.
func (h *Header) Parse(raw string) error {
	r := strictjson.NewReader(raw, strictjson.Limits{Size: MaxSize})
	h.Read(&r)
	return strictjson.Placed(r.End(), "alg", "enc", "kid", "typ", "cty")
}

// parameters are those that a Header has.
var parameters = []string{"alg", "enc", "kid", "typ", "cty", "crit", "b64", "zip"}

// Miscased reports whether name is one of known, or would be if its case were
// another, and is not looked for here: many a reader, encoding/json among them,
// takes "EXP" for exp, and what is two things to two readers is refused.
func Miscased(name string, known []string) bool {
	for _, k := range known {
		if strings.EqualFold(name, k) {
			return true
		}
	}
	return false
}

// Read adds what r is at, a header, to h. That no name occurs in two headers of
// one token, as RFC 7516, section 4, has it, is checked of those read.
func (h *Header) Read(r *strictjson.Reader) {
	for name := range r.Object() {
		var field *string
		switch name {
		case "alg":
			field = &h.Algorithm
		case "enc":
			field = &h.Encryption
		case "kid":
			field = &h.KeyID
		case "typ":
			field = &h.Type
		case "cty":
			field = &h.ContentType
		case "crit":
			h.Critical = true
			continue
		case "b64":
			h.Unencoded = true
			continue
		case "zip":
			h.Compressed = true
			continue
		default:
			if Miscased(name, parameters) {
				r.Fail("a parameter in another case")
			}
			continue
		}
		if *field != "" {
			r.Fail("a parameter that another header of the token has too")
		}
		*field = r.Text()
	}
}

// DecodeHeader reads the header that is the first segment of a compact token.
func DecodeHeader(segment string) (Header, error) {
	var scratch [512]byte // more than most headers need
	raw, err := Decode(scratch[:0], segment)
	if err != nil {
		return Header{}, err
	}
	return ParseHeader(string(raw))
}

// CheckPlain reports what h has that changes the meaning of the rest of a token
// in a way that nobody here understands.
func (h *Header) CheckPlain() error {
	switch {
	case h.Critical:
		return errors.New("crit: no extension is understood here")
	case h.Unencoded:
		return errors.New("b64: a token has its payload encoded (RFC 7797, section 7)")
	case h.Compressed:
		return errors.New("zip: compressed tokens are not read")
	}
	return nil
}

// CheckJWE reports what h lacks for a JWE.
func (h *Header) CheckJWE() error {
	switch {
	case h.Algorithm == "":
		return errors.New("alg: missing or empty")
	case h.Encryption == "":
		return errors.New("enc: missing or empty")
	}
	return nil
}
