package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// contextKey is a Manager, as the key of what its Handler has found.
type contextKey[T any] Manager[T]

// found is what a request carries: a session, or why there is none.
type found[T any] struct {
	session *Session[T]
	err     error
	seen    time.Time // the session's Seen in the request
}

// Handler returns a handler that refuses requests of other sites, finds the
// session, extends it, and calls next, whether there is a session or not:
// [Manager.From] returns it, and [Manager.Require] asks for it. It goes around the
// whole server, the login page included: otherwise another site can log somebody
// in as somebody else.
//
// A request is refused with 403, or as CrossOrigin.SetDenyHandler says, if a
// browser tells that another site made it and its method is not GET, HEAD or
// OPTIONS.
//
// It panics if [Manager.Check] returns an error, so that a program which cannot
// work ends at its start.
//
// Answers differ with the cookie, so they get Vary: Cookie, and one that sets a
// cookie gets Cache-Control: private; what next sets instead of these counts. So
// what is public, and says so to caches, is better served outside.
func (m *Manager[T]) Handler(next http.Handler) http.Handler {
	if err := m.Check(); err != nil {
		panic(err.Error())
	}
	protection := m.CrossOrigin
	if protection == nil {
		protection = http.NewCrossOriginProtection()
		protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "This request came from a page of another site, and nothing was done. Open the page here, and try again.", http.StatusForbidden)
		}))
	}
	protected := protection.Handler(m.find(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := protection.Check(r); err != nil {
			m.tell(Event{Kind: CrossOrigin, Err: fmt.Errorf("session: %w", err)})
		}
		protected.ServeHTTP(w, r)
	})
}

// find returns a handler that finds the session for next, and extends it.
func (m *Manager[T]) find(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		f := new(found[T])
		if f.session, f.err = m.Load(r); f.err == nil {
			f.seen = f.session.Seen
			m.slide(w, r, f.session)
			m.offerCSRF(w, r, f.session)
		}
		inner := r.WithContext(context.WithValue(r.Context(), (*contextKey[T])(m), f))
		defer func() {
			if r.MultipartForm == nil {
				r.MultipartForm = inner.MultipartForm // whose files the server removes from the disk
			}
		}()
		next.ServeHTTP(w, inner)
	})
}

// From returns the session that [Manager.Handler] has found. The error is that
// of [Manager.Load].
func (m *Manager[T]) From(ctx context.Context) (*Session[T], error) {
	f := m.found(ctx)
	return f.session, f.err
}

func (m *Manager[T]) found(ctx context.Context) *found[T] {
	f, ok := ctx.Value((*contextKey[T])(m)).(*found[T])
	if !ok {
		return &found[T]{err: errNoHandler}
	}
	return f
}

var errNoHandler = errors.New("session: this request did not come through Manager.Handler: put that around the whole server")

// Require returns a handler that calls next only for requests with a session,
// and answers others as [Manager.Deny] does. It goes inside [Manager.Handler],
// and around neither the login page nor what that shows.
func (m *Manager[T]) Require(next http.Handler) http.Handler {
	return m.RequireFunc(func(w http.ResponseWriter, r *http.Request, _ *Session[T]) { next.ServeHTTP(w, r) })
}

// RequireFunc is as [Manager.Require], for a function that wants the session.
func (m *Manager[T]) RequireFunc(next func(http.ResponseWriter, *http.Request, *Session[T])) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.From(r.Context())
		if err != nil {
			m.Deny(w, r, err)
			return
		}
		next(w, r, s)
	})
}
