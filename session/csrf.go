package session

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrCSRF is matched by the error of [Manager.CheckCSRF] if a request has no CSRF
// token, or a wrong one.
var ErrCSRF = errors.New("session: missing or wrong CSRF token")

// CSRFNames says where CSRF tokens travel.
type CSRFNames struct {
	Header string // empty means X-CSRF-Token
	Field  string // of a form; empty means csrf_token

	// Cookie, if not empty, is set by [Manager.Handler] when a page of a session
	// is asked for with GET, to a token for the empty action. Scripts of the page
	// read it, and send it back in Header.
	Cookie string
}

// What Rancher and the Kubernetes Dashboard call them.
var (
	RancherCSRF   = CSRFNames{Header: "X-API-CSRF", Cookie: "CSRF"}
	DashboardCSRF = CSRFNames{Header: "X-CSRF-TOKEN"}
)

func (n CSRFNames) header() string {
	if n.Header == "" {
		return "X-CSRF-Token"
	}
	return n.Header
}

func (n CSRFNames) field() string {
	if n.Field == "" {
		return "csrf_token"
	}
	return n.Field
}

// maxForm is how much of a form is read, in bytes: what [http.Request.ParseForm]
// reads, which sets no such limit for forms with files.
const maxForm = 10 << 20

// CheckCSRF returns nil if r has a CSRF token of s for action: in the header, or
// if there is none, in the field of a form. The error matches [ErrCSRF] if it has
// not; any other means that the keys could not be read.
//
// To find the field, CheckCSRF parses the form, with files or without, as
// [http.Request.ParseMultipartForm] does. It does not read one of more than 10
// MB: parse that before, under a limit of your own, or have the page send the
// header. The query is not looked at, since others see it in logs and referrers.
func (m *Manager[T]) CheckCSRF(r *http.Request, s *Session[T], action string) error {
	if err := m.Check(); err != nil {
		return err
	}
	if s == nil {
		return fmt.Errorf("%w: there is no session", ErrCSRF)
	}
	presented := r.Header.Get(m.CSRF.header())
	if presented == "" {
		var err error
		if presented, err = m.csrfField(r); err != nil {
			return fmt.Errorf("%w: %w", ErrCSRF, err)
		}
	}
	if presented == "" {
		return fmt.Errorf("%w: there is none in the header %s, nor in the field %s of a form", ErrCSRF, m.CSRF.header(), m.CSRF.field())
	}
	return m.checkToken(r.Context(), s, action, presented)
}

// csrfField returns the field of r's form; empty if there is none, or no form.
func (m *Manager[T]) csrfField(r *http.Request) (string, error) {
	if r.Body != nil && !r.PostForm.Has(m.CSRF.field()) {
		if r.ContentLength > maxForm {
			return "", errFormTooLarge
		}
		body := r.Body
		r.Body = http.MaxBytesReader(nil, body, maxForm)
		err := errors.Join(r.ParseForm(), r.ParseMultipartForm(maxForm))
		r.Body = body // which is as it was if it is no form
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return "", errFormTooLarge
		}
		// Of any other error, such as in the query, what was read tells enough.
	}
	return r.PostForm.Get(m.CSRF.field()), nil
}

var errFormTooLarge = fmt.Errorf("the form has more than %d bytes: send the token in the header", maxForm)

// RequireCSRF returns a handler that calls next only for requests with a CSRF
// token of their session for action, and for those that change nothing (GET,
// HEAD, OPTIONS). Others are answered 403. It goes inside [Manager.Require].
func (m *Manager[T]) RequireCSRF(action string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isSafe(r.Method) {
			next.ServeHTTP(w, r)
			return
		}
		s, err := m.From(r.Context())
		if err == nil {
			err = m.CheckCSRF(r, s, action)
		}
		switch {
		case err == nil:
			next.ServeHTTP(w, r)
		case errors.Is(err, ErrCSRF):
			m.tell(Event{Kind: CrossOrigin, ID: s.ID, Subject: s.Subject, Err: err})
			http.Error(w, "This page is of another login, or too old (missing or wrong CSRF token). Load it again, and try once more.", http.StatusForbidden)
		default:
			m.Deny(w, r, err)
		}
	})
}

// offerCSRF sets the cookie that m.CSRF names, unless r has one that is good for
// s. It is called before the handler of a page, which may still write its own
// Cache-Control.
func (m *Manager[T]) offerCSRF(w http.ResponseWriter, r *http.Request, s *Session[T]) {
	name := m.CSRF.Cookie
	if name == "" || r.Method != http.MethodGet {
		return
	}
	if carried := r.CookiesNamed(name); len(carried) == 1 && m.checkToken(r.Context(), s, "", carried[0].Value) == nil {
		return
	}
	value, err := m.CSRFToken(r.Context(), s, "")
	if err != nil {
		return // the page has no token to send, and is told so when it sends none
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", Secure: !m.Insecure, SameSite: http.SameSiteStrictMode})
	setPrivate(w.Header())
}
