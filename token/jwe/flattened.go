package jwe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A flattened is a JWE in the flattened JSON serialization (RFC 7516, section
// 7.2.2). Each member is in base64url.
type flattened struct {
	Protected  string `json:"protected"`
	AAD        string `json:"aad"`
	Key        string `json:"encrypted_key"`
	IV         string `json:"iv"`
	Ciphertext string `json:"ciphertext"`
	Tag        string `json:"tag"`
}

// parseFlattened reads a token of the Dashboard. It may also be in the general
// serialization, if it is for one recipient.
func parseFlattened(text string) (*flattened, error) {
	f := new(flattened)
	if err := f.read(text); err != nil {
		return nil, malformed("JSON", err)
	}
	for _, part := range []struct{ name, text string }{
		{"aad", f.AAD}, {"encrypted_key", f.Key}, {"iv", f.IV}, {"ciphertext", f.Ciphertext}, {"tag", f.Tag},
	} {
		err := jose.Check(part.text)
		if part.text == "" && part.name != "ciphertext" {
			err = errors.New("missing or empty")
		}
		if err != nil {
			return nil, malformed(part.name, err)
		}
	}
	header, err := decodeHeader(f.Protected)
	if err != nil {
		return nil, malformed("protected", err)
	}
	m := dashboardMethod
	if header.Algorithm != m.algorithm.name || header.Encryption != m.encryption.name {
		return nil, notDecrypted("alg or enc: not RSA-OAEP-256 and A256GCM, which tokens of the Dashboard have")
	}
	return f, m.checkSizes(f.Key, f.IV, f.Tag)
}

// read reads the JSON.
func (f *flattened) read(text string) error {
	r := strictjson.NewReader(text, strictjson.Limits{Size: token.MaxSize})
	flat, general, recipients := false, false, 0
	for name := range r.Object() {
		switch name {
		case "protected":
			f.Protected = r.Text()
		case "aad":
			f.AAD = r.Text()
		case "iv":
			f.IV = r.Text()
		case "ciphertext":
			f.Ciphertext = r.Text()
		case "tag":
			f.Tag = r.Text()
		case "encrypted_key":
			flat = true
			f.Key = r.Text()
		case "unprotected", "header":
			r.Fail(unprotected)
		case "recipients":
			general = true
			for range r.Array() {
				recipients++
				f.readRecipient(&r, recipients)
			}
		}
	}
	if err := r.End(); err != nil {
		return strictjson.Placed(err, "protected", "aad", "iv", "ciphertext", "tag", "encrypted_key", "unprotected", "header", "recipients")
	}
	if flat && general {
		return errors.New("recipients beside encrypted_key: of the two forms of a JWE it must be one")
	}
	return nil
}

const unprotected strictjson.Reason = "a header that is not protected: anybody could have written it"

// readRecipient reads the n-th recipient.
func (f *flattened) readRecipient(r *strictjson.Reader, n int) {
	for name := range r.Object() {
		switch {
		case n > 1:
			r.Fail("more than one recipient")
		case name == "encrypted_key":
			f.Key = r.Text()
		case name == "header":
			r.Fail(unprotected)
		}
	}
}

// decrypt decrypts f with one of keys. What go-jose reads is written anew, so
// that no text means one thing here and another there.
func (f *flattened) decrypt(ctx context.Context, keys jwt.KeySet) ([]byte, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("jwe: a JWE cannot be written as JSON: %w", err)
	}
	m := dashboardMethod
	return m.decrypt(ctx, keys, "", openJOSE(func() (*gojose.JSONWebEncryption, error) {
		return gojose.ParseEncryptedJSON(string(text), m.goAlgorithm(), m.goEncryption())
	}))
}

// session returns the dates in f, which must have been decrypted.
func (f *flattened) session() (DashboardSession, error) {
	raw, err := jose.Decode(nil, f.AAD)
	if err != nil {
		return DashboardSession{}, malformed("aad", err)
	}
	var s DashboardSession
	r := strictjson.NewReader(string(raw), strictjson.Limits{})
	for name := range r.Object() {
		value := r.Text() // it is strings all over
		switch name {
		case "iat":
			s.IssuedAt = readDate(&r, value)
		case "exp":
			s.Expiry = readDate(&r, value)
		}
	}
	if err := r.End(); err != nil {
		return DashboardSession{}, malformed("aad", strictjson.Placed(err, "iat", "exp"))
	}
	if s.IssuedAt.IsZero() {
		return DashboardSession{}, malformed("aad", errors.New("iat: missing"))
	}
	return s, nil
}

// readDate returns the date that r read as text.
func readDate(r *strictjson.Reader, text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Unix() < 0 || t.UTC().Year() > 9999 {
		r.Fail("not a date of the years 1970 to 9999, as RFC 3339 writes it")
		return time.Time{}
	}
	return t.UTC()
}
