package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// answers returns a script that answers the n-th request with the n-th error,
// and those after by what the authority does. Where act is set, the authority
// has done so before the error.
func answers(act bool, errs ...error) func(int, context.Context, func() (refresh.Pair, error)) (refresh.Pair, error) {
	return func(n int, _ context.Context, do func() (refresh.Pair, error)) (refresh.Pair, error) {
		if n > len(errs) {
			return do()
		}
		if act {
			do()
		}
		return refresh.Pair{}, errs[n-1]
	}
}

// What the issuer says decides what is said to callers, what is stored, and
// whether the refresh token is presented again.
func TestRotatorOutcomes(t *testing.T) {
	t.Parallel()
	cut := errors.New("connection cut")
	for name, test := range map[string]struct {
		errs   []error
		want   error // what callers get in the end; nil is a token
		not    error
		kind   refresh.Kind
		posts  int
		reason string
	}{
		"transient":          {errs: []error{&refresh.ExchangeError{Outcome: refresh.Transient, Err: errors.New("busy")}}, posts: 2, kind: refresh.Exchanged},
		"unknown":            {errs: []error{cut}, posts: 2, kind: refresh.Exchanged},
		"unknown, in words":  {errs: []error{&refresh.ExchangeError{Err: cut}}, posts: 2, kind: refresh.Exchanged},
		"outcome unheard of": {errs: []error{&refresh.ExchangeError{Outcome: 17}}, posts: 2, kind: refresh.Uncertain},
		"terminal": {errs: []error{&refresh.ExchangeError{Outcome: refresh.Terminal, Err: errors.New("invalid_grant")}},
			want: token.ErrRefused, not: refresh.ErrReused, posts: 1, kind: refresh.Died, reason: "invalid_grant"},
		"reused":            {errs: []error{errUsedBefore}, want: refresh.ErrReused, not: refresh.ErrLost, posts: 1, kind: refresh.Died, reason: "used before"},
		"an Issuer's":       {errs: []error{fmt.Errorf("%w: idle for too long", token.ErrExpired)}, want: token.ErrRefused, not: refresh.ErrReused, posts: 1, kind: refresh.Died},
		"an Issuer's reuse": {errs: []error{&refresh.ReuseError{}}, want: refresh.ErrReused, not: refresh.ErrLost, posts: 1, kind: refresh.Died},
		"unknown, reused":   {errs: []error{cut, errUsedBefore}, want: refresh.ErrLost, not: refresh.ErrReused, posts: 2, kind: refresh.Died},
		"transient, reused": {errs: []error{&refresh.ExchangeError{Outcome: refresh.Transient}, errUsedBefore},
			want: refresh.ErrReused, not: refresh.ErrLost, posts: 2, kind: refresh.Died},
		"unknown, transient, terminal": {errs: []error{cut, &refresh.ExchangeError{Outcome: refresh.Transient}, &refresh.ExchangeError{Outcome: refresh.Terminal}},
			want: refresh.ErrLost, posts: 3, kind: refresh.Died},
		"its secret in words": {errs: []error{&refresh.ExchangeError{Outcome: refresh.Terminal, Err: errors.New("no such token: refresh-1")}},
			want: token.ErrRefused, posts: 1, kind: refresh.Died, reason: "no such token: [redacted]"},
		"a novel": {errs: []error{&refresh.ExchangeError{Outcome: refresh.Terminal, Err: errors.New(strings.Repeat("é", 1<<20))}},
			want: token.ErrRefused, posts: 1, kind: refresh.Died, reason: "éé"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{script: answers(false, test.errs...)}
				store := new(refresh.Memory)
				var j journal
				initial := a.due()
				r := &refresh.Rotator{Exchanger: a, Initial: initial, Store: store, Key: "k", OnEvent: j.add}
				var tok token.Token
				var err error
				for range len(test.errs) + 1 {
					tok, err = r.Token(t.Context())
					if errors.Is(err, token.ErrInvalid) || err != nil && !tok.IsZero() {
						t.Fatalf("token %t, error %v", !tok.IsZero(), err)
					}
					if err == nil || errors.Is(err, token.ErrRefused) {
						break
					}
					if wait := token.RetryAfter(err); wait < time.Second/2 || wait > 4*time.Second {
						t.Fatalf("to be tried again after %v", wait)
					}
					time.Sleep(token.RetryAfter(err))
				}
				if !errors.Is(err, test.want) || test.not != nil && errors.Is(err, test.not) {
					t.Fatalf("in the end: %v, want %v", err, test.want)
				}
				if got := len(a.requests()); got != test.posts || j.count(test.kind) != 1 {
					t.Errorf("%d requests, want %d; events %v", got, test.posts, j.events)
				}
				c := stored(t, store)
				if dead := c.Dead != nil; dead != (test.want != nil) || c.Claim != nil {
					t.Errorf("the Store holds death %v, claim %v", c.Dead, c.Claim)
				}
				if test.want == nil {
					return
				}
				if !strings.Contains(c.Dead.Reason, test.reason) || !strings.Contains(err.Error(), test.reason) || len(err.Error()) > 1000 ||
					!strings.Contains(err.Error(), "log in again") || strings.Contains(err.Error(), "refresh-1") {
					t.Errorf("stored as %q, told as %q", c.Dead.Reason, err)
				}
				// Nobody presents it again: not this holder, not another, not
				// after a restart, not if it is given the same login.
				for range 3 {
					time.Sleep(2 * time.Hour)
					refuses(t, r, test.want)
					refuses(t, &refresh.Rotator{Exchanger: a, Initial: initial, Store: store, Key: "k"}, test.want)
				}
				if got := len(a.requests()); got != test.posts {
					t.Errorf("%d requests after its death", got-test.posts)
				}
			})
		})
	}
}

// While the issuer is in trouble, callers get the error at once, and it is asked
// after a pause that grows to a minute, or is as long as it asks for.
func TestRotatorPauses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err      error
		min, max int // requests in an hour
	}{
		"unknown":          {errors.New("connection cut"), 60, 130},
		"transient":        {&refresh.ExchangeError{Outcome: refresh.Transient}, 60, 130},
		"as it says":       {&refresh.ExchangeError{Outcome: refresh.Transient, Wait: 10 * time.Minute}, 6, 6},
		"as it says, more": {&refresh.ExchangeError{Wait: 1000 * time.Hour}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{script: func(int, context.Context, func() (refresh.Pair, error)) (refresh.Pair, error) {
					return refresh.Pair{}, test.err
				}}
				r := &refresh.Rotator{Exchanger: a, Initial: a.due()}
				for began := time.Now(); time.Since(began) < time.Hour; time.Sleep(time.Second) {
					if _, err := r.Token(t.Context()); !errors.Is(err, test.err) || token.RetryAfter(err) <= 0 || errors.Is(err, token.ErrRefused) {
						t.Fatalf("got %v, to be tried again after %v", err, token.RetryAfter(err))
					}
				}
				if got := len(a.requests()); got < test.min || got > test.max {
					t.Errorf("%d requests in an hour, want %d to %d", got, test.min, test.max)
				}
				if s := fmt.Sprint(a.requests()[0]); s != "refresh-1" {
					t.Errorf("presented %s", s)
				}
			})
		})
	}
}

// A token that is due, but good, is handed out while the issuer is in trouble,
// and is not handed out when it is dead.
func TestRotatorOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		down := false
		a.script = func(_ int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			if down {
				return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Transient, Err: errors.New("busy")}
			}
			return act()
		}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due()}
		expect(t, r, "access-2")
		down = true
		time.Sleep(50 * time.Minute)
		for range 9 {
			tok, err := r.Token(t.Context())
			if err != nil || tok.Value.Reveal() != "access-2" || tok.RefreshIn <= 0 || tok.RefreshIn > time.Minute {
				t.Fatalf("%v, to be asked again after %v", err, tok.RefreshIn)
			}
			expect(t, r, "access-2") // during the pause
			time.Sleep(time.Minute)
		}
		time.Sleep(58 * time.Second)
		if tok, err := r.Token(t.Context()); err == nil {
			t.Errorf("got a token with %v left", tok.ExpiresIn)
		}
		down = false
		time.Sleep(time.Minute)
		expect(t, r, "access-3")
	})
}

// During a pause a pair that somebody else has stored is used all the same.
func TestRotatorAdoptsDuringAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{script: answers(false, &refresh.ExchangeError{Outcome: refresh.Transient, Wait: time.Hour})}
		store := new(refresh.Memory)
		first := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
		second := &refresh.Rotator{Exchanger: a, Store: store, Key: "k"}
		if _, err := first.Token(t.Context()); err == nil {
			t.Fatal("no error")
		}
		expect(t, second, "access-2")
		expect(t, first, "access-2")
		time.Sleep(50 * time.Minute)
		expect(t, first, "access-3")
	})
}

// A refusal is final only if the pair is still the same: another holder may have
// been faster.
func TestRotatorRefusalIsLookedInto(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		other := &refresh.Rotator{Exchanger: a, Store: store, Key: "k"}
		a.script = func(n int, ctx context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			if n == 1 {
				if err := other.Replace(ctx, a.login()); err != nil { // while the answer is on its way
					t.Error(err)
				}
				return refresh.Pair{}, errUsedBefore
			}
			return act()
		}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
		expect(t, r, "access-2")
		if c := stored(t, store); c.Dead != nil {
			t.Errorf("the Store holds %+v", c.Dead)
		}
	})
}

// As long as the Store cannot be read, a refusal is not final, but the refresh
// token is not presented again either.
func TestRotatorRefusalWithoutAStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := false
		store := &storetest.Faulty{Store: new(refresh.Memory), Script: func(storetest.Call) storetest.Fault {
			if down {
				return storetest.Fail
			}
			return storetest.None
		}}
		a := &authority{script: func(int, context.Context, func() (refresh.Pair, error)) (refresh.Pair, error) {
			down = true
			return refresh.Pair{}, errUsedBefore
		}}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
		for range 10 {
			if _, err := r.Token(t.Context()); !errors.Is(err, storetest.ErrFault) || errors.Is(err, token.ErrRefused) {
				t.Errorf("got %v", err)
			}
			time.Sleep(time.Minute)
		}
		down = false
		refuses(t, r, refresh.ErrReused)
		if len(a.requests()) != 1 {
			t.Errorf("%d requests", len(a.requests()))
		}
	})
}

// A refusal of a holder whose claim was taken over waits for the one who took it
// over: that one may have the new pair.
func TestRotatorRefusalUnderAnothersClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer outlive()
		a := &authority{}
		memory := new(refresh.Memory)
		frozen, entered := make(chan struct{}), make(chan struct{})
		a.script = func(n int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			if n == 1 { // its request arrives last
				close(entered)
				<-frozen
				return act()
			}
			p, err := act()
			close(frozen)
			time.Sleep(5 * time.Second)
			return p, err
		}
		// The first holder cannot give its claim back: it is frozen.
		first := &refresh.Rotator{Exchanger: a, Initial: a.due(), Timeout: time.Minute, Lease: 2 * time.Minute, Store: memory, Key: "k"}
		second := &refresh.Rotator{Exchanger: a, Store: memory, Key: "k"}
		go first.Token(t.Context())
		<-entered
		shortenLease(t, memory)
		expect(t, second, "access-2")
		expect(t, first, "access-2")
		if c := stored(t, memory); c.Dead != nil || len(a.requests()) != 2 {
			t.Errorf("death %v, %d requests", c.Dead, len(a.requests()))
		}
	})
}

// shortenLease rewrites the claim in the Store, so that it is over at once.
func shortenLease(t *testing.T, s refresh.Store) {
	t.Helper()
	force(t, s, []byte(strings.Replace(string(contents(t, s)), `"lease":120`, `"lease":0.001`, 1)))
}

// A new refresh token is kept, whatever else was wrong with the answer; the old
// one is kept if none comes.
func TestRotatorPartialAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		a.script = func(n int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			switch n {
			case 1: // no access token
				p, _ := act()
				return refresh.Pair{}, &refresh.ExchangeError{Refresh: p.Refresh, Err: errors.New("cut short")}
			case 2:
				p, _ := act()
				return refresh.Pair{Refresh: p.Refresh}, nil
			case 3: // no refresh token
				return refresh.Pair{Access: token.Token{Value: token.NewSecret("plain"), ExpiresIn: time.Hour}}, nil
			case 4: // an error, with what was presented for good measure
				return refresh.Pair{Refresh: token.Token{Value: token.NewSecret(a.sent[3])}}, &refresh.ExchangeError{Outcome: refresh.Transient}
			case 5: // nothing at all
				return refresh.Pair{}, nil
			}
			return act()
		}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
		for n := 2; n < 4; n++ {
			if _, err := r.Token(t.Context()); err == nil || token.RetryAfter(err) == 0 {
				t.Errorf("answer %d: %v", n, err)
			}
			if c := stored(t, store); c.Refresh.Value != fmt.Sprint("refresh-", n) || c.Access != nil || c.Claim != nil || c.Unknown {
				t.Errorf("the Store holds %+v", c)
			}
			time.Sleep(2 * time.Second)
		}
		expect(t, r, "plain")
		number := stored(t, store).Pair
		if c := stored(t, store); c.Refresh.Value != "refresh-3" {
			t.Errorf("the Store holds %+v", c)
		}
		for _, want := range []string{"transient", "empty pair"} {
			time.Sleep(time.Hour)
			if _, err := r.Token(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if c := stored(t, store); c.Pair != number || c.Refresh.Value != "refresh-3" {
				t.Errorf("the Store holds %+v", c)
			}
		}
		time.Sleep(time.Hour)
		expect(t, r, "access-4")
		if len(a.requests()) != 6 || a.isOver() {
			t.Errorf("presented %v", a.requests())
		}
	})
}

// A token that cannot be sent is not handed out, and the pair is kept.
func TestRotatorDeadOnArrival(t *testing.T) {
	t.Parallel()
	for _, access := range []token.Token{
		{Value: token.NewSecret("x"), ExpiresIn: -time.Second},
		{Value: token.NewSecret("x"), Expiry: time.Now().Add(-100 * 365 * 24 * time.Hour)},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &authority{}
			a.script = func(_ int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
				p, err := act()
				p.Access = access
				return p, err
			}
			store := new(refresh.Memory)
			r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
			for range 50 {
				if tok, err := r.Token(t.Context()); err == nil {
					t.Fatalf("got a token with %v left", tok.ExpiresIn)
				}
			}
			if c := stored(t, store); c.Refresh.Value != "refresh-2" || len(a.requests()) != 1 {
				t.Errorf("the Store holds %+v after %d requests", c, len(a.requests()))
			}
		})
	}
}

// An error that only mentions what would blame a caller, or would mean that a
// login is over, means neither.
func TestRotatorErrorsBlameNobody(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{token.ErrInvalid, token.ErrExpired, token.ErrRefused} {
		a := &authority{script: answers(false, &refresh.ExchangeError{Outcome: refresh.Transient, Err: fmt.Errorf("our client assertion: %w", cause), Wait: time.Minute})}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due()}
		_, err := r.Token(t.Context())
		if err == nil || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) || !strings.Contains(err.Error(), cause.Error()) || token.RetryAfter(err) != time.Minute {
			t.Errorf("%v became %v", cause, err)
		}
	}
}

// Goexit in an Exchanger, as t.FailNow calls it, is an error like any other.
func TestRotatorGoexit(t *testing.T) {
	t.Parallel()
	r := &refresh.Rotator{Initial: pairNumber(1, 0)}
	r.Initial.Access = token.Token{}
	r.Exchanger = refresh.ExchangerFunc(func(context.Context, token.Secret) (refresh.Pair, error) {
		runtime.Goexit()
		return refresh.Pair{}, nil
	})
	if _, err := r.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "Goexit") {
		t.Errorf("got %v", err)
	}
}
