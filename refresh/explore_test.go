package refresh

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A scenario is what all the runs of one search have in common.
type scenario struct {
	name     string
	rounds   int           // tokens that each holder gets, refusing the one before
	budget   [mishaps]int  // how often each may happen in a run
	most     int           // how many mishaps may
	strict   bool          // the issuer is not ours, and revokes a family on the least suspicion
	grace    time.Duration // of ours
	subjects bool          // of ours
	locks    bool          // the holders' Store is a Locker
	restart  bool          // who was killed is started again
	later    time.Duration // when B begins
	ahead    time.Duration // by how much B's wall clock is

	judged map[uint64]bool // what runs have left behind so far
}

// patience is how long a holder may be without a token.
const patience = 50 * time.Second

// explored is what came of a run.
type explored struct {
	trace  []string
	broken string
}

// run makes one run, and judges it if it comes to its end.
func (sc *scenario) run(t *testing.T, choose func(func() uint64, []move) int) (r explored) {
	var w *world
	defer func() {
		if p := recover(); p != nil {
			r = explored{w.trace, fmt.Sprint("panic: ", p)}
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w = &world{
			scenario: *sc,
			start:    time.Now(),
			choose:   choose,
			over:     make(chan struct{}),
			bell:     make(chan struct{}, 1),
			cells:    map[string]cell{},
			history:  map[string]uint64{},
			numbers:  map[string]int{},
			read:     map[string]string{},
			ids:      map[string]uint64{},
			issued: ledger{
				names: map[string]string{}, successor: map[string]string{}, posts: map[string]int{},
				minted: map[string]time.Time{}, access: map[string]string{},
			},
		}
		defer w.end()
		if err := w.login(); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.begin("A", 0)
		w.begin("B", w.later)
		w.mu.Unlock()
		complete := w.run()
		close(w.over)
		if complete && w.broken == "" {
			w.judge()
		}
	})
	return explored{w.trace, w.broken}
}

// login has the issuer begin.
func (w *world) login() error {
	if w.strict {
		i := &strictIssuer{w: w}
		w.issue = i.exchange
		w.initial = Pair{Refresh: i.refresh(0)}
	} else {
		i := w.realIssuer(&gate{world: w})
		p, err := i.Begin(context.Background(), Grant{Subject: "ann", Client: "cli"})
		if err != nil {
			return err
		}
		w.issue = func(ctx context.Context, s token.Secret) (Pair, error) {
			return i.Exchange(ctx, Request{Refresh: s, Client: "cli"})
		}
		w.initial = Pair{Refresh: p.Refresh}
	}
	w.issued.names[w.initial.Refresh.Value.Reveal()] = "1"
	return nil
}

// end lets every goroutine of the holders come to its end: a bubble finds out
// if one does not.
func (w *world) end() {
	time.Sleep(3 * time.Hour)
}

// judge looks at what a run has left behind: whether a holder can go on with
// what is in the Store, and which refresh tokens the issuer would still take.
func (w *world) judge() {
	if w.spent[forgets] == 0 {
		w.kept()
	}
	left := maps.Clone(w.cells)
	id := mix(left["pair"].id, left["family"].id, len(w.issued.names), w.issued.causes)
	if w.judged[id] {
		return
	}
	w.judged[id] = true
	if !w.mayLose() || w.issued.causes == 0 {
		r := &Rotator{Exchanger: w.issue, Initial: w.initial, Store: &gate{world: w}, Key: "k"}
		for range 2 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			t, err := r.Token(ctx)
			cancel()
			if err != nil {
				w.fail("loss: what is left in the Store is no good: %v", err)
				return
			}
			r.Invalidate(t)
		}
	}
	if w.strict || w.grace < 0 && w.issued.causes > 0 {
		return
	}
	time.Sleep(2 * time.Minute) // beyond any grace
	var taken []string
	for _, s := range slices.Sorted(maps.Keys(w.issued.names)) {
		w.cells = maps.Clone(left)
		if _, err := w.issue(context.Background(), token.NewSecret(s)); err == nil {
			taken = append(taken, w.issued.names[s])
		}
	}
	if n := len(taken); n < 1 || n > 1 && w.spent[forgets] == 0 {
		w.fail("the issuer would take %d refresh tokens: %q", n, taken)
	}
}

// print returns the trace for people: without the looks into the Store that
// found nothing new.
func (r explored) print() string {
	var b strings.Builder
	for _, line := range r.trace {
		if !strings.HasSuffix(line, "time passes") {
			fmt.Fprintln(&b, line)
		}
	}
	return b.String()
}

// explore searches a scenario, with more and more mishaps.
func (sc scenario) explore(t *testing.T) {
	if seed, ok := strings.CutPrefix(os.Getenv("EXPLORE"), sc.name+":"); ok {
		most, seed, _ := strings.Cut(seed, ":")
		sc.most, _ = strconv.Atoi(most)
		sc.judged = map[uint64]bool{}
		r := sc.run(t, replay(seed))
		t.Logf("%s\n%s", r.broken, r.print())
		return
	}
	var runs, forks, depth, states int
	began := time.Now()
	for n := range sc.most + 1 {
		part := sc
		part.most = n
		part.judged = map[uint64]bool{}
		s := &search{seen: map[uint64][]string{}}
		for more := true; more; more = s.back() {
			r := part.run(t, s.next)
			if r.broken != "" {
				t.Fatalf("%s\nrun %d, to be repeated with EXPLORE=%s:%d:%s\n%s", r.broken, runs+s.runs, sc.name, n, s.seed(), r.print())
			}
		}
		runs, forks, depth, states = runs+s.runs, forks+s.forks, max(depth, s.depth), states+len(s.seen)
	}
	t.Logf("%d runs, %d states, %d choices, up to %d moves deep, in %v", runs, states, forks, depth, time.Since(began).Round(time.Millisecond))
}

// In every run of these, and there are thousands of each, for our Issuer there
// are never two live successors of a refresh token, no family is revoked, and
// everybody who is not killed has a token within Grace. Where the issuer has no
// grace, every loss has a cause, and is called one.
func TestExplore(t *testing.T) {
	any := [mishaps]int{killed: 1, dropped: 1, unmade: 1, drifts: 1, cutOff: 1, lied: 1, slowed: 2, frozen: 1}
	most := 1
	if os.Getenv("FULL") != "" && !underRace {
		most = 2
	}
	for i, sc := range []scenario{
		{name: "plain", rounds: 1, budget: any, most: most},
		{name: "locks", rounds: 1, budget: any, most: most, locks: true},
		{name: "graceless", rounds: 1, budget: any, most: most, grace: -1},
		{name: "strict", rounds: 1, budget: any, most: most, strict: true},
		{name: "crash", rounds: 1, budget: [mishaps]int{killed: 1, drifts: 1}, most: 2},
		{name: "hurry", rounds: 1, budget: [mishaps]int{slowed: 1, frozen: 1}, most: 2},
		{name: "again", rounds: 1, budget: [mishaps]int{unmade: 1, drifts: 1}, most: 2, later: time.Second},
		{name: "rounds", rounds: 2, budget: [mishaps]int{killed: 1, lied: 1, cutOff: 1}, most: most},
		{name: "restart", rounds: 1, budget: [mishaps]int{killed: 1, drifts: 1}, most: most, restart: true},
		{name: "ahead", rounds: 1, budget: [mishaps]int{killed: 1, slowed: 1, frozen: 1}, most: most, ahead: 10 * time.Second},
		{name: "subjects", rounds: 1, budget: [mishaps]int{killed: 1, lied: 1, drifts: 1}, most: most, subjects: true},
		{name: "forgets", rounds: 2, budget: [mishaps]int{killed: 1, forgets: 1}, most: most},
	} {
		t.Run(sc.name, func(t *testing.T) {
			if i >= 4 && (testing.Short() || underRace) {
				t.Skip("the first four will do")
			}
			t.Parallel()
			sc.explore(t)
		})
	}
}
