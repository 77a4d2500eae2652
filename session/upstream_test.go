package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// An upstream issues pairs whose tokens are numbered. A refresh token is good
// once.
type upstream struct {
	mu        sync.Mutex
	issued    int
	exchanged int
	current   map[string]bool // refresh tokens
	revoked   []string
	took      time.Duration // for an exchange
	err       error         // of Exchange and Revoke
}

// login returns a first pair, whose access token lives for life.
func (u *upstream) login(life time.Duration) refresh.Pair {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.issue(life)
}

func (u *upstream) issue(life time.Duration) refresh.Pair {
	u.issued++
	r := fmt.Sprintf("refresh-%d", u.issued)
	if u.current == nil {
		u.current = make(map[string]bool)
	}
	u.current[r] = true
	return refresh.Pair{
		Access:  token.Token{Value: token.NewSecret(fmt.Sprintf("access-%d", u.issued)), ExpiresIn: life},
		Refresh: token.Token{Value: token.NewSecret(r)},
	}
}

func (u *upstream) Exchange(ctx context.Context, refreshToken token.Secret) (refresh.Pair, error) {
	time.Sleep(u.took)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.exchanged++
	if u.err != nil {
		return refresh.Pair{}, u.err
	}
	if !u.current[refreshToken.Reveal()] {
		return refresh.Pair{}, fmt.Errorf("%w: it was used before", token.ErrRevoked)
	}
	delete(u.current, refreshToken.Reveal())
	return u.issue(time.Hour), nil
}

func (u *upstream) Revoke(ctx context.Context, refreshToken token.Secret) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.revoked = append(u.revoked, refreshToken.Reveal())
	return u.err
}

// upstreamReplica is a replica whose sessions have pairs of u.
func upstreamReplica(store refresh.Store, u *upstream) *Manager[string] {
	m := replica(store)
	m.Exchanger, m.Revoke = u, u.Revoke
	return m
}

// access returns the access token that src gives.
func access(t *testing.T, src token.Source) string {
	t.Helper()
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Error(err)
		return ""
	}
	return tok.Value.Reveal()
}

// upstreamOver fails the test unless src says that the login is over.
func upstreamOver(t *testing.T, src token.Source) {
	t.Helper()
	tok, err := src.Token(t.Context())
	if !tok.IsZero() || !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) || errors.Is(err, ErrNoSession) {
		t.Errorf("Token = %v, %v, want an error that matches ErrRefused and not ErrInvalid", tok, err)
	}
}

// However many tabs and replicas ask at once, there is one exchange.
func TestSourceOneExchange(t *testing.T) {
	t.Parallel()
	for _, locks := range []bool{false, true} {
		for replicas := 1; replicas <= 2; replicas++ {
			t.Run(fmt.Sprint("locks ", locks, replicas), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var store refresh.Store = new(refresh.Memory)
					if locks {
						store = &storetest.Locking{Store: store}
					}
					u := &upstream{took: time.Second}
					managers := []*Manager[string]{upstreamReplica(store, u), upstreamReplica(store, u)}
					s, v := visit(t, managers[0], "mira")
					if err := managers[0].SetPair(t.Context(), s, u.login(time.Minute)); err != nil {
						t.Fatal(err)
					}
					for round := range 3 {
						time.Sleep(time.Duration(1+round) * time.Minute)
						if round > 0 {
							time.Sleep(time.Hour)
							// So that nobody is idle.
							w := httptest.NewRecorder()
							if err := managers[0].Save(w, v.request("GET"), s); err != nil {
								t.Fatal(err)
							}
							v = w.Result().Cookies()
						}
						var wg sync.WaitGroup
						for i := range 16 {
							wg.Go(func() {
								m := managers[i%replicas]
								s, err := m.Load(v.request("GET"))
								if err != nil {
									t.Error(err)
									return
								}
								if got, want := access(t, m.Source(s)), fmt.Sprintf("access-%d", round+2); got != want {
									t.Errorf("got %s, want %s", got, want)
								}
							})
						}
						wg.Wait()
						if u.exchanged != round+1 {
							t.Fatalf("%d exchanges, want %d", u.exchanged, round+1)
						}
					}
				})
			})
		}
	}
}

// Logout, and a login over it, revoke the pair and take it out of the Store. What
// still runs for the session gets no token any more, on whatever replica.
func TestSourceForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, end := range map[string]func(*Manager[string], visitor) error{
			"End": func(m *Manager[string], v visitor) error { return v.logout(m) },
			"Start": func(m *Manager[string], v visitor) error {
				_, err := m.Start(httptest.NewRecorder(), v.request("POST"), "nils", "data")
				return err
			},
		} {
			for _, elsewhere := range []bool{false, true} {
				store, u := new(refresh.Memory), new(upstream)
				m, other := upstreamReplica(store, u), upstreamReplica(store, u)
				s, v := visit(t, m, "mira")
				if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
					t.Fatal(err)
				}
				here, there := m.Source(s), other.Source(s)
				if access(t, here) != "access-1" || access(t, there) != "access-1" {
					t.Error("it is another token")
				}
				at := m
				if elsewhere {
					at = other
				}
				if err := end(at, v); err != nil {
					t.Fatal(err)
				}
				if _, held := m.pairs.byLogin.get(s.login); held && at == m {
					t.Errorf("%s: the Rotator is held on to", name)
				}
				upstreamOver(t, here)
				upstreamOver(t, there)
				if len(u.revoked) != 1 || u.revoked[0] != "refresh-1" || u.exchanged != 0 {
					t.Errorf("%s: revoked %v, %d exchanges", name, u.revoked, u.exchanged)
				}
				sealed := refresh.Sealed(store, m.Keys)
				value, err := sealed.Get(t.Context(), "pair/session/__Host-session/"+s.ID)
				if err != nil || value == nil || strings.Contains(string(value), "refresh-1") || strings.Contains(string(value), "access-1") {
					t.Errorf("%s: left in the Store: %s, %v", name, value, err)
				}
			}
		}
	})
}

// The pair stays while the session changes its ID, and what has begun with the old
// ID goes on, until it is ended, by whichever of its copies.
func TestSourceRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := new(upstream)
		m := upstreamReplica(new(refresh.Memory), u)
		s, old := visit(t, m, "mira")
		if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
			t.Fatal(err)
		}
		before := *s
		src := m.Source(&before)
		if err := m.Renew(httptest.NewRecorder(), old.request("POST"), s); err != nil {
			t.Fatal(err)
		}
		for _, src := range []token.Source{src, m.Source(s), m.Source(&before)} {
			if got := access(t, src); got != "access-1" {
				t.Errorf("got %s", got)
			}
		}
		reused := before
		src = m.Source(&reused)
		reused = Session[string]{} // which is the caller's
		if got := access(t, src); got != "access-1" {
			t.Errorf("got %s", got)
		}
		if err := m.SetPair(t.Context(), &before, u.login(time.Hour)); err != nil {
			t.Errorf("SetPair by a request from before: %v", err)
		}
		if got := access(t, m.Source(s)); got != "access-2" || len(u.revoked) != 0 {
			t.Errorf("got %s, and %v was revoked", got, u.revoked)
		}
		if err := old.logout(m); err != nil {
			t.Error(err)
		}
		if len(u.revoked) != 1 || u.revoked[0] != "refresh-2" {
			t.Errorf("%v was revoked", u.revoked)
		}
		for _, src := range []token.Source{src, m.Source(s)} {
			upstreamOver(t, src)
		}
	})
}

// Nothing of a session's in the Store outlives it by more than five minutes, and
// no token is handed out once it is over, although this process knows one.
func TestSourceExpires(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]time.Duration{"": 0, "Now behind": -1000 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, u := &diary{Store: new(refresh.Memory)}, new(upstream)
				m := upstreamReplica(d, u)
				m.Lifetime = 10 * time.Hour
				if offset != 0 {
					m.Now = func() time.Time { return time.Now().Add(offset) }
				}
				end := time.Now().Add(10*time.Hour + 5*time.Minute)
				s, _ := visit(t, m, "mira")
				pair := u.login(time.Minute)
				pair.Refresh.ExpiresIn = 1000 * time.Hour
				if err := m.SetPair(t.Context(), s, pair); err != nil {
					t.Fatal(err)
				}
				src := m.Source(s)
				time.Sleep(9 * time.Hour)
				access(t, src) // an exchange
				time.Sleep(time.Hour - 1)
				access(t, src)
				time.Sleep(time.Nanosecond)
				upstreamOver(t, src)
				time.Sleep(5 * time.Minute)
				upstreamOver(t, src)
				writes := 0
				for key, times := range d.expires {
					for _, at := range times {
						if writes++; at.IsZero() || at.After(end) {
							t.Errorf("%s is kept until %v, want no longer than %v", key, at, end)
						}
					}
				}
				if writes < 3 {
					t.Errorf("%d writes, want a pair, a claim and another pair", writes)
				}
				for key := range d.expires {
					if value, err := d.Get(t.Context(), key); value != nil || err != nil {
						t.Errorf("%s has outlived the session: %v", key, err)
					}
				}
			})
		})
	}
	// What ends sooner still does.
	d := &diary{Store: new(refresh.Memory)}
	s := replica(d).pairStore(&Session[string]{Began: time.Now()})
	sooner := time.Now().Add(time.Minute)
	if ok, err := s.Swap(t.Context(), "k", nil, []byte("v"), sooner); !ok || err != nil || !d.expires["k"][0].Equal(sooner) {
		t.Errorf("Swap = %t, %v, kept until %v", ok, err, d.expires)
	}
}

// A login everywhere ended is over for what still runs, too. The pair is not
// known, and goes with the session's end.
func TestSourceEndAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, u := new(refresh.Memory), new(upstream)
		m, other := upstreamReplica(store, u), upstreamReplica(store, u)
		s, _ := visit(t, m, "mira")
		if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
			t.Fatal(err)
		}
		src := m.Source(s)
		access(t, src)
		if err := other.EndAll(t.Context(), "mira"); err != nil {
			t.Fatal(err)
		}
		upstreamOver(t, src)
	})
}

// A pair that is set for a session that has ended meanwhile does not stay, in
// whatever order the two come.
func TestSetPairEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, end := range map[string]func(*Manager[string], *Session[string]) error{
			"End":    func(m *Manager[string], s *Session[string]) error { return m.endSession(context.Background(), s) },
			"EndAll": func(m *Manager[string], s *Session[string]) error { return m.EndAll(context.Background(), s.Subject) },
		} {
			for n := range 8 { // before the n-th call of the Store
				u := new(upstream)
				var mu sync.Mutex
				calls, ended, asked := 0, false, false
				var s *Session[string]
				store := new(refresh.Memory)
				other := upstreamReplica(store, u)
				m := upstreamReplica(&storetest.Faulty{Store: store, Script: func(c storetest.Call) storetest.Fault {
					mu.Lock() // two reads come at the same time
					defer mu.Unlock()
					if calls++; s != nil && calls == n+1 {
						ended = true
						if err := end(other, s); err != nil {
							t.Error(err)
						}
					}
					asked = asked || !ended && strings.Contains(c.Key, "/subject/")
					return storetest.None
				}}, u)
				began, _ := visit(t, replica(store), "mira")
				calls, s = 0, began
				err := m.SetPair(t.Context(), s, u.login(time.Hour))
				switch {
				case err == nil && !ended:
					continue // there are not so many calls
				case err == nil && name == "EndAll" && asked:
					continue // too early to hear of it, and EndAll does not know the pair
				case err == nil: // then it was forgotten when the session ended
				case !errors.Is(err, ErrNoSession) || !errors.Is(err, token.ErrRevoked):
					t.Errorf("%s before call %d: %v", name, n, err)
				}
				upstreamOver(t, m.Source(s))
				value, err := refresh.Sealed(store, m.Keys).Get(t.Context(), "pair/session/__Host-session/"+s.ID)
				if err != nil || strings.Contains(string(value), "refresh-1") {
					t.Errorf("%s before call %d: left in the Store: %s, %v", name, n, value, err)
				}
				if len(u.revoked) != 1 {
					t.Errorf("%s before call %d: revoked %v", name, n, u.revoked)
				}
			}
		}
	})
}

// So it is when the caller goes away meanwhile, which is no fault of the Store's.
func TestSetPairCallerGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, store := new(upstream), new(refresh.Memory)
		other := upstreamReplica(store, u)
		s, _ := visit(t, other, "mira")
		ctx, cancel := context.WithCancel(t.Context())
		m := upstreamReplica(&storetest.Faulty{Store: store, Script: func(c storetest.Call) storetest.Fault {
			if c.Swap && c.N == 1 {
				if err := other.endSession(t.Context(), s); err != nil {
					t.Error(err)
				}
			} else if strings.HasPrefix(c.Key, "ended/") {
				cancel()
			}
			return storetest.None
		}}, u)
		m.OnEvent = func(e Event) { t.Errorf("told %v", e) }
		if err := m.SetPair(ctx, s, u.login(time.Hour)); !errors.Is(err, ErrNoSession) {
			t.Errorf("got %v, want that there is no session", err)
		}
		if len(u.revoked) != 1 {
			t.Errorf("revoked %v, want the pair that came too late", u.revoked)
		}
	})
}

// Where nobody knows whether the session has ended meanwhile, SetPair says so, and
// the pair stays for who asks again.
func TestSetPairNobodyKnows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, store := new(upstream), new(refresh.Memory)
		m := upstreamReplica(&storetest.Faulty{Store: store, Script: func(c storetest.Call) storetest.Fault {
			if strings.HasPrefix(c.Key, "ended/") {
				return storetest.Fail
			}
			return storetest.None
		}}, u)
		s, _ := visit(t, replica(nil), "mira")
		var told []Kind
		m.OnEvent = func(e Event) { told = append(told, e.Kind) }
		nobodyKnows(t, m.SetPair(t.Context(), s, u.login(time.Hour)))
		if !slices.Equal(told, []Kind{StoreAway}) || len(u.revoked) != 0 {
			t.Errorf("told %v, and %v was revoked", told, u.revoked)
		}
		if got := access(t, upstreamReplica(store, u).Source(s)); got != "access-1" {
			t.Errorf("got %q", got)
		}
	})
}

// Whoever has gone away before there is a token says nothing of the Store.
func TestSourceCallerGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := new(upstream)
		m := upstreamReplica(new(refresh.Memory), u)
		s, _ := visit(t, m, "mira")
		if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
			t.Fatal(err)
		}
		m.OnEvent = func(e Event) { t.Errorf("told %v", e) }
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := m.Source(s).Token(ctx)
		nobodyKnows(t, err)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the error of the context", err)
		}
	})
}

// An issuer that cannot be told, and a Store that fails after the logout has been
// written, keep nobody logged in, and OnEvent hears of it. An issuer that hangs
// costs a stated time.
func TestForgetFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, set := range map[string]func(*Manager[string], *upstream){
			"Revoke fails": func(_ *Manager[string], u *upstream) { u.err = token.ErrInvalid },
			"Revoke panics": func(m *Manager[string], _ *upstream) {
				m.Revoke = func(context.Context, token.Secret) error { panic("hush") }
			},
			"Revoke hangs": func(m *Manager[string], _ *upstream) {
				m.Revoke = func(ctx context.Context, _ token.Secret) error { <-ctx.Done(); return ctx.Err() }
			},
			"Revoke is deaf": func(m *Manager[string], _ *upstream) {
				m.Revoke = func(context.Context, token.Secret) error { time.Sleep(time.Hour); return nil }
			},
			"the Store fails": func(m *Manager[string], _ *upstream) {
				m.Store.(*storetest.Faulty).Script = func(c storetest.Call) storetest.Fault {
					if c.Swap && strings.HasPrefix(c.Key, "pair/") {
						return storetest.Fail
					}
					return storetest.None
				}
			},
		} {
			u := new(upstream)
			// A Store of its own: what hangs may call it after End has returned.
			m := upstreamReplica(&storetest.Faulty{Store: new(refresh.Memory)}, u)
			s, v := visit(t, m, "mira")
			if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
				t.Fatal(err)
			}
			set(m, u)
			m.pairs = rotators{} // which have the Revoke from before
			var told []Kind
			m.OnEvent = func(e Event) {
				if told = append(told, e.Kind); e.Kind == PairKept && (e.ID != s.ID || e.Err == nil || errors.Is(e.Err, token.ErrInvalid) || strings.Contains(e.Err.Error(), "hush")) {
					t.Errorf("%s: told %v", name, e)
				}
			}
			began := time.Now()
			if err := v.logout(m); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took > writeTimeout {
				t.Errorf("%s: it took %v", name, took)
			}
			if want := fmt.Sprint([]Kind{PairKept, Ended}); fmt.Sprint(told) != want {
				t.Errorf("%s: told %v, want %s", name, told, want)
			}
			isOver(t, m, v)
			upstreamOver(t, m.Source(s))
		}
		time.Sleep(2 * time.Hour) // no goroutine is left after that
	})
}

// A roundTripper is a server that there is no network to.
type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// The Source can be told of a token that was refused, as a Transport does, by
// whichever of the session's requests.
func TestSourceInvalidate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := new(upstream)
		m := upstreamReplica(new(refresh.Memory), u)
		s, _ := visit(t, m, "mira")
		if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
			t.Fatal(err)
		}
		api := roundTripper(func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			if r.Header.Get("Authorization") != "Bearer access-2" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			return w.Result()
		})
		for range 3 {
			client := &http.Client{Transport: &token.Transport{Source: m.Source(s), Base: api}}
			resp, err := client.Get("https://api.example/")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("answered %s", resp.Status)
			}
		}
		if u.exchanged != 1 {
			t.Errorf("%d exchanges, want one", u.exchanged)
		}
		// One that this process does not know yet.
		other := upstreamReplica(m.Store, u)
		src := other.Source(s)
		src.(token.Invalidator).Invalidate(token.Token{Value: token.NewSecret("access-2")})
		if got := access(t, src); got != "access-3" {
			t.Errorf("got %s", got)
		}
		new(Manager[string]).Source(nil).(token.Invalidator).Invalidate(token.Token{})
	})
}

// No error blames a caller, and none says that the login is over unless it is.
func TestSourceErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := new(upstream)
		store := newOutage()
		m := upstreamReplica(store, u)
		s, _ := visit(t, m, "mira")
		upstreamOver(t, m.Source(s)) // no pair
		if _, err := m.Source(s).Token(t.Context()); !strings.Contains(err.Error(), "call Manager.SetPair") {
			t.Errorf("got %v, want what to do", err)
		}
		if err := m.SetPair(t.Context(), s, u.login(time.Minute)); err != nil {
			t.Fatal(err)
		}
		src := m.Source(s)
		access(t, src)
		time.Sleep(time.Hour)
		for _, err := range []error{errors.New("no answer"), &refresh.ExchangeError{Outcome: refresh.Transient, Err: token.ErrRefused}} {
			u.err = err
			if _, err := src.Token(t.Context()); err == nil || errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
				t.Errorf("for an issuer that fails: %v", err)
			}
			time.Sleep(time.Minute)
		}
		store.away = true
		_, err := src.Token(t.Context())
		nobodyKnows(t, err)
		good := m.Store
		m.Store = rogue{get: func(context.Context, string) ([]byte, error) {
			return nil, fmt.Errorf("%w, %w", token.ErrRefused, token.ErrExpired)
		}}
		_, err = src.Token(t.Context())
		nobodyKnows(t, err)
		m.Store = good
		store.away = false
		u.err = fmt.Errorf("%w: expired", token.ErrInvalid)
		upstreamOver(t, src)
		upstreamOver(t, m.Source(s))
	})
}

// A session that Grace lets go on, read only, has the access token that this
// process knows, for as long.
func TestSourceGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, store := new(upstream), newOutage()
		m := upstreamReplica(store, u)
		m.Grace = 10 * time.Minute
		s, v := visit(t, m, "mira")
		if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
			t.Fatal(err)
		}
		goesOnFor(t, m, v)
		before := m.Source(s)
		access(t, before)
		store.away = true
		_, err := before.Token(t.Context()) // which is not read only
		nobodyKnows(t, err)
		readOnly, err := m.Load(v.request("GET"))
		if err != nil {
			t.Fatal(err)
		}
		src := m.Source(readOnly)
		if got := access(t, src); got != "access-1" {
			t.Errorf("got %q", got)
		}
		store.away = false // and the request goes on
		if err := m.SetPair(t.Context(), readOnly, u.login(time.Hour)); err == nil {
			t.Error("a session that is read only took a pair")
		}
		if got := access(t, m.Source(s)); got != "access-1" {
			t.Errorf("got %q, of a pair that was not taken", got)
		}
		store.away = true
		time.Sleep(10 * time.Minute)
		_, err = src.Token(t.Context())
		nobodyKnows(t, err)
	})
}

// What is missing is named.
func TestSourceCannot(t *testing.T) {
	t.Parallel()
	u := new(upstream)
	s, _ := visit(t, replica(nil), "mira")
	good := upstreamReplica(new(refresh.Memory), u)
	for name, test := range map[string]struct {
		m    *Manager[string]
		s    *Session[string]
		want string
	}{
		"no Keys":      {&Manager[string]{Store: good.Store, Exchanger: u}, s, "Manager.Keys"},
		"no Store":     {replica(nil), s, "Manager.Store"},
		"no Exchanger": {replica(good.Store), s, "Manager.Exchanger"},
		"no session":   {good, nil, "session"},
		"no real one":  {good, &Session[string]{ID: "id"}, "session"},
	} {
		_, err := test.m.Source(test.s).Token(t.Context())
		for _, err := range []error{err, test.m.SetPair(t.Context(), test.s, u.login(time.Hour))} {
			if err == nil || !strings.HasPrefix(err.Error(), "session: ") || !strings.Contains(err.Error(), test.want) || errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := good.SetPair(t.Context(), s, refresh.Pair{}); err == nil {
		t.Error("an empty pair was taken")
	}
}

// One Rotator serves a login, of a bounded number; one that was dropped leaves
// nothing behind.
func TestRotatorsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, rotatorsBounded) // which waits for goroutines that are left
}

func rotatorsBounded(t *testing.T) {
	u := new(upstream)
	m := upstreamReplica(new(refresh.Memory), u)
	s, _ := visit(t, m, "mira")
	if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
		t.Fatal(err)
	}
	first, err := m.rotator(s)
	if again, _ := m.rotator(s); again != first || err != nil {
		t.Errorf("two Rotators of a login, %v", err)
	}
	for i := range 2 * maxRotators {
		if _, err := m.rotator(&Session[string]{ID: "x", login: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		if n := len(m.pairs.byLogin.young) + len(m.pairs.byLogin.old); n > maxRotators {
			t.Fatalf("%d Rotators", n)
		}
	}
	if again, _ := m.rotator(s); again == first {
		t.Error("it was not dropped")
	}
	if got := access(t, m.Source(s)); got != "access-1" {
		t.Errorf("got %s", got)
	}
}

// A Store that ignores its context delays nobody beyond the stated time.
func TestSourceDeafStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, store, hang := new(upstream), new(refresh.Memory), make(chan struct{})
		m := upstreamReplica(&storetest.Faulty{Store: store, Script: func(c storetest.Call) storetest.Fault {
			if strings.HasPrefix(c.Key, "pair/") {
				<-hang
			}
			return storetest.None
		}}, u)
		s, v := visit(t, m, "mira")
		began := time.Now()
		if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err == nil || time.Since(began) > writeTimeout {
			t.Errorf("SetPair: %v after %v", err, time.Since(began))
		}
		began = time.Now()
		if _, err := m.Source(s).Token(t.Context()); err == nil || time.Since(began) > 2*storeTimeout {
			t.Errorf("Token: %v after %v", err, time.Since(began))
		}
		began = time.Now()
		if err := v.logout(m); err != nil || time.Since(began) > writeTimeout {
			t.Errorf("End: %v after %v", err, time.Since(began))
		}
		close(hang)
	})
}

// Nor does one that takes no writes, when there is something to exchange.
func TestSourceDeafToWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, hang := new(upstream), make(chan struct{})
		store := &storetest.Faulty{Store: new(refresh.Memory)}
		m := upstreamReplica(store, u)
		s, _ := visit(t, m, "mira")
		if err := m.SetPair(t.Context(), s, u.login(time.Minute)); err != nil {
			t.Fatal(err)
		}
		store.Script = func(c storetest.Call) storetest.Fault {
			if c.Swap {
				<-hang
			}
			return storetest.None
		}
		time.Sleep(time.Hour)
		began := time.Now()
		if _, err := m.Source(s).Token(t.Context()); err == nil || errors.Is(err, token.ErrRefused) || time.Since(began) > writeTimeout {
			t.Errorf("Token: %v after %v", err, time.Since(began))
		}
		close(hang)
	})
}

// Nothing of a pair is in a cookie, nor in what is printed, nor to be read in the
// Store.
func TestPairIsHidden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{issued: 1471147114 - 1} // so long that it is in no random text
		d := &diary{Store: new(refresh.Memory)}
		m := upstreamReplica(d, u)
		s, v := visit(t, m, "mira")
		if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
			t.Fatal(err)
		}
		src := m.Source(s)
		access(t, src)
		w := httptest.NewRecorder()
		if err := m.Save(w, v.request("GET"), s); err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, c := range append(w.Result().Cookies(), v...) {
			text, err := m.Keys.Open(t.Context(), m.purpose("cookie"), "1", c.Value)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, c.Value, string(text))
		}
		for key := range d.expires {
			value, err := d.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(value))
		}
		r, err := m.rotator(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []any{src, &src, s, m, r, &m.pairs} {
			texts = append(texts, fmt.Sprintf("%v %+v %#v %s", x, x, x, x))
		}
		for _, text := range texts {
			if strings.Contains(text, "1471147114") {
				t.Errorf("there is a token in %s", text)
			}
		}
		if text := fmt.Sprintf("%+v", src); text != "session.Source" {
			t.Errorf("printed as %s", text)
		}
	})
}

// The Store of a pair is a Locker if the Manager's is one, and takes as much.
func TestPairStore(t *testing.T) {
	t.Parallel()
	s := &Session[string]{Began: time.Now()}
	if _, ok := replica(new(refresh.Memory)).pairStore(s).(refresh.Locker); ok {
		t.Error("Memory has become a Locker")
	}
	locking := replica(&storetest.Locking{Store: new(refresh.Memory)}).pairStore(s)
	locker, ok := locking.(refresh.Locker)
	if !ok {
		t.Fatal("Locking is no Locker any more")
	}
	unlock, err := locker.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	most := func(s refresh.Store) int { return s.(interface{ MaxValue() int }).MaxValue() }
	if n := most(replica(new(refresh.Memory)).pairStore(s)); n != 64<<10 {
		t.Errorf("it takes %d bytes", n)
	}
	small := refresh.Sealed(new(refresh.Memory), replica(nil).Keys)
	if n := most(replica(small).pairStore(s)); n != most(small) {
		t.Errorf("it takes %d bytes, and the one within %d", n, most(small))
	}
}

// It is a Store as any, but that nothing in it is kept for ever.
func TestPairStoreContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) refresh.Store {
		return replica(new(refresh.Memory)).pairStore(&Session[string]{Began: time.Now()})
	})
	synctest.Test(t, func(t *testing.T) {
		store := replica(new(refresh.Memory)).pairStore(&Session[string]{Began: time.Now()})
		put(t, store, "k", []byte("v"))
		time.Sleep(defaultLifetime + storeMargin)
		if v, err := store.Get(t.Context(), "k"); v != nil || err != nil {
			t.Errorf("it holds %q, %v after the session's end", v, err)
		}
	})
}

// A pair that is sealed with a key that is gone is over, as a cookie is: else every
// call would be an error until the session ends. Keys that cannot be read, and a
// Store that is away, are no reason to log anybody out.
func TestSourceKeyGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u, store := new(upstream), newOutage()
		m := upstreamReplica(store, u)
		s, v := visit(t, m, "mira")
		if err := m.SetPair(t.Context(), s, u.login(time.Hour)); err != nil {
			t.Fatal(err)
		}
		other := upstreamReplica(store, u)
		keys := other.Keys
		fails := func() {
			t.Helper()
			if _, err := other.Source(s).Token(t.Context()); err == nil || errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
				t.Errorf("got %v, want an error that may pass", err)
			}
		}
		other.Keys = &seal.Keyring{Load: func(context.Context) ([]token.Secret, error) { return nil, token.ErrSignature }}
		fails()
		other.pairs = rotators{} // which have the Keys from before
		other.Keys = &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("n", 32))}}
		script := store.Script
		store.Script = func(c storetest.Call) storetest.Fault {
			if strings.HasPrefix(c.Key, "pair/") {
				return storetest.Fail
			}
			return storetest.None
		}
		fails()
		store.Script = script
		upstreamOver(t, other.Source(s))
		if _, err := other.Source(s).Token(t.Context()); !strings.HasSuffix(err.Error(), ": log in again") {
			t.Errorf("got %v, want what to do", err)
		}
		// A key that is back, and a logout that can revoke nothing.
		other.pairs, other.Keys = rotators{}, keys
		if got := access(t, other.Source(s)); got != "access-1" {
			t.Errorf("got %s", got)
		}
		other.pairs = rotators{}
		other.Keys = &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("n", 32))}}
		var told []Kind
		other.OnEvent = func(e Event) { told = append(told, e.Kind) }
		if err := other.endSession(t.Context(), s); err != nil || !slices.Equal(told, []Kind{PairKept, Ended}) {
			t.Errorf("End: %v, told %v", err, told)
		}
		isOver(t, m, v)
	})
}
