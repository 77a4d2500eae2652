package storetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

// brokenName names the Store that a child process of these tests has to check.
const brokenName = "STORETEST_BROKEN"

func init() {
	if os.Getenv(brokenName) != "" {
		*storetest.Patience = 500 * time.Millisecond
	}
}

func runAll(t *testing.T, open func() refresh.Store) {
	storetest.Run(t, func(*testing.T) refresh.Store { return open() })
}

// finds runs the test function called check, of a Store that is broken, in a
// process of its own, and fails the test unless the part fails. What is found by
// chance is looked for five times: a busy machine may space out what should collide.
func finds(t *testing.T, check, name, part string) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		want := "--- FAIL: " + check + "/" + strings.ReplaceAll(part, " ", "_") + " "
		for try := range 5 {
			cmd := exec.Command(os.Args[0], "-test.run=^"+check+"$/^"+strings.ReplaceAll(part, " ", "_")+"$", "-test.count=1", "-test.timeout=1m")
			cmd.Env = append(os.Environ(), brokenName+"="+name)
			out, err := cmd.Output()
			if err != nil && strings.Contains(string(out), want) {
				return
			}
			if err != nil || try == 4 {
				t.Fatalf("%v, and no %q in:\n%s", err, want, out)
			}
		}
	})
}

func TestFinds(t *testing.T) {
	for _, b := range broken {
		finds(t, "TestBroken", b.name, b.part)
	}
	for _, b := range brokenLocks {
		finds(t, "TestBroken", "lock "+b.name, "lock")
	}
	for _, b := range brokenProcesses {
		finds(t, "TestBrokenProcesses", b.name, b.part)
	}
}

// TestBroken is what TestFinds runs.
func TestBroken(t *testing.T) {
	name := os.Getenv(brokenName)
	for _, b := range broken {
		if b.name == name {
			runAll(t, b.open)
		}
	}
	for _, b := range brokenLocks {
		if "lock "+b.name == name {
			runAll(t, b.open)
		}
	}
}

// TestBrokenProcesses is what TestFinds runs.
func TestBrokenProcesses(t *testing.T) {
	for _, b := range brokenProcesses {
		if b.name == os.Getenv(brokenName) {
			storetest.Processes(t,
				func(t *testing.T) string { return t.TempDir() },
				func(_ *testing.T, place string) refresh.Store { return b.open(place) })
		}
	}
}
