package session

import (
	"net/http"
	"slices"
	"strings"
)

const (
	// maxCookies is how many cookies one session may have, each of which is set
	// by a line of at most maxLine bytes. Browsers refuse more than 4096.
	maxCookies = 5
	maxLine    = 4000

	// setSize is how many letters the name of a set of cookies has.
	setSize = 8
)

// cookieName returns what cookie i of a session is called.
func (m *Manager[T]) cookieName(i int) string {
	if i == 0 {
		return m.name()
	}
	return m.name() + "-" + digit(i)
}

// cookieNumber returns which of the cookies of the Manager called name this one
// is, if it is any.
func cookieNumber(cookie, name string) (i int, ours bool) {
	more, begins := strings.CutPrefix(cookie, name)
	switch {
	case !begins:
		return 0, false
	case more == "":
		return 0, true
	case len(more) == 2 && more[0] == '-' && '1' <= more[1] && more[1] < '0'+maxCookies:
		return int(more[1] - '0'), true
	}
	return 0, false
}

func digit(i int) string { return "012345"[i : i+1] }

// attributes returns what stands behind the value of each cookie.
func (m *Manager[T]) attributes() string {
	const insecure = "; Path=/; HttpOnly"
	const secure = insecure + "; Secure"
	const lax, strict, none = "; SameSite=Lax", "; SameSite=Strict", "; SameSite=None"
	switch {
	case m.Insecure && m.SameSite == http.SameSiteStrictMode:
		return insecure + strict
	case m.Insecure:
		return insecure + lax
	case m.SameSite == http.SameSiteStrictMode:
		return secure + strict
	case m.SameSite == http.SameSiteNoneMode:
		return secure + none
	}
	return secure + lax
}

// setCookies has w set cookies by these lines, in the place of all that this
// Manager was to set there.
func (m *Manager[T]) setCookies(w http.ResponseWriter, lines []string) {
	m.unsetCookies(w)
	if len(lines) == 0 {
		return
	}
	h := w.Header()
	h["Set-Cookie"] = append(h["Set-Cookie"], lines...)
	setPrivate(h)
}

// setPrivate keeps an answer that sets a cookie out of shared caches, unless it
// says itself who may keep it.
func setPrivate(h http.Header) {
	if _, ok := h["Cache-Control"]; !ok {
		h.Set("Cache-Control", "private")
	}
}

// unsetCookies takes from w what this Manager was to set there, and nothing else.
func (m *Manager[T]) unsetCookies(w http.ResponseWriter) {
	h, name := w.Header(), m.name()
	kept := slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
		cookie, _, _ := strings.Cut(line, "=")
		_, ours := cookieNumber(cookie, name)
		return ours
	})
	if len(kept) == 0 {
		delete(h, "Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}

// deleteCookies takes away the cookies that r carries.
func (m *Manager[T]) deleteCookies(w http.ResponseWriter, r *http.Request) {
	m.setCookies(w, m.deletions(nil, r, 0))
}

// deletions appends to lines those that delete the cookies which r carries, from
// number first on.
func (m *Manager[T]) deletions(lines []string, r *http.Request, first int) []string {
	carried := carriedBy(r, m.name())
	for i := first; i < maxCookies; i++ {
		if carried[i].times > 0 {
			lines = append(lines, m.cookieName(i)+"=; Max-Age=0"+m.attributes())
		}
	}
	return lines
}
