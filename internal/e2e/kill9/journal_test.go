package kill9

import (
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// A journal is all that the test saw, in order.
type journal struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next change

	posts  []*post
	dying  map[int]bool // holders that are about to be killed, or have been
	kills  []kill
	unsure map[request]bool
	slow   map[request]bool

	said   map[string]int            // lines of the holders, without what differs from one to the next
	tokens int                       // access tokens they were handed
	audits map[refresh.AuditKind]int // what the issuer told its auditor
}

// A request is the number of a holder and that of a request of it, both from one.
type request struct{ holder, number int }

// A post is a refresh request, as the issuer saw it. Of tokens there are
// fingerprints.
type post struct {
	request
	presented string
	arrived   time.Time

	answered  time.Time // zero while it is not
	status    int       // 0: the holder was gone before the exchange began
	code      string    // error
	successor string
}

// A kill is the end of a holder.
type kill struct {
	holder int
	at     time.Time // it was alive until then
	reaped time.Time // and is gone since
}

func (p *post) refused() bool { return p.status >= 400 && p.status < 500 }

func newJournal() *journal {
	return &journal{
		changed: make(chan struct{}), said: make(map[string]int), audits: make(map[refresh.AuditKind]int),
		dying: make(map[int]bool), unsure: make(map[request]bool), slow: make(map[request]bool),
	}
}

// write has f change the journal.
func (j *journal) write(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
	close(j.changed)
	j.changed = make(chan struct{})
}

// read has f look at the journal.
func (j *journal) read(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
}

// answered counts the exchanges that brought a new pair.
func (j *journal) answered() (n int) {
	for _, p := range j.posts {
		if p.successor != "" {
			n++
		}
	}
	return n
}

// refusals counts the requests that were refused.
func (j *journal) refusals() (n int) {
	for _, p := range j.posts {
		if p.refused() {
			n++
		}
	}
	return n
}

// refused returns the requests that were refused, after so many others that were.
func (j *journal) refused(after int) (refused []*post) {
	for _, p := range j.posts {
		if p.refused() {
			refused = append(refused, p)
		}
	}
	return refused[min(after, len(refused)):]
}

// hindered reports whether the holder of a request had no answer to it, or was
// stopped for so long that its claim was over before it could tell the others.
func (j *journal) hindered(r request) bool { return j.unsure[r] || j.slow[r] }

// asks reports whether the issuer has a request of the holder that it has not
// answered.
func (j *journal) asks(holder int) bool {
	p := j.lastOf(holder)
	return p != nil && p.answered.IsZero()
}

// lastOf returns the last request of a holder, or nil.
func (j *journal) lastOf(holder int) *post {
	for i := len(j.posts) - 1; i >= 0; i-- {
		if j.posts[i].holder == holder {
			return j.posts[i]
		}
	}
	return nil
}

// again returns the first request, at or after a time, of another holder with
// the same refresh token as p, or nil.
func (j *journal) again(p *post, from time.Time) *post {
	for _, q := range j.posts {
		if q.presented == p.presented && q.holder != p.holder && !q.arrived.Before(from) {
			return q
		}
	}
	return nil
}

// between reports whether a kill fell between a POST and the swap that would have
// published its pair: the issuer had the holder's request, and after its death
// another holder presented the same refresh token, for lack of the next.
func (j *journal) between(k kill) bool {
	p := j.lastOf(k.holder)
	return p != nil && j.again(p, k.at) != nil
}

// countBetween counts such kills.
func (j *journal) countBetween() (n int) {
	j.read(func() {
		for _, k := range j.kills {
			if j.between(k) {
				n++
			}
		}
	})
	return n
}
