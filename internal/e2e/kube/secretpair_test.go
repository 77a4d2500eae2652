package kube_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A strict is an issuer without grace: a refresh token that comes twice ends the
// login. It counts what is presented to it.
type strict struct {
	*refresh.Issuer
	life    time.Duration
	reused  atomic.Int64
	mu      sync.Mutex
	seen    map[string]int // by fingerprint
	current string         // the newest access token
	minted  int
}

func newStrict(life time.Duration) *strict {
	s := &strict{life: life, seen: map[string]int{}}
	s.Issuer = &refresh.Issuer{
		Keys:  &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}},
		Store: new(refresh.Memory),
		Grace: -1,
		Mint: func(context.Context, refresh.Grant) (token.Token, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.minted++
			s.current = "access-" + time.Now().String()
			return token.Token{Value: token.NewSecret(s.current), ExpiresIn: s.life}, nil
		},
		OnAudit: func(_ context.Context, a refresh.Audit) {
			if a.Kind == refresh.AuditReuse {
				s.reused.Add(1)
			}
		},
	}
	return s
}

// Exchange implements refresh.Exchanger.
func (s *strict) Exchange(ctx context.Context, presented token.Secret) (refresh.Pair, error) {
	s.mu.Lock()
	s.seen[presented.Fingerprint()]++
	s.mu.Unlock()
	return s.Issuer.Exchange(ctx, refresh.Request{Refresh: presented, Client: "replica"})
}

// exchanged returns how many refresh tokens were presented, and fails the test if one
// was twice.
func (s *strict) exchanged(t *testing.T) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for f, n := range s.seen {
		if n > 1 {
			t.Errorf("refresh token %s was presented %d times", f, n)
		}
	}
	if n := s.reused.Load(); n > 0 {
		t.Errorf("%d logins ended because of reuse", n)
	}
	return len(s.seen)
}

// replica returns a Rotator on a SecretStore with a client of its own, and what counts
// that client's requests.
func replica(t *testing.T, s *apiserver.Server, issuer *strict, login refresh.Pair) (*refresh.Rotator, *atomic.Int64) {
	t.Helper()
	requests := new(atomic.Int64)
	config := s.User("alice")
	config.Wrap(func(base http.RoundTripper) http.RoundTripper { return countingWire{base, requests} })
	return &refresh.Rotator{
		Exchanger: issuer,
		Store:     secretStore(t, config, "ci"),
		Key:       "github",
		Initial:   login,
		Lease:     patientLease,
	}, requests
}

// patientLease is longer than the API server can be away on a busy machine, with the
// pause thereafter in which who holds the claim does not look whether it is back: a
// minute at most. Nobody dies here whose claim had to be taken over, and an issuer
// without grace forgives nobody who does that too early.
const patientLease = 10 * time.Minute

type countingWire struct {
	http.RoundTripper
	n *atomic.Int64
}

func (c countingWire) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.RoundTripper.RoundTrip(r)
}

// login begins a login at issuer, whose access token is used up.
func (s *strict) login(t *testing.T) refresh.Pair {
	t.Helper()
	p, err := s.Begin(t.Context(), refresh.Grant{Subject: "mira", Client: "replica"})
	if err != nil {
		t.Fatal(err)
	}
	return refresh.Pair{Refresh: p.Refresh}
}

// Two replicas share a pair in a Secret with the documented Role and nothing else.
// The issuer sees each refresh token once, also while the API server is killed and
// comes back, after which they have tokens again.
//
// Whoever waits for a token while the API server is there gets one, unless the machine
// stands still for so long that a call to the Store is given up, or the wait for it. That
// is why there are three tries, each with another server; a refresh token that is
// presented twice, or a lost login, is a failure at once.
func TestSharedPair(t *testing.T) {
	t.Parallel()
	const tries = 3
	for try := 1; ; try++ {
		err := sharedPair(t)
		if err == nil || t.Failed() {
			return
		}
		if try == tries {
			t.Fatal(err)
		}
		t.Logf("once more, since %v", err)
	}
}

// sharedPair is one try, and returns what may have failed because the machine was busy.
func sharedPair(t *testing.T) (late error) {
	s := apiserver.Start(t)
	defer s.Stop()
	permit(t, s, documentedRole(t), "alice")
	issuer := newStrict(1500 * time.Millisecond)
	login := issuer.login(t)
	one, _ := replica(t, s, issuer, login)
	two, _ := replica(t, s, issuer, login)
	sources := []token.Source{refresh.New(one), refresh.New(two)}

	const patience = 10 * time.Second // of a caller
	ctx, cancel := context.WithCancel(t.Context())
	var calls, failures atomic.Int64
	var away atomic.Bool
	var wg sync.WaitGroup
	defer func() { cancel(); wg.Wait() }() // whatever ends the test
	failed := make(chan error, 1)          // the first of them
	for _, src := range sources {
		for range 8 {
			wg.Go(func() {
				for ctx.Err() == nil {
					short, end := context.WithTimeout(ctx, patience)
					began := away.Load()
					_, err := src.Token(short)
					end()
					switch {
					case ctx.Err() != nil:
					case err == nil:
						calls.Add(1)
					case errors.Is(err, token.ErrRefused):
						t.Errorf("the login is lost: %v", err)
						return
					case !began && !away.Load():
						select {
						case failed <- fmt.Errorf("while the API server is there: %w", err):
						default:
						}
						return
					default:
						failures.Add(1)
					}
					<-time.After(10 * time.Millisecond)
				}
			})
		}
	}
	// exchange waits for eight seconds, and on a busy machine until the pair has been
	// exchanged so many times.
	exchange := func(times int) int {
		<-time.After(8 * time.Second)
		for began := time.Now(); issuer.exchanged(t) < times && time.Since(began) < time.Minute; {
			<-time.After(100 * time.Millisecond)
		}
		return issuer.exchanged(t)
	}
	before := exchange(4)
	away.Store(true)
	s.Stop()
	<-time.After(3 * time.Second)
	s.Restart(t)
	for i, src := range sources {
		// After its pause: the first answers can be refusals, since the server reads its
		// Roles a little later. A pause is a minute at most, of the Source and of the
		// Rotator below it, if the server was away for long.
		within(t, 4*time.Minute, fmt.Sprintf("replica %d recovers", i), func() error {
			_, err := src.Token(t.Context())
			return err
		})
	}
	<-time.After(patience + 100*time.Millisecond) // calls that began before
	away.Store(false)
	healed := issuer.exchanged(t)
	exchange(healed + 4)
	cancel()
	wg.Wait()
	after := issuer.exchanged(t)
	select {
	case err := <-failed:
		return err
	default:
	}
	if before < 4 || after < healed+4 {
		return fmt.Errorf("%d rotations before the API server went away, %d when it was back, %d in the end", before, healed, after)
	}
	t.Logf("%d calls, %d rotations, 0 refresh tokens presented twice; %d calls failed while the API server was away", calls.Load(), after, failures.Load())
	return nil
}

// Sixteen replicas want a token of a new login at the same moment: one exchanges the
// refresh token, the others wait for the pair.
func TestSharedPairContended(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	permit(t, s, documentedRole(t), "alice")
	issuer := newStrict(time.Hour)
	const replicas, rounds = 16, 10
	var stores []refresh.Store
	var requests []*atomic.Int64
	for range replicas {
		r, n := replica(t, s, issuer, refresh.Pair{})
		stores, requests = append(stores, r.Store), append(requests, n)
	}
	total := func() (n int64) {
		for _, r := range requests {
			n += r.Swap(0)
		}
		return n
	}
	var all []*refresh.Rotator
	for round := range rounds {
		login := issuer.login(t)
		all = nil
		for _, store := range stores {
			all = append(all, &refresh.Rotator{Exchanger: issuer, Store: store, Key: "github", Initial: login, Lease: patientLease})
		}
		var wg sync.WaitGroup
		got := make([]token.Token, replicas)
		for i, r := range all {
			wg.Go(func() {
				var err error
				if got[i], err = unlessLate(t, r); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		if n := issuer.exchanged(t); n != round+1 || t.Failed() {
			t.Fatalf("%d exchanges in %d rounds", n, round+1)
		}
		for i := range all {
			if !got[i].Value.Equal(got[0].Value) {
				t.Errorf("round %d: two access tokens", round)
			}
		}
		t.Logf("round %d: %d requests of %d replicas", round, total(), replicas)
	}

	// What one rotation costs that nobody contends for, and a look that finds a token.
	cost := func(r *refresh.Rotator) (rotation, look int64) {
		t.Helper()
		token := func() token.Token {
			tok, err := unlessLate(t, r)
			if err != nil {
				t.Fatal(err)
			}
			return tok
		}
		tok := token()
		total()
		r.Invalidate(tok)
		token()
		rotation = total()
		token()
		return rotation, total()
	}
	for i, r := range all[:3] { // each refuses its first token at once, and the next only after a pause
		began := time.Now()
		rotation, look := cost(r)
		if rotation == 5 && look == 1 {
			break
		}
		// A request that takes five seconds is given up, and made again.
		if time.Since(began) < givenUp || i == 2 {
			t.Errorf("%d requests for a rotation and %d for a look, want 5 and 1", rotation, look)
			break
		}
	}
	eventually(t, "the logout", func() error { return all[1].Forget(t.Context()) })
	if _, err := all[2].Token(t.Context()); err == nil {
		t.Error("a token after the logout")
	}
}

// givenUp is how long a Rotator waits for a Store.
const givenUp = 5 * time.Second

// unlessLate has r get a token, and again for a few minutes while the error is that the
// Store took too long, which says something of the machine.
func unlessLate(t *testing.T, r *refresh.Rotator) (token.Token, error) {
	for began := time.Now(); ; <-time.After(100 * time.Millisecond) {
		tok, err := r.Token(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 3*time.Minute {
			return tok, err
		}
	}
}
