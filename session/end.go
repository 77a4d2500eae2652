package session

import (
	"context"
	"net/http"
)

// End ends the session that r carries, if any, and takes its cookies away, those
// of a session that is not good too. With a Store, copies of it are no longer
// good. It must be called before anything is written to w. After an error the
// session goes on, and its cookies stay, so that the person can try again.
func (m *Manager[T]) End(w http.ResponseWriter, r *http.Request) error {
	if err := m.Check(); err != nil {
		return err
	}
	// Without a Store there is nothing to do but to take the cookies away, and
	// that needs no keys.
	if err := m.endCarried(r); err != nil && m.Store != nil {
		return err
	}
	m.deleteCookies(w, r)
	return nil
}

// EndAll ends all sessions of a subject that began before now, as after a change
// of password: also those that this process knows nothing of. It needs a Store.
// After an error it may or may not have done so: call it again. A person who asks
// for it also wants [Manager.End], which takes the cookie away. The pairs of
// [Manager.SetPair] stay in the Store until their sessions would have ended.
func (m *Manager[T]) EndAll(ctx context.Context, subject string) error {
	return m.endSubject(ctx, subject)
}
