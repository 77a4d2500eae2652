package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// A kubeconfig that stays locked costs no token: each is handed out, and the lock is
// left alone. Once it is gone the kubeconfig is brought up to date.
func TestOIDCLocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		lock := d.path + ".lock"
		if err := os.WriteFile(lock, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		text := d.text(t)
		var events journal
		o := d.source(&events)
		tok := get(t, o)
		for range 10 {
			time.Sleep(2 * time.Hour)
			began := time.Now()
			tok = get(t, o)
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("took %v", took)
			}
			if tok.RefreshIn > writePause || tok.RefreshIn <= 0 {
				t.Errorf("it is to be asked again in %v", tok.RefreshIn)
			}
		}
		if d.text(t) != text {
			t.Error("it was written all the same")
		}
		if _, err := os.Stat(lock); err != nil {
			t.Error(err)
		}
		if e := events.all(); len(e) != 10 || e[0].Err == nil || e[0].File != d.path || !strings.Contains(e[0].Err.Error(), lock) || e[0].String() != e[0].Err.Error() {
			t.Errorf("events %v", e)
		}
		// Not more than once in ten seconds.
		for range 20 {
			get(t, o)
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(events.all()); n != 10 {
			t.Errorf("%d events", n)
		}
		time.Sleep(10 * time.Second)
		get(t, o)
		if n := len(events.all()); n != 11 {
			t.Errorf("%d events", n)
		}
		if err := os.Remove(lock); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if got := get(t, o); !got.Equal(tok) || got.RefreshIn < time.Minute {
			t.Errorf("the same token: %t, it is to be asked again in %v", got.Equal(tok), got.RefreshIn)
		}
		d.inStep(t)
		if e := events.all(); len(e) != 12 || e[11].Err != nil {
			t.Errorf("events %v", e)
		}
	})
}

// Callers that find the kubeconfig locked wait for it together.
func TestOIDCLockedCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		var events journal
		o := d.source(&events)
		get(t, o)
		time.Sleep(2 * time.Hour)
		if err := os.WriteFile(d.path+".lock", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				get(t, o)
			})
		}
		wg.Wait()
		if n := len(events.all()); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

// A program that asks for tokens by way of a refresh.Source has the kubeconfig written
// soon after the lock is gone, not when the next token is due.
func TestOIDCLockedForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		src := refresh.New(d.source(nil))
		get(t, src)
		time.Sleep(2 * time.Hour)
		if err := os.WriteFile(d.path+".lock", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		get(t, src)
		if err := os.Remove(d.path + ".lock"); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			time.Sleep(time.Second)
			get(t, src)
		}
		synctest.Wait()
		d.inStep(t)
		if posts, _ := d.count(); posts != 1 {
			t.Errorf("%d exchanges", posts)
		}
	})
}

// A caller whose time is up gets its token, and the kubeconfig is written all the same.
func TestOIDCLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		get(t, o)
		time.Sleep(2 * time.Hour)
		if err := os.WriteFile(d.path+".lock", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		tok, err := o.Token(ctx)
		if err != nil || tok.IsZero() || time.Since(began) != time.Second {
			t.Errorf("a token: %t, error %v after %v", !tok.IsZero(), err, time.Since(began))
		}
		if err := os.Remove(d.path + ".lock"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		d.inStep(t)
		cancel()
		if tok, err := o.Token(ctx); err == nil || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) || !tok.IsZero() {
			t.Errorf("a token: %t, error %v", !tok.IsZero(), err)
		}
	})
}

// A kubeconfig that comes out of a backup, however old, has nothing spent twice: not
// the token of the login, none that was written since, nor one that was written so long
// ago that it is no longer recorded.
func TestOIDCBackup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		backups := []string{d.text(t)}
		o := d.source(nil)
		tok := get(t, o)
		for n := range 100 {
			time.Sleep(2 * time.Hour)
			tok = get(t, o)
			if n%9 == 0 {
				backups = append(backups, d.text(t))
			}
		}
		posts, _ := d.count()
		for n, backup := range backups {
			for _, o := range []*OIDC{o, d.source(nil)} {
				d.put(t, backup)
				if got := get(t, o); !got.Equal(tok) {
					t.Errorf("backup %d: another token", n)
				}
				d.inStep(t)
			}
		}
		if now, _ := d.count(); now != posts || now != 100 {
			t.Errorf("%d exchanges, and %d more", posts, now-posts)
		}
		if known, _, err := d.record(t).record(t.Context()); len(known) != maxKnown || err != nil {
			t.Errorf("%d refresh tokens are recorded, %v", len(known), err)
		}
	})
}

// What a kubeconfig has that cannot be written for long is in the record all the time,
// however many others are.
func TestOIDCBehindForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		get(t, d.source(nil))
		time.Sleep(2 * time.Hour)
		get(t, d.source(nil))
		d.inStep(t)
		_, r := d.has(t)
		if err := os.WriteFile(d.path+".lock", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for n := range 2 * maxKnown {
			time.Sleep(2 * time.Hour)
			get(t, d.source(nil))
			if is, err := d.record(t).wrote(t.Context(), token.Token{Value: token.NewSecret(r)}); !is || err != nil {
				t.Fatalf("after %d more it is recorded: %t, %v", n+1, is, err)
			}
		}
	})
}

// Where the pair is gone, the kubeconfig has all there is, whatever is recorded.
func TestOIDCPairIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		get(t, d.source(nil))
		time.Sleep(2 * time.Hour)
		tok := get(t, d.source(nil))
		key := "pair/" + d.record(t).key
		raw, err := d.store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := d.store.Swap(t.Context(), key, raw, nil, time.Time{}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if got := get(t, d.source(nil)); !got.Equal(tok) {
			t.Error("another token")
		}
		d.inStep(t)
	})
}

// What kubectl has exchanged behind our back, and what somebody has logged in with, is
// taken over by the next call, and not overwritten.
func TestOIDCSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(t *testing.T, d *desk) refresh.Pair{
		"kubectl":         func(t *testing.T, d *desk) refresh.Pair { _, r := d.has(t); return d.spend(t, r) },
		"a login":         func(t *testing.T, d *desk) refresh.Pair { return d.login(t) },
		"a refresh token": func(t *testing.T, d *desk) refresh.Pair { return refresh.Pair{Refresh: d.login(t).Refresh} },
		"within a second": func(t *testing.T, d *desk) refresh.Pair { return d.login(t) },
		"with an opaque": func(t *testing.T, d *desk) refresh.Pair {
			return refresh.Pair{Access: token.Token{Value: token.NewSecret("x")}, Refresh: d.login(t).Refresh}
		},
		"after a longtime": func(t *testing.T, d *desk) refresh.Pair { time.Sleep(100 * time.Hour); return d.login(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, time.Hour, -1)
				running := d.source(nil)
				get(t, running)
				for range 12 { // more logins than a Rotator remembers
					if name != "within a second" {
						time.Sleep(2 * time.Hour)
					}
					before := get(t, running)
					pair := next(t, d)
					d.write(t, pair)
					text := d.text(t)
					for _, o := range []*OIDC{running, d.source(nil)} {
						got := get(t, o)
						if got.Equal(before) {
							t.Error("the new login was not taken over")
						}
						if pair.Access.Value.Reveal() != "x" && !pair.Access.IsZero() && (!got.Equal(pair.Access) || d.text(t) != text) {
							t.Errorf("the token of the new login: %t, the kubeconfig is as it was: %t", got.Equal(pair.Access), d.text(t) == text)
						}
						d.inStep(t)
					}
				}
			})
		})
	}
}

// A kubeconfig of one person out of a backup gets no token of another, and stays as it
// is.
func TestOIDCAnotherPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		get(t, o)
		first := d.text(t)
		d.subject = "root"
		for range 2 {
			pair := d.login(t)
			d.write(t, pair)
			if got := get(t, o); !got.Equal(pair.Access) {
				t.Error("not the token of the new login")
			}
			time.Sleep(2 * time.Hour)
			get(t, o)
			d.inStep(t)
			d.put(t, first)
			for _, o := range []*OIDC{o, d.source(nil)} {
				over(t, o, "another person's")
			}
			if d.text(t) != first {
				t.Error("the kubeconfig was written")
			}
		}
		// Who has logged in with an older ID token than the one that is kept has
		// logged in all the same.
		d.subject = "carol"
		pair := d.login(t)
		pair.Access = token.New(token.NewSecret(d.idToken(time.Now().Add(-time.Hour), 2*time.Hour)))
		d.write(t, pair)
		if got := get(t, o); !got.Equal(pair.Access) {
			t.Error("not carol's token")
		}
	})
}

// Nor is it given one when it comes out of the backup while a token is exchanged.
func TestOIDCAnotherPersonMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		get(t, o)
		first := d.text(t)
		d.subject = "root"
		d.write(t, d.login(t))
		get(t, o)
		time.Sleep(2 * time.Hour)
		d.answers = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				d.put(t, first)
			}
			return false
		}
		get(t, o)
		if d.text(t) != first {
			t.Error("the kubeconfig was written")
		}
		over(t, o, "another person's")
	})
}

// Somebody who logs in while a token is exchanged is not overwritten either.
func TestOIDCSomebodyElseMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		get(t, o)
		time.Sleep(2 * time.Hour)
		var pair refresh.Pair
		d.answers = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" && pair.Refresh.IsZero() {
				time.Sleep(time.Second)
				pair = d.login(t)
				d.write(t, pair)
			}
			return false
		}
		get(t, o)
		if id, r := d.has(t); id != pair.Access.Value.Reveal() || r != pair.Refresh.Value.Reveal() {
			t.Error("the login was overwritten")
		}
		if got := get(t, o); !got.Equal(pair.Access) {
			t.Error("the login was not taken over")
		}
		d.inStep(t)
	})
}

// What a call has found that is overtaken by another is not taken for a login that is
// kept.
func TestOIDCOvertaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t, time.Hour, -1)
	o := d.source(nil)
	get(t, o)
	l := o.last()
	s := *l.settings.Load()
	s.refresh = d.login(t).Refresh
	o.keepUp(t.Context(), l, &s)
	if wrote, err := l.wrote(t.Context(), s.refresh); err != nil || wrote {
		t.Errorf("recorded: %t, %v", wrote, err)
	}
}

// A refresh token that another process has got while the kubeconfig was locked is
// recorded before it is written, as any other.
func TestOIDCOvertakenByAnother(t *testing.T) {
	t.Parallel()
	d := newDesk(t, time.Hour, -1)
	o := d.source(nil)
	tok := get(t, o)
	l := o.last()
	l.holding().Invalidate(tok)
	get(t, l.holding())
	kept := d.kept(t).Refresh
	p, err := Files{d.path}.provider("alice")
	if err != nil {
		t.Fatal(err)
	}
	changes, err := l.changes(t.Context(), l.holding(), l.settings.Load(), p.Config)
	if err != nil || changes[oidcRefreshToken] != kept.Value.Reveal() {
		t.Errorf("it writes the refresh token that is kept: %t, %v", changes[oidcRefreshToken] == kept.Value.Reveal(), err)
	}
	if wrote, err := l.wrote(t.Context(), kept); err != nil || !wrote {
		t.Errorf("recorded: %t, %v", wrote, err)
	}
}

// Who logs out while a token is exchanged is not logged in again, also if all that was
// cleared is the refresh token.
func TestOIDCLogoutMeanwhile(t *testing.T) {
	t.Parallel()
	for _, all := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, time.Hour, -1)
			o := d.source(nil)
			left := refresh.Pair{Access: get(t, o)}
			if all {
				left = refresh.Pair{}
			}
			time.Sleep(2 * time.Hour)
			d.answers = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/token" {
					d.write(t, left)
				}
				return false
			}
			get(t, o)
			if id, r := d.has(t); id != left.Access.Value.Reveal() || r != "" {
				t.Errorf("all was cleared: %t, and the tokens were put there again", all)
			}
			over(t, o, "log in again")
		})
	}
}

// A kubeconfig that names another issuer or client by the time a token has come is not
// given that.
func TestOIDCAnotherIssuerMeanwhile(t *testing.T) {
	t.Parallel()
	for _, change := range [][2]string{{"https://issuer.example", "https://other.example"}, {"client-id: kubectl", "client-id: other"}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, time.Hour, -1)
			o := d.source(nil)
			get(t, o)
			time.Sleep(2 * time.Hour)
			text := strings.Replace(d.text(t), change[0], change[1], 1)
			d.answers = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/token" {
					d.put(t, text)
				}
				return false
			}
			get(t, o)
			if d.text(t) != text {
				t.Errorf("it was written with %s", change[1])
			}
		})
	}
}

// Where the refresh token stays the same, the ID token is written back.
func TestOIDCRefreshTokenStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		d.answers = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/token" {
				return false
			}
			fmt.Fprintf(w, `{"access_token":"opaque","id_token":%q}`, d.idToken(time.Now(), time.Hour))
			return true
		}
		o := d.source(nil)
		_, before := d.has(t)
		for range 3 {
			time.Sleep(2 * time.Hour)
			tok := get(t, o)
			if id, after := d.has(t); id != tok.Value.Reveal() || after != before {
				t.Errorf("the ID token was written: %t, the refresh token is the same: %t", id == tok.Value.Reveal(), after == before)
			}
		}
	})
}

// kubectl that has refreshed with a refresh token which stays the same has a newer ID
// token in the kubeconfig: that stays.
func TestOIDCNewerIDToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		get(t, o)
		time.Sleep(2 * time.Hour)
		tok := get(t, o)
		time.Sleep(time.Minute)
		newer := d.idToken(time.Now(), time.Hour)
		d.put(t, strings.Replace(d.text(t), tok.Value.Reveal(), newer, 1))
		get(t, o)
		if id, _ := d.has(t); id != newer {
			t.Error("an older ID token was put there")
		}
	})
}

// Where nothing can be kept, the ID token in the kubeconfig is handed out to its end,
// unless it is refused, and no refresh token is spent.
func TestOIDCStoreFails(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]func(storetest.Call) storetest.Fault{
		"all of it": func(storetest.Call) storetest.Fault { return storetest.Fail },
		"writing": func(c storetest.Call) storetest.Fault {
			if c.Swap {
				return storetest.Fail
			}
			return storetest.None
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, time.Hour, -1)
				d.store = &storetest.Faulty{Store: d.store, Script: script}
				text := d.text(t)
				var events journal
				o := d.source(&events)
				tok := get(t, o)
				if id, _ := d.has(t); tok.Value.Reveal() != id || len(events.all()) == 0 || !errors.Is(events.all()[0].Err, storetest.ErrFault) {
					t.Errorf("the ID token: %t, events %v", tok.Value.Reveal() == id, events.all())
				}
				fails := func() {
					t.Helper()
					if _, err := o.Token(t.Context()); !errors.Is(err, storetest.ErrFault) || errors.Is(err, token.ErrRefused) {
						t.Errorf("got %v", err)
					}
				}
				o.Invalidate(tok)
				fails()
				o.Invalidate(token.Token{})
				get(t, o)
				time.Sleep(time.Hour)
				fails()
				if posts, _ := d.count(); posts != 0 || d.text(t) != text {
					t.Errorf("%d exchanges, the kubeconfig is as it was: %t", posts, d.text(t) == text)
				}
			})
		})
	}
}

// A pair that cannot be kept for now stays in hand, whatever comes and goes in the
// kubeconfig meanwhile, which gets it when it is kept.
func TestOIDCInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		var fails atomic.Bool
		d.store = &storetest.Faulty{Store: d.store, Script: func(c storetest.Call) storetest.Fault {
			if posts, _ := d.count(); fails.Load() && c.Swap && posts == 2 {
				return storetest.Fail
			}
			return storetest.None
		}}
		backup := d.text(t)
		o := d.source(nil)
		get(t, o)
		time.Sleep(2 * time.Hour)
		get(t, o)
		time.Sleep(2 * time.Hour)
		fails.Store(true)
		text := d.text(t)
		tok := get(t, o)
		if d.text(t) != text {
			t.Error("the kubeconfig has a pair that is not kept")
		}
		d.put(t, backup)
		time.Sleep(time.Minute)
		if got := get(t, o); !got.Equal(tok) {
			t.Error("another token")
		}
		fails.Store(false)
		time.Sleep(5 * time.Minute)
		get(t, o)
		d.inStep(t)
		if posts, _ := d.count(); posts != 2 {
			t.Errorf("%d exchanges", posts)
		}
	})
}

// A refresh token that could not be recorded is not written: the kubeconfig would look
// like somebody else's.
func TestOIDCRecordFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		fails := false
		d.store = &storetest.Faulty{Store: d.store, Script: func(c storetest.Call) storetest.Fault {
			if fails && c.Swap && strings.HasPrefix(c.Key, "kubeconfig/") {
				return storetest.Fail
			}
			return storetest.None
		}}
		var events journal
		o := d.source(&events)
		get(t, o)
		text := d.text(t)
		time.Sleep(2 * time.Hour)
		fails = true
		get(t, o)
		if e := events.all(); d.text(t) != text || len(e) != 1 || !errors.Is(e[0].Err, storetest.ErrFault) {
			t.Errorf("it was written: %t, events %v", d.text(t) != text, e)
		}
		fails = false
		time.Sleep(writePause)
		get(t, o)
		d.inStep(t)
	})
}

// The record of another version is left alone.
func TestOIDCRecordOfAnotherVersion(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`{"v":2}`, `no JSON`, `[]`} {
		d := newDesk(t, time.Hour, -1)
		get(t, d.source(nil))
		l := d.record(t)
		_, old, err := l.record(t.Context())
		if err != nil || old == nil {
			t.Fatalf("%s, %v", old, err)
		}
		if ok, err := d.store.Swap(t.Context(), l.recordKey(), old, []byte(raw), time.Time{}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		d.write(t, d.login(t))
		var events journal
		get(t, d.source(&events)) // what is in the kubeconfig
		if e := events.all(); len(e) != 1 || !strings.Contains(e[0].Err.Error(), "by another version of this package") {
			t.Errorf("events %v", e)
		}
		if _, now, _ := l.record(t.Context()); now != nil {
			t.Error("it can be read")
		}
	}
}

// A panic in OnEvent costs nothing.
func TestOIDCOnEventPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		o.OnEvent = func(Event) { panic("correct horse battery staple") }
		get(t, o)
		for range 3 {
			time.Sleep(2 * time.Hour)
			get(t, o)
			d.inStep(t)
		}
	})
}

// Of several files the one is written that defines the user.
func TestOIDCFiles(t *testing.T) {
	t.Parallel()
	d := newDesk(t, time.Hour, -1)
	first := d.path + "-first"
	const text = "current-context: here\nusers:\n- name: bob\n  user: {auth-provider: {name: oidc, config: {client-id: c, idp-issuer-url: i, refresh-token: r}}}\n"
	if err := os.WriteFile(first, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var events journal
	o := d.source(&events)
	o.Files = Files{d.path + "-missing", first, d.path}
	o.User = ""
	renew(t, o, get(t, o))
	d.inStep(t)
	if now, err := os.ReadFile(first); string(now) != text || err != nil {
		t.Errorf("the first file is %s, %v", now, err)
	}
	if e := events.all(); len(e) != 1 || e[0] != (Event{File: d.path}) {
		t.Errorf("events %v", e)
	}
}

// The kubeconfig keeps its mode, and a link to it stays one.
func TestOIDCLink(t *testing.T) {
	t.Parallel()
	d := newDesk(t, time.Hour, -1)
	real := d.path + "-real"
	if err := os.Rename(d.path, real); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, d.path); err != nil {
		t.Skip(err)
	}
	if err := os.Chmod(real, 0o640); err != nil {
		t.Fatal(err)
	}
	o := d.source(nil)
	renew(t, o, get(t, o))
	d.inStep(t)
	link, err := os.Lstat(d.path)
	if err != nil || link.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is %v, %v", link, err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode() != 0o640 {
		t.Errorf("the file is %v, %v", info, err)
	}
	// By its other name it is the same login.
	d.path = real
	posts, _ := d.count()
	get(t, d.source(nil))
	if now, _ := d.count(); now != posts {
		t.Error("another login by another name")
	}
	d.inStep(t)
}
