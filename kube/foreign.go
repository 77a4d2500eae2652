package kube

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// longest is how many bytes of what others say an error repeats.
const longest = 1 << 10

// A said is the error of a client as ours repeat it. It is used by pointer, of which %#v
// prints no more than the address where another error holds it.
type said struct {
	error
	text string
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.error }

// repeat returns err, brief. If an answer was not an API server's, such as the page
// of a proxy, client-go's error has its text, which is left out: it may be
// anything, and may show the request with its credential.
func repeat(err error) error {
	text := err.Error()
	if status, ok := statusOf(err); ok && unexpected(status) {
		text = strings.TrimRight(fmt.Sprintf("the answer has HTTP status %d %s", status.Code, http.StatusText(int(status.Code))), " ")
	}
	text = strings.TrimSuffix(brief(text, longest), ".") // more follows
	if text == "" {
		text = "whoever answered does not say why"
	}
	return &said{err, text}
}

// redact returns err without secrets in its text.
func redact(err error, secrets ...string) error {
	text := err.Error()
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, redacted)
	}
	if text == err.Error() {
		return err
	}
	return &said{err, text}
}

const redacted = "[redacted]"

// statusOf returns what an API server answered instead, if err is of that.
func statusOf(err error) (metav1.Status, bool) {
	var s apierrors.APIStatus
	if !errors.As(err, &s) {
		return metav1.Status{}, false
	}
	return s.Status(), true
}

// unexpected reports whether s is what client-go made of an answer that was not a
// Status. An API server itself gives such answers with 429, and where it knows no
// such path.
func unexpected(s metav1.Status) bool { return caused(s, metav1.CauseTypeUnexpectedServerResponse) }

// caused reports whether s has a cause of that type.
func caused(s metav1.Status, cause metav1.CauseType) bool {
	if s.Details == nil {
		return false
	}
	for _, c := range s.Details.Causes {
		if c.Type == cause {
			return true
		}
	}
	return false
}

// brief returns s in one line of what can be printed, without what looks like a
// service account token, and cut after most bytes.
func brief(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	s = strings.Join(strings.Fields(withoutTokens(s)), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// withoutTokens returns s with "[redacted]" for whatever begins as a JWT does: an
// answer that cannot be decoded may be in the error of the decoder.
func withoutTokens(s string) string {
	const begin = "eyJ" // {"
	before, after, found := strings.Cut(s, begin)
	if !found {
		return s
	}
	var b strings.Builder
	for found {
		b.WriteString(before + redacted)
		end := strings.IndexFunc(after, func(r rune) bool { return !ofToken(r) })
		if end < 0 {
			return b.String()
		}
		before, after, found = strings.Cut(after[end:], begin)
	}
	b.WriteString(before)
	return b.String()
}

// ofToken reports whether a compact JWT may have r.
func ofToken(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.'
}
