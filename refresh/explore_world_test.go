package refresh

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A world is one run of the explorer, in a bubble of its own: holders, which are
// real Rotators, an issuer, and the Stores of both. Every call to a Store or to
// the issuer stops, and one at a time is let go on when everything else has come
// to a stand. The clock moves only when no call is waiting to go on, so that
// between two calls there is nothing left to chance.
type world struct {
	scenario
	start   time.Time
	choose  func(state func() uint64, moves []move) int
	issue   ExchangerFunc
	initial Pair
	over    chan struct{} // closed when the run has been judged
	bell    chan struct{} // has something happened that the clock may wait for

	mu      sync.Mutex
	holders []*actor
	fresh   []*halt         // stopped since the last look
	stopped []*halt         // waiting to go on
	adrift  []*halt         // nobody waits for them, but they may land yet
	cells   map[string]cell // the values of both Stores, by object
	locked  *actor
	history map[string]uint64 // of everybody: all that they were answered, and when
	numbers map[string]int    // of everybody's last call
	read    map[string]string // what everybody's last call got, if that was a get
	spent   [mishaps]int      // mishaps made
	ids     map[string]uint64 // of the values written, by value
	issued  ledger
	trace   []string
	broken  string // what should not have happened; empty as long as nothing has
}

// A cell is a value in a Store.
type cell struct {
	value   []byte
	expires time.Time
	id      uint64 // stands for the value wherever two runs are compared
	before  *cell  // nil if this is the first
}

// live reports whether there is a value.
func (c cell) live() bool {
	return c.value != nil && (c.expires.IsZero() || time.Now().Before(c.expires))
}

func (c cell) text() string {
	if !c.live() {
		return "nothing"
	}
	return fmt.Sprint(c.id)
}

// A halt is a call that stopped.
type halt struct {
	by      string // "A", or "A.2" for the issuer at work on the second POST of A
	op      string // "get", "swap", "lock" or "POST"
	object  string // "pair", "lock", "family" or "subject"
	name    string // by, number, op and object; set when it was first looked at
	do      func() said
	refused said        // what it is answered if it does not land
	would   func() bool // whether it would answer true now; nil if it does not answer so
	reply   chan said   // has room for one

	until  time.Duration // it is under way until then; 0 if it waits to go on
	ready  *said         // what it is answered then, if it has landed already
	frozen bool          // its caller cannot hear its context end
	left   bool          // its caller has gone away
	sent   time.Duration
	stamp  uint64 // history of its caller before it
	lose   bool   // its answer does not arrive
	token  string // name of the refresh token that is presented
}

// What a call is said in answer. Text stands for it wherever two runs are compared.
type said struct {
	value []byte
	ok    bool
	pair  Pair
	err   error
	text  string
}

var (
	errDropped  = errors.New("connection refused")
	errCut      = errors.New("connection reset")
	errTheEnd   = errors.New("the run is over")
	historySeed = maphash.MakeSeed()
)

func mix(h uint64, what ...any) uint64 {
	return maphash.String(historySeed, fmt.Sprint(h, " ", fmt.Sprintln(what...)))
}

func (w *world) now() time.Duration { return time.Since(w.start) }

func (w *world) ring() {
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

// stop has c wait until it is answered, or its caller's context ends.
func (w *world) stop(ctx context.Context, c *halt) said {
	c.reply = make(chan said, 1)
	w.mu.Lock()
	select {
	case <-w.over:
		w.mu.Unlock()
		return said{err: errTheEnd}
	default:
	}
	c.sent, c.stamp = w.now(), w.history[c.by]
	w.fresh = append(w.fresh, c)
	w.mu.Unlock()
	w.ring()
	select {
	case a := <-c.reply:
		return a
	case <-w.over:
		return said{err: errTheEnd}
	case <-ctx.Done():
	}
	w.mu.Lock()
	deaf := c.frozen || w.dead(c.by)
	if !deaf {
		c.left = true
		if c.op == "POST" || c.ofHolder() && w.holder(c.by).posted {
			w.issued.excuses++
			w.issued.causes++
		}
		w.answered(c, said{text: "gave up"})
	}
	w.mu.Unlock()
	if deaf {
		select {
		case a := <-c.reply:
			return a
		case <-w.over:
			return said{err: errTheEnd}
		}
	}
	w.ring()
	return said{err: ctx.Err()}
}

// answered notes what the caller of c was answered. The caller holds mu.
func (w *world) answered(c *halt, a said) {
	delete(w.read, c.by)
	if c.op == "get" {
		w.read[c.by] = a.text
	}
	if h := w.holder(c.by); h.flying == c {
		h.flying = nil
	}
	w.history[c.by] = mix(w.history[c.by], c.name, a.text, w.now())
}

// answer lets the caller of c have a.
func (w *world) answer(c *halt, a said) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.left || w.dead(c.by) {
		return
	}
	w.answered(c, a)
	c.reply <- a
}

// holder returns the holder that by, or the POST that by is, belongs to.
func (w *world) holder(by string) *actor {
	for _, h := range w.holders {
		if h.name == by[:1] {
			return h
		}
	}
	return nil
}

func (w *world) dead(by string) bool { return len(by) == 1 && w.holder(by).dead }

// look takes in the calls that stopped since the last time. Those of one moment
// are put in order, so that it does not matter which goroutine was faster.
func (w *world) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortStableFunc(w.fresh, func(a, b *halt) int {
		return strings.Compare(a.by+a.op+a.object, b.by+b.op+b.object)
	})
	for _, c := range w.fresh {
		w.numbers[c.by]++
		c.name = fmt.Sprint(c.by, w.numbers[c.by], " ", c.op, " ", c.object)
		w.stopped = append(w.stopped, c)
	}
	w.fresh = nil
	slices.SortStableFunc(w.stopped, func(a, b *halt) int { return strings.Compare(a.by, b.by) })
	now := w.now()
	w.stopped = slices.DeleteFunc(w.stopped, func(c *halt) bool {
		switch {
		case w.dead(c.by):
			return true
		case c.left && (c.ready != nil || c.op == "get" || c.op == "lock"):
			return true // it landed long ago, or there is nothing left to land
		case c.left:
			w.adrift = append(w.adrift, c)
			return true
		}
		if c.until != 0 && c.until <= now {
			c.until = 0
		}
		return false
	})
	w.adrift = slices.DeleteFunc(w.adrift, func(c *halt) bool {
		return now-c.sent > longestDrift || c.op == "POST" && len(w.issued.newest)-len(c.token) > 1
	})
}

// longestDrift is how long after it was sent a call can land. The issuer's grace
// is no help against a network that delivers even later, nor against one that
// delivers a POST when the successor of its refresh token has been spent as well:
// no issuer could tell that from a thief.
const longestDrift = 30 * time.Second

// run makes moves until there is nothing left to do, something is broken, or
// choose has seen it all.
func (w *world) run() (complete bool) {
	for {
		synctest.Wait()
		w.look()
		if w.broken != "" {
			return true
		}
		moves := w.moves()
		if len(moves) == 0 {
			return true
		}
		i := w.choose(w.state, moves)
		if i < 0 {
			return false
		}
		w.trace = append(w.trace, fmt.Sprintf("%8v  %s", w.now().Round(time.Millisecond), moves[i].name))
		moves[i].do()
	}
}

// moves returns what can happen next.
func (w *world) moves() (moves []move) {
	w.mu.Lock()
	defer w.mu.Unlock()
	under := false
	for _, c := range w.stopped {
		if c.until != 0 {
			under = true
			continue
		}
		moves = append(moves, w.fates(c)...)
	}
	busy := len(moves) > 0
	moves = append(moves, w.lapses()...)
	for _, c := range w.adrift {
		moves = append(moves, move{name: c.name + ": lands late", by: c.by[:1], object: c.object, write: true, do: func() { w.land(c) }})
	}
	switch {
	case busy:
	case under || slices.ContainsFunc(w.holders, w.running):
		moves = slices.Insert(moves, 0, move{name: "time passes", do: w.pass})
	case len(moves) > 0:
		moves = slices.Insert(moves, 0, move{name: "the end", do: func() { w.adrift, w.most = nil, 0 }})
	}
	return moves
}

// pass lets the clock run until something happens.
func (w *world) pass() {
	select {
	case <-w.bell: // it is known what rang
	default:
	}
	wait := longestRun - w.now()
	if wait <= 0 {
		w.fail("starved: no token after %v", longestRun)
		return
	}
	for _, c := range w.stopped {
		if c.until != 0 {
			wait = min(wait, c.until-w.now())
		}
	}
	if !slices.ContainsFunc(w.holders, func(h *actor) bool { return !h.dead && !h.done }) {
		wait = min(wait, toStore)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-w.bell:
	case <-timer.C:
	}
}

// longestRun is when a holder is taken to be stuck.
const longestRun = 4 * time.Minute

// land lets c happen, whose caller is gone.
func (w *world) land(c *halt) {
	w.adrift = slices.DeleteFunc(w.adrift, func(d *halt) bool { return c == d })
	c.do()
}

// gone takes c out of those that wait to go on.
func (w *world) gone(c *halt) {
	w.stopped = slices.DeleteFunc(w.stopped, func(d *halt) bool { return c == d })
}

// state returns a number for all that what follows depends on. The holders are
// black boxes, but what they do next depends on nothing but what they have been
// answered so far, and when.
func (w *world) state() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := mix(0, w.now(), w.issued.excuses, w.issued.causes, w.most)
	for _, d := range w.holders {
		h = mix(h, d.name, d.dead, d.done, d.posted)
		if d.dead {
			delete(w.history, d.name)
		}
	}
	for _, by := range slices.Sorted(maps.Keys(w.history)) {
		h = mix(h, by, w.history[by])
	}
	for _, object := range slices.Sorted(maps.Keys(w.cells)) {
		h = mix(h, object, w.cells[object].id)
	}
	for _, c := range w.stopped {
		h = mix(h, c.name, c.until, c.frozen, c.lose)
	}
	for _, c := range w.adrift {
		h = mix(h, c.name, c.sent, c.stamp)
	}
	h = mix(h, w.spent)
	if w.locked != nil {
		h = mix(h, w.locked.name)
	}
	for _, name := range slices.Sorted(maps.Keys(w.issued.posts)) {
		h = mix(h, name, w.issued.posts[name])
	}
	return h
}

// fail records what should not have happened.
func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed(format, args...)
}

func (w *world) failed(format string, args ...any) {
	if w.broken == "" {
		w.broken = fmt.Sprintf(format, args...)
		w.trace = append(w.trace, fmt.Sprintf("%8v  >>> %s", w.now().Round(time.Millisecond), w.broken))
	}
}

// note adds to the trace what somebody did of themselves.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, fmt.Sprintf("%8v    %s", w.now().Round(time.Millisecond), fmt.Sprintf(format, args...)))
}

// A postKey is the context key under which the issuer's calls find out for whom
// they are made.
type postKey struct{}

// A gate is a Store whose calls stop.
type gate struct {
	*world
	by string // the holder; empty for the issuer's
}

// place returns who calls and what object is meant.
func (g *gate) place(ctx context.Context, key string) (by, object string) {
	by = g.by
	if by == "" {
		by, _ = ctx.Value(postKey{}).(string)
	}
	object, _, _ = strings.Cut(key, "/")
	return by, object
}

// Get implements Store.
func (g *gate) Get(ctx context.Context, key string) ([]byte, error) {
	by, object := g.place(ctx, key)
	c := &halt{by: by, op: "get", object: object, refused: said{err: errCut, text: "cut off"}}
	if g.free(by) {
		return g.get(object).value, nil
	}
	c.do = func() said { return g.get(object) }
	a := g.stop(ctx, c)
	return a.value, a.err
}

// free reports whether calls are not to stop: before the first move, and after
// the last.
func (w *world) free(by string) bool { return by == "" }

func (w *world) get(object string) said {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.cells[object]
	if !c.live() {
		return said{text: c.text()}
	}
	return said{value: slices.Clone(c.value), text: c.text()}
}

// Swap implements Store.
func (g *gate) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	by, object := g.place(ctx, key)
	if err := checkValue(new); err != nil {
		return false, err
	}
	old, new = slices.Clone(old), slices.Clone(new)
	c := &halt{by: by, op: "swap", object: object, refused: said{err: errCut, text: "cut off"}}
	c.do = func() said { return g.swap(c, old, new, expires) }
	c.would = func() bool { return string(g.cells[object].value) == string(old) }
	if g.free(by) {
		return c.do().ok, nil
	}
	a := g.stop(ctx, c)
	return a.ok, a.err
}

func (w *world) swap(c *halt, old, new []byte, expires time.Time) said {
	before := w.get(c.object)
	w.mu.Lock()
	defer w.mu.Unlock()
	if (before.value == nil) != (old == nil) || string(before.value) != string(old) {
		return said{text: "false"}
	}
	id, known := w.ids[string(new)]
	if !known {
		id = mix(c.stamp, c.name)
		w.ids[string(new)] = id
	}
	next := cell{value: new, expires: expires, id: id}
	if last := w.cells[c.object]; last.value != nil {
		last.before = nil
		next.before = &last
	}
	w.cells[c.object] = next
	w.wrote(c)
	return said{ok: true, text: "true"}
}

// A lockGate is a gate with a lock.
type lockGate struct{ gate }

// Lock implements Locker.
func (g *lockGate) Lock(ctx context.Context, key string) (func(), error) {
	c := &halt{by: g.by, op: "lock", object: "lock", refused: said{err: errCut, text: "cut off"}}
	c.do = func() said {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.locked = g.holder(g.by)
		return said{text: "locked"}
	}
	if a := g.stop(ctx, c); a.err != nil {
		return nil, a.err
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.locked != nil && g.locked.name == g.by {
			g.locked = nil
		}
	}, nil
}

// exchanger returns the Exchanger of a holder: it stops, and then the issuer
// sets to work.
func (w *world) exchanger(by string) ExchangerFunc {
	return func(ctx context.Context, s token.Secret) (Pair, error) {
		c := &halt{by: by, op: "POST", object: "family", refused: said{err: &ExchangeError{Outcome: Transient, Err: errDropped}, text: "dropped"}}
		c.do = func() said {
			if c.left {
				ctx = context.WithoutCancel(ctx) // the issuer cannot know
			}
			w.post(ctx, c, s)
			return said{}
		}
		w.posting(c, s)
		a := w.stop(ctx, c)
		return a.pair, a.err
	}
}

// post has the issuer answer the POST c.
func (w *world) post(ctx context.Context, c *halt, s token.Secret) {
	w.mu.Lock()
	w.numbers[c.by+"."]++
	by := fmt.Sprint(c.by, ".", w.numbers[c.by+"."])
	w.history[by] = mix(0, w.issued.presented(w, c))
	w.mu.Unlock()
	go func() {
		p, err := w.issue(context.WithValue(ctx, postKey{}, by), s)
		w.mu.Lock()
		a := w.issued.exchanged(w, s, p, err)
		delete(w.history, by)
		lose := c.lose
		w.mu.Unlock()
		if lose {
			a = said{err: errCut, text: "cut off"}
		}
		w.delivered(c, a)
		w.answer(c, a)
		w.ring()
	}()
}
