package ranchertest

import (
	"slices"
	"strconv"
)

// A v2betaUser is an account of a person.
type v2betaUser struct {
	id, login, password, kind string
	inactive                  bool
	outside                   bool // the site access mode leaves them out
}

// A v2betaKey is an API key.
type v2betaKey struct {
	secret string
	user   *v2betaUser
}

// AddUser adds a user, whom each provider that has passwords knows. Kind is
// "admin", "user" or "readonly".
func (s *V2Beta) AddUser(login, password, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := "1a1"
	if n := len(s.users); n > 0 {
		id = "1a" + strconv.Itoa(6+n) // 1a5 is the project that there is from the beginning
	}
	s.users = append(s.users, &v2betaUser{id: id, login: login, password: password, kind: kind})
}

// SetPassword gives a user another password. It ends none of their tokens.
func (s *V2Beta) SetPassword(login, password string) {
	s.change(login, func(u *v2betaUser) { u.password = password })
}

// SetActive activates or deactivates the account of a user.
func (s *V2Beta) SetActive(login string, active bool) {
	s.change(login, func(u *v2betaUser) { u.inactive = !active })
}

// SetAccess has the site access mode take a user in or leave them out.
func (s *V2Beta) SetAccess(login string, access bool) {
	s.change(login, func(u *v2betaUser) { u.outside = !access })
}

// AddCode has the provider know an authorization code, which is good for one
// login of a user.
func (s *V2Beta) AddCode(code, login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.codes, code, login)
}

// AddKey adds an API key of a user.
func (s *V2Beta) AddKey(access, secret, login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.user(login); u != nil {
		put(&s.keys, access, v2betaKey{secret, u})
	}
}

func (s *V2Beta) change(login string, how func(*v2betaUser)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.user(login); u != nil {
		how(u)
	}
}

// user returns a user, or nil. The caller holds mu.
func (s *V2Beta) user(login string) *v2betaUser {
	i := slices.IndexFunc(s.users, func(u *v2betaUser) bool { return u.login == login })
	if i < 0 {
		return nil
	}
	return s.users[i]
}
