package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A session that no key opens has the keys read anew, at most once in 10 seconds,
// for use and refresh alike.
func TestServerReloads(t *testing.T) {
	t.Parallel()
	const credential = `{"LocationOfOrigin":"","token":"good"}`
	for name, send := range map[string]func(d *site, session string) reply{
		"use":     (*site).use,
		"refresh": (*site).refresh,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &secret{text: pemA()}
			d := newSite(func(server *dashboard.Server) { server.Keys = s.holder() })
			a, b := sealed(t, keyA(), credential, 0, noon), sealed(t, keyB(), credential, 0, noon)
			garbage := broken(t, a, "tag")
			status := func(session string, want int) {
				t.Helper()
				if got := send(d, session); got.Status != want {
					t.Errorf("%s: %v, want %d", name, got, want)
				}
			}
			status(a, 200)
			s.wantLoads(t, "at first", 1)
			for range 10 {
				status(garbage, 401)
			}
			s.wantLoads(t, "at once after", 0)
			s.set(pemB(), nil)
			time.Sleep(10 * time.Second)
			status(b, 200)
			s.wantLoads(t, "after it was replaced", 1)
			status(a, 401)
			d.refusesWith(t, name, send(d, a), 401, "MSG_ENCRYPTION_KEY_CHANGED", token.ErrSignature)

			// What is no session at all, or has expired, has nothing read.
			time.Sleep(10 * time.Second)
			status(`{"protected":"x"}`, 401)
			status(sealed(t, keyB(), credential, 0, noon.Add(-time.Hour)), 401)
			s.wantLoads(t, "for what has nothing to do with keys", 0)

			// The Secret is corrupt, and then gone: nobody knows which keys there
			// are, but what opens with those at hand is served.
			for _, fault := range []error{nil, errors.New("secrets not found")} {
				s.set("", fault)
				time.Sleep(10 * time.Second)
				status(b, 200)
				d.refusesWith(t, name, send(d, a), 503, "the keys of the sessions cannot be had: try again later", nil)
				if told := d.lastTold(); errors.Is(told, token.ErrInvalid) || token.RetryAfter(told) != 10*time.Second {
					t.Errorf("%s: told %v, come back after %v", name, told, token.RetryAfter(told))
				}
				status(b, 200)
			}
		})
	}
}

// The keys may come from elsewhere while they cannot be read, and then the error
// does not matter.
func TestServerReloadFails(t *testing.T) {
	t.Parallel()
	d := newSite(func(s *dashboard.Server) { s.Keys = &reloading{keyA(), keyB()} })
	if got := d.use(sealed(t, keyB(), `{"token":"good"}`, 0, noon)); got.Status != 200 {
		t.Error(got)
	}
	d = newSite(func(s *dashboard.Server) { s.Keys = &reloading{keyA(), keyB()} })
	d.refusesWith(t, "expired", d.use(sealed(t, keyB(), `{"token":"good"}`, 0, noon.Add(-time.Hour))), 401, "MSG_TOKEN_EXPIRED_ERROR", token.ErrExpired)
	d = newSite(func(s *dashboard.Server) { s.Keys = &reloading{keyA(), keyA()} })
	d.refusesWith(t, "nowhere", d.use(sealed(t, keyB(), `{"token":"good"}`, 0, noon)), 503, "the keys of the sessions cannot be had: try again later", token.ErrRefused)
}

// A session that no key opens costs each key one try, also if the keys are to be read
// anew, and are still the same: anybody can send such. What is counted is what
// decryption allocates, which is nearly all.
func TestServerTriesKeysOnce(t *testing.T) { // not beside others, which would be counted
	bad := sealed(t, keyB(), `{"LocationOfOrigin":"","token":"good"}`, 0, noon)
	keys := parsed(strings.Repeat(pemA(), 8))
	cost := func(set jwt.KeySet) float64 {
		d := newSite(func(s *dashboard.Server) { s.Keys = set })
		h := d.handler()
		return testing.AllocsPerRun(3, func() {
			r := httptest.NewRequest("GET", "https://dashboard.test/api/v1/pod", nil)
			r.Header.Set("jweToken", bad)
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != 401 {
				t.Error(w.Code)
			}
		})
	}
	fixed, reread := cost(keys), cost(&unchanged{keys})
	if reread > 1.3*fixed {
		t.Errorf("%v allocations, and %v without Reload", reread, fixed)
	}
}

// A reloading is a jwt.KeySet that fails to look again, whatever it finds.
type reloading struct {
	keys  jwt.Keys
	found jwt.Keys
}

func (r *reloading) Keys(context.Context, string) ([]jwt.Key, error) { return r.keys, nil }

func (r *reloading) Reload(context.Context) error {
	r.keys = r.found
	return fmt.Errorf("no longer: %w", token.ErrExpired) // of our own
}

// An unchanged is a jwt.KeySet that looks again, and finds what it had.
type unchanged struct{ jwt.KeySet }

func (*unchanged) Reload(context.Context) error { return nil }
