package jose

import (
	"errors"

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
			continue
		}
		if *field != "" {
			r.Fail("a parameter that another header of the token has too")
		}
		*field = r.Text()
	}
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
