package session

import (
	"encoding/binary"
	"errors"
	"math"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

// EndAll ends what began before it, on all replicas at once, and nothing that
// begins after it, in the same millisecond too, and nobody else's.
func TestEndAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(refresh.Memory)
		one, other := replica(store), replica(store)
		var told []Event
		one.OnEvent = func(e Event) { told = append(told, e) }
		_, nils := visit(t, other, "nils")
		var over []visitor
		for range 3 { // the clock stands still
			_, v := visit(t, other, "mira")
			_, w := visit(t, one, "mira")
			goesOnFor(t, one, v)
			told = nil
			if err := one.EndAll(t.Context(), "mira"); err != nil {
				t.Fatal(err)
			}
			if len(told) != 1 || told[0].Kind != EndedAll || told[0].Subject != "mira" {
				t.Errorf("told %v", told)
			}
			over = append(over, v, w)
			for _, v := range over {
				isOver(t, other, v)
				isOver(t, one, v)
			}
		}
		_, v := visit(t, other, "mira")
		goesOnFor(t, one, v)
		goesOnFor(t, one, nils)
	})
}

// Somebody who proves who they are with a password that is changed in the
// meantime gets a session that is over.
func TestEpochOfLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := replica(new(refresh.Memory))
		for range 2 { // without a row, and with one
			epoch, err := m.Epoch(t.Context(), "mira")
			if err != nil {
				t.Fatal(err)
			}
			if err := m.EndAll(t.Context(), "mira"); err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			if _, err := m.StartAt(w, visitor{}.request("POST"), "mira", "data", epoch); err != nil {
				t.Fatal(err)
			}
			isOver(t, m, w.Result().Cookies())
		}
	})
}

// An epoch is kept for longer than any session lasts whose login had begun before.
func TestEpochExpires(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]time.Duration{"": 0, "Now ahead": 1000 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &diary{Store: new(refresh.Memory)}
				m := replica(d)
				m.Idle, m.Lifetime = -1, 100*time.Hour
				if offset != 0 {
					m.Now = func() time.Time { return time.Now().Add(offset) }
				}
				before, err := m.Epoch(t.Context(), "mira")
				if err != nil {
					t.Fatal(err)
				}
				if err := m.EndAll(t.Context(), "mira"); err != nil {
					t.Fatal(err)
				}
				want := time.Now().Add(100*time.Hour + 24*time.Hour + 5*time.Minute)
				if got := d.expires[m.subjectKey("mira")]; len(got) != 1 || !got[0].Equal(want) {
					t.Errorf("kept until %v, want %v", got, want)
				}
				time.Sleep(24 * time.Hour)
				w := httptest.NewRecorder()
				if _, err := m.StartAt(w, visitor{}.request("POST"), "mira", "data", before); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100*time.Hour - time.Minute)
				isOver(t, m, w.Result().Cookies())
			})
		})
	}
}

// The row is what the comment says, under the hash of the subject; it only grows,
// whoever writes it, and by whatever clock.
func TestEpochRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const key = "ended/__Host-session/subject/3c38aafb0579dafe18bb584dce2786cc"
		store := new(refresh.Memory)
		m := replica(store)
		now := time.UnixMilli(1764132345123)
		m.Now = func() time.Time { return now }
		row := func() int64 {
			t.Helper()
			value, err := store.Get(t.Context(), key)
			if err != nil || len(value) != 9 || value[0] != 1 {
				t.Fatalf("the row is %q, %v", value, err)
			}
			epoch := int64(binary.BigEndian.Uint64(value[1:]))
			if got, err := m.Epoch(t.Context(), "mira"); got != epoch || err != nil {
				t.Errorf("Epoch = %d, %v, want %d", got, err, epoch)
			}
			return epoch
		}
		for _, step := range []struct {
			passes time.Duration
			want   int64
		}{{0, 1764132345123}, {0, 1764132345124}, {-time.Hour, 1764132345125}, {2 * time.Hour, 1764132345123 + 3600_000}} {
			now = now.Add(step.passes)
			if err := m.EndAll(t.Context(), "mira"); err != nil {
				t.Fatal(err)
			}
			if got := row(); got != step.want {
				t.Errorf("the epoch is %d, want %d", got, step.want)
			}
		}
		_, v := visit(t, m, "mira")
		for _, junk := range []string{"\x01", "\x0212345678", "\x01123456789", "\x01\x00\x00\x00\x00\x00\x00\x00\x00", "\x01\xff2345678"} {
			put(t, store, key, []byte(junk))
			_, err := m.Load(v.request("GET"))
			nobodyKnows(t, err)
			_, err = m.Epoch(t.Context(), "mira")
			nobodyKnows(t, err)
			nobodyKnows(t, m.EndAll(t.Context(), "mira"))
		}
		if hash("mira") != key[len(key)-32:] {
			t.Errorf("the hash of mira is %s", hash("mira"))
		}
		put(t, store, key, binary.BigEndian.AppendUint64([]byte{1}, math.MaxInt64))
		nobodyKnows(t, m.EndAll(t.Context(), "mira"))
	})
}

// A write that lands late does not set the epoch back.
func TestEpochLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(refresh.Memory)
		first := true
		faulty := &storetest.Faulty{Store: store, Script: func(c storetest.Call) storetest.Fault {
			switch {
			case first && c.Swap:
				return storetest.Late
			case first && c.N > 1:
				return storetest.Fail
			}
			return storetest.None
		}}
		m := replica(faulty)
		nobodyKnows(t, m.EndAll(t.Context(), "mira"))
		first = false
		_, v := visit(t, m, "mira")
		time.Sleep(time.Minute)
		if err := m.EndAll(t.Context(), "mira"); err != nil {
			t.Fatal(err)
		}
		isOver(t, m, v)
		_, fresh := visit(t, m, "mira")
		if n := faulty.Land(); n != 0 {
			t.Errorf("%d writes landed late over a newer one", n)
		}
		isOver(t, m, v)
		goesOnFor(t, m, fresh)
	})
}

// A Store that has done what it denies is looked at, and not asked again.
func TestEndAllLanded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, fault := range []storetest.Fault{storetest.ApplyFail, storetest.ApplyFalse} {
			f := &storetest.Faulty{Store: new(refresh.Memory), Script: func(c storetest.Call) storetest.Fault {
				if c.Swap {
					return fault
				}
				return storetest.None
			}}
			m := replica(f)
			_, v := visit(t, m, "mira")
			for name, end := range map[string]func() error{
				"End":    func() error { return v.logout(m) },
				"EndAll": func() error { return m.EndAll(t.Context(), "mira") },
			} {
				_, before := f.Count()
				if err := end(); err != nil {
					t.Errorf("%s, %v: %v", name, fault, err)
				}
				if _, n := f.Count(); n != before+1 {
					t.Errorf("%s, %v: %d writes, want one", name, fault, n-before)
				}
			}
		}
	})
}

// However many end everything at once, all of it ends, and each of them is told so.
func TestEndAllTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(refresh.Memory)
		_, v := visit(t, replica(store), "mira")
		var wg sync.WaitGroup
		for range 4 {
			m := replica(store)
			for range 2 {
				wg.Go(func() {
					if err := m.EndAll(t.Context(), "mira"); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		isOver(t, replica(store), v)
	})
}

func TestEndAllCannot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if err := replica(nil).EndAll(t.Context(), "mira"); err == nil || !strings.Contains(err.Error(), "Manager.Store is nil") {
			t.Errorf("without a Store: %v", err)
		}
		if err := replica(new(refresh.Memory)).EndAll(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "subject") {
			t.Errorf("without a subject: %v", err)
		}
		if err := new(Manager[string]).EndAll(t.Context(), "mira"); err == nil || !strings.Contains(err.Error(), "Manager.Keys") {
			t.Errorf("without Keys: %v", err)
		}
		if epoch, err := replica(nil).Epoch(t.Context(), "mira"); epoch != 0 || err != nil {
			t.Errorf("Epoch without a Store = %d, %v", epoch, err)
		}
		if err := replica(new(refresh.Memory)).EndAll(t.Context(), "nobody"); errors.Is(err, ErrNoSession) || err != nil {
			t.Error(err)
		}
	})
}
