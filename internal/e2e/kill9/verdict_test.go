package kill9

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// goOn waits until the pair has been rotated some more, and reports false if it
// is refused instead.
func (f *fleet) goOn(t *testing.T) bool {
	t.Helper()
	var before int
	f.read(func() { before = f.answered() })
	lost := false
	f.await(t, "the holders to go on", func() bool {
		lost = f.refusals() > f.losses
		return lost || f.answered() >= before+2 // one may have been under way
	})
	return !lost
}

// allOver reports whether each holder says that the login is over.
func (f *fleet) allOver() bool {
	return !slices.ContainsFunc(f.alive, func(h *holder) bool { return h.last != "lost" && !strings.HasPrefix(h.last, "refused") })
}

// excused reports whether a request was refused because its holder was stopped for
// longer than its lease, in a Store that has no locks: the others could have gone
// on for more than one refresh token before the request was sent.
func (f *fleet) excused() bool {
	if _, locked := f.store.(refresh.Locker); locked {
		return false
	}
	// The holder says so only once it gets to the Store again.
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		hindered := false
		f.read(func() {
			hindered = slices.ContainsFunc(f.refused(0), func(p *post) bool { return f.slow[p.request] })
		})
		if hindered {
			return true
		}
	}
	return false
}

// muddled reports whether a login was lost in a way that shows nothing: a holder
// had no answer, or was stopped for longer than its lease, when it was about to
// say or to be told that the login is over, so that the issuer was asked again.
func (f *fleet) muddled() bool {
	refused := f.refused(f.losses)
	if len(refused) == 0 {
		return false
	}
	first := slices.Index(f.posts, refused[0])
	lost := !slices.ContainsFunc(f.alive, func(h *holder) bool { return h.last != "lost" })
	if lost && first == len(f.posts)-1 {
		return false
	}
	return slices.ContainsFunc(f.posts, func(p *post) bool {
		return (p.presented == refused[0].presented || slices.Index(f.posts, p) > first) && f.hindered(p.request)
	})
}

// cause says why the login was lost that was refused last. It is an error if
// there was no cause for it, or if the dead refresh token was presented again.
func (f *fleet) cause(t *testing.T) string {
	t.Helper()
	refused := f.refused(f.losses)
	if len(refused) == 0 {
		t.Error("a login is lost that the issuer did not refuse")
		return "no cause"
	}
	q := refused[0]
	if n := len(f.posts) - 1 - slices.Index(f.posts, q); n > 0 {
		t.Errorf("%d requests followed the one that was refused", n)
	}
	i := slices.IndexFunc(f.posts, func(p *post) bool { return p.presented == q.presented && p.successor != "" })
	if i < 0 {
		t.Error("a refresh token was refused that was never spent")
		return "no cause"
	}
	p := f.posts[i]
	took := q.arrived.Sub(p.arrived)
	for _, k := range f.kills {
		if k.holder == p.holder && !k.reaped.Before(p.arrived) && !k.at.After(q.arrived) {
			return fmt.Sprintf("its holder was killed %v after its POST, which was presented again after %v", k.at.Sub(p.arrived), took)
		}
	}
	if f.unsure[p.request] {
		return fmt.Sprintf("its holder had no answer, and it was presented again after %v", took)
	}
	if _, locked := f.store.(refresh.Locker); !locked && (f.slow[p.request] || f.slow[q.request]) {
		return fmt.Sprintf("its holder was frozen for longer than its lease: it was presented again after %v", took)
	}
	t.Errorf("there was no cause for the loss: its holder lives, had its answer in %v, and the token was presented again after %v", p.answered.Sub(p.arrived), took)
	return "no cause"
}

// checkRefusals fails the test unless the issuer refused as many requests as
// logins were lost, each for reuse, and no holder said that anything else was
// wrong than a loss, nor anything of the Store but that it was slow.
func (f *fleet) checkRefusals(t *testing.T, losses int) {
	t.Helper()
	for _, p := range f.posts {
		if p.refused() && (p.status != http.StatusBadRequest || p.code != "invalid_grant") {
			t.Errorf("the issuer answered %d %s", p.status, p.code)
		}
	}
	if n := f.refusals(); n != losses {
		t.Errorf("the issuer refused %d requests, want %d", n, losses)
	}
	if n := f.audits[refresh.AuditReuse]; n != losses {
		t.Errorf("the issuer saw %d refresh tokens used twice, want %d", n, losses)
	}
	for line, n := range f.said {
		slow := strings.Contains(line, "the Store is too slow") || strings.Contains(line, context.DeadlineExceeded.Error())
		switch {
		case strings.HasPrefix(line, "refused"), strings.HasPrefix(line, "error"), strings.Contains(line, "the Store") && !slow, losses == 0 && line == "lost":
			t.Errorf("holders said %d times: %s", n, line)
		}
	}
}

// checkForks fails the test if a refresh token was answered with two successors.
func (f *fleet) checkForks(t *testing.T) {
	t.Helper()
	successor := make(map[string]string)
	for _, p := range f.posts {
		if p.successor == "" {
			continue
		}
		if before, ok := successor[p.presented]; ok && before != p.successor {
			t.Errorf("%s was answered with %s and with %s", p.presented, before, p.successor)
		}
		successor[p.presented] = p.successor
	}
}

// checkReadable reads the Store as a Rotator does. It is a copy that the Rotator
// is given: a reader must not take part.
func (f *fleet) checkReadable(t *testing.T) {
	t.Helper()
	value, err := f.store.Get(t.Context(), "pair/"+key)
	if err != nil || value == nil {
		t.Fatalf("the Store has %d bytes for the pair: %v", len(value), err)
	}
	copied := new(refresh.Memory)
	if _, err := copied.Swap(t.Context(), "pair/"+key, nil, value, time.Time{}); err != nil {
		t.Fatal(err)
	}
	reader := &refresh.Rotator{Store: copied, Key: key, Exchanger: refresh.ExchangerFunc(
		func(context.Context, token.Secret) (refresh.Pair, error) {
			return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Transient, Err: errors.New("a reader exchanges nothing")}
		})}
	if _, err := reader.Token(t.Context()); err != nil && !errors.Is(err, refresh.ErrLost) && !errors.Is(err, token.ErrRefused) {
		t.Fatalf("the value of the pair: %v", err)
	}
}

// checkStore has the Store's own program look for damage.
func (f *fleet) checkStore(t *testing.T) {
	t.Helper()
	if check := backends[f.Backend].check; check != nil {
		if err := check(t.Context(), f.Place); err != nil {
			t.Error(err)
		}
	}
}

// String returns in one line what happened so far.
func (f *fleet) String() (s string) {
	f.read(func() {
		between, unanswered := 0, 0
		for _, k := range f.kills {
			if f.between(k) {
				between++
			}
			if p := f.lastOf(k.holder); p != nil && (p.answered.IsZero() || p.answered.After(k.at)) {
				unanswered++
			}
		}
		s = fmt.Sprintf("%d kills, %d of them between POST and swap and %d before the answer; %d rotations; %d tokens handed out",
			len(f.kills), between, unanswered, f.answered(), f.tokens)
	})
	return s
}

// details returns what the issuer told its auditor, and what the holders said.
func (f *fleet) details() string {
	var b strings.Builder
	f.read(func() {
		for _, kind := range slices.Sorted(maps.Keys(f.audits)) {
			fmt.Fprintf(&b, "\n%d × issuer: %v", f.audits[kind], kind)
		}
		for _, line := range slices.Sorted(maps.Keys(f.said)) {
			fmt.Fprintf(&b, "\n%d × %s", f.said[line], line)
		}
	})
	return b.String()
}
