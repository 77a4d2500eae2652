package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/process"
)

// startTimeout bounds how long a server may take to be ready, replaying its log
// included.
const startTimeout = 3 * time.Minute

// A Server is a PostgreSQL server, for one test.
type Server struct {
	// URL names its database and a user who may do anything there.
	URL string

	programs string // the folder of initdb and postgres
	owner    owner
	dir      string
	port     string
	settings []string
	process  *process.Process
}

// Start starts a server, waits until it is ready and stops it when the test
// ends; on Linux also if the test is killed. Settings are those of
// postgresql.conf, written name=value.
//
// Where PostgreSQL is not installed, Start skips the test; with the environment
// variable CI set it fails it.
func Start(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	s, err := Run(settings...)
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of PostgreSQL's log:\n%s", process.LogTail(s.log()))
		}
		s.Close()
	})
	return s
}

// Run is Start for a program that is no test: it must call Close. Where
// PostgreSQL is not installed the error matches [fs.ErrNotExist].
func Run(settings ...string) (*Server, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	owner, err := findOwner()
	if err != nil {
		return nil, err
	}
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{
		URL:      fmt.Sprintf("postgres://postgres@%s:%d/postgres?sslmode=disable", process.Loopback, port),
		programs: programs,
		owner:    owner,
		dir:      dir,
		port:     strconv.Itoa(port),
		settings: settings,
	}
	if err = s.create(); err == nil {
		err = s.start()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Stop ends the server as a crash would: what it had not written is lost, and
// connections are cut. Its data and its port stay for Restart. Stopping a server
// that is stopped does nothing.
func (s *Server) Stop() {
	if s.process != nil {
		// Not SIGKILL, which its own processes would survive for a while.
		s.process.End(syscall.SIGQUIT)
		s.process = nil
	}
}

// Restart starts the server on the same port with the same data and settings,
// and waits until it is ready; it stops it first, if it runs.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.Stop()
	if err := s.start(); err != nil {
		tb.Fatal(err)
	}
}

// Standby restarts the server as one that follows a primary, though there is
// none: it can be read, and takes no writes.
func (s *Server) Standby(tb testing.TB) {
	tb.Helper()
	s.Stop()
	if err := os.WriteFile(filepath.Join(s.data(), "standby.signal"), nil, 0o644); err != nil {
		tb.Fatal(err)
	}
	s.Restart(tb)
}

// Close stops the server and removes its data.
func (s *Server) Close() {
	s.Stop()
	os.RemoveAll(s.dir)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
func (s *Server) log() string  { return filepath.Join(s.dir, "log") }

// create makes an empty database. Anybody on this machine may use it.
func (s *Server) create() error {
	if err := s.owner.own(s.dir); err != nil {
		return err
	}
	initdb := s.owner.command(filepath.Join(s.programs, "initdb"),
		"--pgdata", s.data(), "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("making a PostgreSQL database: %w; it said:\n%s", err, out)
	}
	return nil
}

func (s *Server) start() error {
	args := []string{"-D", s.data(), "-h", process.Loopback, "-p", s.port, "-k", "", "-c", "max_connections=200"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	p, err := process.StartTied(s.owner.command(filepath.Join(s.programs, "postgres"), args...), s.log(), syscall.SIGQUIT)
	if err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	s.process = p
	if err := s.awaitReady(); err != nil {
		return fmt.Errorf("starting PostgreSQL: %w; the end of its log:\n%s", err, process.LogTail(s.log()))
	}
	return nil
}

// awaitReady waits until the server takes statements.
func (s *Server) awaitReady() error {
	deadline := time.Now().Add(startTimeout)
	for time.Now().Before(deadline) {
		select {
		case <-s.process.Done():
			err := s.process.Err()
			s.process = nil
			return fmt.Errorf("it has ended: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		if ready(net.JoinHostPort(process.Loopback, s.port)) {
			return nil
		}
	}
	return fmt.Errorf("not ready in %v", startTimeout)
}
