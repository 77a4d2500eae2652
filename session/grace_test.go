package session

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

// An outage is a Store that can be taken away.
type outage struct {
	storetest.Faulty
	away bool
}

func newOutage() *outage {
	o := new(outage)
	o.Store = new(refresh.Memory)
	o.Script = func(storetest.Call) storetest.Fault {
		if o.away {
			return storetest.Fail
		}
		return storetest.None
	}
	return o
}

// passes fails the test unless v is let in read only, if ok, or nobody knows.
func passes(t *testing.T, m *Manager[string], v visitor, ok bool) {
	t.Helper()
	s, err := m.Load(v.request("GET"))
	switch {
	case ok && (err != nil || !s.ReadOnly):
		t.Errorf("Load = %v, %v, want the session, read only", s, err)
	case !ok:
		nobodyKnows(t, err)
	}
}

// While the Store is away nobody gets in, unless Grace says otherwise.
func TestGraceClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, grace := range []time.Duration{0, -time.Hour} {
			store := newOutage()
			m := replica(store)
			m.Grace = grace
			_, v := visit(t, m, "mira")
			goesOnFor(t, m, v)
			store.away = true
			passes(t, m, v, false)
			store.away = false
			goesOnFor(t, m, v)
		}
	})
}

// Who was seen good less than Grace ago gets in, read only, with requests that
// change nothing.
func TestGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newOutage()
		m := replica(store)
		m.Grace = 10 * time.Minute
		_, v := visit(t, m, "mira")
		_, unseen := visit(t, m, "mira")
		goesOnFor(t, m, v)
		time.Sleep(5 * time.Minute)
		goesOnFor(t, m, v)
		var told []Kind
		m.OnEvent = func(e Event) {
			if told = append(told, e.Kind); e.ID == "" || e.Subject != "mira" || e.Err == nil {
				t.Errorf("told %v, want whose session, and why", e)
			}
		}
		store.away = true
		time.Sleep(10*time.Minute - 1)
		passes(t, m, unseen, false)
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			if s, err := m.Load(v.request(method)); err != nil || !s.ReadOnly {
				t.Errorf("%s: %v, %v", method, s, err)
			}
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get"} {
			_, err := m.Load(v.request(method))
			nobodyKnows(t, err)
		}
		if want := fmt.Sprint([]Kind{StoreAway, ReadOnly, ReadOnly, ReadOnly, StoreAway, StoreAway, StoreAway, StoreAway, StoreAway, StoreAway, StoreAway}); fmt.Sprint(told) != want {
			t.Errorf("told %v, want %v", told, want)
		}
		// It has not been seen good again by having been let in.
		time.Sleep(time.Nanosecond)
		passes(t, m, v, false)
		store.away = false
		goesOnFor(t, m, v)
		goesOnFor(t, m, unseen)
		// Another process has seen nobody.
		store.away = true
		other := replica(store)
		other.Grace = time.Hour
		passes(t, other, v, false)
	})
}

// One that was ended elsewhere can be read here while the Store is away, for as long
// as Grace says from when it was seen good; but not once this process has heard of
// its end, whatever else it hears that was said before. What is good by then is no
// worse for it.
func TestGraceEndedElsewhere(t *testing.T) {
	t.Parallel()
	renew := func(t *testing.T, m *Manager[string], v visitor) visitor {
		w := httptest.NewRecorder()
		s, err := m.open(v.request("POST"))
		if err == nil {
			err = m.Renew(w, v.request("POST"), s)
		}
		if err != nil {
			t.Error(err)
		}
		return w.Result().Cookies()
	}
	for name, end := range map[string]func(*testing.T, *Manager[string], visitor) visitor{
		"End": func(t *testing.T, m *Manager[string], v visitor) visitor {
			if err := v.logout(m); err != nil {
				t.Error(err)
			}
			return nil
		},
		"EndAll": func(t *testing.T, m *Manager[string], _ visitor) visitor {
			if err := m.EndAll(t.Context(), "mira"); err != nil {
				t.Error(err)
			}
			return nil
		},
		"Renew": renew,
		"End of the next": func(t *testing.T, m *Manager[string], v visitor) visitor {
			if err := renew(t, m, v).logout(m); err != nil {
				t.Error(err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newOutage()
				m, other := replica(store), replica(store)
				m.Grace, other.Grace = 10*time.Minute, 10*time.Minute
				s, v := visit(t, m, "mira")
				_, nils := visit(t, m, "nils")
				goesOnFor(t, m, v)
				goesOnFor(t, m, nils)
				time.Sleep(time.Minute)
				goesOnFor(t, other, v)
				before := m.seen.look(time.Now())
				newer := end(t, other, v)
				store.away = true
				passes(t, other, v, false)
				time.Sleep(9*time.Minute - 1)
				passes(t, m, v, true)
				store.away = false
				isOver(t, m, v)
				if newer == nil {
					m.seen.note(before, s.login, s.ID, "mira") // by a read that was slow
				}
				store.away = true
				passes(t, m, v, false)
				passes(t, m, nils, true)
				if newer != nil {
					store.away = false
					goesOnFor(t, m, newer)
					isOver(t, m, v)
					store.away = true
					passes(t, m, newer, true)
				}
			})
		})
	}
}

// What was good when a slow Store was asked counts from then.
func TestGraceCountsFromAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newOutage()
		m := replica(store)
		m.Grace = 10 * time.Second
		_, v := visit(t, m, "mira")
		script := store.Script
		store.Script = func(storetest.Call) storetest.Fault { time.Sleep(2 * time.Second); return storetest.None }
		goesOnFor(t, m, v)
		store.Script, store.away = script, true
		time.Sleep(8*time.Second - 1)
		passes(t, m, v, true)
		time.Sleep(time.Nanosecond)
		passes(t, m, v, false)
	})
}

// Steps of the clock and suspended machines lengthen no grace: the older of the
// two readings counts.
func TestGraceClocks(t *testing.T) {
	t.Parallel()
	began := time.Now()
	for name, test := range map[string]struct {
		wall, mono time.Duration
		want       bool
	}{
		"a second later":        {time.Second, time.Second, true},
		"a minute later":        {time.Minute, time.Minute, false},
		"suspended for an hour": {time.Hour, time.Second, false},
		"set back by an hour":   {time.Second - time.Hour, time.Second, true},
		"set back, an hour on":  {time.Second, time.Hour, false},
		"both before":           {-time.Second, -time.Second, false},
	} {
		var n seen
		n.note(n.look(began), "login", "id", "mira")
		if got := n.within("login", "id", apart(t, began, test.wall, test.mono), time.Minute); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
	// A Now of the application's may have no monotonic reading.
	var n seen
	began = began.Round(0)
	n.note(n.look(began), "login", "id", "mira")
	for after, want := range map[time.Duration]bool{time.Second: true, -time.Second: false, time.Minute: false} {
		if got := n.within("login", "id", began.Add(after), time.Minute); got != want {
			t.Errorf("%v later, by the wall clock alone: %t, want %t", after, got, want)
		}
	}
}

// apart returns at with its two readings moved on by so much each, which package
// time does for nobody.
func apart(t *testing.T, at time.Time, wall, mono time.Duration) time.Time {
	moved := at.Add(wall)
	(*struct {
		wall uint64
		ext  int64 // the monotonic reading, if there is one
		loc  *time.Location
	})(unsafe.Pointer(&moved)).ext += int64(mono - wall)
	if moved.Sub(at) != mono || moved.Round(0).Sub(at.Round(0)) != wall {
		t.Fatal("a time.Time is other than it was: see how its readings can be moved now")
	}
	return moved
}

// Who was logged out by this process has no grace, also if the Store did not take
// it: a person has asked for it. That cannot be undone by a read that began before.
func TestGraceEnded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Manager[string], visitor) error{
		"End":    func(m *Manager[string], v visitor) error { return v.logout(m) },
		"EndAll": func(m *Manager[string], v visitor) error { return m.EndAll(context.Background(), "mira") },
		"Start": func(m *Manager[string], v visitor) error {
			_, err := m.Start(httptest.NewRecorder(), v.request("POST"), "mira", "data")
			return err
		},
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
				store := newOutage()
				m := replica(store)
				m.Grace = time.Hour
				_, v := visit(t, m, "mira")
				_, nils := visit(t, m, "nils")
				goesOnFor(t, m, v)
				goesOnFor(t, m, nils)
				store.away = true
				passes(t, m, v, true)
				if name != "Start" { // which does not come to that
					nobodyKnows(t, end(m, v))
					passes(t, m, v, false)
				}
				store.away = false
				goesOnFor(t, m, v)
				if err := end(m, v); err != nil {
					t.Fatal(err)
				}
				store.away = true
				passes(t, m, v, false)
				passes(t, m, nils, true)
			})
		})
	}
}

// slowly is a Store whose answers to reads can be held back on their way.
type slowly struct {
	refresh.Store
	hold chan struct{}
}

func (s slowly) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.Store.Get(ctx, key)
	<-s.hold
	return value, err
}

// A read that began before the logout, and says only after it that the session is
// good, does not give it any grace.
func TestGraceReadBeforeEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Manager[string], *Session[string]) error{
		"End":    func(m *Manager[string], s *Session[string]) error { return m.endSession(context.Background(), s) },
		"EndAll": func(m *Manager[string], s *Session[string]) error { return m.EndAll(context.Background(), s.Subject) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newOutage()
				free := make(chan struct{})
				close(free)
				m := replica(slowly{store, free})
				m.Grace = time.Hour
				s, v := visit(t, m, "mira")
				held := make(chan struct{})
				m.Store = slowly{store, held}
				done := make(chan struct{})
				go func() {
					defer close(done)
					goesOnFor(t, m, v) // it began before the logout
				}()
				synctest.Wait()
				m.Store = slowly{store, free}
				if err := end(m, s); err != nil {
					t.Error(err)
				}
				close(held)
				<-done
				store.away = true
				passes(t, m, v, false)
			})
		})
	}
}

// logouts are what a person can ask for.
var logouts = map[string]func(*Manager[string], visitor) error{
	"End":    func(m *Manager[string], v visitor) error { return v.logout(m) },
	"EndAll": func(m *Manager[string], v visitor) error { return m.EndAll(context.Background(), "mira") },
}

// Nor is there any while the logout is under way.
func TestGraceWhileEnding(t *testing.T) {
	t.Parallel()
	for name, end := range logouts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newOutage()
				m := replica(store)
				m.Grace = time.Hour
				_, v := visit(t, m, "mira")
				goesOnFor(t, m, v)
				script := store.Script
				store.Script = func(c storetest.Call) storetest.Fault {
					if c.Swap {
						store.away = true
						passes(t, m, v, false)
						store.away = false
					}
					return script(c)
				}
				if err := end(m, v); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// The other order: a read that begins before anything is in the Store, and ends
// before the logout does.
func TestGraceReadDuringEnd(t *testing.T) {
	t.Parallel()
	for name, end := range logouts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newOutage()
				m := replica(store)
				m.Grace = time.Hour
				_, v := visit(t, m, "mira")
				store.Script = func(c storetest.Call) storetest.Fault {
					if c.Swap {
						goesOnFor(t, m, v)
					}
					return storetest.None
				}
				if err := end(m, v); err != nil {
					t.Fatal(err)
				}
				store.Script = func(storetest.Call) storetest.Fault { return storetest.Fail }
				passes(t, m, v, false)
			})
		})
	}
}

// What is remembered is bounded; what was seen longest ago goes first.
func TestGraceBounded(t *testing.T) {
	t.Parallel()
	var n seen
	now := time.Now()
	for i := range 2*maxSeen + 7 {
		n.note(n.look(now), fmt.Sprint(i), "id", "mira")
		n.note(n.look(now), "often", "id", "mira")
		if size := len(n.logins.young) + len(n.logins.old); size > maxSeen {
			t.Fatalf("%d are remembered, want no more than %d", size, maxSeen)
		}
	}
	for login, want := range map[string]bool{"0": false, fmt.Sprint(maxSeen): false, fmt.Sprint(2*maxSeen + 6): true, fmt.Sprint(2*maxSeen + 6 - maxSeen/2 + 10): true, "often": true} {
		if got := n.within(login, "id", now, time.Hour); got != want {
			t.Errorf("%s is remembered: %t, want %t", login, got, want)
		}
	}
	n.strikeSubject("mira")
	if size := len(n.logins.young) + len(n.logins.old); size != 0 {
		t.Errorf("%d are remembered of a subject that was struck out", size)
	}
	n.note(n.look(now), "login", "id", "mira")
	if n.within("login", "another", now, time.Hour) {
		t.Error("an ID is let in that was not seen")
	}
	n.strikeLogin("login")
	if n.within("login", "id", now, time.Hour) {
		t.Error("a login is remembered that was struck out")
	}
}

// Without Grace nothing is remembered.
func TestGraceNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := replica(new(refresh.Memory))
		_, v := visit(t, m, "mira")
		goesOnFor(t, m, v)
		if err := v.logout(m); err != nil {
			t.Fatal(err)
		}
		isOver(t, m, v)
		if len(m.seen.logins.young) != 0 {
			t.Error("sessions are remembered that have no grace")
		}
	})
}
