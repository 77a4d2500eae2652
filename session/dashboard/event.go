package dashboard

import "github.com/tokenlife/tokenlife/internal/panics"

// An Event is what a Source tells its OnEvent. It holds no secret.
type Event struct {
	Kind    Kind
	Version Version // of the Dashboard
	Err     error   // of Expired and Failed
}

// A Kind says what happened in an Event.
type Kind int

// What can happen to a Source.
const (
	LoggedIn  Kind = iota + 1 // there was a login
	Refreshed                 // the session was replaced by the next
	Expired                   // the session is over, and there will be a login; Err says why
	Failed                    // there is no token; Err says why
)

// String returns the name of k in lower case, for logs and metrics.
func (k Kind) String() string {
	switch k {
	case LoggedIn:
		return "logged in"
	case Refreshed:
		return "refreshed"
	case Expired:
		return "expired"
	case Failed:
		return "failed"
	}
	return "unknown"
}

func (s *Source) tell(k Kind, err error) {
	if s.OnEvent != nil {
		e := Event{Kind: k, Version: s.Version(), Err: err}
		// A panic here must not take the program along.
		_ = panics.Call("Source.OnEvent", func() error { s.OnEvent(e); return nil })
	}
}
