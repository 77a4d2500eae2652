package redis

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/process"
)

// startTimeout bounds how long a server may take to be ready, reading its data
// included.
const startTimeout = 3 * time.Minute

// A Server is a Redis server, for one test.
type Server struct {
	// Addr is where it listens: 127.0.0.1:PORT.
	Addr string

	program  string
	dir      string
	settings []string
	process  *process.Process
}

// Start starts a server, waits until it is ready and stops it when the test
// ends; on Linux also if the test is killed. Settings are those of redis.conf,
// written as on its command line: --maxmemory, 10mb.
//
// Where Redis is not installed, Start skips the test; with the environment
// variable CI set it fails it.
func Start(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		const missing = "Redis is not installed: run apt-get install --no-install-recommends redis-server"
		if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "" {
			tb.Skip(missing)
		}
		tb.Fatal(missing)
	}
	port, err := process.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{
		Addr:     net.JoinHostPort(process.Loopback, strconv.Itoa(port)),
		program:  program,
		dir:      tb.TempDir(),
		settings: settings,
	}
	tb.Cleanup(func() {
		s.Stop()
		if tb.Failed() {
			tb.Logf("the end of Redis's log:\n%s", process.LogTail(s.log()))
		}
	})
	s.Restart(tb)
	return s
}

// Stop kills the server, as a crash would. Its data and its port stay for
// Restart. Stopping a server that is stopped does nothing.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.End(syscall.SIGKILL)
		s.process = nil
	}
}

// Restart starts the server on the same port with the same data and settings,
// and waits until it is ready; it stops it first, if it runs.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.Stop()
	if err := s.start(); err != nil {
		tb.Fatalf("starting Redis: %v; the end of its log:\n%s", err, process.LogTail(s.log()))
	}
}

func (s *Server) log() string { return filepath.Join(s.dir, "redis.log") }

func (s *Server) start() error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	args := append([]string{
		"--bind", process.Loopback, "--port", port, "--dir", s.dir,
		"--logfile", s.log(), "--save", "", "--appendonly", "yes", "--appendfsync", "always",
	}, s.settings...)
	s.process, err = process.StartTied(exec.Command(s.program, args...), s.log(), syscall.SIGKILL)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(startTimeout)
	for time.Now().Before(deadline) {
		select {
		case <-s.process.Done():
			err := s.process.Err()
			s.process = nil
			return fmt.Errorf("it has ended: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
		if ready(s.Addr) {
			return nil
		}
	}
	return fmt.Errorf("not ready in %v", startTimeout)
}

// ready reports whether the server answers PING; while it reads its data it says
// -LOADING.
func ready(addr string) bool {
	const patience = 10 * time.Second // on a machine that is busy with other things
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer := make([]byte, len("+PONG\r\n"))
	_, err = io.ReadFull(conn, answer)
	return err == nil && string(answer) == "+PONG\r\n"
}
