package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token/seal"
)

// Two replicas do what they do to one session at the same time, in every order of
// their calls of the Store, with every fault of one of these. After each call:
//
//   - a copy that was not good once never is again;
//   - of the copies of a login at most one is good;
//   - none is of a login whose End or Start over it has returned nil;
//   - none is that was given before an EndAll began that has returned nil.
//
// At the end, what nobody has ended is good, whatever went wrong in between.
func TestExplore(t *testing.T) {
	t.Parallel()
	acts := []string{"End", "EndAll", "Renew", "Start", "Login"}
	synctest.Test(t, func(t *testing.T) {
		for _, a := range acts {
			for _, b := range acts {
				explore(t, 1, []string{a}, []string{b})
				for _, c := range acts {
					explore(t, 0, []string{a, b}, []string{c})
				}
			}
		}
	})
}

// explore makes all the runs of a plan, which is what each of the replicas does.
func explore(t *testing.T, faults int, plan ...[]string) {
	path := new(choices)
	for more := true; more; more = path.next() {
		w := &exploredWorld{t: t, path: path, faults: faults, keys: replica(nil).Keys}
		w.run(plan)
		if len(w.wrong) > 0 {
			t.Errorf("%v:\n%s\n%s", plan, strings.Join(w.log, "\n"), strings.Join(w.wrong, "\n"))
			return
		}
	}
}

// A choices is one path through a tree whose nodes are known when they are come to.
type choices struct {
	taken, of []int
	at        int
}

// pick returns a choice of n.
func (c *choices) pick(n int) int {
	if c.at == len(c.taken) {
		c.taken, c.of = append(c.taken, 0), append(c.of, n)
	}
	c.at++
	return c.taken[c.at-1]
}

// next goes to the next path, and reports whether there is one.
func (c *choices) next() bool {
	i := len(c.taken) - 1
	for ; i >= 0 && c.taken[i] == c.of[i]-1; i-- {
	}
	c.taken, c.of, c.at = c.taken[:i+1], c.of[:i+1], 0
	if i >= 0 {
		c.taken[i]++
	}
	return i >= 0
}

// An exploredWorld is one run.
type exploredWorld struct {
	t      *testing.T
	path   *choices
	faults int // that may still happen
	keys   *seal.Keyring
	probe  *Manager[string] // whose Store works

	mu      sync.Mutex
	running int
	waiting []exploredCall
	copies  []*exploredCopy
	logins  map[string]*exploredLogin
	endAlls int // that have not been done
	log     []string
	wrong   []string
}

// An exploredCall is a call of a Store that waits until it is let go.
type exploredCall struct {
	who int
	storetest.Call
	fate chan storetest.Fault
}

// An exploredCopy is what a browser was once given.
type exploredCopy struct {
	visitor
	id, login string
	ended     bool // it must not be good
	bad       bool // it was seen not to be
}

// An exploredLogin is what was done to a login.
type exploredLogin struct {
	over    bool // it must not be good
	touched bool // somebody may have ended it
}

func (w *exploredWorld) run(plan [][]string) {
	memory := new(refresh.Memory)
	w.probe = &Manager[string]{Keys: w.keys, Store: memory}
	w.logins = make(map[string]*exploredLogin)
	for _, acts := range plan {
		for _, act := range acts {
			if act == "EndAll" {
				w.endAlls++
			}
		}
	}
	s, v := visit(w.t, w.probe, "mira")
	w.given(s, v, w.endAlls > 0)
	stores := make([]*storetest.Faulty, len(plan))
	for who, acts := range plan {
		stores[who] = &storetest.Faulty{Store: memory, Script: func(c storetest.Call) storetest.Fault {
			call := exploredCall{who, c, make(chan storetest.Fault)}
			w.mu.Lock()
			w.waiting = append(w.waiting, call)
			w.mu.Unlock()
			return <-call.fate
		}}
		m := &Manager[string]{Keys: w.keys, Store: stores[who]}
		w.running++
		go func() {
			at := v
			for _, act := range acts {
				at = w.act(who, m, act, at)
			}
			w.mu.Lock()
			w.running--
			w.mu.Unlock()
		}()
	}
	land := func() int {
		landed := 0
		for _, store := range stores {
			landed += store.Land()
		}
		return landed
	}
	late := false
	for w.check(); w.running > 0; w.check() {
		if !w.step(&late) {
			w.log = append(w.log, fmt.Sprint("landed: ", land()))
		}
	}
	land()
	w.check()
	w.judge()
}

// step lets one call go. Instead it may return false: then what is late lands.
func (w *exploredWorld) step(late *bool) bool {
	slices.SortFunc(w.waiting, func(a, b exploredCall) int {
		return cmp.Or(a.who-b.who, strings.Compare(a.Key, b.Key))
	})
	type option struct {
		call  int
		fault storetest.Fault
	}
	var options []option
	for i, c := range w.waiting {
		options = append(options, option{i, storetest.None})
		if w.faults > 0 {
			options = append(options, option{i, storetest.Fail})
		}
		if w.faults > 0 && c.Swap {
			options = append(options, option{i, storetest.ApplyFail}, option{i, storetest.ApplyFalse}, option{i, storetest.Late})
		}
	}
	n := len(options)
	if *late {
		n++
	}
	i := w.path.pick(n)
	if i == len(options) {
		*late = false
		return false
	}
	o := options[i]
	if o.fault != storetest.None {
		w.faults--
		*late = o.fault == storetest.Late
	}
	c := w.waiting[o.call]
	w.waiting = slices.Delete(w.waiting, o.call, o.call+1)
	w.log = append(w.log, fmt.Sprintf("%d: swap %t of %s: fault %d", c.who, c.Swap, c.Key, o.fault))
	c.fate <- o.fault
	return true
}

// given takes note of what a browser was given. It is touched if an EndAll may
// come, or may land late.
func (w *exploredWorld) given(s *Session[string], v visitor, touched bool) {
	if w.logins[s.login] == nil {
		w.logins[s.login] = &exploredLogin{touched: touched}
	}
	w.copies = append(w.copies, &exploredCopy{visitor: v, id: s.ID, login: s.login})
}

// act does one thing with what a browser has, and returns what it has then.
func (w *exploredWorld) act(who int, m *Manager[string], act string, v visitor) visitor {
	r, rec := v.request("POST"), httptest.NewRecorder()
	if act == "Login" { // from elsewhere
		r = visitor{}.request("POST")
	}
	s, err := m.open(v.request("POST"))
	if err != nil {
		panic(err)
	}
	id := s.ID
	w.mu.Lock()
	before, login, mayBeEnded := slices.Clone(w.copies), w.logins[s.login], w.endAlls > 0
	login.touched = login.touched || act == "End" || act == "Start"
	w.mu.Unlock()
	got := s
	switch act {
	case "End":
		err = m.End(rec, r)
	case "EndAll":
		err = m.EndAll(context.Background(), "mira")
	case "Renew":
		err = m.Renew(rec, r, s)
	case "Start", "Login":
		got, err = m.Start(rec, r, "mira", "data")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf("%d: %s: %v", who, act, err))
	switch {
	case err != nil:
		// A Renew that cannot tell may have ended it.
		login.touched = login.touched || act == "Renew" && !errors.Is(err, ErrNoSession)
		return v
	case act == "End" || act == "Start":
		login.over = true
	case act == "EndAll":
		w.endAlls--
	}
	for _, c := range before {
		c.ended = c.ended || act == "EndAll" || act == "Renew" && c.id == id
	}
	cookies := visitor(rec.Result().Cookies())
	if act == "End" || act == "EndAll" {
		return v
	}
	w.given(got, cookies, mayBeEnded)
	return cookies
}

// check waits until nothing happens by itself, and looks who is let in.
func (w *exploredWorld) check() {
	synctest.Wait()
	good := make(map[string]bool)
	for _, c := range w.copies {
		_, err := w.probe.Load(c.request("GET"))
		if err != nil {
			c.bad = true
			if !errors.Is(err, ErrNoSession) {
				w.wrong = append(w.wrong, err.Error())
			}
			continue
		}
		switch {
		case c.bad:
			w.wrong = append(w.wrong, c.id+" is good again")
		case c.ended || w.logins[c.login].over:
			w.wrong = append(w.wrong, c.id+" is good, and was ended")
		case good[c.login]:
			w.wrong = append(w.wrong, c.id+" is not the only one of its login that is good")
		}
		good[c.login] = true
	}
}

// judge looks at the end whether every login is good that nobody has ended.
func (w *exploredWorld) judge() {
	good := make(map[string]bool)
	for _, c := range w.copies {
		good[c.login] = good[c.login] || !c.bad
	}
	for id, login := range w.logins {
		if !login.touched && !good[id] {
			w.wrong = append(w.wrong, id+" is over, and nobody has ended it")
		}
	}
}
