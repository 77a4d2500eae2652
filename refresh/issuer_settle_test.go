package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// swaps has the Swaps from now on go wrong so, one after the other, and then no
// longer. A Get after one takes a moment: what became of the Swap is not known in
// the instant in which its context is done.
func (d *desk) swaps(faults ...storetest.Fault) {
	_, before := d.faulty.Count()
	d.faulty.Script = func(c storetest.Call) storetest.Fault {
		_, swaps := d.faulty.Count()
		switch n := c.N - before - 1; {
		case c.Swap && n < len(faults):
			return faults[n]
		case !c.Swap && swaps > before:
			time.Sleep(time.Millisecond)
		}
		return storetest.None
	}
}

// A write that landed is an exchange that was made, whatever was said of it.
func TestIssuerLanded(t *testing.T) {
	t.Parallel()
	for _, fault := range []storetest.Fault{storetest.ApplyFail, storetest.ApplyFalse} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.swaps(fault)
			p := d.begin(mira)
			d.swaps(fault)
			second := d.next(p)
			if again := d.next(p); !again.Refresh.Equal(second.Refresh) {
				t.Error("another successor")
			}
			d.told(refresh.AuditGrace)
			d.swaps(fault)
			d.Grace = -1 // it is no second presentation
			d.next(d.next(second))
			d.told()
			if d.mints.Load() != 5 {
				t.Errorf("%d minted", d.mints.Load())
			}
		})
	}
}

// A write that did not land is none, and it never lands after that was said,
// though it be on its way: else its client, back after Grace with a token that
// was never traded, would be taken for a thief.
func TestIssuerLandsLate(t *testing.T) {
	t.Parallel()
	const late, fail = storetest.Late, storetest.Fail
	for _, faults := range [][]storetest.Fault{
		{fail}, {late}, {late, fail}, {late, late}, {late, storetest.ApplyFail}, {late, storetest.ApplyFalse}, {late, late, fail, late, storetest.ApplyFail},
	} {
		t.Run(fmt.Sprint(faults), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				p := d.begin(mira)
				d.swaps(faults...)
				_, err := d.ask(p)
				undecided(t, err, refresh.Transient)
				if token.RetryAfter(err) <= 0 || !errors.Is(err, storetest.ErrFault) {
					t.Errorf("come back after %v, %v", token.RetryAfter(err), err)
				}
				d.told(refresh.AuditFailed)
				if n := d.faulty.Land(); n != 0 {
					t.Errorf("%d landed", n)
				}
				time.Sleep(time.Hour)
				d.next(p)
				d.told()
			})
		})
	}
}

// The same, for a client that has gone by then. It does not wait, and what is to
// be done is done without it.
func TestIssuerLandsLateForNobody(t *testing.T) {
	t.Parallel()
	for _, fault := range []storetest.Fault{storetest.Hang, storetest.LateHang} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			p := d.begin(mira)
			d.swaps(fault)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			began := time.Now()
			_, err := d.Exchange(ctx, refresh.Request{Refresh: p.Refresh.Value, Client: "cli"})
			undecided(t, err, refresh.Unknown)
			if took := time.Since(began); took != 10*time.Second || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %v: %v", took, err)
			}
			time.Sleep(time.Second)
			if n := d.faulty.Land(); n != 0 {
				t.Errorf("%d landed", n)
			}
			time.Sleep(time.Hour)
			d.next(p)
		})
	}
}

// Landed for a client that has gone: it comes back within Grace.
func TestIssuerLandedForNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := d.begin(mira)
		d.swaps(storetest.ApplyHang)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err := d.Exchange(ctx, refresh.Request{Refresh: p.Refresh.Value, Client: "cli"})
		undecided(t, err, refresh.Unknown)
		d.next(d.next(p))
	})
}

// Two processes that see to it at the same time write two things.
func TestIssuerLandsLateTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := beside(d)
		p := d.begin(mira)
		for _, desk := range []*desk{d, other} {
			desk.swaps(storetest.Late, storetest.Late)
		}
		var wg sync.WaitGroup
		pairs := []refresh.Pair{p, p}
		for i, desk := range []*desk{d, other} {
			wg.Go(func() {
				if q, err := desk.ask(p); err == nil {
					pairs[i] = q // over what the other wrote
				} else {
					undecided(t, err, refresh.Transient)
				}
			})
		}
		wg.Wait()
		if n := d.faulty.Land() + other.faulty.Land(); n != 0 {
			t.Errorf("%d landed", n)
		}
		if pairs[0].Refresh.Equal(p.Refresh) {
			pairs[0] = pairs[1]
		}
		time.Sleep(time.Hour)
		d.next(pairs[0])
	})
}

// While the Store is away nothing can be said of a write that it may have got.
func TestIssuerStoreGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := d.begin(mira)
		away := false
		d.faulty.Script = func(c storetest.Call) storetest.Fault {
			switch {
			case c.Swap && !away:
				away = true
				return storetest.ApplyFail
			case away:
				return storetest.Fail
			}
			return storetest.None
		}
		began := time.Now()
		_, err := d.ask(p)
		undecided(t, err, refresh.Unknown)
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("after %v", took)
		}
		_, err = d.ask(p)
		undecided(t, err, refresh.Transient) // nothing was written by this one
		d.told(refresh.AuditFailed, refresh.AuditFailed)
		d.faulty.Script = nil
		d.next(d.next(p))
	})
}

// It is looked at again for as long as that takes.
func TestIssuerStoreComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := d.begin(mira)
		var since time.Time
		d.faulty.Script = func(c storetest.Call) storetest.Fault {
			switch {
			case c.Swap:
				since = time.Now()
				return storetest.ApplyFail
			case !since.IsZero() && time.Since(since) < 4*time.Second:
				return storetest.Fail
			}
			return storetest.None
		}
		d.next(p)
	})
}

// Whoever presents a token at the same time gets the same successor, and one
// write is all there is.
func TestIssuerAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		first := d.begin(mira)
		var wg sync.WaitGroup
		pairs := make([]refresh.Pair, 40)
		// All have read before any writes.
		d.faulty.Script = func(c storetest.Call) storetest.Fault {
			if c.Swap {
				time.Sleep(time.Second)
			}
			return storetest.None
		}
		for i := range pairs {
			wg.Go(func() {
				var err error
				if pairs[i], err = d.ask(first); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i, p := range pairs {
			if !p.Refresh.Equal(pairs[0].Refresh) {
				t.Errorf("%d: another successor", i)
			}
		}
		if d.mints.Load() != 41 {
			t.Errorf("%d minted for 41 answers", d.mints.Load())
		}
		d.next(pairs[0])
	})
}

// atSwap has f run once, before the next Swap reaches the Store.
func (d *desk) atSwap(f func()) {
	d.faulty.Script = func(c storetest.Call) storetest.Fault {
		if c.Swap {
			d.faulty.Script = nil
			f()
		}
		return storetest.None
	}
}

// A client that sent its token twice, and went on with the answer that came
// first, is no thief for the second that is still under way.
func TestIssuerOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := beside(d)
		first := d.begin(mira)
		var third refresh.Pair
		d.atSwap(func() { third = other.next(other.next(first)) })
		_, err := d.ask(first)
		undecided(t, err, refresh.Transient)
		d.told(refresh.AuditFailed)
		d.next(third)
	})
}

// The same where one replica's clock is behind by more than Grace: it is no
// clock that tells that both were presented at the same time.
func TestIssuerOvertakenByOldClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := beside(d)
		other.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		first := d.begin(mira)
		var second refresh.Pair
		d.atSwap(func() { second = other.next(first) })
		if got := d.next(first); !got.Refresh.Equal(second.Refresh) {
			t.Error("another successor")
		}
	})
}

// Without Grace there is no excuse.
func TestIssuerOvertakenWithoutGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := beside(d)
		d.Grace, other.Grace = -1, -1
		first := d.begin(mira)
		var second refresh.Pair
		d.atSwap(func() { second = other.next(first) })
		if _, err := d.ask(first); !isReuse(err) {
			t.Error(err)
		}
		d.refuses(second, token.ErrRevoked)
	})
}

// A family that ends while one of its tokens is exchanged has ended.
func TestIssuerOvertakenByTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := beside(d)
		first := d.begin(mira)
		d.atSwap(func() {
			if err := other.Revoke(context.Background(), refresh.Request{Refresh: first.Refresh.Value, Client: "cli"}); err != nil {
				t.Error(err)
			}
		})
		d.refuses(first, token.ErrRevoked)
		// Gone altogether: it is not made again.
		gone := d.begin(mira)
		d.atSwap(func() {
			key := "family/" + d.minted().Session
			raw, _ := d.memory.Get(context.Background(), key)
			if ok, err := d.memory.Swap(context.Background(), key, raw, nil, time.Time{}); !ok || err != nil {
				t.Error(ok, err)
			}
		})
		d.refuses(gone, token.ErrRevoked)
		d.refuses(gone, token.ErrRevoked)
	})
}

// Somebody who writes all the time does not keep an exchange busy for ever.
func TestIssuerAlwaysOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := d.begin(mira)
		key := "family/" + d.minted().Session
		n := byte(0)
		d.faulty.Script = func(c storetest.Call) storetest.Fault {
			if c.Swap {
				raw, _ := d.memory.Get(context.Background(), key)
				next := slices.Clone(raw)
				n++
				next[36] = n // of the counter
				d.memory.Swap(context.Background(), key, raw, next, time.Time{})
			}
			return storetest.None
		}
		if got := d.calls(func() {
			_, err := d.ask(p)
			undecided(t, err, refresh.Transient)
		}); got != [2]int{9, 8} {
			t.Errorf("%v gets and swaps", got)
		}
	})
}

// A reuse that cannot be written is no answer, and is told of.
func TestIssuerReuseNotRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		first := d.begin(mira)
		third := d.next(d.next(first))
		away := false
		for _, script := range []func(storetest.Call) storetest.Fault{
			func(c storetest.Call) storetest.Fault {
				if c.Swap {
					return storetest.Fail
				}
				return storetest.None
			},
			func(c storetest.Call) storetest.Fault {
				if away = away || c.Swap; away {
					return storetest.Fail
				}
				return storetest.None
			},
		} {
			d.faulty.Script = script
			_, err := d.ask(first)
			undecided(t, err, refresh.Transient)
			if isReuse(err) {
				t.Error(err)
			}
			d.mu.Lock()
			for _, a := range d.audits {
				if a.Err == nil {
					t.Errorf("told as if it were done: %v", a)
				}
			}
			d.mu.Unlock()
			d.told(refresh.AuditReuse)
		}
		d.faulty.Script = nil
		third = d.next(third)
		if _, err := d.ask(first); !isReuse(err) {
			t.Error(err)
		}
		d.refuses(third, token.ErrRevoked)
	})
}

// A reuse is told of once, however the write goes, and whoever else writes.
func TestIssuerReuseRecorded(t *testing.T) {
	t.Parallel()
	for _, faults := range [][]storetest.Fault{
		{storetest.ApplyFail}, {storetest.ApplyFalse}, {storetest.Fail}, {storetest.Late}, {storetest.Fail, storetest.ApplyFalse},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			first := d.begin(mira)
			third := d.next(d.next(first))
			d.swaps(faults...)
			if _, err := d.ask(first); !isReuse(err) {
				t.Errorf("%v: %v", faults, err)
			}
			d.told(refresh.AuditReuse)
			d.faulty.Land()
			d.refuses(third, token.ErrRevoked)
		})
	}
	synctest.Test(t, func(t *testing.T) { // the first write lands during the second
		d := newDesk(t)
		first := d.begin(mira)
		d.next(d.next(first))
		_, before := d.faulty.Count()
		d.faulty.Script = func(c storetest.Call) storetest.Fault {
			switch {
			case c.Swap && c.N == before+1:
				return storetest.Late
			case c.Swap:
				d.faulty.Land()
			}
			return storetest.None
		}
		if _, err := d.ask(first); !isReuse(err) {
			t.Error(err)
		}
		d.told(refresh.AuditReuse)
	})
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := beside(d)
		first := d.begin(mira)
		third := d.next(d.next(first))
		d.atSwap(func() { third = other.next(third) })
		if _, err := d.ask(first); !isReuse(err) {
			t.Error(err)
		}
		d.told(refresh.AuditReuse)
		d.refuses(third, token.ErrRevoked)
	})
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := beside(d)
		first := d.begin(mira)
		d.next(d.next(first))
		d.atSwap(func() {
			if _, err := other.ask(first); !isReuse(err) {
				t.Error(err)
			}
		})
		if _, err := d.ask(first); !isReuse(err) {
			t.Error(err)
		}
		other.told(refresh.AuditReuse)
		d.told() // the other was first
	})
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		first := d.begin(mira)
		d.next(d.next(first))
		d.atSwap(func() { // and the family is gone
			key := "family/" + d.minted().Session
			raw, _ := d.memory.Get(context.Background(), key)
			if ok, err := d.memory.Swap(context.Background(), key, raw, nil, time.Time{}); !ok || err != nil {
				t.Error(ok, err)
			}
		})
		if _, err := d.ask(first); !isReuse(err) {
			t.Error(err)
		}
		d.told()
	})
}

// Who presents a token twice cannot go before that is written.
func TestIssuerReuseLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		first := d.begin(mira)
		third := d.next(d.next(first))
		ctx, cancel := context.WithCancel(context.Background())
		d.faulty.Script = func(c storetest.Call) storetest.Fault {
			if c.Swap {
				cancel()
				time.Sleep(time.Second)
			}
			return storetest.None
		}
		began := time.Now()
		_, err := d.Exchange(ctx, refresh.Request{Refresh: first.Refresh.Value, Client: "cli"})
		undecided(t, err, refresh.Transient)
		if took := time.Since(began); took != 0 {
			t.Errorf("left after %v", took)
		}
		time.Sleep(time.Minute)
		d.refuses(third, token.ErrRevoked)
		d.told(refresh.AuditFailed, refresh.AuditReuse)
	})
}

func TestIssuerRevokeFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := d.begin(mira)
		revoke := func(ctx context.Context) error {
			return d.Revoke(ctx, refresh.Request{Refresh: p.Refresh.Value, Client: "cli"})
		}
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
			undecided(t, revoke(context.Background()), refresh.Transient)
			d.told(refresh.AuditFailed)
		}
		// A browser that has gone is logged out all the same.
		ctx, cancel := context.WithCancel(context.Background())
		d.atSwap(func() {
			cancel()
			time.Sleep(time.Second) // it is not answered in the same instant
		})
		undecided(t, revoke(ctx), refresh.Transient)
		time.Sleep(time.Minute)
		d.refuses(p, token.ErrRevoked)
	})
}

func TestIssuerBeginFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, fault := range []storetest.Fault{storetest.Fail, storetest.Late} {
		d.swaps(fault)
		p, err := d.Begin(t.Context(), mira)
		if !errors.Is(err, storetest.ErrFault) || !p.Refresh.IsZero() || !p.Access.IsZero() {
			t.Errorf("%v", err)
		}
	}
}

// A Store that lost writes, as one that was restored from a backup or failed
// over, has its clients go on with what they have.
func TestIssuerStoreLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := d.begin(mira)
		key := "family/" + d.minted().Session
		old, _ := d.memory.Get(t.Context(), key)
		restore := func(row []byte) {
			now, _ := d.memory.Get(context.Background(), key)
			if ok, err := d.memory.Swap(context.Background(), key, now, row, time.Time{}); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		var third refresh.Pair
		for range 3 {
			third = p
			p = d.next(p)
		}
		restore(old)
		p = d.next(p)
		d.mu.Lock()
		if len(d.audits) != 1 || d.audits[0].Presented != 4 || d.audits[0].Current != 1 {
			t.Errorf("%v", d.audits)
		}
		d.mu.Unlock()
		d.told(refresh.AuditStoreLost)
		// From there on everything is as it was.
		if _, err := d.ask(third); !isReuse(err) {
			t.Error(err)
		}
		d.refuses(p, token.ErrRevoked)
		d.kinds()

		// What ended has ended.
		ended := slices.Clone(old)
		ended[1] = 2
		restore(ended)
		d.refuses(p, token.ErrRevoked)
		d.told()
	})
}

// What this program cannot read it does not write over, and blames nobody for.
func TestIssuerUnreadableRow(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(row []byte) []byte{
		"newer":   func(row []byte) []byte { row[0] = 2; return row },
		"older":   func(row []byte) []byte { row[0] = 0; return row },
		"ending":  func(row []byte) []byte { row[1] = 3; return row },
		"flags":   func(row []byte) []byte { row[2] = 2; return row },
		"cut":     func(row []byte) []byte { return row[:len(row)-1] },
		"longer":  func(row []byte) []byte { return append(row, 0) },
		"short":   func(row []byte) []byte { return row[:70] },
		"lengths": func(row []byte) []byte { row[60] = 255; return row },
		"a byte":  func([]byte) []byte { return []byte{1} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			first := d.begin(mira)
			p := d.next(d.next(first))
			key := "family/" + d.minted().Session
			old, _ := d.memory.Get(t.Context(), key)
			bad := spoil(slices.Clone(old))
			if ok, err := d.memory.Swap(t.Context(), key, old, bad, time.Time{}); !ok || err != nil {
				t.Fatal(ok, err)
			}
			for _, p := range []refresh.Pair{p, first} {
				_, err := d.ask(p)
				undecided(t, err, refresh.Transient)
				if strings.Contains(err.Error(), "newer") != (name == "newer") {
					t.Error(err)
				}
				undecided(t, d.Revoke(t.Context(), refresh.Request{Refresh: p.Refresh.Value, Client: "cli"}), refresh.Transient)
			}
			if now, _ := d.memory.Get(t.Context(), key); !cmp.Equal(now, bad) {
				t.Error("written over")
			}
		})
	}
}

// blames is a Store whose error speaks of a token, as that of one which cannot
// be decrypted does.
type blames struct {
	refresh.Store
	err error
}

func (b blames) Get(context.Context, string) ([]byte, error) { return nil, b.err }

func TestIssuerStoreBlamesNobody(t *testing.T) {
	t.Parallel()
	for _, err := range []error{token.ErrSignature, token.ErrRefused, refresh.ErrLost} {
		d := newDesk(t)
		p := d.begin(mira)
		d.Store = blames{d.memory, err}
		_, err := d.ask(p)
		undecided(t, err, refresh.Transient)
	}
	d := newDesk(t)
	p := d.begin(mira)
	d.Store, d.Subjects = empty{}, true
	_, err := d.ask(p)
	undecided(t, err, refresh.Transient)
	if _, err := d.Epoch(t.Context(), "mira"); err == nil {
		t.Error("an epoch of nothing")
	}
}

// empty is a Store that breaks its contract.
type empty struct{ refresh.Store }

func (empty) Get(context.Context, string) ([]byte, error) { return []byte{}, nil }
