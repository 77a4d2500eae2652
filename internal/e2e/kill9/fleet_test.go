package kill9

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// holders is how many processes share the pair.
const holders = 4

// A fleet is the processes that share a pair, and where they keep it.
type fleet struct {
	*journal
	setup
	issuer *issuer
	store  refresh.Store
	alive  []*holder
	number int // of holders so far
	losses int // logins lost so far, and replaced
}

// A holder is a process that was started as one.
type holder struct {
	number  int
	process *os.Process
	stdin   io.Closer
	done    chan struct{} // closed when it is gone and all it said was read
	last    string        // what it said last
}

// newFleet starts holders of a pair that is kept in a Store of the given kind.
func newFleet(t *testing.T, backend string, grace time.Duration) *fleet {
	j := newJournal()
	s := newIssuer(t, j, grace)
	f := &fleet{journal: j, issuer: s, setup: setup{
		Backend:  backend,
		Place:    backends[backend].place(t),
		TokenURL: s.url,
		Initial:  s.login(t).Refresh.Value.Reveal(),
	}}
	var err error
	if f.store, err = backends[backend].open(f.Place); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.stop(t) })
	for range holders {
		f.start(t)
	}
	return f
}

// start starts a holder.
func (f *fleet) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	f.number++
	h := &holder{number: f.number, process: cmd.Process, stdin: stdin, done: make(chan struct{})}
	go func() {
		defer close(h.done)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			f.note(h, lines.Text())
		}
		cmd.Wait() // which closes the pipe; only after the last line
	}()
	told := f.setup
	told.Number = h.number
	if err := json.NewEncoder(stdin).Encode(told); err != nil {
		t.Fatal(err)
	}
	f.alive = append(f.alive, h)
}

// note writes down what a holder said.
func (f *fleet) note(h *holder, line string) {
	f.write(func() {
		for begin, requests := range map[string]map[request]bool{unsureOf: f.unsure, slowAt: f.slow} {
			if text, ok := strings.CutPrefix(line, begin); ok {
				r := request{holder: h.number}
				fmt.Sscan(text, &r.number)
				requests[r] = true
				line = begin // less what differs from one time to the next
			}
		}
		h.last = line
		if strings.HasPrefix(line, "token ") {
			f.tokens++
			return
		}
		f.said[line]++
	})
}

// kill kills a holder at a random instant, as kill -9 does, and starts another.
func (f *fleet) kill(t *testing.T) {
	t.Helper()
	h := f.victim(t)
	at := time.Now()
	f.issuer.condemn(h.number)
	if err := h.process.Kill(); err != nil {
		t.Fatalf("killing a holder: %v", err)
	}
	<-h.done
	h.stdin.Close()
	f.write(func() { f.kills = append(f.kills, kill{h.number, at, time.Now()}) })
	f.alive = slices.DeleteFunc(f.alive, func(other *holder) bool { return other == h })
	f.start(t)
}

// victim waits for a random instant and returns whom to kill at it.
//
// Half of the time it is any holder at any instant. That one has a request under
// way is rare then, since most of the time three of four do nothing but wait, or
// all of them do for the lease of a dead one. So the other half of the time it is
// one whose request the issuer has just got, at an instant at which the answer
// may have come or not.
func (f *fleet) victim(t *testing.T) *holder {
	t.Helper()
	if rand.N(2) == 0 {
		wait(t.Context(), rand.N(150*time.Millisecond))
		return f.alive[rand.IntN(len(f.alive))]
	}
	h := f.alive[0]
	f.await(t, "a request", func() bool {
		i := slices.IndexFunc(f.alive, func(h *holder) bool { return f.asks(h.number) })
		if i >= 0 {
			h = f.alive[i]
		}
		return i >= 0 || f.refusals() > f.losses
	})
	wait(t.Context(), rand.N(delay))
	return h
}

// await waits until ready says that the journal is as it is to be.
func (f *fleet) await(t *testing.T, what string, ready func() bool) {
	t.Helper()
	const longest = 2 * time.Minute
	timeout := time.After(longest)
	for {
		f.mu.Lock()
		done, changed := ready(), f.changed
		f.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("waited %v in vain for %s: %v%s", longest, what, f, f.details())
		}
	}
}

// stop ends the holders.
func (f *fleet) stop(t *testing.T) {
	t.Helper()
	for _, h := range f.alive {
		h.stop(t)
	}
	f.alive = nil
}

// stop ends a holder by the end of its standard input, which is how it learns
// that the test is gone.
func (h *holder) stop(t *testing.T) {
	h.stdin.Close()
	select {
	case <-h.done:
	case <-time.After(time.Minute):
		h.process.Kill()
		t.Error("a holder still ran a minute after its standard input had ended")
	}
}
