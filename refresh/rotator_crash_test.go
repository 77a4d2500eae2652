package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// A process runs one Rotator on a shared Store until it dies, at one of the
// steps of a rotation. What is dead asks nobody for anything any more.
type process struct {
	a      *authority
	dies   string
	dead   atomic.Bool
	died   chan struct{}
	faulty storetest.Faulty
	*refresh.Rotator
}

// The steps at which a process can die, in the order of a rotation.
var steps = []string{
	"before the claim is written", "after the claim is written",
	"before the request arrives", "after the request arrived",
	"before the pair is written", "after the pair is written",
}

func newProcess(a *authority, store refresh.Store, dies string) *process {
	p := &process{a: a, dies: dies, died: make(chan struct{})}
	p.faulty = storetest.Faulty{Store: store, Script: p.fault}
	p.Rotator = &refresh.Rotator{Exchanger: p, Key: "k", Store: &p.faulty}
	if l, ok := store.(*storetest.Locking); ok {
		p.Rotator.Store = locking{&p.faulty, l}
	}
	return p
}

// A locking Store has its locks elsewhere.
type locking struct {
	refresh.Store
	locks *storetest.Locking
}

func (l locking) Lock(ctx context.Context, key string) (func(), error) { return l.locks.Lock(ctx, key) }

// outlive waits until nothing is left of the dead, as the end of a bubble demands.
func outlive() { time.Sleep(2 * time.Hour) }

// outlived returns when p has died, and what it had written is there.
func (p *process) outlived() {
	<-p.died
	synctest.Wait()
}

func (p *process) die() {
	p.dead.Store(true)
	close(p.died)
}

func (p *process) fault(c storetest.Call) storetest.Fault {
	if p.dead.Load() {
		return storetest.Hang
	}
	step, after := "claim", c.N == 2
	if after {
		step = "pair"
	}
	switch {
	case c.Swap && p.dies == "before the "+step+" is written":
		p.die()
		return storetest.Hang
	case c.Swap && p.dies == "after the "+step+" is written":
		p.die()
		return storetest.ApplyHang
	}
	return storetest.None
}

func (p *process) Exchange(ctx context.Context, refreshToken token.Secret) (refresh.Pair, error) {
	if p.dies == "before the request arrives" {
		p.die()
	}
	if p.dead.Load() {
		<-ctx.Done()
		return refresh.Pair{}, ctx.Err()
	}
	pair, err := p.a.Exchange(ctx, refreshToken)
	if p.dies == "after the request arrived" {
		p.die()
		<-ctx.Done()
		return refresh.Pair{}, ctx.Err()
	}
	return pair, err
}

// Wherever a holder dies, the next one goes on, if the issuer has some grace. If
// it has none, a login is lost only where the request had arrived and the pair
// had not been written; and that is what the error says.
func TestRotatorSurvivesACrash(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		for _, grace := range []time.Duration{0, time.Minute} {
			for _, locks := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, grace %v, locks %t", step, grace, locks), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						defer outlive()
						a := &authority{grace: grace}
						memory := new(refresh.Memory)
						var store refresh.Store = memory
						if locks {
							store = &storetest.Locking{Store: store}
						}
						first, second := newProcess(a, store, step), newProcess(a, store, "")
						first.Initial = a.due()
						second.Initial = first.Initial
						ctx, kill := context.WithCancel(t.Context())
						go first.Token(ctx)
						first.outlived()
						kill()
						if locks {
							store.(*storetest.Locking).Die("pair/k")
						}
						began := time.Now()
						tok, err := second.Token(t.Context())
						took := time.Since(began)
						lost := grace == 0 && (step == "after the request arrived" || step == "before the pair is written")
						switch {
						case lost:
							if !errors.Is(err, refresh.ErrLost) || !errors.Is(err, token.ErrRefused) || errors.Is(err, refresh.ErrReused) {
								t.Errorf("got %v, want ErrLost", err)
							}
						case err != nil || tok.Value.Reveal() != "access-2" || a.isOver():
							t.Errorf("got %q, %v", tok.Value.Reveal(), err)
						}
						claimed := step != "before the claim is written" && step != "after the pair is written"
						switch {
						case locks && took > 100*time.Millisecond:
							t.Errorf("waited %v although the lock was free", took)
						case !locks && claimed && (took < 15*time.Second || took > 16*time.Second):
							t.Errorf("waited %v, want the lease of 15s", took)
						case !locks && !claimed && took > 0:
							t.Errorf("waited %v although nothing was claimed", took)
						}
						if n := len(a.requests()); n > 2 {
							t.Errorf("%d requests", n)
						}
						if c := stored(t, memory); c.Claim != nil || c.Unknown != lost || (c.Dead != nil) != lost {
							t.Errorf("the Store holds claim %v, unknown %t, dead %v", c.Claim, c.Unknown, c.Dead)
						}
					})
				})
			}
		}
	}
}

// By default the grace of an Issuer outlasts three holders that die one after
// the other, each between its request and the pair it brings.
func TestRotatorSurvivesThreeCrashes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer outlive()
		a := &authority{grace: time.Minute}
		memory := new(refresh.Memory)
		initial := a.due()
		var last *process
		for i := range 4 {
			dies := "after the request arrived"
			if i == 3 {
				dies = ""
			}
			last = newProcess(a, memory, dies)
			last.Initial = initial
			if i < 3 {
				ctx, kill := context.WithCancel(t.Context())
				go last.Token(ctx)
				last.outlived()
				kill()
			}
		}
		began := time.Now()
		expect(t, last, "access-2")
		if took := time.Since(began); took > 16*time.Second || len(a.requests()) != 4 {
			t.Errorf("took %v after the third crash, %d requests", took, len(a.requests()))
		}
	})
}

// A claim is cleared up in the background as soon as it is found, while the
// access token is good: the grace of the issuer has begun.
func TestRotatorResolvesAClaimAtOnce(t *testing.T) {
	t.Parallel()
	for _, locks := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			defer outlive()
			a := &authority{grace: time.Minute}
			memory := new(refresh.Memory)
			var store refresh.Store = memory
			if locks {
				store = &storetest.Locking{Store: store}
			}
			first, second := newProcess(a, store, "after the request arrived"), newProcess(a, store, "")
			first.Initial = a.login()
			first.dies = "" // for the seed
			expect(t, first, "access-1")
			first.dies = "after the request arrived"
			tok, _ := first.Token(t.Context())
			first.Invalidate(tok)
			ctx, kill := context.WithCancel(t.Context())
			go first.Token(ctx)
			first.outlived()
			kill()
			if locks {
				store.(*storetest.Locking).Die("pair/k")
			}
			began := time.Now()
			expect(t, second, "access-1")
			if took := time.Since(began); took != 0 {
				t.Errorf("waited %v for a good token", took)
			}
			time.Sleep(16 * time.Second) // and nobody calls
			if c := stored(t, memory); c.Access.Value != "access-2" || c.Claim != nil || c.Unknown {
				t.Errorf("locks %t: after the lease the Store holds %+v", locks, c)
			}
			expect(t, second, "access-2")
		})
	}
}

// So is an exchange that ended nobody knows how, by another holder.
func TestRotatorResolvesAnUnknownAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{grace: time.Minute}
		store := new(refresh.Memory)
		first := &refresh.Rotator{Exchanger: a, Initial: a.login(), Store: store, Key: "k"}
		second := &refresh.Rotator{Exchanger: a, Store: store, Key: "k"}
		expect(t, first, "access-1")
		tok, _ := first.Token(t.Context())
		first.Invalidate(tok)
		a.script = func(n int, ctx context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			if n == 1 {
				act()
				return refresh.Pair{}, errors.New("connection cut")
			}
			return act()
		}
		if _, err := first.Token(t.Context()); err == nil {
			t.Fatal("no error")
		}
		if !stored(t, store).Unknown {
			t.Error("the Store does not say that the outcome is unknown")
		}
		expect(t, second, "access-1")
		synctest.Wait()
		if c := stored(t, store); c.Access.Value != "access-2" || c.Unknown {
			t.Errorf("the Store holds %+v", c)
		}
	})
}
