package ranchertest

import (
	"slices"
	"time"
)

// longestSAML is how long the token of a SAML login waits to be fetched.
const longestSAML = 15 * time.Minute

// Purge clears away what is over, as the server does each hour: expired tokens,
// of which one that asks was told that they have expired until now, and those of
// SAML logins that nobody has fetched.
func (s *V3) Purge() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = slices.DeleteFunc(s.tokens, s.expired)
	for id, l := range s.saml {
		if s.now().Sub(l.since) >= longestSAML {
			delete(s.saml, id)
		}
	}
}
