package fosite

import (
	"context"
	"sync"

	"github.com/ory/fosite"
	"github.com/ory/fosite/storage"
)

// A store is fosite's memory store, with what a store of Ory Hydra's has beside
// it: of two exchanges that have found the same token to be good, one rotates
// it, and the other is told that it came too late.
type store struct {
	*storage.MemoryStore

	rotating sync.Mutex

	mu      sync.Mutex
	revoked map[string]bool // logins, by the ID of their request
	meeting *meeting        // of the exchanges that are to collide, or nil
}

// A meeting holds those who come until all have.
type meeting struct {
	missing int
	all     chan struct{}
}

func (s *store) collide(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meeting = &meeting{n, make(chan struct{})}
}

// reuses returns how many logins have been ended.
func (s *store) reuses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.revoked)
}

// GetRefreshTokenSession is what an exchange begins with.
func (s *store) GetRefreshTokenSession(ctx context.Context, signature string, session fosite.Session) (fosite.Requester, error) {
	request, err := s.MemoryStore.GetRefreshTokenSession(ctx, signature, session)
	s.mu.Lock()
	m := s.meeting
	if m != nil {
		if m.missing--; m.missing == 0 {
			s.meeting = nil
			close(m.all)
		}
	}
	s.mu.Unlock()
	if m != nil {
		<-m.all
	}
	return request, err
}

// RotateRefreshToken is what it ends with.
func (s *store) RotateRefreshToken(ctx context.Context, requestID, signature string) error {
	s.rotating.Lock()
	defer s.rotating.Unlock()
	if _, err := s.MemoryStore.GetRefreshTokenSession(ctx, signature, nil); err != nil {
		return fosite.ErrSerializationFailure
	}
	return s.MemoryStore.RotateRefreshToken(ctx, requestID, signature)
}

// RevokeRefreshToken is called for a login of which a token has come again.
func (s *store) RevokeRefreshToken(ctx context.Context, requestID string) error {
	s.mu.Lock()
	if s.revoked == nil {
		s.revoked = make(map[string]bool)
	}
	s.revoked[requestID] = true
	s.mu.Unlock()
	return s.MemoryStore.RevokeRefreshToken(ctx, requestID)
}
