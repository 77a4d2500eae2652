package session

import "net/http"

// Renew gives s another ID, and sets its cookie: copies of the old one are no
// longer good if there is a Store. Call it when what s may do becomes more, as
// after a second factor; it has nothing to do with expiry. Began stays, and so
// does the pair of [Manager.SetPair]. It must be called before anything is written
// to w.
//
// A request that was under way meanwhile with the old ID is of a session that has
// ended; if it saves, and its answer is the last to come, the person logs in again.
//
// If s was ended in the meantime the error matches [ErrNoSession]. After any other
// s is as it was, or, if the Store could not tell what it did, over.
func (m *Manager[T]) Renew(w http.ResponseWriter, r *http.Request, s *Session[T]) error {
	if err := m.writable(s); err != nil {
		return err
	}
	renewed := *s
	renewed.ID, renewed.Seen = newID(), m.moment()
	text, err := encode(&renewed)
	if err != nil {
		return err
	}
	lines, err := m.sealCookies(r, text)
	if err != nil {
		return err
	}
	// In this order: of two IDs never both are good.
	if err := m.endRenewed(r.Context(), s, renewed.ID); err != nil {
		return err
	}
	m.giveCookies(w, r, &renewed, lines)
	*s = renewed
	m.tell(Event{Kind: Renewed, ID: s.ID, Subject: s.Subject})
	return nil
}
