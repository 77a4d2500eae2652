package main

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/session"
)

const (
	maxNotes = 12000     // characters, of which some take more than a byte
	maxForm  = 128 << 10 // bytes of a form: notes that are too large are given back
)

// longNotes make a session that takes several cookies.
var longNotes = strings.Repeat("A sentence of fifty characters fills these notes. ", 180)

// staticFiles serves the style and the script.
var staticFiles = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=60")
	http.FileServerFS(files).ServeHTTP(w, r)
})

// secure sets what browsers are to forbid on all pages.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		// Not no-referrer: with that, older browsers send no Origin with a form,
		// by which one of another site is told.
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// whys say to a person why they are at the login page: what session.Why returns,
// and what logout puts there.
var whys = map[string]string{
	"expired":    "You were logged out because your time was up. Log in to go on where you were.",
	"ended":      "You were logged out, here or in another browser. Log in to go on where you were.",
	"invalid":    "Your session cannot be read any more. Please log in again.",
	"here":       "You are logged out. See you soon.",
	"everywhere": "You are logged out, here and in all other browsers.",
}

type loginContent struct {
	Why, WhyText, Back, Username string
	Wrong                        bool
}

// loginPage asks who is there, unless that is known.
func (s *service) loginPage(w http.ResponseWriter, r *http.Request) {
	if _, err := s.sessions.From(r.Context()); err == nil {
		s.sessions.Return(w, r, "/")
		return
	}
	why := cmp.Or(session.Why(r), r.FormValue("bye"))
	s.show(w, r, http.StatusOK, "login", "Log in", loginContent{Why: why, WhyText: whys[why], Back: r.FormValue("back")})
}

func (s *service) wrongPassword(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusForbidden, "login", "Log in", loginContent{
		Back: r.PostFormValue("back"), Username: r.PostFormValue("username"), Wrong: true,
	})
}

func (s *service) homePage(w http.ResponseWriter, r *http.Request, current *session.Session[user]) {
	s.show(w, r, http.StatusOK, "home", "Your session", nil)
}

func (s *service) showOrders(w http.ResponseWriter, r *http.Request, answer ordersAnswer) {
	s.show(w, r, http.StatusOK, "orders", "Orders", answer)
}

type settingsContent struct {
	Saved, TooLarge bool
	MaxNotes        int
	Entered         user
}

func (s *service) settingsPage(w http.ResponseWriter, r *http.Request, current *session.Session[user]) {
	s.show(w, r, http.StatusOK, "settings", "Settings", settingsContent{
		Saved: r.FormValue("saved") != "", MaxNotes: maxNotes, Entered: current.Data,
	})
}

func (s *service) tooLarge(w http.ResponseWriter, r *http.Request, entered user) {
	s.show(w, r, http.StatusRequestEntityTooLarge, "settings", "Settings", settingsContent{
		TooLarge: true, MaxNotes: maxNotes, Entered: entered,
	})
}

type adminContent struct {
	Wrong  bool
	Events []string // for administrators; there is always one, of their login
}

func (s *service) adminPage(w http.ResponseWriter, r *http.Request, current *session.Session[user]) {
	var content adminContent
	if current.Data.Admin {
		content.Events = s.events.last()
	}
	s.show(w, r, http.StatusOK, "admin", "Administration", content)
}

func (s *service) wrongAdminPassword(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusForbidden, "admin", "Administration", adminContent{Wrong: true})
}

type errorContent struct{ Heading, Text string }

func (s *service) errorPage(w http.ResponseWriter, r *http.Request, status int, heading, text string) {
	s.show(w, r, status, "error", heading, errorContent{heading, text})
}

func (s *service) notFound(w http.ResponseWriter, r *http.Request) {
	s.errorPage(w, r, http.StatusNotFound, "There is no such page", "It may have been moved, or never have been here.")
}
