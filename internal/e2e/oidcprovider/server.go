package oidcprovider

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider/program"
	"github.com/tokenlife/tokenlife/internal/e2e/process"
)

// A Server is a node-oidc-provider, for one test.
type Server struct {
	// URL is where it listens, http://127.0.0.1:PORT or https, and its issuer.
	URL string

	// CA is the certificate, in PEM, to trust a server over TLS by; else nil.
	CA []byte

	// Basic and Post are two clients of it, which authenticate as RFC 6749,
	// section 2.3.1, has it: Basic in the Authorization header, with a secret
	// that has to be escaped there, and Post in the body. Each may have tokens
	// issued, exchange its refresh tokens, introspect everybody's tokens and
	// revoke its own.
	Basic, Post Client

	// Public is a client without a secret, as a program on somebody's desktop is. It
	// has tokens for users only.
	//
	// A user logs in with any client by the authorization code grant with PKCE, the
	// redirect being http://127.0.0.1:PORT/ or http://127.0.0.1:PORT/callback,
	// and by the device grant (RFC 8628), and gets ID tokens. See [Visit].
	Public Client

	program program.Program
	port    int
	log     string
	key     json.RawMessage // private, as a JWK
	tls     *certificate    // nil for a server without TLS
	offset  time.Duration
	users   users
	process *process.Process
}

// Start starts a server with an ES256 key, waits until it is ready and stops it
// when the test ends.
//
// Where the program has not been installed, Start skips the test; with the
// environment variable CI set it fails it.
func Start(tb testing.TB) *Server {
	tb.Helper()
	return newServer(tb).run(tb)
}

// StartTLS is Start for a server over TLS, which those are that a kube-apiserver
// trusts.
func StartTLS(tb testing.TB) *Server {
	tb.Helper()
	s := newServer(tb)
	var err error
	if s.tls, err = newCertificate(); err != nil {
		tb.Fatal(err)
	}
	s.CA = []byte(s.tls.Cert)
	s.URL = "https" + strings.TrimPrefix(s.URL, "http")
	return s.run(tb)
}

func (s *Server) run(tb testing.TB) *Server {
	tb.Helper()
	tb.Cleanup(s.Stop)
	if err := s.start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of node-oidc-provider's log:\n%s", process.LogTail(s.log))
		}
	})
	return s
}

// newServer prepares a server.
func newServer(tb testing.TB) *Server {
	tb.Helper()
	installed, err := program.Find()
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	port, err := process.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	key, err := newKey("ES256")
	if err != nil {
		tb.Fatal(err)
	}
	return &Server{
		URL:     "http://" + net.JoinHostPort(process.Loopback, strconv.Itoa(port)),
		Basic:   newClient("basic", "client_secret_basic"),
		Post:    newClient("post", "client_secret_post"),
		Public:  Client{ID: "public", method: public},
		program: installed,
		port:    port,
		log:     filepath.Join(tb.TempDir(), "server.log"),
		key:     key,
	}
}

// Stop kills the server, as a crash would. Its port and its key stay for
// Restart. Stopping a server that is stopped does nothing.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.Kill()
		s.process = nil
	}
}

// Restart starts the server on the same port, with the same clients and key and
// the clock where it was; it stops it first, if it runs. It no longer knows any
// opaque token.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.Stop()
	if err := s.start(); err != nil {
		tb.Fatal(err)
	}
}

// Rotate gives the server a new key, for algorithm ES256, RS256 or EdDSA, with a
// new kid. The old one is published up to the very moment from which on the new
// one is, and never again; tokens that it signed are as they were. A stopped
// server starts with the new key.
func (s *Server) Rotate(tb testing.TB, algorithm string) {
	tb.Helper()
	key, err := newKey(algorithm)
	if err != nil {
		tb.Fatal(err)
	}
	s.key = key
	if s.process == nil {
		return
	}
	if err := s.serve(); err != nil {
		tb.Fatalf("rotating the key of node-oidc-provider: %v", err)
	}
}

// SetClock puts the server's clock ahead of the machine's by offset, or behind
// for a negative one; 0 puts it right. It takes effect at once, for the dates of
// tokens, for whether one has expired, and for the Date header. A stopped server
// starts with it.
func (s *Server) SetClock(tb testing.TB, offset time.Duration) {
	tb.Helper()
	s.offset = offset
	if s.process == nil {
		return
	}
	if err := s.setClock(); err != nil {
		tb.Fatalf("setting the clock of node-oidc-provider to %v: %v", offset, err)
	}
}

func (s *Server) start() error {
	p, err := process.Start(exec.Command(s.program.Node, s.program.Server, strconv.Itoa(s.port)), s.log)
	if err != nil {
		return fmt.Errorf("starting node-oidc-provider: %w", err)
	}
	s.process = p
	err = s.setClock()
	if err == nil {
		err = s.serve()
	}
	if err != nil {
		return fmt.Errorf("starting node-oidc-provider: %w; the end of its log:\n%s", err, process.LogTail(s.log))
	}
	return nil
}

// serve has the program serve with the clients and the key that s has.
func (s *Server) serve() error {
	setup, err := json.Marshal(map[string]any{
		"jwks":       map[string]any{"keys": []json.RawMessage{s.key}},
		"clients":    []map[string]any{s.Basic.metadata(), s.Post.metadata(), s.Public.metadata()},
		"tls":        s.tls,
		"idTokenTTL": int(s.users.idTokenLife.Seconds()),
		"grace":      int(s.users.grace.Seconds()),
		"delay":      s.users.delay.Milliseconds(),
		"refuses":    s.users.refuse,
		"away":       s.users.away,
	})
	if err != nil {
		return err
	}
	return s.process.Command("provider " + string(setup))
}

func (s *Server) setClock() error {
	return s.process.Command("clock " + strconv.FormatInt(s.offset.Milliseconds(), 10))
}
