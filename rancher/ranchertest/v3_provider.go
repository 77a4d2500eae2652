package ranchertest

import "slices"

// DisableProvider has the tokens of a provider's users be refused, and the
// provider not be offered, or ends that. The tokens come back with it, unless
// CleanUpProvider has come before.
func (s *V3) DisableProvider(name string, disabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustHaveProvider("DisableProvider", name).disabled = disabled
}

// CleanUpProvider deletes the tokens of a provider and its users, as the server
// does some time after the provider was disabled.
func (s *V3) CleanUpProvider(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustHaveProvider("CleanUpProvider", name)
	s.tokens = slices.DeleteFunc(s.tokens, func(t *v3Token) bool { return t.provider == name })
	s.users = slices.DeleteFunc(s.users, func(u *v3User) bool { return u.provider == name && name != "local" })
}

func (s *V3) mustHaveProvider(call, name string) *v3Provider {
	p := s.provider(name)
	if p == nil {
		panic("ranchertest: " + call + ": there is no provider " + name)
	}
	return p
}

// ForceLogoutAll has a provider of SAML want that who logs out is logged out of
// all that it has logged them in to.
func (s *V3) ForceLogoutAll(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustHaveProvider("ForceLogoutAll", name).forcesLogoutAll = true
}

// NoAccess has a user's provider say that the user has no access any more, when
// Rancher asks it: the user's sessions are deleted, and all else that was made
// with them is disabled. It stays so, whatever the provider says later.
func (s *V3) NoAccess(username string) {
	s.mustFindUser("NoAccess", username, func(u *v3User) {
		s.tokens = slices.DeleteFunc(s.tokens, func(t *v3Token) bool {
			return t.UserID == u.id && t.provider == u.provider && !t.Derived
		})
		for _, t := range s.tokens {
			if t.UserID == u.id {
				t.Enabled = false
			}
		}
	})
}

// DeleteUser deletes a user, with all tokens.
func (s *V3) DeleteUser(username string) {
	s.mustFindUser("DeleteUser", username, func(u *v3User) {
		s.users = slices.DeleteFunc(s.users, func(other *v3User) bool { return other == u })
		s.tokens = slices.DeleteFunc(s.tokens, func(t *v3Token) bool { return t.UserID == u.id })
	})
}

// retireExt is what becomes of the tokens of ext.cattle.io of a user who was
// disabled: they do not come back with the user.
func (s *V3) retireExt(u *v3User) {
	s.tokens = slices.DeleteFunc(s.tokens, func(t *v3Token) bool { return t.Ext && !t.Derived && t.UserID == u.id })
	for _, t := range s.tokens {
		if t.Ext && t.UserID == u.id {
			t.Enabled = false
		}
	}
}
