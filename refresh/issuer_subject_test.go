package refresh_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

func subjectsDesk(t testing.TB) *desk {
	d := newDesk(t)
	d.Subjects = true
	return d
}

func (d *desk) revokeSubject(subject string) {
	d.t.Helper()
	if err := d.RevokeSubject(context.Background(), subject); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) epochOf(subject string) int64 {
	d.t.Helper()
	epoch, err := d.Epoch(context.Background(), subject)
	if err != nil {
		d.t.Fatal(err)
	}
	return epoch
}

// All sessions of a subject end, retries within Grace included, and no others.
func TestRevokeSubject(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := subjectsDesk(t)
		first, other := d.begin(mira), d.begin(mira)
		nils := mira
		nils.Subject = "nils"
		bystander := d.begin(nils)
		second := d.next(first)
		d.revokeSubject("mira")
		for _, p := range []refresh.Pair{first, second, other} {
			d.refuses(p, token.ErrRevoked)
			if _, err := d.ask(p); isReuse(err) {
				t.Errorf("nothing was used twice: %v", err)
			}
		}
		d.next(bystander)
		d.next(d.begin(mira)) // a login since then
		d.told()
	})
}

// A login that was under way when its subject was revoked, with the password
// from before, does not survive, however late it comes.
func TestEpochOfLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := subjectsDesk(t)
		for range 3 { // never revoked, and revoked before
			g := mira
			g.Epoch = d.epochOf("mira")
			if g.Epoch == 0 {
				t.Error("an epoch that means that there is none")
			}
			d.next(d.begin(g))
			d.revokeSubject("mira")
			late := d.begin(g)
			d.refuses(late, token.ErrRevoked)
			g.Epoch = 0
			d.next(d.begin(g))
			g.Epoch = d.epochOf("mira")
			d.next(d.begin(g))
		}
	})
}

// Epochs grow, whatever the clock does.
func TestEpochGrows(t *testing.T) {
	t.Parallel()
	d := subjectsDesk(t)
	for _, at := range []time.Time{time.UnixMilli(1_000), time.UnixMilli(1_000), time.UnixMilli(500), time.UnixMilli(-1), time.UnixMilli(9_000)} {
		d.Now = func() time.Time { return at }
		before := d.epochOf("mira")
		p := d.begin(mira)
		d.revokeSubject("mira")
		after := d.epochOf("mira")
		if want := max(before+1, at.UnixMilli()); after != want {
			t.Errorf("%d, then %d, want %d", before, after, want)
		}
		d.refuses(p, token.ErrRevoked)
	}
	// A clock that starts with the computer's time.
	d = subjectsDesk(t)
	d.Now = func() time.Time { return time.UnixMilli(0) }
	p := d.begin(mira)
	d.revokeSubject("mira")
	d.refuses(p, token.ErrRevoked)
}

// The row of a subject is there for as long as a family that it ends, and then
// no longer.
func TestEpochOutlivesLifetime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := subjectsDesk(t)
		d.Idle, d.Lifetime = -1, 10*24*time.Hour
		g := mira
		g.Epoch = d.epochOf("mira")
		d.revokeSubject("mira")
		time.Sleep(23 * time.Hour) // at the password prompt
		p := d.begin(g)
		time.Sleep(10*24*time.Hour - time.Millisecond)
		d.refuses(p, token.ErrRevoked)
		time.Sleep(2*time.Hour + 2*time.Minute)
		if got := d.epochOf("mira"); got != 1 {
			t.Errorf("the epoch is still %d", got)
		}
		d = subjectsDesk(t)
		d.Idle, d.Lifetime = -1, -1
		p = d.begin(mira)
		d.revokeSubject("mira")
		time.Sleep(100 * 365 * 24 * time.Hour)
		d.refuses(p, token.ErrRevoked)
	})
}

// Tokens from before Subjects were switched on, and from before the key was
// replaced, do not say whose they are so that it can be read at the same time.
// They are held to it all the same.
func TestRevokeSubjectOfOldTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, change := range map[string]func(*desk){
			"Subjects":     func(d *desk) { d.Subjects = true },
			"key":          func(d *desk) { d.Keys = ringOf("nk") },
			"key and back": func(d *desk) { d.Keys = ringOf("kn") },
		} {
			d := newDesk(t)
			d.Subjects = name != "Subjects"
			first, second := d.begin(mira), d.begin(mira)
			change(d)
			p := first
			if got := d.calls(func() { p = d.next(p) }); got != [2]int{2, 1} {
				t.Errorf("%s: %v gets and swaps", name, got)
			}
			d.revokeSubject("mira")
			d.refuses(p, token.ErrRevoked)
			d.refuses(second, token.ErrRevoked)
			d.next(d.begin(mira))
		}
	})
}

func TestRevokeSubjectFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, fault := range []storetest.Fault{storetest.ApplyFail, storetest.ApplyFalse, storetest.Fail, storetest.Late} {
			d := subjectsDesk(t)
			p := d.begin(mira)
			d.swaps(fault)
			got := d.calls(func() { d.revokeSubject("mira") })
			if applied := fault == storetest.ApplyFail || fault == storetest.ApplyFalse; applied && got != [2]int{2, 1} {
				t.Errorf("%v gets and swaps for what is written already", got)
			}
			d.refuses(p, token.ErrRevoked)
		}
		d := subjectsDesk(t)
		p := d.begin(mira)
		for _, script := range []func(storetest.Call) storetest.Fault{
			func(storetest.Call) storetest.Fault { return storetest.Fail },
			func(c storetest.Call) storetest.Fault {
				if c.Swap {
					return storetest.Fail
				}
				return storetest.None
			},
		} {
			d.faulty.Script = script
			if err := d.RevokeSubject(context.Background(), "mira"); !errors.Is(err, storetest.ErrFault) {
				t.Error(err)
			}
		}
		// While the epoch cannot be read, nobody is let in.
		d.faulty.Script = func(c storetest.Call) storetest.Fault {
			if strings.HasPrefix(c.Key, "subject/") {
				return storetest.Fail
			}
			return storetest.None
		}
		_, err := d.ask(p)
		undecided(t, err, refresh.Transient)
		if _, err := d.Begin(context.Background(), mira); err == nil {
			t.Error("begun without an epoch")
		}
		d.Keys = ringOf("nk") // read one after the other
		_, err = d.ask(p)
		undecided(t, err, refresh.Transient)
	})
}

// Whoever revokes at the same time, each call ends what began before it.
func TestRevokeSubjectAtOnce(t *testing.T) {
	t.Parallel()
	d := subjectsDesk(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				p := d.begin(mira)
				d.revokeSubject("mira")
				d.refuses(p, token.ErrRevoked)
			}
		})
	}
	wg.Wait()
}

// goexits is a Store that does not return from reading the epoch of a subject.
type goexits struct{ refresh.Store }

func (s goexits) Get(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, "subject/") {
		runtime.Goexit()
	}
	return s.Store.Get(ctx, key)
}

// A Store that ends the goroutine that reads the epoch keeps nobody waiting, and
// is not taken to have said that there is none.
func TestEpochGoexit(t *testing.T) {
	t.Parallel()
	d := subjectsDesk(t)
	p := d.begin(mira)
	d.Store = goexits{d.memory}
	_, err := d.ask(p)
	undecided(t, err, refresh.Transient)
	d.told(refresh.AuditFailed)
}

func TestSubjectsMisuse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, subject := range []string{"mira", ""} {
		_, err := d.Epoch(t.Context(), subject)
		for _, err := range []error{err, d.RevokeSubject(t.Context(), subject)} {
			if err == nil || subject != "" && !strings.Contains(err.Error(), "Subjects") || errors.Is(err, token.ErrInvalid) {
				t.Errorf("%q: %v", subject, err)
			}
		}
		d.Subjects = true
	}
	d.Store = nil
	if _, err := d.Epoch(t.Context(), "mira"); err == nil {
		t.Error("no Store, and no error")
	}
}

// What this program cannot read it neither writes over nor takes for none.
func TestUnreadableEpoch(t *testing.T) {
	t.Parallel()
	var key string
	find := subjectsDesk(t)
	find.faulty.Script = func(c storetest.Call) storetest.Fault { key = c.Key; return storetest.None }
	find.epochOf("mira")
	for _, raw := range []string{
		"\x02\x00\x00\x00\x00\x00\x00\x00\x09", "\x00\x00\x00\x00\x00\x00\x00\x00\x09", "\x01", "\x01\x00\x00\x00\x00\x00\x00\x00\x09x",
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff", "\x01\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		d := subjectsDesk(t)
		p := d.begin(mira)
		if ok, err := d.memory.Swap(t.Context(), key, nil, []byte(raw), time.Time{}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		_, err := d.ask(p)
		undecided(t, err, refresh.Transient)
		if err := d.RevokeSubject(t.Context(), "mira"); err == nil {
			t.Errorf("%q: revoked", raw)
		}
		if _, err := d.Epoch(t.Context(), "mira"); err == nil || (raw[0] == 2) != strings.Contains(err.Error(), "newer") {
			t.Errorf("%q: %v", raw, err)
		}
		if got, _ := d.memory.Get(t.Context(), key); string(got) != raw {
			t.Errorf("%q: written over", raw)
		}
	}
}
