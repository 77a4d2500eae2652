package refresh_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A spent token brings 48 answers at once, then one each sixteenth of Grace, so
// that there are at most 64 in any Grace; who asks more is told when to come
// back, and gets one then.
func TestIssuerGraceIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.Grace = 16 * time.Second
		first, other := d.begin(mira), d.begin(mira)
		second := d.next(first)
		d.next(other)
		d.mints.Store(0)
		answers := 0
		for began := time.Now(); time.Since(began) < 16*time.Second; {
			p, err := d.ask(first)
			if err == nil {
				answers++
				if !p.Refresh.Equal(second.Refresh) {
					t.Fatal("another successor")
				}
				continue
			}
			undecided(t, err, refresh.Transient)
			if answers < 48 {
				t.Fatalf("%d answers at once", answers)
			}
			if wait := token.RetryAfter(err); wait != time.Second {
				t.Fatalf("come back in %v", wait)
			}
			if d.mints.Load() != int64(answers) {
				t.Fatalf("%d minted for %d answers", d.mints.Load(), answers)
			}
			d.next(other) // another family has its own
			d.mints.Add(-1)
			time.Sleep(time.Second)
		}
		if answers < 48+15 || answers > 64 {
			t.Errorf("%d answers", answers)
		}
		if n := refresh.RepeatsLen(&d.Issuer); n != 2 {
			t.Errorf("%d families are counted", n)
		}
		time.Sleep(time.Hour)
		// What is no longer needed is forgotten.
		p := d.begin(mira)
		d.next(p)
		for range 3 {
			d.next(p)
		}
		if n := refresh.RepeatsLen(&d.Issuer); n != 1 {
			t.Errorf("%d families are counted", n)
		}
	})
}

// Answers that were given by a clock that was set back since do not count, which
// would keep the owner waiting until Grace is over.
func TestIssuerGraceClockSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		var off time.Duration
		d.Now = func() time.Time { return time.Now().Round(0).Add(off) }
		first := d.begin(mira)
		second := d.next(first)
		d.next(first)
		off = -time.Hour
		third := d.next(second)
		if again := d.next(second); !again.Refresh.Equal(third.Refresh) {
			t.Error("another successor")
		}
	})
}

// Those who come at the same time count as well.
func TestIssuerGraceIsLimitedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := beside(d)
		refused := 0
		p := d.begin(mira)
		for range 100 {
			q := p
			d.atSwap(func() { p = other.next(q) })
			if _, err := d.ask(q); err != nil {
				undecided(t, err, refresh.Transient)
				refused++
			}
			d.faulty.Script = nil
		}
		if refused < 40 {
			t.Errorf("%d refused", refused)
		}
	})
}

// However many families there are, those that are counted are bounded.
func TestIssuerGraceIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	if n := refresh.RepeatsOf(100_000, now, time.Minute); n > 1<<16 {
		t.Errorf("%d families are counted", n)
	}
}
