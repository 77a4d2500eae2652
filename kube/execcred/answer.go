package execcred

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// An execCredential is the answer of a plugin. Members of v1 and v1beta1 are the same.
type execCredential struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Status     status `json:"status"`
}

type status struct {
	Token               string `json:"token"`
	ExpirationTimestamp string `json:"expirationTimestamp,omitempty"` // RFC 3339
}

// Answer writes t to w, which is standard output, as an ExecCredential: whole, in one
// Write, or not at all.
//
// Its expirationTimestamp is by this machine's clock, with which the client compares
// it, and earlier than the end by a tenth of what is left, at most 30 seconds: a client
// uses a token to the last second, and its request has still to arrive. It is left
// out if t says neither ExpiresIn nor, by this machine's clock, Expiry; the client then
// keeps the token until it is refused.
//
// It is an error if t is empty, of another Type than Bearer, has nothing left, or
// could not be sent in a header.
func (r Request) Answer(w io.Writer, t token.Token) error {
	text, err := r.answer(t, time.Now())
	if err != nil {
		return fmt.Errorf("execcred: no answer: %w", err)
	}
	n, err := w.Write(text)
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("execcred: writing the answer: %w; does the client still run that started this plugin?", err)
	}
	return nil
}

// answer returns what Answer writes.
func (r Request) answer(t token.Token, now time.Time) ([]byte, error) {
	version := r.version()
	if version != V1 && version != V1Beta1 {
		return nil, fmt.Errorf("Request.APIVersion is neither %s nor %s: use what ReadRequest returns", V1, V1Beta1)
	}
	value := t.Value.Reveal()
	if t.Type != "" && !strings.EqualFold(t.Type, "Bearer") {
		return nil, errors.New("the token is of another Type than Bearer, and a client of Kubernetes sends no other")
	}
	if why := unsendable(value); why != "" {
		return nil, errors.New("the token is " + why + ": is it one?")
	}
	c := execCredential{version, kind, status{Token: value}}
	if left, known := timeLeft(t, now); known {
		if left <= 0 {
			return nil, errors.New("the token has nothing left of its life, or no ExpiresIn and this machine's clock is ahead: get a new one, with a refresh.Source")
		}
		c.Status.ExpirationTimestamp = stamp(now, left)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		return nil, errors.New("the token cannot be written as JSON")
	}
	if b.Len() > longest {
		return nil, errors.New("the token is too long for an answer of 1 MiB: is it one?")
	}
	return b.Bytes(), nil
}

// version returns r.APIVersion, or its default.
func (r Request) version() string {
	if r.APIVersion == "" {
		return V1
	}
	return r.APIVersion
}

// timeLeft returns what is left of t's life, if that is known.
func timeLeft(t token.Token, now time.Time) (left time.Duration, known bool) {
	switch {
	case t.ExpiresIn != 0:
		return t.ExpiresIn, true
	case !t.Expiry.IsZero():
		return t.Expiry.Sub(now), true
	}
	return 0, false
}

// stamp returns when a client should no longer use a token that has left to live. It is
// cut to the second, never rounded up.
func stamp(now time.Time, left time.Duration) string {
	const most = 30 * time.Second
	return now.Add(left - min(left/10, most)).UTC().Format(time.RFC3339)
}

// unsendable says what keeps a token from being sent in an Authorization header, or
// returns "".
func unsendable(value string) string {
	switch {
	case value == "":
		return "empty"
	case len(value) > token.MaxSize:
		return "longer than 1 MiB"
	case strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }):
		return "not of printable ASCII characters without spaces"
	}
	return ""
}
