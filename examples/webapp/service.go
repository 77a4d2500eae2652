package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A user is what the site keeps in a session, besides whose it is. Nobody gains
// anything by setting it back to an older copy: Admin is changed with Renew, after
// which older copies are no longer good.
type user struct {
	DisplayName string `json:"display_name,omitempty"`
	Notes       string `json:"notes,omitempty"`
	Admin       bool   `json:"admin,omitempty"`
}

const cookieName = "__Host-session"

// A service is the site.
type service struct {
	sessions *session.Manager[user]
	upstream *upstream
	log      *slog.Logger
	events   *journal
	now      func() time.Time // time.Now, except in tests
}

func newService(idle, lifetime time.Duration, store refresh.Store, keys *seal.Keyring, u *upstream, log *slog.Logger, events *journal) (*service, error) {
	s := &service{upstream: u, log: log, events: events, now: time.Now}
	s.sessions = &session.Manager[user]{
		Keys:      keys,
		Name:      cookieName,
		Idle:      idle,
		Lifetime:  lifetime,
		Store:     store,         // so that a logout holds against a copy of the cookie
		Exchanger: u.exchanger(), // for Source
		Revoke:    u.revoke,
		OnEvent:   s.sessionEvent,
		OnRefresh: s.refreshEvent,
		Now:       func() time.Time { return s.now() },
	}
	return s, s.sessions.Check()
}

// handler serves the site. Files that are the same for everybody are outside of
// sessions.Handler, so that nobody looks into the Store for them.
func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", s.loginPage)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	mux.HandleFunc("GET /time-left", s.sessions.TimeLeft)
	mux.Handle("POST /stay", s.sessions.RequireFunc(s.stay))
	mux.Handle("POST /logout-everywhere", s.sessions.RequireFunc(s.logoutEverywhere))
	mux.Handle("GET /{$}", s.sessions.RequireFunc(s.homePage))
	mux.Handle("GET /orders", s.sessions.RequireFunc(s.ordersPage))
	mux.Handle("GET /settings", s.sessions.RequireFunc(s.settingsPage))
	mux.Handle("POST /settings", s.sessions.RequireFunc(s.save))
	mux.Handle("GET /admin", s.sessions.RequireFunc(s.adminPage))
	mux.Handle("POST /admin", s.sessions.RequireFunc(s.becomeAdmin))
	mux.Handle("POST /admin/leave", s.sessions.RequireFunc(s.leaveAdmin))
	mux.HandleFunc("/", s.notFound)

	site := http.NewServeMux()
	site.Handle("GET /static/", staticFiles)
	site.Handle("/", s.sessions.Handler(mux))
	return secure(site)
}

// login begins a session for whoever knows the password.
func (s *service) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	name, password := r.PostFormValue("username"), r.PostFormValue("password")
	// Before the password is checked: if it is changed while this goes on, and
	// all sessions are ended for it, this one is among them.
	epoch, err := s.sessions.Epoch(r.Context(), name)
	if err != nil {
		s.unavailable(w, r, "login", err)
		return
	}
	if !checkPassword(name, password) {
		s.log.Warn("login refused")
		s.wrongPassword(w, r)
		return
	}
	pair, err := s.upstream.login(r.Context(), name)
	if err != nil {
		s.unavailable(w, r, "login upstream", err)
		return
	}
	current, err := s.sessions.StartAt(w, r, name, user{DisplayName: name}, epoch)
	if err != nil {
		s.unavailable(w, r, "login", err)
		return
	}
	// The pair is never in the cookie: the Store keeps it, for Source.
	if err := s.sessions.SetPair(r.Context(), current, pair); err != nil {
		err = errors.Join(err, s.sessions.End(w, r)) // takes back the cookie
		s.unavailable(w, r, "login", err)
		return
	}
	s.sessions.Return(w, r, "/")
}

// logout ends the session, for whoever has a copy of its cookie too.
func (s *service) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.End(w, r); err != nil {
		s.unavailable(w, r, "logout", err)
		return
	}
	http.Redirect(w, r, "/login?bye=here", http.StatusSeeOther)
}

// logoutEverywhere ends all sessions of whoever asks, in all browsers.
func (s *service) logoutEverywhere(w http.ResponseWriter, r *http.Request, current *session.Session[user]) {
	err := s.sessions.EndAll(r.Context(), current.Subject)
	if err == nil {
		err = s.sessions.End(w, r) // takes its cookies away
	}
	if err != nil {
		s.unavailable(w, r, "logout everywhere", err)
		return
	}
	http.Redirect(w, r, "/login?bye=everywhere", http.StatusSeeOther)
}

// stay is for the button of the page that warns. There is nothing to do: the
// request itself has extended the session.
func (s *service) stay(w http.ResponseWriter, r *http.Request, current *session.Session[user]) {
	w.WriteHeader(http.StatusNoContent)
}

// save changes what is kept in the session.
func (s *service) save(w http.ResponseWriter, r *http.Request, current *session.Session[user]) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.ParseForm() != nil { // what is missing would be saved as empty
		s.tooLarge(w, r, current.Data)
		return
	}
	changed := *current // the page goes on with what was there if it cannot be saved
	changed.Data.DisplayName = strings.TrimSpace(r.PostForm.Get("display_name"))
	changed.Data.Notes = r.PostForm.Get("notes")
	if r.PostForm.Get("fill") != "" {
		changed.Data.Notes = longNotes
	}
	err := s.sessions.Save(w, r, &changed)
	switch {
	case errors.Is(err, session.ErrTooLarge):
		s.tooLarge(w, r, changed.Data)
	case err != nil:
		s.unavailable(w, r, "save", err)
	default:
		http.Redirect(w, r, "/settings?saved=1", http.StatusSeeOther)
	}
}

// becomeAdmin lets whoever proves again who they are do more. Renew has the
// session go on under another ID, so that a copy of the cookie that was taken
// before gains nothing by it.
func (s *service) becomeAdmin(w http.ResponseWriter, r *http.Request, current *session.Session[user]) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if !checkPassword(current.Subject, r.PostFormValue("password")) {
		s.log.Warn("admin refused", "subject", current.Subject)
		s.wrongAdminPassword(w, r)
		return
	}
	s.setAdmin(w, r, current, true)
}

// leaveAdmin renews the session as well: otherwise a copy of the cookie from
// before would still be an admin's.
func (s *service) leaveAdmin(w http.ResponseWriter, r *http.Request, current *session.Session[user]) {
	s.setAdmin(w, r, current, false)
}

func (s *service) setAdmin(w http.ResponseWriter, r *http.Request, current *session.Session[user], admin bool) {
	current.Data.Admin = admin
	if err := s.sessions.Renew(w, r, current); err != nil {
		s.unavailable(w, r, "admin", err)
		return
	}
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

// unavailable answers that it could not be done, which is not the user's fault,
// or that the session was ended while it was.
func (s *service) unavailable(w http.ResponseWriter, r *http.Request, what string, err error) {
	if errors.Is(err, session.ErrNoSession) {
		s.sessions.Deny(w, r, err)
		return
	}
	s.log.Error(what, "error", err)
	w.Header().Set("Retry-After", "1")
	s.errorPage(w, r, http.StatusServiceUnavailable, "That did not work", "It is not your fault. Please try again in a moment.")
}

// sessionEvent logs what happens, and louder what somebody has to look after.
func (s *service) sessionEvent(e session.Event) {
	level := slog.LevelInfo
	switch e.Kind {
	case session.StoreAway, session.KeysAway, session.ReadOnly, session.Unsaved, session.PairKept:
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, "session", "", e)
}

func (s *service) refreshEvent(e refresh.Event) { s.log.Info("pair", "", e) }
