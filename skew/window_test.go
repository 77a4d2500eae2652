package skew

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWindowCompare(t *testing.T) {
	t.Parallel()
	from, until := at(100), at(200)
	for _, tt := range []struct {
		name string
		w    Window
		t    time.Time
		want int
	}{
		{"before", Window{from, until}, from.Add(-1), -1},
		{"at From", Window{from, until}, from, 0},
		{"last moment", Window{from, until}, until.Add(-1), 0},
		{"at Until", Window{from, until}, until, +1},
		{"after", Window{from, until}, until.Add(1), +1},
		{"no From", Window{Until: until}, time.Time{}, 0},
		{"no From, after", Window{Until: until}, until, +1},
		{"no Until", Window{From: from}, at(math.MaxInt32), 0},
		{"no Until, before", Window{From: from}, at(99), -1},
		{"zero", Window{}, from, 0},
		{"zero, zero", Window{}, time.Time{}, 0},
		{"empty, before", Window{from, from}, from.Add(-1), -1},
		{"empty, at", Window{from, from}, from, +1},
		{"inverted, between", Window{until, from}, at(150), -1},
		{"inverted, after", Window{until, from}, at(250), +1},
	} {
		if got := tt.w.Compare(tt.t); got != tt.want {
			t.Errorf("%s: Compare = %d, want %d", tt.name, got, tt.want)
		}
		if got := tt.w.Contains(tt.t); got != (tt.want == 0) {
			t.Errorf("%s: Contains = %t, but Compare = %d", tt.name, got, tt.want)
		}
	}
}

func TestWindowMove(t *testing.T) {
	t.Parallel()
	// The zero time means no bound; a token can name a time next to it.
	var zero time.Time
	last := time.Unix(math.MaxInt64-62135596800, 999999999) // the latest Time there is
	for _, tt := range []struct {
		name         string
		w            Window
		d            time.Duration
		wide, narrow Window
	}{
		{"both bounds", Window{at(100), at(200)}, 10 * time.Second, Window{at(90), at(210)}, Window{at(110), at(190)}},
		{"no bounds", Window{}, time.Hour, Window{}, Window{}},
		{"no From", Window{Until: at(200)}, time.Second, Window{Until: at(201)}, Window{Until: at(199)}},
		{"no Until", Window{From: at(100)}, time.Second, Window{From: at(99)}, Window{From: at(101)}},
		{"none", Window{at(100), at(200)}, 0, Window{at(100), at(200)}, Window{at(100), at(200)}},
		{"negative", Window{at(100), at(200)}, -time.Second, Window{at(100), at(200)}, Window{at(100), at(200)}},
		{"most negative", Window{at(100), at(200)}, math.MinInt64, Window{at(100), at(200)}, Window{at(100), at(200)}},
		{"narrowed until it meets", Window{at(100), at(200)}, 50 * time.Second, Window{at(50), at(250)}, Window{at(150), at(150)}},
		{"narrowed past itself", Window{at(100), at(200)}, time.Hour, Window{at(-3500), at(3800)}, Window{at(150), at(150)}},
		{"empty", Window{at(100), at(100)}, time.Hour, Window{at(100), at(100)}, Window{at(100), at(100)}},
		{"inverted", Window{at(100), at(90)}, time.Hour, Window{at(100), at(90)}, Window{at(100), at(90)}},
		{"narrowed onto the zero time", Window{Until: zero.Add(time.Second)}, time.Second, Window{Until: zero.Add(2 * time.Second)}, Window{Until: zero.Add(-1)}},
		{"From narrowed onto the zero time", Window{From: zero.Add(-time.Second)}, time.Second, Window{From: zero.Add(-2 * time.Second)}, Window{From: zero.Add(1)}},
		{"widened onto the zero time", Window{From: zero.Add(time.Second)}, time.Second, Window{From: zero.Add(-1)}, Window{From: zero.Add(2 * time.Second)}},
		{"at the end of time", Window{Until: last}, time.Hour, Window{Until: last}, Window{Until: last.Add(-time.Hour)}},
	} {
		if diff := cmp.Diff(tt.wide, tt.w.Widen(tt.d)); diff != "" {
			t.Errorf("%s: Widen(%v) (-want +got):\n%s", tt.name, tt.d, diff)
		}
		if diff := cmp.Diff(tt.narrow, tt.w.Narrow(tt.d)); diff != "" {
			t.Errorf("%s: Narrow(%v) (-want +got):\n%s", tt.name, tt.d, diff)
		}
	}
}

// A narrowed window never contains what the window did not, and a widened one
// always contains what it did, wherever their bounds lie.
func TestWindowNests(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	times := []time.Time{{}, at(0), at(1), at(-1), time.Unix(1<<40, 0), time.Unix(-1<<40, 0), time.Time{}.Add(1), time.Time{}.Add(-1),
		time.Unix(math.MaxInt64-62135596800, 999999999), time.Unix(math.MinInt64+62135596800, 0)}
	pick := func() time.Time { return times[rng.IntN(len(times))].Add(time.Duration(rng.IntN(3)) * time.Second) }
	for range 20_000 {
		w, d, x := Window{pick(), pick()}, time.Duration(rng.Int64()>>rng.IntN(62)), pick()
		if w.Narrow(d).Contains(x) && !w.Contains(x) {
			t.Fatalf("%v narrowed by %v contains %v", w, d, x)
		}
		if w.Contains(x) && !w.Widen(d).Contains(x) {
			t.Fatalf("%v widened by %v does not contain %v", w, d, x)
		}
	}
}

// at returns a time so many seconds after a fixed one.
func at(seconds int) time.Time {
	return time.Date(2026, 1, 1, 0, 0, seconds, 0, time.UTC)
}
