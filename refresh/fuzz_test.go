package refresh

import (
	"context"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// Whatever a Store holds, a Source neither panics nor hands out a token that is
// empty or has nothing left.
func FuzzStored(f *testing.F) {
	for _, raw := range []string{
		`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expires_in":3600,"received":"2026-01-01T00:00:00Z"}}`,
		`{"v":1,"nonce":"n","token":{"v":1,"value":"stored","expiry":"2126-01-01T00:00:00Z","received":"2026-01-01T00:00:00Z"}}`,
		`{"v":1,"token":{"v":1,"value":"x","expires_in":1e300,"received":"9999-12-31T23:59:59Z"}}`,
		`{"v":1,"token":{"v":1,"value":"x","expires_in":-1e300,"received":"0001-01-01T00:00:00Z"}}`,
		`{"v":2}`, `null`, `[]`, `{`, "\x00",
	} {
		f.Add([]byte(raw), time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC).UnixNano())
	}
	f.Fuzz(func(t *testing.T, raw []byte, wall int64) {
		if len(raw) == 0 || len(raw) > maxValue {
			return
		}
		store := new(Memory)
		if _, err := store.Swap(t.Context(), "source/k", nil, raw, time.Time{}); err != nil {
			t.Fatal(err)
		}
		fallback := token.Token{Value: token.NewSecret("minted"), ExpiresIn: time.Hour}
		s := &Source{
			Store: store, Key: "k",
			Base:  token.SourceFunc(func(context.Context) (token.Token, error) { return fallback, nil }),
			clock: func() reading { return reading{wall % never.wall, wall % never.mono} },
		}
		tok, err := s.Token(t.Context())
		if err != nil || tok.IsZero() || tok.ExpiresIn < 0 {
			t.Errorf("%d bytes: empty %t, %v left, %v", len(raw), tok.IsZero(), tok.ExpiresIn, err)
		}
	})
}
