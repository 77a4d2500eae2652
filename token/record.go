package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"
	"unicode/utf8"
)

// A Record is a Token as it was at a moment, in the one form that can be
// stored: its JSON has the token's value in the clear. Keep it where secrets
// are kept.
//
// A Record prints as redacted as the Token in it, and so it does in a log, as a
// value or in a group. But whatever encodes a struct, slice or map that holds a
// Record as JSON is given its JSON, and [slog.JSONHandler] is among those: log
// the Token, not what you store it in.
//
// The JSON is versioned, and every version written stays readable.
type Record struct {
	Token Token

	// Received is when Token.ExpiresIn was true, by the clock of the machine
	// that wrote the Record.
	Received time.Time
}

// Record returns t as it is now.
func (t Token) Record() Record { return Record{Token: t, Received: time.Now()} }

// At returns the token as it is at now, with ExpiresIn less by the time since
// it was received; negative if nothing is left. A now before Received, which
// means that a clock was set, does not lengthen its life, and a Record that does
// not say when it was received has nothing left.
func (r Record) At(now time.Time) Token {
	t := r.Token
	if t.ExpiresIn > 0 {
		// By both readings of the clock, if there are both: suspend stops the
		// monotonic one, steps move the other.
		t.ExpiresIn -= max(0, now.Sub(r.Received), now.Round(0).Sub(r.Received.Round(0)))
		if t.ExpiresIn == 0 {
			t.ExpiresIn = -1 // zero would mean unknown
		}
	}
	t.RefreshIn = 0 // said of the moment it was issued
	return t
}

// recordVersion is raised when an older reader would misread what is written.
const recordVersion = 1

// recordJSON is the stored form of a Record, version 1. Durations are in
// seconds, as in RFC 6749.
type recordJSON struct {
	Version   int       `json:"v"`
	Value     string    `json:"value"`
	Type      string    `json:"type,omitempty"`
	IssuedAt  time.Time `json:"issued_at,omitzero"`
	Expiry    time.Time `json:"expiry,omitzero"`
	ExpiresIn float64   `json:"expires_in,omitzero"`
	Received  time.Time `json:"received,omitzero"`
}

// MarshalJSON implements [json.Marshaler]. The secret is in the result.
func (r Record) MarshalJSON() ([]byte, error) {
	if !utf8.ValidString(r.Token.Value.Reveal()) {
		// The json package would store another secret in its place.
		return nil, errors.New("token: this token is not UTF-8 and cannot be stored as JSON; no HTTP header takes it either")
	}
	return json.Marshal(recordJSON{
		Version:   recordVersion,
		Value:     r.Token.Value.Reveal(),
		Type:      r.Token.Type,
		IssuedAt:  r.Token.IssuedAt.UTC(),
		Expiry:    r.Token.Expiry.UTC(),
		ExpiresIn: r.Token.ExpiresIn.Seconds(),
		Received:  r.Received.UTC(),
	})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *Record) UnmarshalJSON(b []byte) error {
	var j recordJSON
	if err := json.Unmarshal(b, &j); err != nil {
		// The json package quotes what it could not read; that may be the secret.
		return fmt.Errorf("token: not a stored Record (%d bytes)", len(b))
	}
	if j.Version != recordVersion {
		return fmt.Errorf("token: stored Record has version %d, this program reads version %d: it was written by a newer one, or is no Record", j.Version, recordVersion)
	}
	*r = Record{
		Token: Token{
			Value:     NewSecret(j.Value),
			Type:      j.Type,
			IssuedAt:  j.IssuedAt,
			Expiry:    j.Expiry,
			ExpiresIn: seconds(j.ExpiresIn),
		},
		Received: j.Received,
	}
	return nil
}

// LogValue implements [slog.LogValuer]: slog's JSON handler would otherwise
// call MarshalJSON.
func (r Record) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("value", r.Token.Value),
		slog.Time("expiry", r.Token.Expiry),
		slog.Duration("expires_in", r.Token.ExpiresIn),
		slog.Time("received", r.Received),
	)
}

// seconds returns s seconds as a Duration, and the longest Duration there is
// for more than fits.
func seconds(s float64) time.Duration {
	switch ns := math.Round(s * float64(time.Second)); {
	case ns >= 1<<63:
		return 1<<63 - 1
	case ns <= -1<<63:
		return -1 << 63
	default:
		return time.Duration(ns)
	}
}
