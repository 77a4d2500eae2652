package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// ringOf returns a Keyring of keys made of one byte each.
func ringOf(keys string) *seal.Keyring {
	ring := new(seal.Keyring)
	for _, b := range []byte(keys) {
		ring.Keys = append(ring.Keys, token.NewSecret(strings.Repeat(string(b), 32)))
	}
	return ring
}

// A desk is an Issuer under test, and what it was seen to do.
type desk struct {
	refresh.Issuer
	t      testing.TB
	memory *refresh.Memory
	once   *once             // around memory
	faulty *storetest.Faulty // around once
	mints  atomic.Int64

	mu     sync.Mutex
	grant  refresh.Grant // that Mint got last
	audits []refresh.Audit
}

// newDesk returns an Issuer that keeps families in memory.
func newDesk(t testing.TB) *desk {
	memory := new(refresh.Memory)
	return beside(&desk{t: t, memory: memory, once: &once{Store: memory, t: t}})
}

// beside returns another Issuer with the Store of one, as in another process.
func beside(one *desk) *desk {
	d := &desk{t: one.t, memory: one.memory, once: one.once, faulty: &storetest.Faulty{Store: one.once}}
	d.Keys = ringOf("k")
	d.Store = d.faulty
	d.Mint = func(_ context.Context, g refresh.Grant) (token.Token, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.grant = g
		return token.Token{Value: token.NewSecret(fmt.Sprintf("access-%d", d.mints.Add(1))), ExpiresIn: time.Hour}, nil
	}
	d.OnAudit = func(_ context.Context, a refresh.Audit) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.audits = append(d.audits, a)
	}
	return d
}

// once is a Store in which no value of a family may be written a second time,
// since a write that comes late could land on it.
type once struct {
	refresh.Store
	t    testing.TB
	seen sync.Map
}

func (o *once) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	if _, again := o.seen.LoadOrStore(key+string(new), true); again && strings.HasPrefix(key, "family/") {
		o.t.Errorf("%s: the same bytes are written again", key)
	}
	if strings.HasPrefix(key, "family/") && old == nil {
		if v, _ := o.Get(ctx, key); v != nil {
			o.t.Errorf("%s: begun again", key)
		}
	}
	return o.Store.Swap(ctx, key, old, new, expires)
}

var mira = refresh.Grant{Subject: "mira", Client: "cli", Scope: "read write", Audience: "https://api.example", Data: []byte("data")}

// begin starts a family.
func (d *desk) begin(g refresh.Grant) refresh.Pair {
	d.t.Helper()
	p, err := d.Begin(context.Background(), g)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// ask exchanges the refresh token of p for the client that it belongs to.
func (d *desk) ask(p refresh.Pair) (refresh.Pair, error) {
	return d.Exchange(context.Background(), refresh.Request{Refresh: p.Refresh.Value, Client: "cli"})
}

// next exchanges what must be good.
func (d *desk) next(p refresh.Pair) refresh.Pair {
	d.t.Helper()
	next, err := d.ask(p)
	if err != nil {
		d.t.Fatal(err)
	}
	return next
}

// refuses fails the test unless the refresh token of p is refused with an error
// that matches want.
func (d *desk) refuses(p refresh.Pair, want error) {
	d.t.Helper()
	if got, err := d.ask(p); !errors.Is(err, want) || !got.Access.IsZero() || !got.Refresh.IsZero() {
		d.t.Errorf("%v; want %v", err, want)
	}
}

// undecided fails the test unless err says that the refresh token is as good as
// before.
func undecided(t testing.TB, err error, want refresh.Outcome) {
	t.Helper()
	var e *refresh.ExchangeError
	if !errors.As(err, &e) || e.Outcome != want || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) {
		t.Errorf("%v (%T); want one that is %v", err, err, want)
	}
}

// kinds returns of what kind the audits were since it was called last.
func (d *desk) kinds() (kinds []refresh.AuditKind) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.audits {
		kinds = append(kinds, a.Kind)
	}
	d.audits = nil
	return kinds
}

// told fails the test unless the audits since are of these kinds.
func (d *desk) told(want ...refresh.AuditKind) {
	d.t.Helper()
	if diff := cmp.Diff(want, d.kinds()); diff != "" {
		d.t.Errorf("audits (-want +got):\n%s", diff)
	}
}

// calls returns how many calls of the Store f makes.
func (d *desk) calls(f func()) [2]int {
	gets, swaps := d.faulty.Count()
	f()
	moreGets, moreSwaps := d.faulty.Count()
	return [2]int{moreGets - gets, moreSwaps - swaps}
}

// minted returns the Grant that Mint got last.
func (d *desk) minted() refresh.Grant {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.grant
}

func isReuse(err error) bool { return errors.As(err, new(*refresh.ReuseError)) }

func TestIssuerRotates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		pairs := []refresh.Pair{d.begin(mira)}
		for range 20 {
			time.Sleep(23 * time.Hour)
			pairs = append(pairs, d.next(pairs[len(pairs)-1]))
		}
		for i, p := range pairs {
			if p.Access.ExpiresIn != time.Hour || p.Refresh.ExpiresIn != 24*time.Hour {
				t.Errorf("%d: access good for %v, refresh for %v", i, p.Access.ExpiresIn, p.Refresh.ExpiresIn)
			}
			for _, q := range pairs[:i] {
				if p.Access.Equal(q.Access) || p.Refresh.Equal(q.Refresh) {
					t.Errorf("%d: what was there before", i)
				}
			}
		}
		d.told()
	})
}

// What Mint gets is what was granted, and which session it is for.
func TestIssuerMint(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	g := mira
	g.Confirm, g.Session = "jkt", "not for the caller to say"
	p := d.begin(g)
	first := d.minted()
	if len(first.Session) != 32 || strings.Contains(first.Session, "caller") {
		t.Errorf("session %q", first.Session)
	}
	if _, err := d.Exchange(t.Context(), refresh.Request{Refresh: p.Refresh.Value, Client: "cli", Confirm: "jkt"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, d.minted()); diff != "" {
		t.Errorf("at the exchange (-begin +exchange):\n%s", diff)
	}
	g.Session = first.Session
	if diff := cmp.Diff(g, first); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d.begin(mira); d.minted().Session == first.Session {
		t.Error("two logins are one session")
	}
}

// A rotation takes two calls of the Store, with Subjects three, and with nothing
// to find in it none.
func TestIssuerStoreCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := d.begin(mira)
		if got := d.calls(func() { p = d.next(p) }); got != [2]int{1, 1} {
			t.Errorf("%v gets and swaps", got)
		}
		d.Subjects = true
		p = d.next(p)
		// Both reads are under way together.
		reading := make(chan struct{}, 2)
		d.faulty.Script = func(c storetest.Call) storetest.Fault {
			if !c.Swap {
				reading <- struct{}{}
				for len(reading) < 2 {
					time.Sleep(time.Second)
				}
			}
			return storetest.None
		}
		if got := d.calls(func() { p = d.next(p) }); got != [2]int{2, 1} {
			t.Errorf("with Subjects: %v gets and swaps", got)
		}
		d.faulty.Script = nil
		if got := d.calls(func() { d.begin(mira) }); got != [2]int{1, 1} {
			t.Errorf("Begin with Subjects: %v gets and swaps", got)
		}
	})
}

func TestIssuerReuse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		first := d.begin(mira)
		second := d.next(first)
		third := d.next(second)
		bystander := d.begin(mira)
		_, err := d.ask(first)
		var reuse *refresh.ReuseError
		if !errors.As(err, &reuse) || !errors.Is(err, token.ErrRevoked) || errors.Is(err, token.ErrRefused) {
			t.Fatal(err)
		}
		want := &refresh.ReuseError{Session: reuse.Session, Subject: "mira", Client: "cli", Presented: 1, Current: 3}
		if diff := cmp.Diff(want, reuse); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(reuse.Session) != 32 || !strings.Contains(err.Error(), reuse.Session) {
			t.Errorf("session %q in %v", reuse.Session, err)
		}
		d.told(refresh.AuditReuse)
		d.refuses(third, token.ErrRevoked)
		if _, err := d.ask(third); isReuse(err) || !strings.Contains(err.Error(), "used twice") {
			t.Errorf("who did not use it twice is blamed, or not told: %v", err)
		}
		// It is no business of another client's.
		if _, err := d.Exchange(context.Background(), refresh.Request{Refresh: first.Refresh.Value, Client: "other"}); isReuse(err) || !errors.Is(err, token.ErrInvalid) {
			t.Error(err)
		}
		d.told(refresh.AuditClient)
		// Once is enough to tell, and a holder that missed the answer still gets it.
		if got := d.calls(func() {
			if _, err := d.ask(second); !isReuse(err) {
				t.Error(err)
			}
		}); got != [2]int{1, 0} {
			t.Errorf("%v gets and swaps for a family that is over", got)
		}
		d.told()
		d.next(bystander)
	})
}

// A retry within Grace gets the same successor, writes nothing, and is told of.
func TestIssuerGrace(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ set, grace time.Duration }{{0, time.Minute}, {10 * time.Second, 10 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.Grace = test.set
			first := d.begin(mira)
			time.Sleep(time.Hour)
			second := d.next(first)
			time.Sleep(test.grace)
			var again refresh.Pair
			if got := d.calls(func() { again = d.next(first) }); got != [2]int{1, 0} {
				t.Errorf("%v gets and swaps", got)
			}
			if !again.Refresh.Equal(second.Refresh) || again.Access.Equal(second.Access) {
				t.Error("not the same successor, or the same access token")
			}
			if want := 24*time.Hour - test.grace; again.Refresh.ExpiresIn != want {
				t.Errorf("good for %v, want %v", again.Refresh.ExpiresIn, want)
			}
			d.told(refresh.AuditGrace)
			time.Sleep(time.Millisecond)
			if _, err := d.ask(first); !isReuse(err) {
				t.Error(err)
			}
		})
	}
}

// Grace is for the last token, whenever the one before was spent.
func TestIssuerGraceIsOfTheLast(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.begin(mira)
	d.next(d.next(first))
	if _, err := d.ask(first); !isReuse(err) {
		t.Error(err)
	}
}

// Grace does not outlast Lifetime.
func TestIssuerGraceEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.Lifetime = time.Hour
		first := d.begin(mira)
		time.Sleep(time.Hour - time.Second)
		d.next(first)
		d.next(first)
		time.Sleep(time.Second)
		d.refuses(first, token.ErrExpired)
	})
}

// A Grace that no access token can outlive twice is found, however long it is.
func TestIssuerGraceTooLong(t *testing.T) {
	t.Parallel()
	for _, grace := range []time.Duration{time.Hour/2 + 1, math.MaxInt64/2 + 1, math.MaxInt64} {
		d := newDesk(t)
		d.Grace = grace
		if _, err := d.Begin(t.Context(), mira); err == nil || !strings.Contains(err.Error(), "less than twice the Grace") {
			t.Errorf("Grace %v: %v", grace, err)
		}
	}
}

func TestIssuerNoGrace(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Grace = -1
	first := d.begin(mira)
	second := d.next(first)
	if _, err := d.ask(first); !isReuse(err) {
		t.Error(err)
	}
	d.refuses(second, token.ErrRevoked)
}

// A clock that is behind makes nothing a reuse.
func TestIssuerClockBehind(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.begin(mira)
	second := d.next(first)
	d.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	if again := d.next(first); !again.Refresh.Equal(second.Refresh) {
		t.Error("not the same successor")
	}
}

func TestIssuerLifetimes(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, test := range []struct {
		name           string
		idle, lifetime time.Duration
		step           time.Duration // between exchanges
		good           time.Duration // that the first is good for
		until          time.Duration // when the family ends; 0 is never
	}{
		{"default, used", 0, 0, 23 * time.Hour, day, 30 * day},
		{"default, left lying", 0, 0, 25 * time.Hour, day, day},
		{"no idle", -1, 0, 10 * day, 30 * day, 30 * day},
		{"for ever", -1, -1, 365 * day, 0, 0},
		{"for ever, if used", 0, -1, 23 * time.Hour, day, 0},
		{"longer than there are years", 1<<63 - 1, 1<<63 - 1, 365 * day, 1<<63 - 1, 0},
		{"short", time.Hour, 3 * time.Hour, time.Hour - time.Second, time.Hour, 3 * time.Hour},
		{"idle longer than life", 10 * time.Hour, time.Hour, 59 * time.Minute, time.Hour, time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				d.Idle, d.Lifetime = test.idle, test.lifetime
				began := time.Now()
				p := d.begin(mira)
				if p.Refresh.ExpiresIn != test.good {
					t.Errorf("good for %v", p.Refresh.ExpiresIn)
				}
				for range 60 {
					time.Sleep(test.step)
					q, err := d.ask(p)
					age := time.Since(began)
					switch {
					case err == nil && test.until > 0 && age >= test.until:
						t.Fatalf("good after %v", age)
					case err != nil && (test.until == 0 || age < test.until):
						t.Fatalf("%v after %v", err, age)
					case err != nil && !errors.Is(err, token.ErrExpired) && !errors.Is(err, token.ErrRevoked):
						t.Fatal(err)
					case err != nil:
						return
					case test.until > 0 && age+q.Refresh.ExpiresIn > test.until:
						t.Fatalf("good for %v after %v", q.Refresh.ExpiresIn, age)
					}
					p = q
				}
				if test.until != 0 {
					t.Error("good for ever")
				}
			})
		})
	}
}

// To the moment: what is good until then is good no longer then. The row is
// still there, so that it is known to have expired.
func TestIssuerExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := d.begin(mira)
		time.Sleep(24*time.Hour - time.Millisecond)
		p = d.next(p)
		time.Sleep(24 * time.Hour)
		d.refuses(p, token.ErrExpired)
		time.Sleep(2*time.Minute - time.Millisecond)
		d.refuses(p, token.ErrExpired)
		time.Sleep(time.Millisecond)
		d.refuses(p, token.ErrRevoked) // unknown
		if got, _ := d.memory.Get(t.Context(), "family/"+d.minted().Session); got != nil {
			t.Error("the row is still there")
		}
	})
}

// What is kept ends by the Store's clock, as long from now as it does by the
// Issuer's, wherever that stands.
func TestIssuerOtherClock(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Now = func() time.Time { return time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC) }
	d.next(d.begin(mira))
}

// A token that is old by any measure still ends the family it is of.
func TestIssuerOldTokenRevokes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		first := d.begin(mira)
		p := first
		for range 30 {
			time.Sleep(20 * time.Hour)
			p = d.next(p)
		}
		if _, err := d.ask(first); !isReuse(err) {
			t.Error(err)
		}
		d.told(refresh.AuditReuse)
		d.refuses(p, token.ErrRevoked)
	})
}

// Who may not use a token at all is refused, learns nothing of it, and changes
// nothing. So it is with a token that was spent long ago.
func TestIssuerBindings(t *testing.T) {
	t.Parallel()
	bound := mira
	bound.Confirm = "jkt"
	for _, test := range []struct {
		name    string
		grant   refresh.Grant
		request refresh.Request
		want    refresh.AuditKind
	}{
		{"another client", mira, refresh.Request{Client: "other"}, refresh.AuditClient},
		{"no client", mira, refresh.Request{}, refresh.AuditClient},
		{"a wider scope", mira, refresh.Request{Client: "cli", Scope: "read admin"}, refresh.AuditScope},
		{"a scope in another case", mira, refresh.Request{Client: "cli", Scope: "Read"}, refresh.AuditScope},
		{"a long scope", mira, refresh.Request{Client: "cli", Scope: strings.Repeat("read ", 1000)}, refresh.AuditScope},
		{"no key", bound, refresh.Request{Client: "cli"}, refresh.AuditConfirm},
		{"another key", bound, refresh.Request{Client: "cli", Confirm: "other"}, refresh.AuditConfirm},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			own := refresh.Request{Client: "cli", Confirm: test.grant.Confirm}
			old := d.begin(test.grant)
			p := old
			for range 3 {
				for _, presented := range []refresh.Pair{p, old} {
					test.request.Refresh = presented.Refresh.Value
					if got := d.calls(func() {
						if _, err := d.Exchange(t.Context(), test.request); !errors.Is(err, token.ErrInvalid) || isReuse(err) {
							t.Error(err)
						}
					}); got != [2]int{1, 0} {
						t.Errorf("%v gets and swaps", got)
					}
					d.told(test.want)
				}
				own.Refresh = p.Refresh.Value
				var err error
				if p, err = d.Exchange(t.Context(), own); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestIssuerScope(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.begin(mira)
	for _, test := range []struct{ asked, want string }{
		{"", "read write"}, {"read", "read"}, {"write read", "write read"}, {"  write  ", "write"}, {" ", "read write"}, {"read write", "read write"},
	} {
		var err error
		if p, err = d.Exchange(t.Context(), refresh.Request{Refresh: p.Refresh.Value, Client: "cli", Scope: test.asked}); err != nil {
			t.Fatal(err)
		}
		if got := d.minted().Scope; got != test.want {
			t.Errorf("asked for %q: minted for %q, want %q", test.asked, got, test.want)
		}
	}
}

// A client with a secret proves another key at any time, and its access tokens
// are bound to that.
func TestIssuerUnboundKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.begin(mira)
	if _, err := d.Exchange(t.Context(), refresh.Request{Refresh: p.Refresh.Value, Client: "cli", Confirm: "now"}); err != nil {
		t.Fatal(err)
	}
	if got := d.minted().Confirm; got != "now" {
		t.Errorf("minted for key %q", got)
	}
}

func TestIssuerNoRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		g := mira
		g.NoRotation = true
		if _, err := d.Begin(t.Context(), g); err == nil || !strings.Contains(err.Error(), "Confirm") {
			t.Errorf("without a key: %v", err)
		}
		g.Confirm = "jkt"
		p := d.begin(g)
		ask := func() (refresh.Pair, error) {
			return d.Exchange(context.Background(), refresh.Request{Refresh: p.Refresh.Value, Client: "cli", Confirm: "jkt"})
		}
		for range 29 {
			time.Sleep(23 * time.Hour) // it is in use
			q, err := ask()
			if err != nil || !q.Refresh.Equal(p.Refresh) || q.Refresh.ExpiresIn != 24*time.Hour {
				t.Fatal(q.Refresh.ExpiresIn, err)
			}
		}
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				if _, err := ask(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		// What somebody else has just written need not be written again.
		time.Sleep(time.Hour)
		other := beside(d)
		d.atSwap(func() {
			if _, err := other.Exchange(context.Background(), refresh.Request{Refresh: p.Refresh.Value, Client: "cli", Confirm: "jkt"}); err != nil {
				t.Error(err)
			}
		})
		if got := d.calls(func() {
			if _, err := ask(); err != nil {
				t.Error(err)
			}
		}); got != [2]int{2, 1} {
			t.Errorf("%v gets and swaps", got)
		}
		d.told()
		time.Sleep(24 * time.Hour)
		if _, err := ask(); !errors.Is(err, token.ErrExpired) {
			t.Error(err)
		}
	})
}

func TestIssuerMisuse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spoil func(*desk, *refresh.Grant)
		want  string
	}{
		{"no Mint", func(d *desk, _ *refresh.Grant) { d.Mint = nil }, "Mint"},
		{"no Keys", func(d *desk, _ *refresh.Grant) { d.Keys = nil }, "Keys"},
		{"no Store", func(d *desk, _ *refresh.Grant) { d.Store = nil }, "Store"},
		{"empty Keys", func(d *desk, _ *refresh.Grant) { d.Keys = new(seal.Keyring) }, "no keys"},
		{"no Subject", func(_ *desk, g *refresh.Grant) { g.Subject = "" }, "Subject"},
		{"no Client", func(_ *desk, g *refresh.Grant) { g.Client = "" }, "Client"},
		{"long Subject", func(_ *desk, g *refresh.Grant) { g.Subject = strings.Repeat("s", 4097) }, "Subject has 4097 bytes"},
		{"long Client", func(_ *desk, g *refresh.Grant) { g.Client = strings.Repeat("s", 4097) }, "Client"},
		{"long Scope", func(_ *desk, g *refresh.Grant) { g.Scope = strings.Repeat("s", 4097) }, "Scope"},
		{"long Audience", func(_ *desk, g *refresh.Grant) { g.Audience = strings.Repeat("s", 4097) }, "Audience"},
		{"long Confirm", func(_ *desk, g *refresh.Grant) { g.Confirm = strings.Repeat("s", 4097) }, "Confirm"},
		{"long Data", func(_ *desk, g *refresh.Grant) { g.Data = make([]byte, 65) }, "Data has 65 bytes"},
		{"odd Scope", func(_ *desk, g *refresh.Grant) { g.Scope = "re\"ad" }, "Scope"},
		{"Scope with a tab", func(_ *desk, g *refresh.Grant) { g.Scope = "read\twrite" }, "Scope"},
		{"Scope with a backslash", func(_ *desk, g *refresh.Grant) { g.Scope = `re\ad` }, "Scope"},
		{"Scope with a letter", func(_ *desk, g *refresh.Grant) { g.Scope = "é" }, "Scope"},
		{"a short access token", func(d *desk, _ *refresh.Grant) { d.Grace = 31 * time.Minute }, "twice the Grace"},
		{"an access token that does not say", func(d *desk, _ *refresh.Grant) {
			d.Mint = func(context.Context, refresh.Grant) (token.Token, error) {
				return token.Token{Value: token.NewSecret("x")}, nil
			}
		}, "ExpiresIn"},
		{"an access token that is dead", func(d *desk, _ *refresh.Grant) {
			d.Mint = func(context.Context, refresh.Grant) (token.Token, error) {
				return token.Token{Value: token.NewSecret("x"), ExpiresIn: -1}, nil
			}
		}, "ExpiresIn"},
		{"an empty access token", func(d *desk, _ *refresh.Grant) {
			d.Mint = func(context.Context, refresh.Grant) (token.Token, error) {
				return token.Token{ExpiresIn: time.Hour}, nil
			}
		}, "empty access token"},
		{"Mint panics", func(d *desk, _ *refresh.Grant) {
			d.Mint = func(context.Context, refresh.Grant) (token.Token, error) { panic("canary") }
		}, "panicked"},
		{"the Store panics", func(d *desk, _ *refresh.Grant) {
			d.faulty.Script = func(storetest.Call) storetest.Fault { panic("canary") }
		}, "panicked"},
		{"Mint's own token is refused", func(d *desk, _ *refresh.Grant) {
			d.Mint = func(context.Context, refresh.Grant) (token.Token, error) { return token.Token{}, token.ErrExpired }
		}, "expired"},
		{"Mint's own login is over", func(d *desk, _ *refresh.Grant) {
			d.Mint = func(context.Context, refresh.Grant) (token.Token, error) { return token.Token{}, token.ErrRefused }
		}, "refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			g := mira
			p := d.begin(g)
			test.spoil(d, &g)
			_, err := d.Begin(t.Context(), g)
			if err == nil || !strings.HasPrefix(err.Error(), "refresh: ") && !strings.HasPrefix(err.Error(), "seal: ") ||
				!strings.Contains(err.Error(), test.want) || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v; want one with %q", err, test.want)
			}
			if cmp.Equal(g, mira) && test.want != "twice the Grace" {
				_, err := d.ask(p)
				if err == nil || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("Exchange: %v; want one with %q", err, test.want)
				}
				d.told(refresh.AuditFailed)
			}
		})
	}
}

// The most that can be granted can be kept.
func TestIssuerGreatestGrant(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	long := strings.Repeat("s", 4096)
	g := refresh.Grant{Subject: long, Client: long, Scope: long, Audience: long, Confirm: long, Data: make([]byte, 64)}
	p := d.begin(g)
	before := d.minted()
	if _, err := d.Exchange(t.Context(), refresh.Request{Refresh: p.Refresh.Value, Client: long, Confirm: long}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, d.minted()); diff != "" {
		t.Errorf("(-begin +exchange):\n%s", diff)
	}
}

// A token that says only when it ends, as one made of a JWT, says how long it
// is good.
func TestIssuerMintSaysWhen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.Mint = func(context.Context, refresh.Grant) (token.Token, error) {
			return token.Token{Value: token.NewSecret("x"), Expiry: time.Now().Add(time.Hour)}, nil
		}
		if p := d.begin(mira); p.Access.ExpiresIn != time.Hour {
			t.Errorf("good for %v", p.Access.ExpiresIn)
		}
	})
}

func TestIssuerRevoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		first := d.begin(mira)
		second := d.next(first)
		third := d.next(second)
		other := d.begin(mira)
		revoke := func(p refresh.Pair, client string) error {
			return d.Revoke(context.Background(), refresh.Request{Refresh: p.Refresh.Value, Client: client})
		}
		if err := revoke(third, "other"); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("another client: %v", err)
		}
		d.told(refresh.AuditClient)
		third = d.next(third)
		// A spent token will do, and ends the same family.
		for _, p := range []refresh.Pair{first, second, third} {
			if err := revoke(p, "cli"); err != nil {
				t.Error(err)
			}
		}
		d.refuses(third, token.ErrRevoked)
		d.refuses(first, token.ErrRevoked)
		if _, err := d.ask(first); isReuse(err) {
			t.Errorf("after a logout nothing is a reuse: %v", err)
		}
		d.next(other)
		if got := d.calls(func() {
			for _, text := range []string{"", "access token", "\x00", strings.Repeat("A", 106)} {
				if err := d.Revoke(t.Context(), refresh.Request{Refresh: token.NewSecret(text), Client: "cli"}); err != nil {
					t.Error(err)
				}
			}
		}); got != [2]int{} {
			t.Errorf("%v gets and swaps", got)
		}
		time.Sleep(40 * 24 * time.Hour)
		if err := revoke(other, "cli"); err != nil {
			t.Errorf("a family that is gone: %v", err)
		}
		d.told()
	})
}

// A Rotator in the same process trades with an Issuer.
func TestIssuerIsAnExchanger(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var exchanger refresh.Exchanger = refresh.ExchangerFunc(func(ctx context.Context, s token.Secret) (refresh.Pair, error) {
		return d.Exchange(ctx, refresh.Request{Refresh: s, Client: "cli"})
	})
	p, err := exchanger.Exchange(t.Context(), d.begin(mira).Refresh.Value)
	if err != nil || p.Access.IsZero() || p.Refresh.IsZero() {
		t.Error(err)
	}
}

// An exchange costs no more than this, all of the Store and Mint included. It is
// the best of many that counts: under the race detector a sync.Pool loses things
// at random.
func TestIssuerAllocations(t *testing.T) {
	d := newDesk(t)
	d.Store = d.memory
	access := token.Token{Value: token.NewSecret("access"), ExpiresIn: time.Hour}
	d.Mint = func(context.Context, refresh.Grant) (token.Token, error) { return access, nil }
	p := d.begin(mira)
	least := math.Inf(1)
	for range 50 {
		least = min(least, testing.AllocsPerRun(1, func() { p = d.next(p) }))
	}
	if least > 15 {
		t.Errorf("%v allocations", least)
	}
}

func BenchmarkIssuerExchange(b *testing.B) {
	d := newDesk(b)
	d.Store = d.memory
	access := token.Token{Value: token.NewSecret("access"), ExpiresIn: time.Hour}
	d.Mint = func(context.Context, refresh.Grant) (token.Token, error) { return access, nil }
	p := d.begin(mira)
	b.ReportAllocs()
	for b.Loop() {
		p = d.next(p)
	}
}
