package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// Processes checks a Store that several processes share: that they see one
// another's writes and lose none of them, that a write which was reported
// survives kill -9 of the process it was made in and leaves nothing behind that
// cannot be read, and, if the Store is a Locker, that its lock excludes other
// processes and ends with the one that holds it.
//
// It runs the test binary again and again, each time for the test function that
// calls it, which is to do nothing else:
//
//	func TestProcesses(t *testing.T) {
//		storetest.Processes(t,
//			func(t *testing.T) string { return t.TempDir() },
//			func(t *testing.T, place string) refresh.Store { return mystore.New(place) })
//	}
//
// It calls place once, in the first process, and then open with the result in
// each process, twice in the first.
func Processes(t *testing.T, place func(t *testing.T) string, open func(t *testing.T, place string) refresh.Store) {
	if Child() {
		role, key, where := os.Getenv(childRole), os.Getenv(childKey), os.Getenv(childPlace)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := roles[role](ctx, open(t, where), key)
		cancel()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	p := processes{test: t.Name(), place: place(t)}
	for _, part := range []struct {
		name  string
		check func(*testing.T, processes)
	}{
		{"opens", opens},
		{"contention", contentionOfProcesses},
		{"kill", kill},
		{"lock", lockOfProcesses},
	} {
		t.Run(part.name, func(t *testing.T) {
			p := p
			p.store = newStore(t, open(t, p.place))
			p.other = store{t, open(t, p.place), p.prefix}
			part.check(t, p)
		})
	}
}

// processes are those that share a Store: this one, which has it open twice, and
// the children it starts.
type processes struct {
	store
	other store

	test  string // that runs in the children too
	place string
}

// Child reports whether this process was started by [Processes], for a TestMain
// that starts what the first process needs.
func Child() bool { return os.Getenv(childRole) != "" }

const (
	childRole  = "STORETEST_ROLE"
	childKey   = "STORETEST_KEY"
	childPlace = "STORETEST_PLACE"
)

// What a child does with the Store that it opened.
var roles = map[string]func(ctx context.Context, s refresh.Store, key string) error{
	"count": func(ctx context.Context, s refresh.Store, key string) error {
		return count(ctx, s, key, eachProcess, nil)
	},
	"count on": func(ctx context.Context, s refresh.Store, key string) error {
		return count(ctx, s, key, math.MaxInt, func(n int) { say(strconv.Itoa(n)) })
	},
	"lock": func(ctx context.Context, s refresh.Store, key string) error {
		_, err := s.(refresh.Locker).Lock(ctx, key)
		if err == nil {
			say("locked")
			io.Copy(io.Discard, os.Stdin) // until it is killed, or the first process is gone
		}
		return err
	},
}

const (
	eachProcess = 25
	said        = "storetest: " // before what a child says
)

func say(text string) { fmt.Println(said + text) }

// A child is a process that runs one of the roles.
type child struct {
	cmd  *exec.Cmd
	said *bufio.Scanner
	err  strings.Builder // what it wrote to its standard error
	once sync.Once       // it is waited for
}

// start runs the test binary for a role. It is killed when the test ends.
func (p processes) start(t *testing.T, role string) *child {
	t.Helper()
	parts := strings.Split(p.test, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	c := &child{cmd: exec.Command(os.Args[0], "-test.run="+strings.Join(parts, "/"), "-test.count=1")}
	c.cmd.Env = append(os.Environ(), childRole+"="+role, childKey+"="+p.prefix, childPlace+"="+p.place)
	c.cmd.Stderr = &c.err
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.said = bufio.NewScanner(stdout)
	if _, err := c.cmd.StdinPipe(); err != nil { // ends when this process does
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.kill() })
	return c
}

// next waits for what the child says next.
func (c *child) next(t *testing.T) string {
	t.Helper()
	for c.said.Scan() {
		if text, ok := strings.CutPrefix(c.said.Text(), said); ok {
			return text
		}
	}
	c.kill()
	t.Fatalf("a process that shares the Store ended: %s", c.err.String())
	return ""
}

// kill ends the child without a warning, and returns what it had said by then
// and nobody had heard.
func (c *child) kill() (unheard []string) {
	c.once.Do(func() {
		c.cmd.Process.Kill()
		for c.said.Scan() {
			if text, ok := strings.CutPrefix(c.said.Text(), said); ok {
				unheard = append(unheard, text)
			}
		}
		c.cmd.Wait()
	})
	return unheard
}

// wait waits until the child has ended by itself.
func (c *child) wait(t *testing.T) {
	t.Helper()
	c.once.Do(func() {
		for c.said.Scan() {
		}
		if err := c.cmd.Wait(); err != nil {
			t.Errorf("a process that shares the Store: %v: %s", err, c.err.String())
		}
	})
}

// opens checks what two Stores that are open at once see of each other.
func opens(t *testing.T, p processes) {
	p.swaps(p.prefix, nil, one, always, true)
	p.other.holds(p.prefix, one)
	p.other.swaps(p.prefix, nil, two, always, false)
	p.other.swaps(p.prefix, one, two, always, true)
	p.holds(p.prefix, two)
	p.swaps(p.prefix, one, three, always, false)
	p.other.swaps(p.prefix, two, one, always, true)
	p.swaps(p.prefix, one, nil, always, true)
	p.other.holds(p.prefix, nil)
}

// contentionOfProcesses has many processes count in one value.
func contentionOfProcesses(t *testing.T, p processes) {
	children := []*child{p.start(t, "count"), p.start(t, "count"), p.start(t, "count")}
	var wg sync.WaitGroup
	for _, s := range []store{p.store, p.other} {
		wg.Go(func() {
			if err := count(context.Background(), s, s.prefix, eachProcess, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, c := range children {
		c.wait(t)
	}
	p.holds(p.prefix, []byte(strconv.Itoa((2+len(children))*eachProcess)))
}

// kill kills processes that count, at random instants.
func kill(t *testing.T, p processes) {
	for range 10 {
		c := p.start(t, "count on")
		last := c.next(t)
		instant := time.After(rand.N(10 * time.Millisecond))
		for range rand.IntN(5) {
			last = c.next(t)
		}
		<-instant
		if unheard := c.kill(); len(unheard) > 0 {
			last = unheard[len(unheard)-1]
		}
		acknowledged, err := strconv.Atoi(last)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Get(context.Background(), p.prefix)
		if err != nil {
			t.Fatalf("Get after a process was killed: %v", err)
		}
		if n, err := strconv.Atoi(string(got)); err != nil || n < acknowledged {
			t.Fatalf("Get after a process was killed = %.40q, and its Swap had said true of %d", got, acknowledged)
		}
	}
	// Nothing that was left behind stands in the way.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := count(ctx, p, p.prefix, 1, nil); err != nil {
		t.Error(err)
	}
}

// lockOfProcesses checks the lock of a Locker between processes.
func lockOfProcesses(t *testing.T, p processes) {
	l, ok := p.Store.(refresh.Locker)
	if !ok {
		t.Skip("the Store is not a Locker")
	}
	other := p.other.Store.(refresh.Locker)
	unlock := mustLock(t, l, p.prefix)
	excluded(t, other, p.prefix)
	waiting := p.start(t, "lock")
	excluded(t, other, p.prefix)
	unlock()
	waiting.next(t) // has it now
	excluded(t, l, p.prefix)
	p.swaps(p.prefix, nil, one, always, true)
	waiting.kill()
	mustLock(t, other, p.prefix)()
}
