package apiserver

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver/program"
	"github.com/tokenlife/tokenlife/internal/e2e/process"
)

// Issuer is the issuer of the server's service account tokens, and the
// audience of those that were asked for without one.
const Issuer = "https://kubernetes.default.svc"

// A Server is a kube-apiserver with its etcd, for one test.
type Server struct {
	// URL is where it listens: https://127.0.0.1:PORT.
	URL string

	// CA is the certificate, in PEM, of the authority that signed the
	// server's own.
	CA []byte

	// SigningKey is the key that the server signs service account tokens
	// with (ES256), for tests that need tokens it would not make.
	SigningKey *ecdsa.PrivateKey

	binary      string
	dir         string
	flags       []string
	admin       rest.TLSClientConfig
	userTokens  map[string]string
	adminClient *kubernetes.Clientset

	mu      sync.Mutex
	process *process.Process
	offset  time.Duration
}

// Start starts a server, waits until it is ready and stops it when the test
// ends. Flags are flags of kube-apiserver, written --name=value, added to those
// that it always gets.
//
// Where the program has not been built, Start skips the test; with the
// environment variable CI set it fails it.
func Start(tb testing.TB, flags ...string) *Server {
	tb.Helper()
	binary, err := program.Server.Path()
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	s, err := newServer(binary, flags)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.Stop()
		os.RemoveAll(s.dir)
	})
	if err := s.start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of kube-apiserver's log:\n%s", process.LogTail(logFile(s.dir)))
		}
	})
	return s
}

// Stop kills the server, as a crash would. Its data, its port and its keys
// stay for Restart. Stopping a server that is stopped does nothing.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
}

// Restart starts the server on the same port, with the same data, keys and
// certificates and the clock where it was, and waits until it is ready; it
// stops it first, if it runs.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.mu.Lock()
	s.stop()
	p, err := s.launch()
	s.mu.Unlock()
	if err == nil {
		// Unlocked, so that a clock that is set all the while does not stand still, and
		// then leap past the end of the first tokens.
		err = s.awaitReady(p)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// SetClock puts the server's wall clock ahead of the machine's by offset, or
// behind for a negative one; 0 puts it right. It takes effect at once, for
// everything the server does with the time of day. A stopped server starts with
// it.
//
// A token that was reviewed or used in the last ten seconds stays accepted for
// the rest of them whatever the clock says, because the server keeps that
// verdict by its monotonic clock: to see a refusal, present a token that it has
// not seen.
//
// A day back and two years ahead were tried. The certificate by which the
// server knows itself is valid from an hour before it started and for a year,
// so beyond that Restart it if it has to live for long.
func (s *Server) SetClock(tb testing.TB, offset time.Duration) {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		if err := s.process.Command("clock " + offset.String()); err != nil {
			tb.Fatalf("setting the clock of kube-apiserver to %v: %v", offset, err)
		}
	}
	s.offset = offset
}

// start starts the server and waits until it is ready.
func (s *Server) start() error {
	p, err := s.launch()
	if err != nil {
		return err
	}
	return s.awaitReady(p)
}

// launch starts the server, which is not ready yet.
func (s *Server) launch() (*process.Process, error) {
	args := append([]string{"-data", s.dir, "-clock", s.offset.String(), "--"}, s.flags...)
	p, err := process.Start(exec.Command(s.binary, args...), logFile(s.dir))
	if err != nil {
		return nil, fmt.Errorf("starting kube-apiserver: %w", err)
	}
	s.process = p
	return p, nil
}

func (s *Server) stop() {
	if s.process != nil {
		s.process.Kill()
		s.process = nil
	}
}
