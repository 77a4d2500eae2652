package token

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// A jsonJWE is what stands in a JWE of the flattened or the general JSON
// serialization (RFC 7516, section 7.2).
type jsonJWE struct {
	// Each is base64url. encrypted_key is optional, and so are protected, if
	// another header has alg and enc, and aad.
	protected, key, iv, ciphertext, tag, aad string

	header     jose.Header // those that are not encoded, together
	flat       bool        // has header or encrypted_key outside recipients
	general    bool        // has recipients
	recipients int
}

// inspectJSON reads a JWE that is a JSON object. It is the only form of a
// signed or encrypted token that begins with a brace.
func inspectJSON(text string) (Info, error) {
	var j jsonJWE
	r := strictjson.NewReader(text, strictjson.Limits{Size: MaxSize})
	j.read(&r)
	if err := strictjson.Placed(r.End(), "protected", "unprotected", "header", "recipients",
		"encrypted_key", "aad", "iv", "ciphertext", "tag"); err != nil {
		return Info{}, malformed("JSON", err)
	}
	if err := j.check(); err != nil {
		return Info{}, malformed("JSON", err)
	}

	// Parts of the text would keep the whole of it in memory.
	h := jose.Header{
		Algorithm:   strings.Clone(j.header.Algorithm),
		Encryption:  strings.Clone(j.header.Encryption),
		KeyID:       strings.Clone(j.header.KeyID),
		Type:        strings.Clone(j.header.Type),
		ContentType: strings.Clone(j.header.ContentType),
	}
	if j.protected != "" {
		raw, err := jose.Decode(nil, j.protected)
		if err == nil {
			err = h.Parse(string(raw))
		}
		if err != nil {
			return Info{}, malformed("protected", err)
		}
	}
	if err := h.CheckJWE(); err != nil {
		return Info{}, malformed("header", err)
	}
	info := infoOf(h)
	if j.aad != "" {
		aad, err := jose.Decode(nil, j.aad)
		if err != nil {
			return Info{}, malformed("aad", err)
		}
		inspectDashboard(string(aad), &info)
	}
	return info, nil
}

func (j *jsonJWE) read(r *strictjson.Reader) {
	for name := range r.Object() {
		switch name {
		case "protected":
			j.protected = r.Text()
		case "unprotected":
			j.header.Read(r)
		case "iv":
			j.iv = r.Text()
		case "ciphertext":
			j.ciphertext = r.Text()
		case "tag":
			j.tag = r.Text()
		case "aad":
			j.aad = r.Text()
		case "header", "encrypted_key":
			j.flat = true
			j.readRecipient(r, name)
		case "recipients":
			j.general = true
			for range r.Array() {
				j.recipients++
				for name := range r.Object() {
					j.readRecipient(r, name)
				}
			}
		}
	}
}

// readRecipient reads the value of a member that belongs to one recipient.
func (j *jsonJWE) readRecipient(r *strictjson.Reader, name string) {
	if j.recipients > 1 {
		return // refused by check
	}
	switch name {
	case "header":
		j.header.Read(r)
	case "encrypted_key":
		j.key = r.Text()
	}
}

// check reports what is wrong with the members, but for what is in protected
// and aad.
func (j *jsonJWE) check() error {
	switch {
	case j.general && j.flat:
		return errors.New("recipients beside header or encrypted_key: of the two forms of a JWE it must be one")
	case j.general && j.recipients != 1:
		return fmt.Errorf("%d recipients, where a token has one", j.recipients)
	case j.ciphertext == "":
		return errors.New("no ciphertext: it is no JWE, and a signed token does not begin with a brace; if it is an answer that has a token in it, take that out")
	case j.tag == "":
		return errors.New("no tag")
	}
	for _, part := range [...]struct{ name, text string }{
		{"encrypted_key", j.key}, {"iv", j.iv}, {"ciphertext", j.ciphertext}, {"tag", j.tag},
	} {
		if err := jose.Check(part.text); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// inspectDashboard fills info in from aad, the additional data of a JWE, if
// that is an object of strings with dates in it, which is how the Kubernetes
// Dashboard says to all who look how long a session lasts. Any other aad is
// good too; it just says nothing that is known here.
func inspectDashboard(aad string, info *Info) {
	var dates [2]time.Time
	var err error
	r := strictjson.NewReader(aad, strictjson.Limits{Size: MaxSize})
	for name := range r.Object() {
		value := r.Text()
		i := 0
		switch name {
		case "iat":
		case "exp":
			i = 1
		default:
			continue
		}
		if dates[i], err = time.Parse(time.RFC3339, value); err != nil || !inRange(dates[i]) {
			return
		}
	}
	if r.End() != nil || dates == [2]time.Time{} {
		return
	}
	info.Kind = KindDashboard
	for i := range dates {
		if !dates[i].IsZero() {
			dates[i] = dates[i].UTC()
		}
	}
	info.IssuedAt, info.Expiry = dates[0], dates[1]
}

// inRange reports whether t could be a NumericDate.
func inRange(t time.Time) bool { return 0 <= t.Unix() && t.Unix() <= lastSecond }
