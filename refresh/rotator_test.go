package refresh_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// An authority is an issuer of rotating pairs: "refresh-1" gets "access-2" and
// "refresh-2", once. If it comes again the login is over, but for the grace that
// the one spent last has.
type authority struct {
	life  time.Duration // of access tokens; 0 means an hour
	grace time.Duration
	takes time.Duration // until it acts, and again until its answer is there

	// script, if not nil, says what becomes of the n-th request, counted from
	// one. It may call act, which is what the authority does by itself.
	script func(n int, ctx context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error)

	mu      sync.Mutex
	n       int // of the refresh token that is good
	spent   time.Time
	over    bool
	sent    []string // refresh tokens presented
	revoked []string // refresh tokens given to Revoke
}

var errUsedBefore = &refresh.ExchangeError{Outcome: refresh.Terminal, Reused: true, Err: errors.New("invalid_grant: used before")}

func pairNumber(n int, life time.Duration) refresh.Pair {
	if life == 0 {
		life = time.Hour
	}
	return refresh.Pair{
		Access:  token.Token{Value: token.NewSecret(fmt.Sprint("access-", n)), ExpiresIn: life},
		Refresh: token.Token{Value: token.NewSecret(fmt.Sprint("refresh-", n))},
	}
}

// login begins a login, and returns its first pair.
func (a *authority) login() refresh.Pair {
	a.n, a.over = a.n+1, false
	return pairNumber(a.n, a.life)
}

// due returns the first pair of a login without its access token.
func (a *authority) due() refresh.Pair { return refresh.Pair{Refresh: a.login().Refresh} }

// act is what the authority does with a refresh token.
func (a *authority) act(presented string) (refresh.Pair, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.over:
		return refresh.Pair{}, errUsedBefore
	case presented == fmt.Sprint("refresh-", a.n):
		a.n++
		a.spent = time.Now()
		return pairNumber(a.n, a.life), nil
	case presented == fmt.Sprint("refresh-", a.n-1) && time.Since(a.spent) < a.grace:
		return pairNumber(a.n, a.life), nil
	}
	a.over = true
	return refresh.Pair{}, errUsedBefore
}

func (a *authority) Exchange(ctx context.Context, presented token.Secret) (refresh.Pair, error) {
	a.mu.Lock()
	a.sent = append(a.sent, presented.Reveal())
	n := len(a.sent)
	a.mu.Unlock()
	act := func() (refresh.Pair, error) {
		if err := sleep(ctx, a.takes); err != nil {
			return refresh.Pair{}, err
		}
		p, err := a.act(presented.Reveal())
		if late := sleep(ctx, a.takes); late != nil {
			return refresh.Pair{}, late
		}
		return p, err
	}
	if a.script != nil {
		return a.script(n, ctx, act)
	}
	return act()
}

func (a *authority) Revoke(_ context.Context, presented token.Secret) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked = append(a.revoked, presented.Reveal())
	return nil
}

// requests returns the refresh tokens that were presented.
func (a *authority) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sent)
}

func (a *authority) isOver() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.over
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A journal keeps the events of a Rotator.
type journal struct {
	mu     sync.Mutex
	events []refresh.Event
}

func (j *journal) add(e refresh.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, e)
}

func (j *journal) count(kind refresh.Kind) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// access returns the access token that r hands out, or fails the test.
func access(t *testing.T, r token.Source) string {
	t.Helper()
	tok, err := r.Token(t.Context())
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	return tok.Value.Reveal()
}

// expect fails the test unless r hands out want.
func expect(t *testing.T, r token.Source, want string) {
	t.Helper()
	if got := access(t, r); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// refuses fails the test unless the error of r matches want.
func refuses(t *testing.T, r token.Source, want error) {
	t.Helper()
	tok, err := r.Token(t.Context())
	if !errors.Is(err, want) || !tok.IsZero() {
		t.Errorf("got a token: %t, error %v; want %v", !tok.IsZero(), err, want)
	}
	if errors.Is(err, token.ErrInvalid) {
		t.Errorf("the error blames the caller: %v", err)
	}
}

// A content is what the Store holds under "pair/k", as it is documented.
type content struct {
	V       int                     `json:"v"`
	N       uint64                  `json:"n"`
	Nonce   string                  `json:"nonce"`
	Pair    uint64                  `json:"pair"`
	Access  *struct{ Value string } `json:"access"`
	Refresh *struct{ Value string } `json:"refresh"`
	Claim   *struct {
		Rotator, Holder string
		Lease           float64
	} `json:"claim"`
	Unknown bool `json:"unknown"`
	Dead    *struct {
		Reason       string
		Reused, Lost bool
	} `json:"dead"`
	Seeds []string `json:"seeds"`
}

// stored returns what is in the Store.
func stored(t *testing.T, s refresh.Store) (c content) {
	t.Helper()
	raw, err := s.Get(context.Background(), "pair/k")
	if err != nil {
		t.Fatal(err)
	}
	if raw != nil {
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
	}
	return c
}

// force puts raw into the Store, whatever is there.
func force(t *testing.T, s refresh.Store, raw []byte) {
	t.Helper()
	old, _ := s.Get(context.Background(), "pair/k")
	if ok, err := s.Swap(context.Background(), "pair/k", old, raw, time.Time{}); !ok || err != nil {
		t.Fatal(ok, err)
	}
}

// contents returns what is in the Store, to be put back by force.
func contents(t *testing.T, s refresh.Store) []byte {
	t.Helper()
	raw, err := s.Get(context.Background(), "pair/k")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The access token in the Store is handed out until it is due; then there is one
// exchange, which costs three calls of the Store.
func TestRotatorRotates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := &storetest.Faulty{Store: new(refresh.Memory)}
		r := &refresh.Rotator{Exchanger: a, Initial: a.login(), Store: store, Key: "k"}
		expect(t, r, "access-1")
		for n := 2; n < 50; n++ {
			time.Sleep(41 * time.Minute) // due after 42 to 48 minutes
			before, _ := store.Count()
			expect(t, r, fmt.Sprint("access-", n-1))
			if gets, _ := store.Count(); gets != before+1 {
				t.Fatalf("%d reads of the Store for a token that is not due, want 1", gets-before)
			}
			time.Sleep(8 * time.Minute)
			gets, swaps := store.Count()
			tok, err := r.Token(t.Context())
			if err != nil || tok.Value.Reveal() != fmt.Sprint("access-", n) || tok.ExpiresIn != time.Hour ||
				tok.RefreshIn < 42*time.Minute || tok.RefreshIn > 48*time.Minute {
				t.Fatalf("when due: %v left, %v until due, %v", tok.ExpiresIn, tok.RefreshIn, err)
			}
			moreGets, moreSwaps := store.Count()
			if moreGets-gets != 1 || moreSwaps-swaps != 2 {
				t.Fatalf("a rotation took %d reads and %d writes of the Store, want 1 and 2", moreGets-gets, moreSwaps-swaps)
			}
		}
		if got := len(a.requests()); got != 48 || a.isOver() {
			t.Errorf("%d exchanges, over: %t", got, a.isOver())
		}
	})
}

// A Rotator without a Store keeps the pair in memory.
func TestRotatorInMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due()}
		for n := 2; n < 5; n++ {
			expect(t, r, fmt.Sprint("access-", n))
			time.Sleep(time.Hour)
		}
	})
}

// Any number of callers get one exchange, each until its own deadline.
func TestRotatorCallersShareAnExchange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{takes: time.Second}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due()}
		hasty, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { // begins the exchange, and leaves
			if _, err := r.Token(hasty); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a caller with a deadline: %v", err)
			}
		})
		synctest.Wait()
		for range 1000 {
			wg.Go(func() { expect(t, r, "access-2") })
		}
		wg.Wait()
		if got := a.requests(); len(got) != 1 {
			t.Errorf("%d exchanges, want 1", len(got))
		}
	})
}

// Replicas that share a Store make one exchange for all of them, whoever comes
// first.
func TestRotatorReplicas(t *testing.T) {
	t.Parallel()
	for _, locking := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := &authority{takes: 200 * time.Millisecond}
			var store refresh.Store = new(refresh.Memory)
			if locking {
				store = &storetest.Locking{Store: store}
			}
			initial := a.due()
			var wg sync.WaitGroup
			for range 3 {
				r := &refresh.Rotator{Exchanger: a, Initial: initial, Store: store, Key: "k"}
				for range 3 {
					wg.Go(func() {
						for began := time.Now(); time.Since(began) < 24*time.Hour; time.Sleep(time.Minute) {
							if _, err := r.Token(t.Context()); err != nil {
								t.Errorf("after %v: %v", time.Since(began), err)
								return
							}
						}
					})
				}
			}
			wg.Wait()
			synctest.Wait()
			sent := a.requests()
			if got := len(slices.Compact(slices.Sorted(slices.Values(sent)))); got != len(sent) || a.isOver() {
				t.Errorf("locking %t: %d requests for %d refresh tokens, over: %t", locking, len(sent), got, a.isOver())
			}
			if len(sent) < 30 || len(sent) > 40 {
				t.Errorf("locking %t: %d exchanges in a day", locking, len(sent))
			}
		})
	}
}

// While another holder exchanges, callers wait for it and get what it got.
func TestRotatorAdopts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{takes: 2 * time.Second}
		store := new(refresh.Memory)
		var j journal
		first := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
		second := &refresh.Rotator{Exchanger: a, Store: store, Key: "k", OnEvent: j.add}
		go first.Token(t.Context())
		synctest.Wait()
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := second.Token(hasty)
		if claim := stored(t, store).Claim; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), claim.Holder) {
			t.Errorf("the error of a caller that left does not name %q: %v", claim.Holder, err)
		}
		expect(t, second, "access-2")
		if j.count(refresh.Adopted) != 1 || len(a.requests()) != 1 {
			t.Errorf("events %v, %d exchanges", j.events, len(a.requests()))
		}
	})
}

// What is missing or wrong is named.
func TestRotatorConfiguration(t *testing.T) {
	t.Parallel()
	a := &authority{}
	for name, test := range map[string]struct {
		r    *refresh.Rotator
		want string
	}{
		"no Exchanger": {&refresh.Rotator{}, "Rotator.Exchanger is nil"},
		"no Key":       {&refresh.Rotator{Exchanger: a, Store: new(refresh.Memory)}, "Rotator.Key is empty"},
		"short Lease":  {&refresh.Rotator{Exchanger: a, Timeout: time.Minute}, "the lease must be longer"},
		"equal Lease":  {&refresh.Rotator{Exchanger: a, Timeout: time.Minute, Lease: time.Minute}, "the lease must be longer"},
		"long Lease":   {&refresh.Rotator{Exchanger: a, Lease: 25 * time.Hour}, "at most 24h"},
		"no pair":      {&refresh.Rotator{Exchanger: a}, "Initial.Refresh"},
		"access only":  {&refresh.Rotator{Exchanger: a, Initial: refresh.Pair{Access: pairNumber(1, 0).Access}}, "Initial.Refresh"},
	} {
		noLogin := name == "no pair" || name == "access only"
		_, err := test.r.Token(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, token.ErrRefused) != noLogin {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if !noLogin {
			if err := test.r.Replace(t.Context(), pairNumber(1, 0)); err == nil {
				t.Errorf("%s: Replace gave no error", name)
			}
			if err := test.r.Forget(t.Context()); err == nil {
				t.Errorf("%s: Forget gave no error", name)
			}
		}
	}
}

// A Rotator prints no secret, whatever it holds.
func TestRotatorPrintsNoSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		r := &refresh.Rotator{Exchanger: refresh.ExchangerFunc(a.Exchange), Initial: a.due()}
		access(t, r)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			for _, text := range []string{fmt.Sprintf(verb, r), fmt.Sprintf(verb, []any{r})} {
				// Without a Store the bytes of one are in it, which some verbs print
				// one by one.
				bytes := strings.Contains(text, "97 99 99 101 115 115") || strings.Contains(text, fmt.Sprintf("%x", "access-2"))
				if bytes || strings.Contains(text, "access-2") || strings.Contains(text, "refresh-") {
					t.Errorf("%s prints %s", verb, text)
				}
			}
		}
	})
}
