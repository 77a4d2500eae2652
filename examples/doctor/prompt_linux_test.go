package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// newTerminal returns a terminal, and who sits at it.
func newTerminal(t *testing.T) (terminal, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { person.Close() })
	var locked, number int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return terminal, person
}

// There are colours on a terminal that has them, and whose user wants them.
func TestScreenOf(t *testing.T) {
	terminal, _ := newTerminal(t)
	for _, test := range []struct {
		term, noColor string
		want          bool
	}{{"xterm", "", true}, {"xterm", "1", false}, {"dumb", "", false}, {"", "", false}} {
		t.Setenv("TERM", test.term)
		t.Setenv("NO_COLOR", test.noColor)
		if s := screenOf(terminal); s.colour != test.want || s.width != 80 { // its size is not known
			t.Errorf("%+v: %+v", test, s)
		}
	}
	if s := screenOf(new(bytes.Buffer)); s != (screen{}) {
		t.Errorf("%+v", s)
	}
}

// A screenful is what somebody sees.
type screenful struct {
	mu   sync.Mutex
	text []byte
}

func (s *screenful) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, b...)
	return len(b), nil
}

// shows waits until a text is on the screen, and returns all that is.
func (s *screenful) shows(t *testing.T, text string) string {
	t.Helper()
	for range 6000 {
		s.mu.Lock()
		all := string(s.text)
		s.mu.Unlock()
		if strings.Contains(all, text) {
			return all
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("there is nothing of %q", text)
	return ""
}

// On a terminal a token does not show, however long it is, and what is typed afterwards
// does: also if somebody has left without a token.
func TestPrompt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("hunter2", 3000)
	for name, test := range map[string]struct {
		keys   string // empty means that the process is told to end
		status int
		said   string
	}{
		"pasted": {long + "\r", 0, ""}, "Ctrl-C": {"hunter2\x03", 2, "interrupted"}, "nothing": {"\r", 2, "there is no token"}, "a signal": {"", 2, "interrupted"},
	} {
		terminal, person := newTerminal(t)
		var seen screenful
		go io.Copy(&seen, person)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var stdout bytes.Buffer
		done := make(chan int, 1)
		stderr := &screenful{}
		go func() { done <- run(ctx, nil, terminal, &stdout, stderr) }()
		stderr.shows(t, "it does not show: ")
		if io.WriteString(person, test.keys); test.keys == "" {
			cancel()
		}
		status := <-done
		if said := stderr.shows(t, "\n"); status != test.status || !strings.Contains(said, test.said) {
			t.Errorf("%s: %d, %s%s", name, status, said, stdout.String())
		}
		io.WriteString(person, "echo is back\r")
		if all := seen.shows(t, "back"); strings.Contains(all, "hunter") || strings.Contains(stdout.String(), "hunter") {
			t.Errorf("%s: the token shows: %q", name, all)
		}
	}
}
