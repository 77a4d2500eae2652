package session

import (
	"fmt"
	"net/http"
	"time"
)

// TimeLeft answers how long the session of the request has left, and does not
// extend it:
//
//	{"expires_in":1234,"by":"idle"}
//
// in seconds, rounded down. It is for a page that wants to warn before the session
// ends: if by is "idle" a request prevents that, and if it is "lifetime" or
// "token", which is that of Manager.Until, only another login does. If there is no
// session it answers as [Manager.Deny] does to a script. It goes inside
// [Manager.Handler].
func (m *Manager[T]) TimeLeft(w http.ResponseWriter, r *http.Request) {
	f := m.found(r.Context())
	if f.err != nil {
		denyScript(w, f.err)
		return
	}
	m.unsetCookies(w) // Handler may have extended it
	s := *f.session
	s.Seen = f.seen
	expiry, limit := m.expiry(&s)
	left := max(0, expiry.Sub(m.now())) / time.Second
	by := map[string]string{"Idle": "idle", "Lifetime": "lifetime", "Until": "token"}[limit]

	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	fmt.Fprintf(w, `{"expires_in":%d,"by":%q}`+"\n", left, by)
}
