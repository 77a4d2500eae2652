package session

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
)

// Start begins a session for somebody who has just proved who they are, and sets
// its cookie. The session that r carries, if any, is ended. It must be called
// before anything is written to w. After an error there is no new session, and
// the one before goes on.
//
// The subject must not be empty, and be UTF-8. It is an error if data does not
// survive JSON, or if Manager.Until says that it has expired already.
func (m *Manager[T]) Start(w http.ResponseWriter, r *http.Request, subject string, data T) (*Session[T], error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	epoch, err := m.Epoch(r.Context(), subject)
	if err != nil {
		return nil, err
	}
	return m.StartAt(w, r, subject, data, epoch)
}

// StartAt is as [Manager.Start], for somebody who proved who they are by a
// credential that was checked after [Manager.Epoch] returned epoch. If
// [Manager.EndAll] was called since, as it is when a password is changed, the
// session is ended from its beginning.
func (m *Manager[T]) StartAt(w http.ResponseWriter, r *http.Request, subject string, data T, epoch int64) (*Session[T], error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	id, now := newID(), m.moment()
	s := &Session[T]{ID: id, Subject: subject, Data: data, Began: now, Seen: now, login: id, epoch: epoch}
	text, err := encode(s)
	if err != nil {
		return nil, err
	}
	if err := comesBack[T](text); err != nil {
		return nil, err
	}
	if err := m.current(s); err != nil {
		// Whoever was sent to log in again for such a session would be for ever.
		// It is no token that anybody presented: err is not passed on.
		return nil, fmt.Errorf("session: it would be over as it begins: %v", err)
	}
	lines, err := m.sealCookies(r, text)
	if err != nil {
		return nil, err
	}
	if err := m.endCarried(r); err != nil {
		return nil, err
	}
	m.giveCookies(w, r, s, lines)
	m.tell(Event{Kind: Started, ID: s.ID, Subject: subject})
	return s, nil
}

// Save sets the cookie anew, after a change of s.Data, and extends s. It must be
// called before anything is written to w. After an error nothing is set, and the
// cookie has the data of before; what the caller has changed stays changed in s.
func (m *Manager[T]) Save(w http.ResponseWriter, r *http.Request, s *Session[T]) error {
	if err := m.writable(s); err != nil {
		return err
	}
	saved := *s
	saved.Seen = m.moment()
	text, err := encode(&saved)
	if err != nil {
		return err
	}
	lines, err := m.sealCookies(r, text)
	if err != nil {
		return err
	}
	m.giveCookies(w, r, s, lines)
	s.Seen = saved.Seen
	return nil
}

// writable returns an error unless s is a session that can be written.
func (m *Manager[T]) writable(s *Session[T]) error {
	switch err := m.Check(); {
	case err != nil:
		return err
	case !isID(s.ID) || !isID(s.login):
		return errors.New("session: this is no session that a Manager has returned")
	case s.ReadOnly:
		return errors.New("session: it is read only while the Store is away: try again later")
	}
	return nil
}

func newID() string {
	id := make([]byte, 16)
	rand.Read(id)
	return base64.RawURLEncoding.EncodeToString(id)
}
