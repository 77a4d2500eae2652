package redisstore

import (
	"context"
	"fmt"
	"strings"
)

// look makes sure, once, that the server does not throw entries away when its
// memory is full. A server that will not say is not asked again.
func (s *Store) look(ctx context.Context) error {
	if s.looked.Load() {
		return nil
	}
	reply, err := s.Do(ctx, "INFO", "memory")
	if err != nil && !refused(err) {
		return failed(ctx, "asking for maxmemory_policy", err)
	}
	if policy := evicts(reply); policy != "" {
		return fmt.Errorf("redisstore: the server has maxmemory-policy %.20q, with which it throws entries away: set it to noeviction", policy)
	}
	s.looked.Store(true)
	return nil
}

// evicts returns the policy in a reply to INFO by which entries are thrown away,
// or "".
func evicts(reply any) string {
	info, _ := text(reply)
	for line := range strings.Lines(info) {
		if policy, ok := strings.CutPrefix(line, "maxmemory_policy:"); ok && strings.TrimSpace(policy) != "noeviction" {
			return strings.TrimSpace(policy)
		}
	}
	return ""
}

// refused reports whether err is the server's and says that the command is not
// permitted, or that there is none of that name.
func refused(err error) bool {
	return strings.HasPrefix(err.Error(), "NOPERM ") || strings.HasPrefix(err.Error(), "ERR unknown command")
}
