package kubeconfig

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// What is in the kubeconfig is handed out while it is good; then there is one
// exchange, and the kubeconfig gets the new pair, with nothing else changed.
func TestOIDC(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		var events journal
		o := d.source(&events)
		id, before := d.has(t)
		text := d.text(t)
		for range 3 {
			if got := get(t, o); got.Value.Reveal() != id {
				t.Error("another ID token than that in the kubeconfig")
			}
			time.Sleep(10 * time.Minute)
		}
		if d.text(t) != text || len(events.all()) != 0 {
			t.Errorf("the kubeconfig was written: %v", events.all())
		}
		time.Sleep(time.Hour)
		tok := get(t, o)
		now, after := d.has(t)
		if tok.Value.Reveal() == id || now != tok.Value.Reveal() || after == before || tok.ExpiresIn != time.Hour {
			t.Errorf("a new ID token: %t, written: %t, a new refresh token: %t, %v left", tok.Value.Reveal() != id, now == tok.Value.Reveal(), after != before, tok.ExpiresIn)
		}
		if got := strings.NewReplacer(now, id, after, before).Replace(d.text(t)); got != text {
			t.Errorf("more than the pair was changed:\n%s", got)
		}
		d.inStep(t)
		if e := events.all(); len(e) != 1 || e[0] != (Event{File: d.path}) || e[0].String() != d.path+" was given the new tokens" {
			t.Errorf("events %v", e)
		}
		for range 5 { // restarts
			if got := get(t, d.source(nil)); !got.Equal(tok) {
				t.Error("another token after a restart")
			}
		}
		if posts, _ := d.count(); posts != 1 || d.found != 1 {
			t.Errorf("%d refresh tokens presented, %d discoveries", posts, d.found)
		}
	})
}

// A day of a program that asks all the time: one exchange for about 48 minutes, and
// kubectl never finds a token that has ended.
func TestOIDCDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		src := refresh.New(d.source(nil))
		for began := time.Now(); time.Since(began) < 24*time.Hour; time.Sleep(20 * time.Second) {
			get(t, src)
			synctest.Wait()
			id, _ := d.has(t)
			if left := time.Until(token.New(token.NewSecret(id)).Expiry); left < leastLeft {
				t.Fatalf("the ID token in the kubeconfig has %v left", left)
			}
		}
		d.inStep(t)
		if posts, _ := d.count(); posts < 24 || posts > 36 {
			t.Errorf("%d exchanges in a day", posts)
		}
	})
}

// A refused token is replaced by the next call.
func TestOIDCInvalidate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		id, _ := d.has(t) // refused by a server that got it from somebody else
		first := renew(t, o, token.Token{Value: token.NewSecret(id)})
		second := renew(t, o, first)
		// So it is by a program that is started with it.
		renew(t, d.source(nil), second)
		d.inStep(t)
		if posts, _ := d.count(); posts != 3 {
			t.Errorf("%d exchanges", posts)
		}
	})
}

// A hundred callers at once have one exchange, and the kubeconfig is written once: also
// the first ones of a program.
func TestOIDCCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		var events journal
		o := d.source(&events)
		for round := range 3 {
			time.Sleep(2 * time.Hour)
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() { get(t, o) })
			}
			wg.Wait()
			d.inStep(t)
			posts, _ := d.count()
			if writes := len(events.all()); posts != round+1 || writes != round+1 {
				t.Errorf("after %d rounds: %d exchanges, %d writes", round+1, posts, writes)
			}
		}
	})
}

// Without a refresh token the ID token is good until ten seconds before its end.
func TestOIDCWithoutRefreshToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		pair := d.login(t)
		d.write(t, refresh.Pair{Access: pair.Access})
		o := d.source(nil)
		text := d.text(t)
		if got := get(t, o); !got.Equal(pair.Access) {
			t.Error("another token")
		}
		o.Invalidate(pair.Access) // there is no other
		time.Sleep(time.Hour - 12*time.Second)
		get(t, o)
		time.Sleep(2 * time.Second)
		over(t, o, "its id-token ended at 2000-01-01T01:00:00Z, and there is no refresh-token: log in again")
		if d.text(t) != text {
			t.Error("the kubeconfig was written")
		}
		d.write(t, refresh.Pair{})
		over(t, o, "it has no id-token, and there is no refresh-token: log in again")
		d.write(t, refresh.Pair{Access: token.Token{Value: token.NewSecret("opaque")}})
		over(t, o, "its id-token is no JWT")
		d.write(t, d.login(t))
		get(t, o)
	})
}

// over fails the test unless there is no login for o, and it says so.
func over(t *testing.T, o *OIDC, want string) {
	t.Helper()
	tok, err := o.Token(t.Context())
	if !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) || !tok.IsZero() || !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("a token: %t, error %v; want %s", !tok.IsZero(), err, want)
	}
	if err != nil && (!strings.HasPrefix(err.Error(), `kubeconfig: user "alice" in `) || strings.Count(err.Error(), "log in") > 1) {
		t.Errorf("it reads: %v", err)
	}
}

// A login that is over says so, with what to do, and asks the issuer nothing any more;
// a new one in the kubeconfig is taken over at once.
func TestOIDCLoginIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		_, r := d.has(t)
		d.spend(t, r)
		time.Sleep(time.Hour)
		var events journal
		o := d.source(&events)
		for range 3 {
			over(t, o, "the refresh token had been used before")
		}
		if posts, ended := d.count(); posts != 1 || ended != 1 {
			t.Errorf("%d presented, %d ended", posts, ended)
		}
		if len(events.all()) != 0 {
			t.Errorf("events %v", events.all())
		}
		// Nor is the ID token handed out that may have some time left.
		d.write(t, refresh.Pair{Access: token.Token{Value: token.NewSecret(d.idToken(time.Now(), time.Hour))}, Refresh: token.Token{Value: token.NewSecret(r)}})
		for _, o := range []*OIDC{o, d.source(nil)} {
			over(t, o, "the refresh token had been used before")
		}
		pair := d.login(t)
		d.write(t, pair)
		if got := get(t, o); !got.Equal(pair.Access) {
			t.Error("not the token of the new login")
		}
	})
}

// While the issuer is away the token is handed out that is good, and the error is no
// verdict on the login.
func TestOIDCIssuerAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		d.down.Store(true)
		o := d.source(nil)
		time.Sleep(58 * time.Minute)
		get(t, o)
		time.Sleep(3 * time.Minute)
		_, err := o.Token(t.Context())
		if err == nil || errors.Is(err, token.ErrRefused) || !strings.Contains(err.Error(), "503 Service Unavailable") || !strings.Contains(err.Error(), "https://issuer.example/.well-known/openid-configuration") {
			t.Errorf("got %v", err)
		}
		if posts, _ := d.count(); posts != 0 {
			t.Errorf("%d refresh tokens presented", posts)
		}
		d.down.Store(false)
		time.Sleep(time.Minute)
		get(t, o)
		d.inStep(t)
	})
}

// An issuer that was away has lost nothing: what it says afterwards is not blamed on
// that.
func TestOIDCIssuerAwayIsNoLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		_, r := d.has(t)
		d.spend(t, r)
		d.down.Store(true)
		time.Sleep(2 * time.Hour)
		if _, err := o.Token(t.Context()); err == nil || errors.Is(err, token.ErrRefused) {
			t.Errorf("got %v", err)
		}
		d.down.Store(false)
		time.Sleep(time.Minute)
		if _, err := o.Token(t.Context()); !errors.Is(err, refresh.ErrReused) || errors.Is(err, refresh.ErrLost) {
			t.Errorf("got %v", err)
		}
	})
}

// The search for the token endpoint takes nothing from the time for the exchange, and
// is given up in time.
func TestOIDCIssuerIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		get(t, o)
		finding := 4 * time.Second
		d.answers = func(_ http.ResponseWriter, r *http.Request) bool {
			wait := 9 * time.Second
			if r.URL.Path != "/token" {
				wait = finding
			}
			select {
			case <-time.After(wait):
				return false
			case <-r.Context().Done():
				return true
			}
		}
		time.Sleep(2 * time.Hour)
		get(t, o)
		d.inStep(t)
		finding = time.Hour
		time.Sleep(2 * time.Hour)
		began := time.Now()
		_, err := o.Token(t.Context())
		if took := time.Since(began); took != discoveryTimeout || err == nil || !strings.Contains(err.Error(), "within 5s") {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// An issuer that gives no ID token for a refresh token costs no login: the new refresh
// token is kept, and written back.
func TestOIDCNoIDToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		d.noID.Store(true)
		time.Sleep(2 * time.Hour)
		o := d.source(nil)
		id, before := d.has(t)
		_, err := o.Token(t.Context())
		if err == nil || errors.Is(err, token.ErrRefused) || !strings.Contains(err.Error(), "no ID token: log in with the scope openid") {
			t.Errorf("got %v", err)
		}
		if now, after := d.has(t); now != id || after == before || after != d.kept(t).Refresh.Value.Reveal() {
			t.Error("the new refresh token was not written back alone")
		}
		d.noID.Store(false)
		time.Sleep(time.Minute)
		get(t, o)
		d.inStep(t)
	})
}

// A client with a secret is one, and what the kubeconfig says of it is as it is now.
func TestOIDCClientSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		d.secret = "correct horse battery staple"
		o := d.source(nil)
		get(t, o)
		time.Sleep(2 * time.Hour)
		_, err := o.Token(t.Context())
		if err == nil || errors.Is(err, token.ErrRefused) || !strings.Contains(err.Error(), "refused the client's credential") {
			t.Fatalf("got %v", err)
		}
		d.write(t, d.login(t))
		time.Sleep(2 * time.Hour)
		tok := get(t, o)
		d.inStep(t)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			text := fmt.Sprintf(verb, o) + fmt.Sprintf(verb, struct{ O *OIDC }{o}) + fmt.Sprintf(verb, []any{err})
			for _, secret := range []string{d.secret, tok.Value.Reveal(), "staple"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s prints a secret", verb)
				}
			}
		}
	})
}

// What is wrong with the kubeconfig is named, and nothing is asked or written.
func TestOIDCBadKubeconfig(t *testing.T) {
	t.Parallel()
	d := newDesk(t, time.Hour, -1)
	good := d.text(t)
	for name, test := range map[string]struct{ old, new, want string }{
		"another provider": {"name: oidc", "name: gcp", `its auth-provider is "gcp"`},
		"no provider":      {"auth-provider:", "other:", "it has no auth-provider"},
		"no issuer":        {"idp-issuer-url", "x", "auth-provider.config.idp-issuer-url is missing"},
		"no client":        {"client-id", "x", "auth-provider.config.client-id is missing"},
		"no user":          {"- name: alice", "- name: bob", "alice"},
		"no YAML":          {"users:", "users: {", d.path},
	} {
		d.put(t, strings.Replace(good, test.old, test.new, 1))
		tok, err := d.source(nil).Token(t.Context())
		if err == nil || !tok.IsZero() || errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) || !strings.HasPrefix(err.Error(), "kubeconfig: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if posts, _ := d.count(); posts != 0 || d.found != 0 {
		t.Errorf("%d refresh tokens presented, %d discoveries", posts, d.found)
	}
}

// A program that runs goes on when its user is taken away, or the kubeconfig cannot be
// read for a while, and says so.
func TestOIDCKubeconfigGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		var events journal
		o := d.source(&events)
		first := get(t, o)
		good := d.text(t)
		for _, text := range []string{"", "users: {", strings.Replace(good, "- name: alice", "- name: bob", 1), strings.Replace(good, "name: oidc", "name: gcp", 1)} {
			d.put(t, text)
			before := len(events.all())
			time.Sleep(2 * time.Hour)
			if got := get(t, o); got.Equal(first) {
				t.Error("an old token")
			}
			if d.text(t) != text {
				t.Errorf("%q was written to", text)
			}
			if e := events.all(); len(e) != before+1 || e[before].Err == nil || e[before].File != d.path {
				t.Errorf("events %v", e[before:])
			}
		}
		if err := os.Remove(d.path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		get(t, o)
		d.put(t, good) // as out of a backup
		get(t, o)
		d.inStep(t)
	})
}

// A refresh token that is cleared ends the login, for a program that runs too; what is
// kept is not written back.
func TestOIDCLogout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		get(t, o)
		d.write(t, refresh.Pair{})
		text := d.text(t)
		over(t, o, "log in again")
		time.Sleep(2 * time.Hour)
		over(t, o, "log in again")
		if d.text(t) != text {
			t.Error("the kubeconfig was written")
		}
	})
}

// The empty User is that of the current context, at each call.
func TestOIDCCurrentUser(t *testing.T) {
	t.Parallel()
	d := newDesk(t, time.Hour, -1)
	o := d.source(nil)
	o.User = ""
	alice := get(t, o)
	bob := d.login(t)
	d.put(t, strings.ReplaceAll(d.text(t), "user: alice}", "user: bob}")+fmt.Sprintf(`- name: bob
  user: {auth-provider: {name: oidc, config: {client-id: kubectl, idp-issuer-url: %s, id-token: %q, refresh-token: %q}}}
`, d.url, bob.Access.Value.Reveal(), bob.Refresh.Value.Reveal()))
	if got := get(t, o); !got.Equal(bob.Access) {
		t.Error("not the token of the current user")
	}
	d.put(t, strings.ReplaceAll(d.text(t), "user: bob}", "user: alice}"))
	if got := get(t, o); !got.Equal(alice) {
		t.Error("not the token of the first user")
	}
}

// Nor is anybody's token that of a current user who has no login, or is not there.
func TestOIDCCurrentUserHasNone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, time.Hour, -1)
	o := d.source(nil)
	o.User = ""
	get(t, o)
	text := d.text(t)
	for _, bob := range []string{"", "- {name: bob, user: {token: abc}}\n", "- {name: bob, user: {auth-provider: {name: oidc}}}\n"} {
		d.put(t, strings.ReplaceAll(text, "user: alice}", "user: bob}")+bob)
		if tok, err := o.Token(t.Context()); err == nil || !tok.IsZero() || !strings.Contains(err.Error(), "bob") {
			t.Errorf("%q: a token: %t, %v", bob, !tok.IsZero(), err)
		}
	}
	d.put(t, strings.Replace(text, "current-context", "x", 1)) // nobody is
	get(t, o)
}

// A kubeconfig that names another issuer gets nothing of what is kept for this one.
func TestOIDCAnotherIssuer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		get(t, d.source(nil))
		_, r := d.has(t)
		thief := newProvider("https://thief.example", time.Hour, -1)
		presented := ""
		thief.answers = func(w http.ResponseWriter, r *http.Request) bool {
			presented = r.PostFormValue("refresh_token")
			return false
		}
		d.put(t, strings.NewReplacer(d.url, thief.url, r, "harmless").Replace(d.text(t)))
		time.Sleep(2 * time.Hour)
		o := d.source(nil)
		o.Client = &http.Client{Transport: thief}
		o.Token(t.Context())
		if presented != "harmless" {
			t.Error("it was sent something else than what the kubeconfig has")
		}
	})
}

// What an OIDC holds, as the token that was refused last, is printed by no verb.
func TestOIDCPrints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, time.Hour, -1)
		o := d.source(nil)
		o.Invalidate(get(t, o))
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if got := fmt.Sprintf(verb, o); got != "kubeconfig.OIDC" {
				t.Errorf("%s: %d bytes that are no name", verb, len(got))
			}
		}
	})
}
