package session

import "net/http"

// PassiveHeader is sent with requests that nobody made, such as those of a page
// that polls: they do not extend the session. Its value does not matter.
const PassiveHeader = "X-Session-Passive"

// slide extends s, if it is time to. It is called before anything is written. If
// it fails the request goes on: there will be others before s ends.
func (m *Manager[T]) slide(w http.ResponseWriter, r *http.Request, s *Session[T]) {
	_, passive := r.Header[PassiveHeader]
	if passive || s.ReadOnly || m.now().Sub(s.Seen) < m.idle()/10 {
		return
	}
	if err := m.Save(w, r, s); err != nil {
		m.tell(Event{Kind: Unsaved, ID: s.ID, Subject: s.Subject, Err: err})
	}
}
