package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// Claims are what a token says, or what a [Verifier] says of it.
//
// Claims are values: copy them freely. Copies share Audience, which must not be
// modified.
type Claims struct {
	Issuer   string
	Subject  string
	Audience []string
	ID       string

	// To the second, rounded down, in UTC. Zero means that the token does not
	// say.
	IssuedAt, NotBefore, Expiry time.Time

	raw string
}

// ParseClaims reads a JSON object of claims (RFC 7519, section 4). It verifies
// nothing.
//
// A claim that RFC 7519 registers must have the type it gives there; others may
// be anything. Dates may be integers or not, from 1970 to the end of 9999. An
// object that two readers could take for two different ones is refused, such as
// one with two exp, or with an EXP, which encoding/json takes for exp. The error
// matches [ErrMalformed] and names the claim. ParseClaims does not keep raw.
func ParseClaims(raw []byte) (Claims, error) {
	if len(raw) > MaxSize { // before the copy
		return Claims{}, malformed("claims", fmt.Errorf("%d bytes, more than the %d that are read", len(raw), MaxSize))
	}
	c, err := parseClaims(string(raw), nil)
	if err != nil {
		return Claims{}, malformed("claims", err)
	}
	return c, nil
}

// Decode unmarshals all claims, registered or not, into v, as
// [json.Unmarshal] does. It is an error if c did not come from JSON, as when a
// [Verifier] filled in the fields itself.
func (c Claims) Decode(v any) error {
	if c.raw == "" {
		return errors.New("token: these Claims were not read from JSON: use their fields")
	}
	if err := json.Unmarshal([]byte(c.raw), v); err != nil {
		return fmt.Errorf("token: the claims do not fit into %T: %w", v, err)
	}
	return nil
}

// LogValue implements [slog.LogValuer]. It has the registered claims that there
// are, and no others: those may be about somebody's person.
func (c Claims) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, text := range [...]struct{ name, value string }{{"iss", c.Issuer}, {"sub", c.Subject}, {"jti", c.ID}} {
		if text.value != "" {
			attrs = append(attrs, slog.String(text.name, text.value))
		}
	}
	if len(c.Audience) > 0 {
		attrs = append(attrs, slog.Any("aud", c.Audience))
	}
	for _, date := range [...]struct {
		name  string
		value time.Time
	}{{"iat", c.IssuedAt}, {"nbf", c.NotBefore}, {"exp", c.Expiry}} {
		if !date.value.IsZero() {
			attrs = append(attrs, slog.Time(date.name, date.value))
		}
	}
	return slog.GroupValue(attrs...)
}

// parseClaims is ParseClaims, with an error that has yet to be told where the
// claims are from. Claims that RFC 7519 does not register are given to more,
// if it is not nil.
func parseClaims(raw string, more *kubernetesClaims) (Claims, error) {
	c := Claims{raw: raw}
	r := strictjson.NewReader(raw, strictjson.Limits{Size: MaxSize})
	for name := range r.Object() {
		switch name {
		case "iss":
			c.Issuer = r.Text()
		case "sub":
			c.Subject = r.Text()
		case "aud":
			c.Audience = readAudience(&r)
		case "jti":
			c.ID = r.Text()
		case "iat":
			c.IssuedAt = readDate(&r)
		case "nbf":
			c.NotBefore = readDate(&r)
		case "exp":
			c.Expiry = readDate(&r)
		default:
			if jose.Miscased(name, registered) {
				r.Fail("a claim in another case")
			}
			if more != nil {
				more.read(&r, name)
			}
		}
	}
	if err := r.End(); err != nil {
		return Claims{}, strictjson.Placed(err, registered...)
	}
	return c, nil
}

// registered are the claims that RFC 7519, section 4.1, registers.
var registered = []string{"iss", "sub", "aud", "jti", "iat", "nbf", "exp"}

// readAudience reads the one string or the array of strings that aud may be.
func readAudience(r *strictjson.Reader) []string {
	switch r.Kind() {
	case strictjson.String:
		return []string{r.Text()}
	case strictjson.Array, strictjson.Invalid:
		return r.Texts()
	}
	r.Fail("neither a string nor an array of strings")
	return nil
}

// readDate reads a NumericDate: seconds since 1970.
func readDate(r *strictjson.Reader) time.Time {
	number := r.Number()
	if r.Err() != nil {
		return time.Time{}
	}
	s, ok := wholeSeconds(number)
	if !ok {
		r.Fail("a date outside the years 1970 to 9999: is it in milliseconds?")
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// lastSecond is 9999-12-31T23:59:59Z, after which RFC 3339 has no dates.
const lastSecond = 253402300799

// wholeSeconds returns the JSON number s rounded down, if it is from 0 to
// lastSecond. It does not go by way of a float64, which may round up: a token
// must not outlive its exp because of how that was written.
func wholeSeconds(s string) (seconds int64, ok bool) {
	if strings.HasPrefix(s, "-") {
		return 0, false
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], parseExponent(s[i+1:])
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")

	// The whole part of the result is made of as many digits as stand before
	// the point once the exponent has moved it.
	point := len(whole) + exponent
	for i := 0; i < point; i++ {
		digit := byte('0')
		switch {
		case i < len(whole):
			digit = whole[i]
		case i < len(whole)+len(fraction):
			digit = fraction[i-len(whole)]
		case seconds == 0: // nothing but zeros will follow
			return 0, true
		}
		seconds = seconds*10 + int64(digit-'0')
		if seconds > lastSecond {
			return 0, false
		}
	}
	return seconds, true
}

// parseExponent returns what stands behind the e of a JSON number, cut off
// where it is beyond any number that MaxSize has room for.
func parseExponent(s string) int {
	sign := 1
	switch s[0] {
	case '-':
		sign = -1
		fallthrough
	case '+':
		s = s[1:]
	}
	n := 0
	for _, digit := range []byte(s) {
		n = min(n*10+int(digit-'0'), 2*MaxSize)
	}
	return sign * n
}

// malformed returns an error that matches ErrMalformed and says where a token
// is at fault. It does not wrap err, which may know some of the text.
func malformed(where string, err error) error {
	return fmt.Errorf("%w: %s: %v", ErrMalformed, where, err)
}
