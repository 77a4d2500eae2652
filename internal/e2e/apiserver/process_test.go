package apiserver

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver/program"
	"github.com/tokenlife/tokenlife/internal/e2e/process"
)

// newTestServer returns a server that was not started.
func newTestServer(t *testing.T, flags ...string) *Server {
	t.Helper()
	binary, err := program.Server.Path()
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(binary, flags)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		os.RemoveAll(s.dir)
	})
	return s
}

// TestBadFlag shows that a server that cannot start says why, at once.
func TestBadFlag(t *testing.T) {
	s := newTestServer(t, "--no-such-flag=1")
	err := s.start()
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --no-such-flag") {
		t.Fatalf("got %v, want the flag named", err)
	}
}

// TestOrphan shows that a server ends and tidies up when the test that
// started it is gone: that is what the end of its standard input means.
func TestOrphan(t *testing.T) {
	s := newTestServer(t)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.process.CloseInput()
	select {
	case <-s.process.Done():
	case <-time.After(time.Minute):
		t.Fatal("the server still runs a minute after its standard input ended")
	}
	if s.process.Err() != nil {
		t.Errorf("it ended with %v, want success", s.process.Err())
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder is still there (%v)", err)
	}
}

// TestUnknownCommand shows that a line the program does not understand is an
// error, and the next one works.
func TestUnknownCommand(t *testing.T) {
	s := newTestServer(t)
	p, err := process.Start(exec.Command(s.binary, append([]string{"-data", s.dir, "--"}, s.flags...)...), logFile(s.dir))
	if err != nil {
		t.Fatal(err)
	}
	s.process = p
	if err := p.Command("cluck 1s"); err == nil {
		t.Error("an unknown command is accepted")
	}
	if err := p.Command("clock soon"); err == nil {
		t.Error("an offset that is no duration is accepted")
	}
	if err := p.Command("clock -1m30.5s"); err != nil {
		t.Error(err)
	}
}
