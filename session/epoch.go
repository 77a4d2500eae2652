package session

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// A subject has one row, with the version, 1 byte, and the epoch, 8 bytes. It is
// there once all sessions of the subject were ended. Sessions begun in an earlier
// epoch are over; without a row the epoch is 0.
const (
	epochVersion = 1
	epochSize    = 1 + 8

	// loginTime is how long somebody may take who read the epoch before they
	// prove who they are.
	loginTime = 24 * time.Hour
)

func (m *Manager[T]) subjectKey(subject string) string {
	return "ended/" + m.name() + "/subject/" + hash(subject)
}

// Epoch returns what to give to [Manager.StartAt]. It is read before the subject's
// credential is checked, and is good for 24 hours. Without a Store it is 0.
func (m *Manager[T]) Epoch(ctx context.Context, subject string) (int64, error) {
	if err := m.Check(); err != nil || m.Store == nil {
		return 0, err
	}
	epoch, err := decodeEpoch(m.read(ctx, m.subjectKey(subject))())
	if err != nil {
		return 0, m.away("nobody knows whether the sessions of the subject were ended", Event{Subject: subject}, err)
	}
	return epoch, nil
}

// endSubject ends all sessions of a subject that began before now. It goes on when
// ctx is done.
func (m *Manager[T]) endSubject(ctx context.Context, subject string) error {
	switch err := m.Check(); {
	case err != nil:
		return err
	case m.Store == nil:
		return errors.New("session: Manager.Store is nil: without one nobody can be logged out everywhere: set it")
	case subject == "":
		return errors.New("session: EndAll was given no subject: say whose sessions to end")
	}
	if err := m.raiseEpoch(ctx, subject); err != nil {
		return m.away("the sessions of the subject could not be ended: try again", Event{Subject: subject}, err)
	}
	m.tell(Event{Kind: EndedAll, Subject: subject})
	return nil
}

// raiseEpoch begins a new epoch of a subject. The subject is struck out before and
// after, as in replaceRow.
func (m *Manager[T]) raiseEpoch(ctx context.Context, subject string) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	m.seen.strikeSubject(subject)
	defer m.seen.strikeSubject(subject)
	key := m.subjectKey(subject)
	var wanted int64
	last := errors.New("others write it all the time")
	for range maxTries {
		old, err := m.read(ctx, key)()
		epoch, err := decodeEpoch(old, err)
		if err != nil {
			return err
		}
		if wanted != 0 && epoch >= wanted {
			return nil // ours, or that of somebody who came later
		}
		wanted = max(epoch+1, m.now().UnixMilli())
		row := binary.BigEndian.AppendUint64([]byte{epochVersion}, uint64(wanted))
		ok, err := m.swap(ctx, key, old, row, m.epochKept())
		if ok && err == nil {
			return nil
		}
		if err != nil {
			last = err
		}
	}
	return fmt.Errorf("writing the epoch of the subject: %w", last)
}

// decodeEpoch returns the epoch in a row, given what the Store has.
func decodeEpoch(value []byte, err error) (int64, error) {
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading the epoch of the subject: %w", err)
	case value == nil:
		return 0, nil
	case len(value) != epochSize || value[0] != epochVersion:
		return 0, fmt.Errorf("reading the epoch of the subject: %w", errUnreadable)
	}
	epoch := int64(binary.BigEndian.Uint64(value[1:]))
	if epoch < 1 || epoch == math.MaxInt64 { // which none can follow
		return 0, fmt.Errorf("reading the epoch of the subject: %w", errUnreadable)
	}
	return epoch, nil
}

// epochKept returns until when the Store keeps an epoch that begins now: longer
// than any session lasts whose login had begun before.
func (m *Manager[T]) epochKept() time.Time {
	return m.storeTime(m.now().Add(m.lifetime()).Add(loginTime + storeMargin))
}
