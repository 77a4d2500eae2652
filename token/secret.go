package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every Secret prints as.
const redacted = "[redacted]"

// A Secret is a string that does not print.
//
// It is redacted under every fmt verb and flag, by log/slog and by every
// encoder of the standard library, whatever struct, map or slice it sits in.
// [Secret.Reveal] is the one way to its text.
//
// The zero Secret is empty. Secrets are compared with [Secret.Equal]; == does
// not compile.
type Secret struct {
	// A func rather than a pointer: a printer that follows pointers by
	// reflection, unexported fields and all, cannot follow this one.
	reveal func() string
}

// NewSecret returns a Secret holding s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{func() string { return s }}
}

// Reveal returns the text of s. Search for calls to Reveal to find every place
// where a secret leaves this type.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether s is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Equal reports whether s and t hold the same text, in time that depends only
// on their lengths.
func (s Secret) Equal(t Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

// Fingerprint returns 12 hexadecimal digits by which log lines about one secret
// can be told from lines about another. It is for logs only: nothing may be
// keyed by it. It is safe to log for secrets that are long and random, such as
// tokens; for a password it is not.
func (s Secret) Fingerprint() string {
	if s.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:6])
}

// String returns "[redacted]", or "" if s is empty.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// Format implements [fmt.Formatter]: every verb prints what [Secret.String]
// returns.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements [encoding.TextMarshaler] by redaction. To store a
// token, store its [Record].
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler], so that secrets can be
// read from configuration. It refuses text that was redacted on its way out.
func (s *Secret) UnmarshalText(b []byte) error {
	if string(b) == redacted {
		return errors.New("token: this secret was redacted when it was written and is lost; to store a token, store its Record")
	}
	*s = NewSecret(string(b))
	return nil
}
