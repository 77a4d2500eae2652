package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// The Store has a row for a login that was ended, or whose session has another ID
// by now, under the ID that it began with: a version, 1 byte, and the ID that is
// good, or nothing if none is. So whoever has any copy of a session can end it,
// and none but the newest ID gets in.
const endedVersion = 1

// An ending is why a session is over.
type ending int

const (
	goesOn     ending = iota
	loggedOut         // by a logout, or another login
	renewed           // it has another ID
	everywhere        // all sessions of its subject were ended
)

var endings = [...]string{"it goes on", "it was ended by a logout or another login", "it has another ID by now", "all sessions of its subject were ended"}

func (e ending) String() string { return endings[e] }

func (m *Manager[T]) endedKey(s *Session[T]) string { return "ended/" + m.name() + "/" + s.login }

// A row says which ID of a login is good. The zero row says nothing: the login
// goes on, under any.
type row struct {
	ended bool
	id    string
}

// says returns why the session with an ID is over, if it is.
func (r row) says(id string) ending {
	switch {
	case r.ended:
		return loggedOut
	case r.id != "" && r.id != id:
		return renewed
	}
	return goesOn
}

// encodeRow returns the row for the ID that is good. Empty means none.
func encodeRow(id string) []byte { return append([]byte{endedVersion}, id...) }

// decodeRow returns what a row says, given what the Store has.
func decodeRow(value []byte, err error) (row, error) {
	switch {
	case err != nil:
		return row{}, fmt.Errorf("reading the row of the login: %w", err)
	case value == nil:
		return row{}, nil
	case len(value) < 1 || value[0] != endedVersion || len(value) > 1 && !isID(string(value[1:])):
		return row{}, fmt.Errorf("reading the row of the login: %w", errUnreadable)
	}
	return row{len(value) == 1, string(value[1:])}, nil
}

const unknown = "nobody knows whether the session was ended"

// notEnded returns an error if s was ended, or if nobody knows. It sets
// s.ReadOnly if Grace lets it go on all the same.
func (m *Manager[T]) notEnded(r *http.Request, s *Session[T]) error {
	if m.Store == nil {
		return nil
	}
	look := m.seen.look(m.now())
	why, err := m.over(r.Context(), s)
	switch {
	case why != goesOn:
		return fmt.Errorf("%w: %v", token.ErrRevoked, why)
	case err == nil:
		if m.Grace > 0 {
			m.seen.note(look, s.login, s.ID, s.Subject)
		}
		return nil
	case errors.Is(r.Context().Err(), context.Canceled):
		return foreign(unknown, err) // whoever asked is gone, which says nothing of the Store
	case isSafe(r.Method) && m.graceful(s, err):
		s.ReadOnly = true
		m.tell(Event{Kind: ReadOnly, ID: s.ID, Subject: s.Subject, Err: foreign(unknown, err)})
		return nil
	}
	return m.away(unknown, Event{ID: s.ID, Subject: s.Subject}, err)
}

// over returns why s is over, if it is, by what the Store says: with two reads,
// made at the same time. If it returns a reason, that is so whatever the error.
func (m *Manager[T]) over(ctx context.Context, s *Session[T]) (ending, error) {
	ofLogin, ofSubject := m.read(ctx, m.endedKey(s)), m.read(ctx, m.subjectKey(s.Subject))
	r, err := decodeRow(ofLogin())
	epoch, epochErr := decodeEpoch(ofSubject())
	why := r.says(s.ID)
	if why != loggedOut && epochErr == nil && s.epoch < epoch {
		why = everywhere
	}
	if why != goesOn && m.Grace > 0 {
		m.seen.refuse(s.login, s.ID, why)
	}
	if err != nil && epochErr != nil {
		return why, fmt.Errorf("%w; and %w", err, epochErr)
	}
	return why, errors.Join(err, epochErr)
}

// endCarried ends the session that r carries, if it carries one that was ours,
// however old: there may be younger copies of it.
func (m *Manager[T]) endCarried(r *http.Request) error {
	s, err := m.open(r)
	switch {
	case errors.Is(err, ErrNoSession), errors.Is(err, token.ErrInvalid):
		return nil
	case err != nil:
		return err
	}
	return m.endSession(r.Context(), s)
}

// endSession ends s, for whoever has a copy, and forgets its pair. It goes on when
// ctx is done.
func (m *Manager[T]) endSession(ctx context.Context, s *Session[T]) error {
	if !m.now().Before(s.Began.Add(m.lifetime()).Add(storeMargin)) {
		return nil // no copy of it is good
	}
	if m.Store != nil {
		if _, err := m.replaceRow(ctx, s, ""); err != nil {
			return m.away("the session could not be ended: try again", Event{ID: s.ID, Subject: s.Subject}, err)
		}
		m.forgetPair(ctx, s)
	}
	m.tell(Event{Kind: Ended, ID: s.ID, Subject: s.Subject})
	return nil
}

// endRenewed ends the ID that s has, so that s can have another, id. Its pair
// stays. If s is over already, the error matches [ErrNoSession].
func (m *Manager[T]) endRenewed(ctx context.Context, s *Session[T], id string) error {
	if m.Store == nil {
		return nil
	}
	why, err := m.replaceRow(ctx, s, id)
	switch {
	case err != nil:
		return m.away("the old ID of the session could not be ended: try again", Event{ID: s.ID, Subject: s.Subject}, err)
	case why != goesOn:
		return fmt.Errorf("%w: %w: %v", ErrNoSession, token.ErrRevoked, why)
	}
	return nil
}

// replaceRow writes that id is the only good one of the login of s, or that none
// is if it is empty. A login that is over stays so, and only s itself can be
// renewed, not a copy with an ID from before: then nothing is written, and it
// returns why.
//
// Whatever comes of it, this process lets s go on no longer without having asked
// the Store: s is struck out before, for those who ask from now on, and after, for
// those who asked before there was a row.
func (m *Manager[T]) replaceRow(ctx context.Context, s *Session[T], id string) (ending, error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	m.seen.strikeLogin(s.login)
	defer m.seen.strikeLogin(s.login)
	var old []byte
	if s.ID != s.login {
		old = encodeRow(s.ID)
	}
	last := errors.New("others write it all the time")
	for range maxTries {
		ok, err := m.swap(ctx, m.endedKey(s), old, encodeRow(id), m.kept(s))
		if ok && err == nil {
			return goesOn, nil
		}
		if err != nil {
			last = err
		}
		old, err = m.read(ctx, m.endedKey(s))()
		found, err := decodeRow(old, err)
		switch why := found.says(s.ID); {
		case err != nil:
			return goesOn, err
		case id != "" && found.id == id:
			return goesOn, nil // it had landed
		case why == loggedOut, why == renewed && id != "":
			return why, nil
		}
	}
	return goesOn, fmt.Errorf("writing the row of the login: %w", last)
}
