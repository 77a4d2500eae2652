package oidcprovider

import (
	"encoding/json"
	"testing"
)

// A Count is the server's own record of refresh tokens, from its start.
type Count struct {
	Presented int // requests that presented one
	Different int // tokens presented, however often each
	Exchanged int // requests that were granted
	Revoked   int // grants revoked, because a token came again or by a client
}

// Count returns the server's record.
func (s *Server) Count(tb testing.TB) (c Count) {
	tb.Helper()
	answer, err := s.process.Ask("count ")
	if err == nil {
		err = json.Unmarshal([]byte(answer), &c)
	}
	if err != nil {
		tb.Fatalf("asking node-oidc-provider what it has counted: %v", err)
	}
	return c
}
