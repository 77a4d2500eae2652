package session

import (
	"fmt"
	"log/slog"

	"github.com/tokenlife/tokenlife/internal/panics"
)

// A Kind says what happened in an [Event].
type Kind int

// What can happen to sessions.
const (
	Started     Kind = iota + 1 // somebody has logged in
	Renewed                     // a session has another ID
	Ended                       // a session was ended, by logout or by another login
	EndedAll                    // all sessions of a subject were ended
	Refused                     // a request carried a session that is not good; Err says why. Browsers send it again and again
	CrossOrigin                 // a request of another site was refused, or one without its CSRF token
	StoreAway                   // the Store could not be read or written; the request was refused
	ReadOnly                    // the Store could not be read, and Grace let the request pass
	Large                       // the cookies of a session have more than 8 kB, which some proxies refuse
	Unsaved                     // a session could not be extended
	PairKept                    // the pair of an ended session could not be revoked, or not be taken out of the Store
	KeysAway                    // the keys to open a session could not be had
)

var kinds = [...]string{"", "started", "renewed", "ended", "ended all", "refused", "cross-origin", "store away", "read only",
	"large", "unsaved", "pair kept", "keys away"}

// String returns k in lower case, such as "started".
func (k Kind) String() string {
	if k < 1 || int(k) >= len(kinds) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kinds[k]
}

// An Event is what a Manager tells its OnEvent. Logs, metrics and traces can be
// made from it; it holds no secret.
type Event struct {
	Kind    Kind
	ID      string // of the session; empty if there is none, or none that can be read
	Subject string // whose it is; empty if that is not known
	Bytes   int    // of the cookies, for Large
	Err     error  // why; nil for most kinds
}

// String returns e as one line for people.
func (e Event) String() string {
	s := e.Kind.String()
	if e.ID != "" {
		s += " " + e.ID
	}
	if e.Subject != "" {
		s += fmt.Sprintf(" of %q", e.Subject)
	}
	if e.Bytes != 0 {
		s += fmt.Sprintf(", %d bytes", e.Bytes)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// LogValue implements [slog.LogValuer].
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", e.Kind.String())}
	if e.ID != "" {
		attrs = append(attrs, slog.String("id", e.ID))
	}
	if e.Subject != "" {
		attrs = append(attrs, slog.String("subject", e.Subject))
	}
	if e.Bytes != 0 {
		attrs = append(attrs, slog.Int("bytes", e.Bytes))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// tell calls OnEvent, in which a panic must not cost anybody a session.
func (m *Manager[T]) tell(e Event) {
	if m.OnEvent != nil {
		_ = panics.Call("OnEvent", func() error { m.OnEvent(e); return nil })
	}
}
