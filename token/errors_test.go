package token_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A token that is old is told from a clock that is wrong, by kind and by text.
func TestTimeError(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 6, 1, 14, 0, 0, 0, time.FixedZone("", 2*60*60))
	for _, test := range []struct {
		err      token.TimeError
		kind     error
		clockOff bool
		text     string
	}{
		{
			token.TimeError{Claim: "exp", Limit: noon, Now: noon.Add(90 * time.Minute), Leeway: 30 * time.Second},
			token.ErrExpired, false,
			"token: invalid: expired: exp was 2026-06-01T12:00:00Z, 1h30m0s before 2026-06-01T13:30:00Z here, beyond the leeway of 30s: get a new token",
		},
		{
			token.TimeError{Claim: "exp", Limit: noon, Now: noon},
			token.ErrExpired, false,
			"token: invalid: expired: exp was 2026-06-01T12:00:00Z, 0s before 2026-06-01T12:00:00Z here, beyond the leeway of 0s: get a new token",
		},
		{
			token.TimeError{Claim: "iat", Limit: noon, Now: noon.Add(1234567 * time.Microsecond), Leeway: time.Second},
			token.ErrExpired, false,
			"token: invalid: expired: the age allowed from iat ended 2026-06-01T12:00:00Z, 1.235s before 2026-06-01T12:00:01Z here, beyond the leeway of 1s: get a new token",
		},
		{
			token.TimeError{Claim: "iat", Limit: noon, Now: noon.Add(-5 * time.Minute), Leeway: time.Minute},
			token.ErrNotYetValid, true,
			"token: invalid: not yet valid: iat is 2026-06-01T12:00:00Z, 5m0s after 2026-06-01T11:55:00Z here, beyond the leeway of 1m0s: check this machine's clock and the issuer's",
		},
		{
			token.TimeError{Claim: "nbf", Limit: noon, Now: noon.Add(-time.Hour)},
			token.ErrNotYetValid, true,
			"token: invalid: not yet valid: nbf is 2026-06-01T12:00:00Z, 1h0m0s after 2026-06-01T11:00:00Z here, beyond the leeway of 0s: check this machine's clock and the issuer's",
		},
	} {
		var err error = &test.err
		for _, kind := range []error{token.ErrExpired, token.ErrNotYetValid} {
			if errors.Is(err, kind) != (kind == test.kind) {
				t.Errorf("%v: matches %v: %t", err, kind, errors.Is(err, kind))
			}
		}
		if !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%v: does not match ErrInvalid", err)
		}
		if got := test.err.ClockOff(); got != test.clockOff {
			t.Errorf("%v: ClockOff() = %t", err, got)
		}
		if err.Error() != test.text {
			t.Errorf(" got %v\nwant %v", err, test.text)
		}
	}
}
