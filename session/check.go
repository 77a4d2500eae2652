package session

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// maxName keeps the keys of a Store, which have the name in them, and an ID,
	// below 256 bytes.
	maxName = 128

	// maxLifetime is for sums of times, which must not overflow.
	maxLifetime = 10 * 365 * 24 * time.Hour
)

// Check reports what is missing or wrong in the Manager, so that a program can
// fail at its start rather than with its first request. The error names the
// field. The keys themselves are not looked at: a Load of theirs can be called
// once at the start.
func (m *Manager[T]) Check() error {
	name := m.name()
	switch {
	case m.Keys == nil:
		return errors.New("session: Manager.Keys is nil: set it to a seal.Keyring")
	case len(name) > maxName:
		return fmt.Errorf("session: Manager.Name has %d bytes: it must have no more than %d", len(name), maxName)
	case !isToken(name):
		return fmt.Errorf("session: Manager.Name is %q: no cookie can have that name: give it one of letters, digits and hyphens", name)
	case !m.Insecure && !strings.HasPrefix(name, hostPrefix):
		return fmt.Errorf("session: Manager.Name is %q: it must begin with %s, unless Insecure", name, hostPrefix)
	case m.Insecure && needsSecure(name):
		return fmt.Errorf("session: Manager.Name is %q: browsers do not take such a cookie if it is Insecure: give it a name without the prefix", name)
	case m.Lifetime < 0 || m.Lifetime > maxLifetime:
		return fmt.Errorf("session: Manager.Lifetime is %v: a session must end some time, within 10 years", m.Lifetime)
	case m.Exchanger != nil && m.Store == nil:
		return errors.New("session: Manager.Exchanger is set, and Store is nil: set it, for a pair that rotates does not ride in a cookie")
	}
	if err := m.checkSameSite(); err != nil {
		return err
	}
	if err := checkPath("LoginPath", m.LoginPath); err != nil {
		return err
	}
	if err := checkPath("LogoutPath", m.LogoutPath); err != nil {
		return err
	}
	return m.checkCSRF()
}

func (m *Manager[T]) checkSameSite() error {
	switch m.SameSite {
	case 0, http.SameSiteLaxMode, http.SameSiteStrictMode:
		return nil
	case http.SameSiteNoneMode:
		if m.Insecure {
			return errors.New("session: Manager.SameSite is None, and Insecure is set: browsers take such a cookie only if it is not")
		}
		return nil
	}
	return fmt.Errorf("session: Manager.SameSite is %d: set it to Lax, Strict or None, or to 0 for Lax", m.SameSite)
}

// checkPath checks what browsers are sent to. Empty is the default.
func checkPath(field, path string) error {
	switch {
	case path == "":
		return nil
	case path[0] != '/' || strings.HasPrefix(path, "//"):
		return fmt.Errorf(`session: Manager.%s is %q: it must begin with one "/"`, field, path)
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`\?#`, c) >= 0 {
			return fmt.Errorf("session: Manager.%s is %q: it must be a path, escaped, without a query", field, path)
		}
	}
	return nil
}

func (m *Manager[T]) checkCSRF() error {
	for _, f := range [...]struct{ field, name string }{
		{"Header", m.CSRF.Header}, {"Field", m.CSRF.Field}, {"Cookie", m.CSRF.Cookie},
	} {
		if f.name != "" && !isToken(f.name) {
			return fmt.Errorf("session: Manager.CSRF.%s is %q: give it a name of letters, digits and hyphens, such as X-CSRF-Token", f.field, f.name)
		}
	}
	cookie := m.CSRF.Cookie
	_, ours := cookieNumber(cookie, m.name())
	switch {
	case ours:
		return fmt.Errorf("session: Manager.CSRF.Cookie is %q, which is a cookie of the session: give it another name", cookie)
	case m.Insecure && needsSecure(cookie):
		return fmt.Errorf("session: Manager.CSRF.Cookie is %q: browsers do not take such a cookie if it is Insecure: give it a name without the prefix", cookie)
	}
	return nil
}

// needsSecure reports whether browsers take a cookie of this name over https
// alone, whatever the case of its letters (RFC 6265bis, section 4.1.3).
func needsSecure(cookie string) bool {
	for _, prefix := range [...]string{hostPrefix, "__Secure-", "__Http-"} {
		if len(cookie) >= len(prefix) && strings.EqualFold(cookie[:len(prefix)], prefix) {
			return true
		}
	}
	return false
}

// isToken reports whether s, which is not empty, is a token (RFC 9110, section
// 5.6.2), as names of cookies and of header fields are.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return true
}
