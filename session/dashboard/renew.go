package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

const (
	loginPath   = "/api/v1/login"
	refreshPath = "/api/v1/token/refresh"
	csrfPath    = "/api/v1/csrftoken/"
)

var (
	errUnused    = fmt.Errorf("%w: it was not used in time", errSession)
	errInUse     = fmt.Errorf("%w: it was refused in use", errSession)
	errBound     = errors.New("the next session would end no later")
	errOvertaken = errors.New("dashboard: it took too long, and another attempt may be under way")
)

// renew brings a token: the successor of the session at hand, or else that of a
// login.
func (s *Source) renew(ctx context.Context, a *attempt) (token.Token, error) {
	if h := s.atHand(); h != nil && h.slides {
		next, err := s.refresh(ctx, h)
		switch {
		case err == nil:
			return s.take(a, next, V2, Refreshed)
		case errors.Is(err, errSession):
			s.forget(h)
			s.tell(Expired, err)
		case errors.Is(err, errAbsent):
			// It may have become a Dashboard 7.x, or be away altogether.
			s.tell(Expired, err)
		case !errors.Is(err, errBound):
			// It says nothing of the session, which can be used to its end.
			return token.Token{}, err
		}
	}
	h, v, err := s.logIn(ctx)
	if err != nil {
		return token.Token{}, err
	}
	return s.take(a, h, v, LoggedIn)
}

// take takes h as the token at hand, and tells what brought it.
func (s *Source) take(a *attempt, h *held, v Version, k Kind) (token.Token, error) {
	if !s.keep(a, h, v) {
		return token.Token{}, errOvertaken
	}
	s.tell(k, nil)
	return h.token, nil
}

// refresh has the Dashboard replace a session. The error matches errSession if
// that is over, errBound if there is nothing to be gained, and errAbsent if the
// Dashboard replaces none.
func (s *Source) refresh(ctx context.Context, h *held) (*held, error) {
	const op = "refresh the session"
	switch {
	case h.refused:
		return nil, &failure{op: op, err: errInUse}
	case least(h.session, h.inner) < 0:
		return nil, &failure{op: op, err: errUnused}
	case h.bound():
		return nil, errBound
	}
	a, err := s.post(ctx, op, "token", refreshPath, map[string]string{scheme: h.token.Value.Reveal()})
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, a.notRefreshed()
	}
	r, err := a.parse()
	switch {
	case err != nil:
		return nil, a.unreadable(err)
	case r.worst.refuses():
		return nil, a.fails(errSession, "").saying(r.worst.message)
	case r.problems > 0:
		return nil, a.fails(errUnavailable, "see the log of the Dashboard")
	case r.session == "":
		return nil, a.odd("there is no session in it", isIt)
	}
	next, err := newSession(r.session, a.sent, h.inner)
	if err != nil {
		return nil, a.unreadable(err)
	}
	next.last = 0 < next.session.length && next.session.length < h.session.length
	return next, nil
}

// logIn logs in with what Login supplies. If that is refused it is asked once for
// something else.
func (s *Source) logIn(ctx context.Context) (*held, Version, error) {
	o, err := s.ask(ctx)
	if err != nil {
		return nil, Unknown, err
	}
	h, v, err := s.logInWith(ctx, o)
	if !errors.Is(err, errCredential) {
		return h, v, err
	}
	if _, ok := s.Login.(token.Invalidator); !ok {
		return nil, Unknown, err
	}
	s.disown(o.token)
	next, failed := s.ask(ctx)
	switch {
	case failed != nil:
		return nil, Unknown, fmt.Errorf("%w (the one before was refused by the Dashboard)", failed)
	case next.token.Equal(o.token):
		return nil, Unknown, err
	}
	h, v, err = s.logInWith(ctx, next)
	if errors.Is(err, errCredential) {
		s.disown(next.token)
	}
	return h, v, err
}

// logInWith logs in with what Login supplied. The error matches errCredential if
// that is refused.
func (s *Source) logInWith(ctx context.Context, o offer) (*held, Version, error) {
	a, err := s.post(ctx, "log in", "login", loginPath, map[string]string{"token": o.token.Value.Reveal()})
	if err != nil {
		return nil, Unknown, err
	}
	if a.status != http.StatusOK {
		return nil, Unknown, a.notLoggedIn()
	}
	r, err := a.parse()
	switch {
	case err != nil:
		return nil, Unknown, a.unreadable(err)
	case r.worst.refuses():
		return nil, Unknown, a.fails(errCredential, loginRemedy).saying(r.worst.message)
	case r.problems > 0:
		return nil, Unknown, a.fails(errUnavailable, "see the log of the Dashboard")
	case r.session != "":
		h, err := newSession(r.session, a.sent, o.term)
		if err != nil {
			return nil, Unknown, a.unreadable(err)
		}
		return h, V2, nil
	case r.bearer == o.token.Value.Reveal():
		return &held{token: o.now()}, V7, nil
	case r.bearer != "":
		return nil, Unknown, a.odd("it gives back another bearer token than it was given", isIt)
	}
	return nil, Unknown, a.odd("there is neither a session in it nor an error", isIt)
}
