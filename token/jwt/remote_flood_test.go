package jwt_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// 10 000 tokens with made-up key IDs in 10 seconds are at most 12 fetches. They
// delay no token whose key is known, and a key that the issuer changes to
// meanwhile can be used within 2 seconds.
func TestRemoteFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("old")
		s.latency = 50 * time.Millisecond
		p := &jwt.Policy{Issuer: issuer, Audience: []string{audience}, Keys: s.remote()}
		verify := func(presented token.Secret) (time.Duration, error) {
			began := time.Now()
			_, err := p.Verify(t.Context(), presented)
			return time.Since(began), err
		}
		if _, err := verify(siteToken(t, "old")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)

		var (
			all                    sync.WaitGroup
			refused, sentAway      atomic.Int64
			before, began, rotated = len(s.fetches()), time.Now(), time.Time{}
			old, fresh             = siteToken(t, "old"), siteToken(t, "new")
		)
		signed := old.Reveal()[strings.IndexByte(old.Reveal(), '.'):]
		all.Go(func() {
			for n := range 10_000 {
				header := fmt.Sprintf(`{"alg":"EdDSA","kid":"made up %d"}`, n)
				made := token.NewSecret(base64.RawURLEncoding.EncodeToString([]byte(header)) + signed)
				all.Go(func() {
					took, err := verify(made)
					var later interface{ RetryAfter() time.Duration }
					switch {
					case errors.Is(err, token.ErrSignature):
						refused.Add(1)
					case errors.As(err, &later) && took == 0 && !errors.Is(err, token.ErrInvalid):
						sentAway.Add(1)
					default:
						t.Errorf("a made-up key after %v: %v", took, err)
					}
					if took > 1100*time.Millisecond {
						t.Errorf("a made-up key took %v", took)
					}
				})
				time.Sleep(time.Millisecond)
			}
		})
		all.Go(func() {
			for time.Since(began) < 5*time.Second {
				if took, err := verify(old); took != 0 || err != nil {
					t.Errorf("a known key after %v: %v", took, err)
				}
				time.Sleep(time.Millisecond)
			}
			s.publish("new")
			rotated = time.Now()
			for first := true; ; first = false {
				took, err := verify(fresh)
				if errors.Is(err, token.ErrInvalid) {
					t.Errorf("the new key is refused: %v", err)
				}
				if err == nil && first {
					t.Error("the new key was usable before it was published")
				}
				if err == nil {
					t.Logf("the new key was usable after %v, the last call took %v", time.Since(rotated), took)
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			if after := time.Since(rotated); after > 2*time.Second {
				t.Errorf("the new key was usable after %v", after)
			}
			for time.Since(began) < 10*time.Second {
				if took, err := verify(fresh); took != 0 || err != nil {
					t.Errorf("the new key after %v: %v", took, err)
				}
				time.Sleep(time.Millisecond)
			}
			if _, err := verify(old); err == nil {
				t.Error("the old key is still good")
			}
		})
		all.Wait()
		fetches := len(s.fetches()) - before
		t.Logf("%d fetches, %d tokens refused, %d sent away", fetches, refused.Load(), sentAway.Load())
		if fetches > 12 {
			t.Errorf("%d fetches, want at most 12", fetches)
		}
		if refused.Load()+sentAway.Load() != 10_000 {
			t.Error("some tokens were neither refused nor sent away")
		}
	})
}
