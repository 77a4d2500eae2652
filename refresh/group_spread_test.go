package refresh

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// generations sorts the calls that m had by how many there were before for the same
// key, as times since began.
func (m *mill) generations(began time.Time) (g [][]time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	nth := make(map[string]int)
	for _, c := range m.calls {
		n := nth[c.key]
		nth[c.key]++
		if n == len(g) {
			g = append(g, nil)
		}
		g[n] = append(g[n], c.at.Sub(began))
	}
	return g
}

// busiestSecond returns the most calls in any second, whichever instant it begins at.
func busiestSecond(calls []time.Duration) (most int) {
	calls = slices.Sorted(slices.Values(calls))
	first := 0
	for i, at := range calls {
		for at-calls[first] >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// checkSpread checks that each of the generations, but the first, lies within a fifth
// of the life and that its busiest second has at most three times the mean.
func checkSpread(t *testing.T, generations [][]time.Duration, keys int, life time.Duration) {
	t.Helper()
	for n, calls := range generations {
		if len(calls) != keys {
			t.Errorf("generation %d: %d calls for %d keys", n+1, len(calls), keys)
		}
		first, last := slices.Min(calls), slices.Max(calls)
		mean := float64(len(calls)) / (life / 5).Seconds()
		busiest := busiestSecond(calls)
		t.Logf("generation %d: from %v, for %v, busiest second %d, mean %.2f", n+1, first, last-first, busiest, mean)
		if n == 0 {
			continue
		}
		if last-first > life/5 {
			t.Errorf("generation %d takes %v, more than a fifth of %v", n+1, last-first, life)
		}
		if last-first < life/8 {
			t.Errorf("generation %d takes %v only", n+1, last-first)
		}
		if float64(busiest) > 3*mean {
			t.Errorf("generation %d: %d calls in a second, more than three times the mean of %.2f", n+1, busiest, mean)
		}
	}
}

// during calls f until the function that it returns is called, which waits for f and for
// what it began.
func during(t *testing.T, f func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { f(ctx) })
	return func() {
		cancel()
		wg.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
	}
}

// notUnderRace skips a test that looks at every key each second for hours, which takes
// a minute with the race detector and shows it nothing that others do not.
func notUnderRace(t *testing.T) {
	if underRace {
		t.Skip("takes a minute with the race detector")
	}
}

// A thousand keys that are asked for at once are spread from the second generation on.
func TestGroupSpread(t *testing.T) {
	notUnderRace(t)
	t.Parallel()
	for _, test := range []struct {
		name string
		keep func(ctx context.Context, g *Group[string])
	}{
		{"Run", func(ctx context.Context, g *Group[string]) {
			g.Run(ctx)
		}},
		{"asked all the while", func(ctx context.Context, g *Group[string]) {
			for ctx.Err() == nil {
				for i := range 1000 {
					g.Token(ctx, keyOf(i))
				}
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
				}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &mill{life: time.Hour, latency: 200 * time.Millisecond}
				g := &Group[string]{Base: m.base, Idle: -1}
				began := time.Now()
				takeAll(t, g, 1000)
				if n := m.count(""); n != 1000 || m.busiest > 64 {
					t.Errorf("%d calls for 1000 keys, %d at a time", n, m.busiest)
				}
				stop := during(t, func(ctx context.Context) { test.keep(ctx, g) })
				// The fourth generation ends at 3 · 0.8 of an hour, the fifth begins
				// 0.6 of an hour later at the earliest: 0.62 + 3 · 0.8.
				time.Sleep(time.Hour*5/2 - time.Since(began))
				stop()
				checkSpread(t, m.generations(began), 1000, time.Hour)
				if m.busiest > 64 {
					t.Errorf("%d calls at a time", m.busiest)
				}
			})
		})
	}
}

// Processes that start together, each with few keys, do not renew together: they draw
// their places independently.
func TestGroupFleetIsSpread(t *testing.T) {
	notUnderRace(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		began := time.Now()
		stop := during(t, func(ctx context.Context) {
			var wg sync.WaitGroup
			for process := range 100 {
				g := &Group[string]{Idle: -1, Base: func(key string) token.Source {
					return m.base(fmt.Sprint(key, " of ", process))
				}}
				wg.Go(func() {
					for i := range 4 {
						g.Token(ctx, keyOf(i))
					}
					g.Run(ctx)
				})
			}
			wg.Wait()
		})
		time.Sleep(time.Hour * 5 / 2)
		stop()
		for n, calls := range m.generations(began)[1:4] {
			first, last, busiest := slices.Min(calls), slices.Max(calls), busiestSecond(calls)
			t.Logf("generation %d: for %v, busiest second %d", n+2, last-first, busiest)
			// All look around at the same instant here. Chance alone makes nine of a
			// second with 0.6 on average once in 140 000 runs, and ten once in two million.
			if len(calls) != 400 || last-first > 12*time.Minute || last-first < 9*time.Minute || busiest > 9 {
				t.Errorf("generation %d: %d calls within %v, %d in one second", n+2, len(calls), last-first, busiest)
			}
		}
	})
}

// What an outage gathered is spread again by the next generation, if the outage was
// short and if it was long.
func TestGroupSpreadAfterAnOutage(t *testing.T) {
	notUnderRace(t)
	t.Parallel()
	for _, outage := range []time.Duration{2 * time.Minute, time.Hour} {
		t.Run(outage.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &mill{life: time.Hour, latency: 50 * time.Millisecond}
				g := &Group[string]{Base: m.base, Idle: -1}
				takeAll(t, g, 1000)
				stop := during(t, func(ctx context.Context) { g.Run(ctx) })
				time.Sleep(40 * time.Minute) // in the middle of the first renewals
				m.setFail(func(string) error { return errDown })
				time.Sleep(outage)
				m.setFail(nil)
				back := time.Now()
				// By then all have a token again, and the next renewals have not begun.
				const quiet = 20 * time.Minute
				time.Sleep(50*time.Minute + time.Second/2)
				stop()
				gathered, calls := 0, []time.Duration(nil)
				for _, c := range m.calls {
					switch at := c.at.Sub(back); {
					case at > quiet:
						calls = append(calls, at)
					case at >= 0 && at < 70*time.Second:
						gathered++
					}
				}
				t.Logf("%d calls in the 70 s after the outage, %d later in %v", gathered, len(calls), 50*time.Minute-quiet)
				if gathered < 200 {
					t.Errorf("%d calls after the outage: it gathered none", gathered)
				}
				if busiest := busiestSecond(calls); busiest > 4 {
					t.Errorf("%d calls in one second of the next generation", busiest)
				}
			})
		})
	}
}

// A token that says when to renew it is renewed then, and takes no place.
func TestGroupObeysRefreshIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		g := &Group[string]{Base: func(string) token.Source {
			return token.SourceFunc(func(context.Context) (token.Token, error) {
				calls++
				tok := token.Token{Value: token.NewSecret(fmt.Sprint("token-", calls)), ExpiresIn: time.Hour}
				if calls > 1 {
					tok.RefreshIn = 5 * time.Minute
				}
				return tok, nil
			})
		}}
		g.Token(t.Context(), "a")
		time.Sleep(50 * time.Minute)
		g.Token(t.Context(), "a")
		synctest.Wait()
		if calls != 2 || len(g.calendar.seconds) != 0 {
			t.Errorf("%d calls, %d seconds are taken", calls, len(g.calendar.seconds))
		}
		time.Sleep(5*time.Minute - time.Nanosecond)
		g.Token(t.Context(), "a")
		synctest.Wait()
		if calls != 2 {
			t.Error("renewed too early")
		}
		time.Sleep(time.Nanosecond)
		g.Token(t.Context(), "a")
		synctest.Wait()
		if calls != 3 {
			t.Error("not renewed when it was to be")
		}
	})
}

// Whatever the life, a token is due within its window, and never after its end.
func TestGroupDueWithinTheWindow(t *testing.T) {
	t.Parallel()
	now := readClock()
	g := &Group[string]{Base: func(string) token.Source { return nil }}
	for _, life := range []time.Duration{time.Nanosecond, time.Millisecond, time.Second, 5 * time.Second, time.Minute,
		time.Hour, 20 * time.Hour, 365 * 24 * time.Hour, forever} {
		earliest, latest := time.Duration(float64(life)*0.6), life/5*4
		if latest > longestDue {
			earliest, latest = longestDue/4*3, longestDue
		}
		for _, age := range []time.Duration{0, life / 10, life / 4 * 3, life / 10 * 9} {
			if age > 0 && life > 365*24*time.Hour {
				continue
			}
			m := &member[string]{group: g}
			at := now
			for range 100 {
				due := m.due(token.Token{}, at, life, life-age)
				if due < max(0, earliest-age) || due > max(0, latest-age) {
					t.Fatalf("life %v, age %v: due in %v", life, age, due)
				}
				// Renewed early, on time, and late.
				at = at.add(due + time.Duration(rand.Int64N(int64(life/4)+2)) - life/8)
			}
		}
	}
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	const (
		latest = 48 * time.Minute
		window = 10 * time.Minute // 600 s
	)
	start := int64(1000 * time.Hour)
	fill := func(c *calendar, n int, random draw) []*booking {
		places := make([]*booking, n)
		for i := range places {
			places[i] = new(booking)
			due := time.Duration(c.book(places[i], start, latest, window, n, random) - start)
			if due < latest-window || due > latest {
				t.Fatalf("due in %v, not in the window", due)
			}
		}
		return places
	}
	most := func(c *calendar) (most, sum int) {
		for _, n := range c.seconds {
			most, sum = max(most, n), sum+n
		}
		return most, sum
	}

	t.Run("no second has more than its share", func(t *testing.T) {
		for _, n := range []int{1, 100, 599, 600, 1000, 1800, 5000} {
			for _, random := range []draw{atRandom, func(time.Duration) time.Duration { return 0 }} {
				c := new(calendar)
				places := fill(c, n, random)
				if got, sum := most(c); got > 1+n/600 || sum != n {
					t.Errorf("%d keys: %d in one second, %d in all", n, got, sum)
				}
				for _, p := range places {
					c.release(p, false)
				}
				if len(c.seconds) != 0 {
					t.Errorf("%d seconds remain of no key", len(c.seconds))
				}
			}
		}
	})
	t.Run("a place is kept", func(t *testing.T) {
		c := new(calendar)
		places := fill(c, 1000, atRandom)
		for _, p := range places {
			before := p.due
			late := atRandom(window)
			if due := c.book(p, before+int64(late), latest, window, 1000, atRandom); due != before+int64(latest) {
				t.Fatalf("renewed %v late, it is due %v after it was before", late, time.Duration(due-before))
			}
		}
	})
	t.Run("a place that is out of reach is not", func(t *testing.T) {
		random := func(time.Duration) time.Duration { return time.Minute }
		for late, want := range map[time.Duration]time.Duration{
			-2 * time.Second:      latest - time.Minute,
			-time.Second:          latest, // on time, by clocks that differ a little
			window:                latest - window,
			window + 1:            latest - time.Minute,
			-24 * time.Hour:       latest - time.Minute,
			1000 * 24 * time.Hour: latest - time.Minute,
		} {
			c := new(calendar)
			b := new(booking)
			c.book(b, start-int64(latest), latest, window, 1, func(time.Duration) time.Duration { return 0 }) // due at start
			received := start + int64(late)
			if due := c.book(b, received, latest, window, 1, random); time.Duration(due-received) != want {
				t.Errorf("renewed %v late: due in %v, want %v", late, time.Duration(due-received), want)
			}
		}
	})
	t.Run("a place that was given up is not kept", func(t *testing.T) {
		c := new(calendar)
		b := new(booking)
		received := c.book(b, start, latest, window, 1, atRandom)
		c.release(b, false)
		due := c.book(b, received, latest, window, 1, func(time.Duration) time.Duration { return time.Minute })
		if time.Duration(due-received) != latest-time.Minute {
			t.Error("it was")
		}
	})
	t.Run("a key that is dropped takes no place", func(t *testing.T) {
		c := new(calendar)
		b := new(booking)
		c.release(b, true)
		c.release(b, false)
		c.book(b, start, latest, window, 1, atRandom)
		if len(c.seconds) != 0 {
			t.Error("it took one")
		}
	})
}

// Keys come, go, are refused, fail and are renewed, and the calendar has one place for
// each that has a token, no more.
func TestCalendarHoldsWhatIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: 10 * time.Minute, latency: 20 * time.Millisecond}
		m.fail = func(key string) error {
			if rand.IntN(10) == 0 {
				return errors.New("now and then")
			}
			return nil
		}
		g := &Group[string]{Base: m.base, Idle: 5 * time.Minute}
		stop := during(t, func(ctx context.Context) {
			var wg sync.WaitGroup
			wg.Go(func() { g.Run(ctx) })
			for range 20 {
				wg.Go(func() {
					for ctx.Err() == nil {
						key := keyOf(rand.IntN(200))
						tok, _ := g.Token(ctx, key)
						switch rand.IntN(10) {
						case 0:
							g.Invalidate(key, tok)
						case 1:
							g.Drop(func(k string) bool { return k == key })
						}
						time.Sleep(time.Duration(rand.IntN(5000)) * time.Millisecond)
					}
				})
			}
			wg.Wait()
		})
		time.Sleep(20 * time.Minute)
		stop()
		synctest.Wait() // for attempts that nobody waits for any more
		places, sum := 0, 0
		for _, m := range g.list(nil) {
			if m.place.booked {
				places++
			}
		}
		for _, n := range g.calendar.seconds {
			sum += n
		}
		if places != sum || places == 0 {
			t.Errorf("%d of %d keys have a place, and the calendar counts %d", places, g.Len(), sum)
		}
	})
}
