package refresh

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A mill is an issuer that serves many keys.
type mill struct {
	life    time.Duration
	latency time.Duration

	mu      sync.Mutex
	calls   []call
	under   int // way
	busiest int // most at a time
	fail    func(key string) error
	bases   map[string]int // how often each key got a Base
	refused []string       // tokens that Bases were told of
}

type call struct {
	key string
	at  time.Time
}

func (m *mill) base(key string) token.Source {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bases == nil {
		m.bases = make(map[string]int)
	}
	m.bases[key]++
	return &outlet{m, key}
}

// An outlet is the Base of one key.
type outlet struct {
	mill *mill
	key  string
}

func (o *outlet) Token(ctx context.Context) (token.Token, error) {
	m := o.mill
	m.mu.Lock()
	m.calls = append(m.calls, call{o.key, time.Now()})
	n := len(m.calls)
	m.under++
	m.busiest = max(m.busiest, m.under)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.under--
	}()
	if m.latency > 0 {
		select {
		case <-time.After(m.latency):
		case <-ctx.Done():
			return token.Token{}, ctx.Err()
		}
	}
	m.mu.Lock()
	fail := m.fail
	m.mu.Unlock()
	if fail != nil {
		if err := fail(o.key); err != nil {
			return token.Token{}, err
		}
	}
	return token.Token{Value: token.NewSecret(fmt.Sprintf("%s/%d", o.key, n)), ExpiresIn: m.life}, nil
}

func (o *outlet) Invalidate(t token.Token) {
	o.mill.mu.Lock()
	defer o.mill.mu.Unlock()
	o.mill.refused = append(o.mill.refused, t.Value.Reveal())
}

func (m *mill) setFail(f func(key string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = f
}

// count returns how many calls there were for key, or in all if key is empty.
func (m *mill) count(key string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.calls {
		if key == "" || c.key == key {
			n++
		}
	}
	return n
}

// take returns a token of key, or fails the test.
func take(t *testing.T, g *Group[string], key string) token.Token {
	t.Helper()
	tok, err := g.Token(t.Context(), key)
	if err != nil {
		t.Fatalf("Token(%q): %v", key, err)
	}
	if text := tok.Value.Reveal(); !strings.HasPrefix(text, key+"/") {
		t.Fatalf("Token(%q) = %q, of another key", key, text)
	}
	return tok
}

// takeAll asks for n keys at once, and waits for their tokens.
func takeAll(t *testing.T, g *Group[string], n int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { take(t, g, keyOf(i)) })
	}
	wg.Wait()
}

func keyOf(i int) string { return fmt.Sprintf("key-%d", i) }

// Each key has one attempt at a time, and one Base for as long as it is kept.
func TestGroupHasOneCallForEachKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour, latency: time.Second}
		g := &Group[string]{Base: m.base}
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() { take(t, g, keyOf(i%10)) })
		}
		wg.Wait()
		for generation := 1; generation <= 2; generation++ {
			for i := range 10 {
				if n := m.count(keyOf(i)); n != generation || m.bases[keyOf(i)] != 1 {
					t.Errorf("%s: %d calls in %d generations, %d times a Base", keyOf(i), n, generation, m.bases[keyOf(i)])
				}
			}
			time.Sleep(50 * time.Minute)
			for i := range 10 {
				take(t, g, keyOf(i)) // due, so that it is renewed in the background
			}
			time.Sleep(2 * time.Second)
		}
		if g.Len() != 10 {
			t.Errorf("Len = %d", g.Len())
		}
	})
}

func TestGroupFailsEachKeyByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		m.fail = func(key string) error {
			switch key {
			case "busy":
				return &asked{20 * time.Minute}
			case "invalid":
				return token.ErrExpired
			}
			return nil
		}
		var mu sync.Mutex
		told := make(map[string]int)
		g := &Group[string]{Base: m.base, OnEvent: func(key string, e Event) {
			mu.Lock()
			defer mu.Unlock()
			told[key+" "+e.Kind.String()]++
		}}
		for range 10 {
			_, err := g.Token(t.Context(), "busy")
			var e *Error
			if !errors.As(err, &e) || e.Next != 20*time.Minute {
				t.Fatalf("got %v, want an Error that says when to come back", err)
			}
			take(t, g, "good")
		}
		if n := m.count("busy"); n != 1 {
			t.Errorf("%d calls during a pause of 20 minutes, want 1", n)
		}
		if _, err := g.Token(t.Context(), "invalid"); !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("a token of our own that was refused: %v", err)
		}
		m.setFail(nil)
		time.Sleep(20 * time.Minute)
		take(t, g, "busy")
		if told["busy failed"] != 1 || told["busy obtained"] != 1 || told["good obtained"] != 1 || told["good failed"] != 0 {
			t.Errorf("events: %v", told)
		}
	})
}

// asked is an error that says when to come back.
type asked struct{ after time.Duration }

func (e *asked) Error() string             { return "too many requests" }
func (e *asked) RetryAfter() time.Duration { return e.after }

// A key whose Base cannot be had is not kept, and the next caller tries again.
func TestGroupBaseThatFails(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]func(string) token.Source{
		"nil":   func(string) token.Source { return nil },
		"panic": func(string) token.Source { panic("secret-in-a-panic") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &mill{life: time.Hour}
				broken := true
				g := &Group[string]{Base: func(key string) token.Source {
					if broken {
						return base(key)
					}
					return m.base(key)
				}}
				for range 3 {
					tok, err := g.Token(t.Context(), "a")
					if err == nil || !tok.IsZero() || !strings.Contains(err.Error(), "Base") || strings.Contains(err.Error(), "secret") {
						t.Fatalf("got error %v", err)
					}
					if g.Len() != 0 || len(g.calendar.seconds) != 0 {
						t.Fatalf("%d keys and %d seconds are left behind", g.Len(), len(g.calendar.seconds))
					}
				}
				broken = false
				take(t, g, "a")
			})
		})
	}
	if _, err := new(Group[string]).Token(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "Group.Base is nil: set it") {
		t.Errorf("without a Base: %v", err)
	}
	if err := new(Group[string]).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "Group.Base") {
		t.Errorf("Run without a Base: %v", err)
	}
}

// A Base that does not return, or whose Source panics, is the trouble of its key only.
func TestGroupBaseThatHangsOrPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		release := make(chan struct{})
		defer close(release)
		g := &Group[string]{Parallel: 1, Timeout: 5 * time.Second, Base: func(key string) token.Source {
			switch key {
			case "hangs":
				<-release
			case "panics":
				return token.SourceFunc(func(context.Context) (token.Token, error) { panic("secret-in-a-panic") })
			}
			return m.base(key)
		}}
		began := time.Now()
		_, err := g.Token(t.Context(), "hangs")
		if took := time.Since(began); err == nil || took != 5*time.Second+overrun {
			t.Errorf("after %v: %v", took, err)
		}
		_, err = g.Token(t.Context(), "panics")
		if err == nil || !strings.Contains(err.Error(), "panicked") || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
		take(t, g, "good") // the one turn is free again after both
	})
}

func TestGroupKeyThatIsNotItself(t *testing.T) {
	t.Parallel()
	g := &Group[float64]{Base: func(float64) token.Source { return token.Static(token.New(token.NewSecret("x"))) }}
	for range 3 {
		if _, err := g.Token(t.Context(), math.NaN()); err == nil || !strings.Contains(err.Error(), "NaN") {
			t.Errorf("got %v", err)
		}
	}
	if g.Len() != 0 {
		t.Errorf("%d keys are kept that nobody can find again", g.Len())
	}
}

// Callers leave on their own deadlines, and spoil nothing for the others.
func TestGroupCallersLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour, latency: time.Second}
		g := &Group[string]{Base: m.base}
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				patience := time.Duration(i+1) * 10 * time.Millisecond
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				began := time.Now()
				_, err := g.Token(ctx, "a")
				if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != patience {
					t.Errorf("left after %v instead of %v: %v", took, patience, err)
				}
			})
		}
		wg.Wait()
		began := time.Now()
		take(t, g, "a")
		if took := time.Since(began); took != 900*time.Millisecond || m.count("") != 1 {
			t.Errorf("%v and %d calls later there is a token, want 900ms and 1", took, m.count(""))
		}
	})
}

func TestGroupDropWhileWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour, latency: time.Second}
		g := &Group[string]{Base: m.base}
		take(t, g, "kept")
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if got := take(t, g, "gone").Value.Reveal(); got != "gone/2" {
					t.Errorf("got %s", got)
				}
			})
		}
		synctest.Wait()
		g.Drop(func(key string) bool {
			g.Len() // no lock is held
			return key == "gone"
		})
		if g.Len() != 1 {
			t.Errorf("Len = %d right after Drop", g.Len())
		}
		wg.Wait()
		if got := take(t, g, "gone").Value.Reveal(); got != "gone/3" {
			t.Errorf("got %s after Drop, want a new token", got)
		}
		g.Drop(func(string) bool { return true })
		synctest.Wait()
		if g.Len() != 0 || len(g.calendar.seconds) != 0 {
			t.Errorf("%d keys and %d seconds are left", g.Len(), len(g.calendar.seconds))
		}
	})
}

func TestGroupInvalidate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base}
		src := g.Source("a")
		src.Invalidate(token.New(token.NewSecret("unknown")))
		if g.Len() != 0 {
			t.Error("a key is kept that nobody has asked for")
		}
		first, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		other := take(t, g, "b")
		src.Invalidate(other) // not its own
		if got := take(t, g, "a"); !got.Equal(first) {
			t.Errorf("a token that is not in use was given up for another key")
		}
		if len(g.calendar.seconds) == 0 || !g.find("a").place.booked {
			t.Error("the place of a token that is still in use was given up")
		}
		src.Invalidate(first)
		if len(g.calendar.seconds) != 1 {
			t.Errorf("%d seconds are taken, want that of b only", len(g.calendar.seconds))
		}
		if got := take(t, g, "a"); got.Equal(first) {
			t.Error("the token that was given up is handed out")
		}
		if got := take(t, g, "b"); !got.Equal(other) {
			t.Error("the token of another key was given up")
		}
		// Base is told each time: it may keep what the Source has moved on from.
		want := []string{other.Value.Reveal(), first.Value.Reveal()}
		if fmt.Sprint(m.refused) != fmt.Sprint(want) {
			t.Errorf("Base was told of %v, want %v", m.refused, want)
		}
	})
}

// A token may be refused while the first attempt for its key is still under way.
func TestGroupInvalidateDuringTheFirstAttempt(t *testing.T) {
	t.Parallel()
	m := &mill{life: time.Hour}
	g := &Group[string]{Base: m.base}
	old := token.New(token.NewSecret("of a run before"))
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() { take(t, g, keyOf(i)) })
		wg.Go(func() { g.Invalidate(keyOf(i), old) })
	}
	wg.Wait()
}

func TestGroupAdmit(t *testing.T) {
	t.Parallel()
	// When the process began stands for never, and for a millisecond a pace is taken to
	// have been read just then: if this test runs alone, it begins within that.
	time.Sleep(paceHolds)
	m := new(mill)
	g := &Group[string]{Base: m.base, Clock: new(skew.Clock)}
	first, err := g.admit("a")
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := g.admit("a"); second != first {
		t.Error("who comes second at the same time gets another member, and makes another call")
	}
	if first.cache.pace.taken.Load() == 0 {
		t.Error("a new key seems never to have been asked for, and so idle")
	}
	if first.cache.Clock != g.Clock {
		t.Error("the Source has another Clock")
	}
	g.Drop(func(string) bool { return true })
	second, _ := g.admit("a")
	if g.forget(first); g.find("a") != second {
		t.Error("to forget a key that was dropped already drops what came after it")
	}
}

// A view does not keep its key.
func TestGroupSourceKeepsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base}
		src := g.Source("a")
		for range 3 {
			if g.Len() != 0 {
				t.Errorf("Len = %d", g.Len())
			}
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			g.Drop(func(string) bool { return true })
		}
	})
}

// Nothing that a Group or a Source holds is printed, nor read by who prints it: the
// attempt that has just brought the token may not have ended yet.
func TestGroupPrintsNoSecret(t *testing.T) {
	t.Parallel()
	g := &Group[string]{Base: func(string) token.Source {
		return token.Static(token.Token{Value: token.NewSecret("hunter2"), ExpiresIn: time.Hour})
	}}
	s := New(g.Source("a"))
	get(t, s)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		for v, want := range map[any]string{g: "refresh.Group", g.Source("a"): "refresh.Group", s: "refresh.Source"} {
			if text := fmt.Sprintf(verb, v); text != want {
				t.Errorf("%s of a %T is %q, want %q", verb, v, text, want)
			}
		}
	}
}
