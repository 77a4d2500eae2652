// Package tries runs tests that go by the clock again where a machine was too busy for
// them: a token that lives for seconds may be over before the step that uses it, and a
// pause of a process may fall anywhere. What is wrong with what is tested fails every
// try, and so the test.
package tries

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"
)

// most is how many tries there are.
const most = 4

// A Try is one run of a test, which fails and is cleaned up by itself.
type Try struct {
	testing.TB

	// Patience is 1 at the first try, and twice as much at each further one: a test
	// multiplies by it the times that it goes by.
	Patience time.Duration

	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	failed   bool
	skipped  bool
	cleanups []func()
	counts   time.Duration // within which a failure counts; 0 for never
	began    time.Time
	took     time.Duration
}

// Run runs test, and again if it fails, unless the Try says that the failure counts. The
// test fails with the last try.
func Run(t *testing.T, test func(*Try)) {
	t.Helper()
	patience := time.Duration(1)
	for n := 1; ; n++ {
		try := &Try{TB: t, Patience: patience}
		try.ctx, try.cancel = context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { // which Fatal ends
			defer close(done)
			defer try.cleanUp()
			defer try.end()
			test(try)
		}()
		<-done
		switch {
		case try.skipped:
			t.SkipNow()
		case !try.failed:
			return
		case n == most || try.counts > 0 && try.took <= try.counts:
			t.FailNow()
		}
		t.Logf("try %d says nothing, on a machine that may have been too busy: once more, with twice the time", n)
		patience *= 2
	}
}

// Counts has a failure count if the try ends within d from now on, which leaves a machine
// no time to be the cause. Without it, or with 0, and after that time, there is another
// try.
func (t *Try) Counts(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts, t.began = d, time.Now()
}

func (t *Try) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took = time.Since(t.began)
}

// cleanUp calls the functions of Cleanup, the last first, whatever each of them does.
func (t *Try) cleanUp() {
	t.cancel()
	t.mu.Lock()
	n := len(t.cleanups)
	if n == 0 {
		t.mu.Unlock()
		return
	}
	f := t.cleanups[n-1]
	t.cleanups = t.cleanups[:n-1]
	t.mu.Unlock()
	defer t.cleanUp()
	f()
}

// Cleanup, and the methods that follow, are those of a [testing.TB], for the try alone.
func (t *Try) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

func (t *Try) Context() context.Context { return t.ctx }

func (t *Try) Fail() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = true
}

func (t *Try) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

func (t *Try) FailNow() {
	t.Fail()
	runtime.Goexit()
}

func (t *Try) Error(args ...any) {
	t.Helper()
	t.Log(args...)
	t.Fail()
}

func (t *Try) Errorf(format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	t.Fail()
}

func (t *Try) Fatal(args ...any) {
	t.Helper()
	t.Log(args...)
	t.FailNow()
}

func (t *Try) Fatalf(format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	t.FailNow()
}

func (t *Try) Skip(args ...any) {
	t.Helper()
	t.Log(args...)
	t.SkipNow()
}

func (t *Try) Skipf(format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	t.SkipNow()
}

func (t *Try) SkipNow() {
	t.mu.Lock()
	t.skipped = true
	t.mu.Unlock()
	runtime.Goexit()
}

func (t *Try) Skipped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.skipped
}
