package session

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// A logout on one replica holds on the other at the very next request, against
// every copy, and against nobody else.
func TestEndReplicas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(refresh.Memory)
		one, other := replica(store), replica(store)
		_, mira := visit(t, one, "mira")
		_, again := visit(t, one, "mira")
		for _, m := range []*Manager[string]{one, other} {
			goesOnFor(t, m, mira)
		}
		if err := mira.logout(one); err != nil {
			t.Fatal(err)
		}
		isOver(t, other, mira)
		isOver(t, one, mira)
		goesOnFor(t, other, again)
		if err := mira.logout(other); err != nil { // of what is over already
			t.Error(err)
		}
		isOver(t, one, mira)
	})
}

// A Start ends the session that its request carries, with a younger copy of it.
func TestEndByStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := replica(new(refresh.Memory))
		s, old := visit(t, m, "mira")
		time.Sleep(20 * time.Minute)
		w := httptest.NewRecorder()
		if err := m.Save(w, old.request("GET"), s); err != nil {
			t.Fatal(err)
		}
		stolen := visitor(w.Result().Cookies())
		time.Sleep(20 * time.Minute)
		if _, err := m.Load(old.request("GET")); !errors.Is(err, token.ErrExpired) {
			t.Fatalf("got %v, want that the older copy has expired", err)
		}
		goesOnFor(t, m, stolen)
		var told []Kind
		m.OnEvent = func(e Event) { told = append(told, e.Kind) }
		if _, err := m.Start(httptest.NewRecorder(), old.request("POST"), "mira", "data"); err != nil {
			t.Fatal(err)
		}
		if len(told) != 2 || told[0] != Ended || told[1] != Started {
			t.Errorf("told %v, want that one ended and another started", told)
		}
		isOver(t, m, stolen)
	})
}

// The entry of a session is kept for five minutes longer than a copy of it can be
// good, by the Store's clock, whatever Now says; and there is none for a session
// that has no good copy.
func TestEndExpires(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]time.Duration{"": 0, "Now ahead": 1000 * time.Hour, "Now behind": -1000 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &diary{Store: new(refresh.Memory)}
				m := replica(d)
				m.Lifetime = 5 * time.Hour
				if offset != 0 {
					m.Now = func() time.Time { return time.Now().Add(offset) }
				}
				s, v := visit(t, m, "mira")
				end := time.Now().Add(5*time.Hour + 5*time.Minute)
				time.Sleep(time.Hour)
				if err := v.logout(m); err != nil {
					t.Fatal(err)
				}
				if got := d.expires[m.endedKey(s)]; len(got) != 1 || !got[0].Equal(end) {
					t.Errorf("kept until %v, want %v", got, end)
				}
				_, v = visit(t, m, "mira")
				time.Sleep(5*time.Hour + 4*time.Minute)
				isGone := func(want int) {
					t.Helper()
					if err := v.logout(m); err != nil {
						t.Error(err)
					}
					if len(d.expires) != want {
						t.Errorf("%d entries, want %d", len(d.expires), want)
					}
				}
				isGone(2) // for a replica whose clock is behind
				time.Sleep(time.Minute)
				_, v = visit(t, m, "mira")
				time.Sleep(5*time.Hour + 5*time.Minute)
				isGone(2)
			})
		})
	}
}

// Whatever goes wrong at whichever step, what End and EndAll say is true: after
// nil nobody gets in, after an error it can be done again, and a write that lands
// late changes nothing.
func TestEndFaults(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Manager[string], visitor) error{
		"End":    func(m *Manager[string], v visitor) error { return v.logout(m) },
		"EndAll": func(m *Manager[string], v visitor) error { return m.EndAll(v.request("POST").Context(), "mira") },
		"endRenewed": func(m *Manager[string], v visitor) error {
			s, err := m.open(v.request("POST"))
			if err != nil {
				return err
			}
			return m.endRenewed(context.Background(), s, newID())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done, failed := 0, 0
				faults := []storetest.Fault{storetest.None, storetest.Fail, storetest.Hang, storetest.ApplyFail, storetest.ApplyHang, storetest.ApplyFalse, storetest.Late, storetest.LateHang}
				for n := range len(faults) * len(faults) * 16 {
					// One fault of the first write, one of the second, and some of the reads.
					first, second, reads := faults[n%8], faults[n/8%8], n/64
					store := new(refresh.Memory)
					faulty := &storetest.Faulty{Store: store, Script: func(c storetest.Call) storetest.Fault {
						switch {
						case !c.Swap && c.N <= 4 && reads>>(c.N-1)&1 != 0:
							return storetest.Fail
						case c.Swap && c.N == 1:
							return first
						case c.Swap && c.N == 2:
							return second
						}
						return storetest.None
					}}
					one, other := replica(faulty), replica(store)
					_, v := visit(t, other, "mira")
					began := time.Now()
					err := end(one, v)
					if time.Since(began) > writeTimeout {
						t.Errorf("%v, %v, %b: it took %v", first, second, reads, time.Since(began))
					}
					if err != nil {
						failed++
						nobodyKnows(t, err)
						// A second try may find that the first had landed.
						if err = end(other, v); err != nil && !errors.Is(err, token.ErrRevoked) {
							t.Errorf("%v, %v, %b: the second try: %v", first, second, reads, err)
						}
					} else {
						done++
					}
					isOver(t, other, v)
					_, fresh := visit(t, other, "mira")
					faulty.Land()
					isOver(t, other, v)
					goesOnFor(t, other, fresh)
				}
				if done == 0 || failed == 0 {
					t.Errorf("%d done and %d failed, want some of each", done, failed)
				}
			})
		})
	}
}

// A write that lands after its End has given up ends the session, and that is all.
func TestEndLandsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(refresh.Memory)
		away := false
		faulty := &storetest.Faulty{Store: store, Script: func(c storetest.Call) storetest.Fault {
			switch {
			case away && c.Swap:
				return storetest.Late
			case away:
				return storetest.Fail
			}
			return storetest.None
		}}
		m := replica(faulty)
		_, v := visit(t, m, "mira")
		away = true
		nobodyKnows(t, v.logout(m))
		nobodyKnows(t, m.EndAll(t.Context(), "mira"))
		away = false
		goesOnFor(t, m, v)
		faulty.Land()
		isOver(t, m, v)
	})
}

// A Store that takes nothing is not asked for ever.
func TestEndNeverTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		no := rogue{
			get:  func(context.Context, string) ([]byte, error) { return nil, nil },
			swap: func(context.Context, string) (bool, error) { return false, nil },
		}
		m := replica(no)
		_, v := visit(t, m, "mira")
		nobodyKnows(t, v.logout(m))
		nobodyKnows(t, m.EndAll(t.Context(), "mira"))
	})
}

// A logout that has begun goes on when the browser is gone.
func TestEndCallerGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := replica(new(refresh.Memory))
		_, v := visit(t, m, "mira")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.End(httptest.NewRecorder(), v.request("POST").WithContext(ctx)); err != nil {
			t.Error(err)
		}
		isOver(t, m, v)
		_, v = visit(t, m, "mira")
		if err := m.EndAll(ctx, "mira"); err != nil {
			t.Error(err)
		}
		isOver(t, m, v)
	})
}

// An ID is traded for another once. A copy with the old one gets nobody in, and
// does for a logout.
func TestEndRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := replica(new(refresh.Memory))
		s, old := visit(t, m, "mira")
		before := *s
		renew := func(s *Session[string], from visitor) visitor {
			t.Helper()
			w := httptest.NewRecorder()
			if err := m.Renew(w, from.request("POST"), s); err != nil {
				t.Fatal(err)
			}
			return w.Result().Cookies()
		}
		newer := renew(s, old)
		newest := renew(s, newer)
		for _, v := range []visitor{old, newer} {
			isOver(t, m, v)
		}
		goesOnFor(t, m, newest)
		if err := m.endRenewed(t.Context(), &before, newID()); !errors.Is(err, ErrNoSession) || !errors.Is(err, token.ErrRevoked) {
			t.Errorf("endRenewed of an old ID: %v", err)
		}
		goesOnFor(t, m, newest)
		for _, copied := range []visitor{old, newer, newest} {
			s, first := visit(t, m, "nils")
			last := renew(s, first)
			if copied[0] == newest[0] {
				first = last
			}
			if err := first.logout(m); err != nil {
				t.Error(err)
			}
			isOver(t, m, last)
			if err := m.endRenewed(t.Context(), s, newID()); !errors.Is(err, ErrNoSession) || !errors.Is(err, token.ErrRevoked) {
				t.Errorf("endRenewed after the logout: %v", err)
			}
			isOver(t, m, last)
		}
		if err := replica(nil).endRenewed(t.Context(), s, newID()); err != nil {
			t.Errorf("without a Store: %v", err)
		}
	})
}

// Two requests that renew the same session do not both get an ID, whatever the
// Store says of what it did.
func TestEndRenewedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, fault := range []storetest.Fault{storetest.None, storetest.ApplyFail, storetest.ApplyFalse} {
			store := new(refresh.Memory)
			s, _ := visit(t, replica(store), "mira")
			m := replica(&storetest.Faulty{Store: store, Script: func(c storetest.Call) storetest.Fault {
				if c.Swap && c.N == 1 {
					return fault
				}
				return storetest.None
			}})
			if err := m.endRenewed(t.Context(), s, "one"); err != nil {
				t.Errorf("%v: %v", fault, err)
			}
			if err := m.endRenewed(t.Context(), s, "two"); !errors.Is(err, ErrNoSession) {
				t.Errorf("%v: the second: %v", fault, err)
			}
		}
	})
}

// A Store that has lost the row of a login with another ID by now, or that was set
// after that, logs nobody out, and takes the next row.
func TestEndRowLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, old := visit(t, replica(nil), "mira")
		w := httptest.NewRecorder()
		if err := replica(nil).Renew(w, old.request("POST"), s); err != nil {
			t.Fatal(err)
		}
		v := visitor(w.Result().Cookies())
		m := replica(new(refresh.Memory))
		goesOnFor(t, m, v)
		if err := v.logout(m); err != nil {
			t.Fatal(err)
		}
		isOver(t, m, v)
	})
}

// An end costs one write, with or without a row there.
func TestEndCosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &storetest.Faulty{Store: new(refresh.Memory)}
		m := replica(f)
		s, _ := visit(t, m, "mira")
		for _, end := range []func() error{
			func() error {
				id := newID()
				err := m.endRenewed(t.Context(), s, id)
				s.ID = id
				return err
			},
			func() error { return m.endSession(t.Context(), s) },
		} {
			gets, swaps := f.Count()
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if g, w := f.Count(); g != gets || w != swaps+1 {
				t.Errorf("%d reads and %d writes, want one write", g-gets, w-swaps)
			}
		}
	})
}

// What lies there is what the comment says, and what nobody can read is no answer.
func TestEndedFormat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(refresh.Memory)
		m := replica(store)
		m.Grace = time.Hour
		s, v := visit(t, m, "mira")
		goesOnFor(t, m, v)
		key := "ended/__Host-session/" + s.ID
		for _, junk := range []string{"\x02", "\x00", "\x01\x00", "\x01a b", "\x01" + strings.Repeat("i", maxID+1)} {
			put(t, store, key, []byte(junk))
			_, err := m.Load(v.request("GET"))
			nobodyKnows(t, err)
			if !strings.Contains(err.Error(), "cannot be read") {
				t.Errorf("%q: %v", junk, err)
			}
			nobodyKnows(t, v.logout(m))
		}
		for _, value := range []string{"\x01", "\x01another"} {
			put(t, store, key, []byte(value))
			isOver(t, m, v)
		}
		for _, value := range []string{"\x01" + s.ID, ""} {
			put(t, store, key, []byte(value))
			goesOnFor(t, m, v)
		}
		holds := func(want string) {
			t.Helper()
			if value, err := store.Get(t.Context(), key); err != nil || string(value) != want {
				t.Errorf("the row is %q, %v, want %q", value, err, want)
			}
		}
		if err := m.endRenewed(t.Context(), s, "newer"); err != nil {
			t.Fatal(err)
		}
		holds("\x01newer")
		if err := v.logout(m); err != nil {
			t.Fatal(err)
		}
		holds("\x01")
	})
}

// put puts value in the place of whatever is under key.
func put(t *testing.T, s refresh.Store, key string, value []byte) {
	t.Helper()
	old, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(value) == 0 {
		value = nil
	}
	if ok, err := s.Swap(t.Context(), key, old, value, time.Time{}); !ok || err != nil {
		t.Fatal(ok, err)
	}
}

// An entry that says that the session is over counts whatever else cannot be
// read.
func TestEndedIsEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(refresh.Memory)
		one := replica(store)
		s, v := visit(t, one, "mira")
		m := replica(&storetest.Faulty{Store: store, Script: func(c storetest.Call) storetest.Fault {
			if c.Key == one.subjectKey("mira") {
				return storetest.Fail
			}
			return storetest.None
		}})
		m.Grace = time.Hour
		m.seen.note(m.seen.look(time.Now()), s.login, s.ID, s.Subject)
		if err := one.endRenewed(t.Context(), s, newID()); err != nil {
			t.Fatal(err)
		}
		isOver(t, m, v)
	})
}

// Whatever lies in the Store, it is read or it is not, and only nothing says that
// a session goes on.
func FuzzStoreValues(f *testing.F) {
	f.Add([]byte("\x01"))
	f.Add([]byte("\x01nqX0-_"))
	f.Add([]byte("\x01\x00\x00\x01\x9a\xbc\xde\xf0\x12"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, value []byte) {
		if r, err := decodeRow(value, nil); (r == row{}) != (err != nil) && value != nil {
			t.Errorf("%q: %v, %v", value, r, err)
		}
		if epoch, err := decodeEpoch(value, nil); (epoch == 0) != (err != nil) && value != nil {
			t.Errorf("%q: %d, %v", value, epoch, err)
		}
	})
}
