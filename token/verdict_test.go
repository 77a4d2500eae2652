package token

import (
	"context"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// Not the hash but the whole text decides whose verdict it is.
func TestTableCollision(t *testing.T) {
	t.Parallel()
	tab := make(table, 64)
	a := &verdict{hash: 7, text: NewSecret("a"), asked: time.Now(), lasts: time.Hour}
	b := &verdict{hash: 7, text: NewSecret("b"), asked: time.Now(), lasts: time.Hour}
	tab.put(a)
	if _, v := tab.find(7, "b"); v != nil {
		t.Error("b got the verdict on a")
	}
	tab.put(b)
	for text, want := range map[string]*verdict{"a": a, "b": b} {
		if _, v := tab.find(7, text); v != want {
			t.Errorf("%s got %v", text, v)
		}
	}
}

// Of two tokens with one hash, the second does not get the first one's verdict
// while that is awaited.
func TestFlightCollision(t *testing.T) {
	t.Parallel()
	c := &VerifierCache{flights: map[uint64]*flight{7: {hash: 7, text: NewSecret("a")}}}
	if v, f, err := c.join(7, "b"); v != nil || f != nil || err != (errBusy{}) {
		t.Errorf("%v, %v, %v", v, f, err)
	}
	if _, f, err := c.join(7, "a"); f != c.flights[7] || err != nil {
		t.Errorf("%v, %v", f, err)
	}
}

// A caller that found nothing, and then no flight, because one has just ended,
// gets what that brought.
func TestJoinRecalls(t *testing.T) {
	t.Parallel()
	c := &VerifierCache{}
	came := &verdict{hash: 7, text: NewSecret("a"), asked: time.Now(), lasts: time.Hour}
	c.remembered().approved.put(came)
	if v, f, err := c.join(7, "a"); v != came || f != nil || err != nil {
		t.Errorf("%v, %v, %v", v, f, err)
	}
}

// Behind a Verifier that waits for nobody, none is told to come back, however
// many come at once: no more are judged at a time than there are processors.
func TestFlightsCount(t *testing.T) {
	t.Parallel()
	c := &VerifierCache{Verifier: VerifierFunc(func(context.Context, Secret) (Claims, error) {
		for range 20_000 {
			// works for some microseconds: too short a time to be set aside in
		}
		return Claims{}, nil
	})}
	var flights []*flight
	for i := range uint64(2 * mostFlights) {
		_, f, err := c.join(i, "a")
		if err != nil {
			t.Fatalf("flight %d: %v", i, err)
		}
		flights = append(flights, f)
	}
	for i, f := range flights {
		if <-f.done; f.verdict.err != nil {
			t.Errorf("flight %d: %v", i, f.verdict.err)
		}
	}
}

// What is kept of a header is the token, and not all of the header.
func TestJoinClones(t *testing.T) {
	t.Parallel()
	c := &VerifierCache{Verifier: VerifierFunc(func(context.Context, Secret) (Claims, error) { return Claims{}, nil })}
	text := strings.Repeat("x", 100)
	_, f, err := c.join(7, text[:3])
	if err != nil {
		t.Fatal(err)
	}
	<-f.done
	if unsafe.StringData(f.text.Reveal()) == unsafe.StringData(text) {
		t.Error("the token is part of the longer text")
	}
}

// A place that is free, or whose verdict is dead, is taken first; then that of
// the verdict which dies first.
func TestTablePlaces(t *testing.T) {
	t.Parallel()
	now := time.Now()
	tab := make(table, few)
	put := func(text string, asked time.Time, lasts time.Duration) {
		tab.put(&verdict{hash: 0, text: NewSecret(text), asked: asked, lasts: lasts})
	}
	has := func(text string) bool {
		_, v := tab.find(0, text)
		return v != nil
	}
	for i := range few {
		put(string(rune('a'+i)), now, time.Duration(10+(i+3)%few)*time.Second) // f dies first
	}
	put("new", now, time.Hour)
	for i := range few {
		if text := string(rune('a' + i)); has(text) != (text != "f") {
			t.Errorf("%s: %t", text, has(text))
		}
	}
	if !has("new") {
		t.Error("the new one has no place")
	}

	// After 12 seconds two are dead, and both go.
	put("later", now.Add(12*time.Second), time.Hour)
	n := 0
	for i := range tab {
		if tab[i].Load() != nil {
			n++
		}
	}
	if n != 7 || !has("later") || !has("new") {
		t.Errorf("%d places are taken, want 7", n)
	}
}

// Every hash has places in a table of any size.
func TestTableSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 7, 8, 9, 1000} {
		tab := make(table, size)
		for _, hash := range []uint64{0, 1, 1 << 63, 1<<64 - 1} {
			v := &verdict{hash: hash, text: NewSecret("a"), asked: time.Now(), lasts: time.Hour}
			tab.put(v)
			if _, got := tab.find(hash, "a"); (got == v) != (size > 0) {
				t.Errorf("size %d, hash %x: %v", size, hash, got)
			}
		}
	}
}

func TestVerdictLive(t *testing.T) {
	t.Parallel()
	v := &verdict{asked: time.Now(), lasts: 10 * time.Second}
	for _, test := range []struct {
		mono, wall time.Duration
		want       bool
	}{
		{0, 0, true},
		{10*time.Second - 1, 10*time.Second - 1, true},
		{10 * time.Second, 10 * time.Second, false},
		{-1, -1, false},
		{time.Second, 10 * time.Second, false}, // suspended, or set forward
		{time.Second, -1, false},               // set back
		{10 * time.Second, time.Second, false}, // set back a little
		{-1, time.Second, false},
	} {
		if got := v.liveAt(test.mono, test.wall); got != test.want {
			t.Errorf("%v by the monotonic clock, %v by the wall clock: %t", test.mono, test.wall, got)
		}
		if test.mono == test.wall {
			for _, now := range []time.Time{v.asked.Add(test.mono), v.asked.Round(0).Add(test.mono)} {
				if got := v.live(now); got != test.want {
					t.Errorf("%v after: %t", test.mono, got)
				}
			}
		}
	}
}

// How much is remembered is bounded: refusals have a quarter of the room, and
// what is too long has none.
func TestMemory(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ size, approved, refused int }{
		{0, 4096, 1024}, {1, 1, 1}, {10, 10, 3}, {-1, 0, 0},
	} {
		m := (&VerifierCache{Size: test.size}).remembered()
		if len(m.approved) != test.approved || len(m.refused) != test.refused {
			t.Errorf("Size %d: room for %d approvals and %d refusals", test.size, len(m.approved), len(m.refused))
		}
	}
	for _, err := range []error{nil, ErrRevoked} {
		c := &VerifierCache{Verifier: VerifierFunc(func(context.Context, Secret) (Claims, error) { return Claims{}, err })}
		for n, text := range []string{"short", strings.Repeat("x", longestRemembered+1)} {
			c.Verify(t.Context(), NewSecret(text))
			taken := 0
			for _, tab := range []table{c.remembered().approved, c.remembered().refused} {
				for i := range tab {
					if tab[i].Load() != nil {
						taken++
					}
				}
			}
			if taken != 1 {
				t.Errorf("%d places taken after %d tokens, want 1", taken, n+1)
			}
		}
	}
}
