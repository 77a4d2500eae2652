package oidcprovider

import (
	"testing"
	"time"
)

// users is how the server treats those who log in.
type users struct {
	idTokenLife, grace, delay time.Duration
	refuse, away              bool
}

// SetIDTokenLife sets how long the ID tokens live that the server issues from now
// on, in whole seconds; 0 means an hour. Their access tokens live for an hour.
func (s *Server) SetIDTokenLife(tb testing.TB, life time.Duration) {
	tb.Helper()
	s.users.idTokenLife = life
	s.change(tb)
}

// SetGrace lets a refresh token that was exchanged be exchanged again for a while
// after, in whole seconds, for those who got no answer; 0, as at first, for none.
// The successors of one token are all good.
func (s *Server) SetGrace(tb testing.TB, grace time.Duration) {
	tb.Helper()
	s.users.grace = grace
	s.change(tb)
}

// SetDelay sets how long the server takes to answer who presents a refresh token, once
// it has done what it is asked to; 0, as at first, means no time.
func (s *Server) SetDelay(tb testing.TB, delay time.Duration) {
	tb.Helper()
	s.users.delay = delay
	s.change(tb)
}

// Refuse has the user allow no login any more, or all again.
func (s *Server) Refuse(tb testing.TB, refuse bool) {
	tb.Helper()
	s.users.refuse = refuse
	s.change(tb)
}

// SetAway has nobody reach the server, which forgets nothing, or has it back.
func (s *Server) SetAway(tb testing.TB, away bool) {
	tb.Helper()
	s.users.away = away
	s.change(tb)
}

// change has a server that runs serve anew.
func (s *Server) change(tb testing.TB) {
	tb.Helper()
	if s.process == nil {
		return
	}
	if err := s.serve(); err != nil {
		tb.Fatalf("changing how node-oidc-provider treats users: %v", err)
	}
}
