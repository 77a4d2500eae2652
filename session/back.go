package session

import (
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/skew"
)

const (
	backTime = 10 * time.Minute
	backSize = 1 << 10  // of a path with its query, at most
	backForm = 64 << 10 // of a form that Return reads itself
)

// LoginURL returns the path of the login page, with two parameters:
//
//   - back, if r is for a page of this origin, is the way back to it. It is
//     sealed, and good for 10 minutes: a login page hands it on to
//     [Manager.Return], in the URL that its form is sent to or in a field of it.
//   - why, if r carried a session that is not good, is what [Why] reads.
//
// A page is what a browser asks for with GET in order to show it. To the login
// page, the logout page, and what has more than 1024 bytes of path and query, there
// is no way back.
func (m *Manager[T]) LoginURL(r *http.Request) string {
	_, err := m.From(r.Context())
	return m.loginURL(r, err)
}

// Why returns why [Manager.Deny] sent a browser to the login page, for which r is,
// so that the page can say so: "expired" if its session had, "ended" if it was
// ended by a logout, "invalid" if it could not be read, and "" if it had none.
// Others can make such a link: it is good for nothing but a friendly word.
func Why(r *http.Request) string {
	switch why := r.URL.Query().Get("why"); why {
	case whyExpired, whyEnded, whyInvalid:
		return why
	}
	return ""
}

// loginURL is LoginURL for a request that has no session because of err.
func (m *Manager[T]) loginURL(r *http.Request, err error) string {
	query := make(url.Values)
	if back := m.sealBack(r); back != "" {
		query.Set("back", back)
	}
	if why := reason(err); why != whyMissing {
		query.Set("why", why)
	}
	if len(query) == 0 {
		return m.loginPath()
	}
	return m.loginPath() + "?" + query.Encode()
}

// Return answers 303 and sends the browser back to where it was sent to log in
// from: that is the parameter back of r, in its URL or its form. If there is none
// that is good, it is fallback, a path of this origin as it stands in a URL; and
// if that is none either, or the login or logout page, it is "/".
func (m *Manager[T]) Return(w http.ResponseWriter, r *http.Request, fallback string) {
	to, ok := m.openBack(w, r)
	switch {
	case ok:
	case m.mayReturn(fallback):
		to = fallback
	default:
		to = "/"
	}
	// http.Redirect would change paths, such as those with // in them.
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// sealBack returns the way back to r, or "".
func (m *Manager[T]) sealBack(r *http.Request) string {
	if r.Method != http.MethodGet || !wantsPage(r) {
		return ""
	}
	to := requestURI(r)
	if m.Check() != nil || !m.mayReturn(to) {
		return ""
	}
	text := strconv.FormatInt(m.now().UnixMilli(), 10) + " " + to
	sealed, err := m.Keys.Seal(r.Context(), m.purpose("back"), "1", []byte(text))
	if err != nil {
		return "" // logging in comes first, and will say what is wrong with the keys
	}
	return sealed
}

// requestURI returns the path and query of r as the browser sent them: URL may have
// lost its beginning to [http.StripPrefix].
func requestURI(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// openBack returns where to go back to, if r tells.
func (m *Manager[T]) openBack(w http.ResponseWriter, r *http.Request) (to string, ok bool) {
	sealed := r.URL.Query().Get("back")
	if sealed == "" {
		sealed = formValue(w, r, "back")
	}
	if sealed == "" || len(sealed) > 2*backSize || m.Check() != nil {
		return "", false
	}
	text, err := m.Keys.Open(r.Context(), m.purpose("back"), "1", sealed)
	if err != nil {
		return "", false
	}
	when, to, _ := strings.Cut(string(text), " ")
	ms, err := strconv.ParseInt(when, 10, 64)
	if err != nil {
		return "", false
	}
	age := m.now().Sub(time.UnixMilli(ms))
	return to, -skew.DefaultLeeway <= age && age < backTime && m.mayReturn(to)
}

// formValue returns a field of r's form, which it reads if nobody has, unless it
// is a large one.
func formValue(w http.ResponseWriter, r *http.Request, name string) string {
	if r.PostForm == nil && r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, backForm)
		r.ParseForm()
	}
	return r.PostForm.Get(name)
}

// mayReturn reports whether somebody may be sent to uri, a path with its query, to
// go on there.
func (m *Manager[T]) mayReturn(uri string) bool {
	plain, err := url.PathUnescape(uri)
	if err != nil || len(uri) > backSize || !local(uri) || !local(plain) {
		return false
	}
	for _, c := range []byte(uri) {
		if c == ' ' || c > '~' {
			return false // whoever wrote this did not escape it
		}
	}
	page := pageOf(uri)
	return !strings.EqualFold(page, pageOf(m.loginPath())) && !strings.EqualFold(page, pageOf(m.logoutPath()))
}

// local reports whether uri is a path on the origin that it is read on, also by
// browsers, to which a backslash is a slash and some control bytes are nothing.
func local(uri string) bool {
	if !strings.HasPrefix(uri, "/") || strings.HasPrefix(uri, "//") {
		return false
	}
	for _, c := range []byte(uri) {
		if c < ' ' || c == '\\' || c == 0x7f {
			return false
		}
	}
	return true
}

// pageOf returns the path of uri without anything that can be written in several
// ways.
func pageOf(uri string) string {
	if end := strings.IndexAny(uri, "?#"); end >= 0 {
		uri = uri[:end]
	}
	if plain, err := url.PathUnescape(uri); err == nil {
		uri = plain
	}
	return path.Clean(uri)
}

func (m *Manager[T]) loginPath() string {
	if m.LoginPath != "" {
		return m.LoginPath
	}
	return "/login"
}

func (m *Manager[T]) logoutPath() string {
	if m.LogoutPath != "" {
		return m.LogoutPath
	}
	return "/logout"
}
