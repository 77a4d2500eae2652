package session

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// seen remembers which sessions this process has found good, and when.
type seen struct {
	mu      sync.Mutex // never held across a wait
	logins  recent[string, sighting]
	strikes int // how often something was struck out
}

// maxSeen is how many sessions are remembered.
const maxSeen = 1 << 16

// A sighting is that a login was found good under an ID, or over if that is empty.
// Its subject is a hash, whatever length the subject has.
type sighting struct {
	at          time.Time
	id, subject string
}

// A look is a question to the Store, from before it is asked.
type look struct {
	at      time.Time
	strikes int
}

func (n *seen) look(now time.Time) look {
	n.mu.Lock()
	defer n.mu.Unlock()
	return look{now, n.strikes}
}

// note takes note that a session was found good when the Store was asked. If
// anything was struck out since, it may have been this one, and the next request
// will tell. Nor is a login good again that was found over since.
func (n *seen) note(l look, login, id, subject string) {
	sight := sighting{l.at, id, hash(subject)}
	n.mu.Lock()
	defer n.mu.Unlock()
	if old, ok := n.logins.get(login); n.strikes == l.strikes && (!ok || old.id != "") {
		n.logins.put(login, sight, maxSeen)
	}
}

// refuse takes note that a login was found over, for why, under an ID. It strikes
// out no others: anybody can send copies of what is over, as often as they like.
func (n *seen) refuse(login, id string, why ending) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if why != renewed {
		n.logins.put(login, sighting{}, maxSeen)
	} else if old, _ := n.logins.get(login); old.id == id {
		n.logins.delete(login)
	}
}

func (n *seen) strikeLogin(login string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.strikes++
	n.logins.delete(login)
}

func (n *seen) strikeSubject(subject string) {
	key := hash(subject)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.strikes++
	n.logins.deleteFunc(func(_ string, s sighting) bool { return s.subject == key })
}

// within reports whether a session was found good less than grace ago, by both
// readings of the clock: suspend stops the monotonic one, steps move the other.
func (n *seen) within(login, id string, now time.Time, grace time.Duration) bool {
	n.mu.Lock()
	s, ok := n.logins.get(login)
	n.mu.Unlock()
	age := max(now.Sub(s.at), now.Round(0).Sub(s.at.Round(0)))
	return ok && s.id == id && age >= 0 && age < grace
}

// graceful reports whether s goes on, read only, although err was all that the
// Store said of it. What it says and nobody can read is not the silence that
// Grace is for.
func (m *Manager[T]) graceful(s *Session[T], err error) bool {
	return !errors.Is(err, errUnreadable) && m.seen.within(s.login, s.ID, m.now(), m.Grace)
}

// isSafe reports whether requests with this method change nothing.
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
