package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/process"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

const (
	processes = 4
	rotations = 50
)

// runs is how often the races are run.
func runs() int {
	if os.Getenv("FULL") != "" {
		return 10
	}
	return 1
}

// TestHolders has the callers in all processes refuse their token at the same
// moment, again and again, and shows that each time the issuer sees one request,
// that all go on with the token that it brought, and that no login is ended by
// it. Then somebody else presents a token that was spent: that ends it, all
// callers are told, at the cost of one request, and go on after a new login.
//
// The holders share a folder, once with its locks and once without: then they
// have nothing to go by but the claim that whoever exchanges puts there.
func TestHolders(t *testing.T) {
	for name, start := range issuers {
		for locks, noLock := range map[string]bool{"with locks": false, "without": true} {
			t.Run(name+", "+locks, func(t *testing.T) {
				for run := range runs() {
					t.Run(fmt.Sprint(run), func(t *testing.T) { testHolders(t, start(t), noLock) })
				}
			})
		}
	}
}

func testHolders(t *testing.T, i issuer, noLock bool) {
	first := i.login(t)
	s := i.setupFor(t, first)
	s.NoLock = noLock
	holders := i.startHolders(t, processes, s)
	// The token of the login is as good as any.
	wantGiven(t, holders, "token", first.Access.Value.Fingerprint())
	i.wantCount(t, count{})
	began := time.Now()
	seen := map[string]bool{}
	for n := 1; n <= rotations; n++ {
		given := ask(t, holders, "refuse")
		if seen[given] || len(given) != len(first.Access.Value.Fingerprint()) {
			t.Fatalf("rotation %d: the callers were given %s", n, given)
		}
		seen[given] = true
		i.wantCount(t, count{Presented: n, Different: n, Exchanged: n})
	}
	t.Logf("%d callers in %d processes, %v: the server counts %+v", processes*callers, processes, time.Since(began).Round(time.Millisecond), i.count(t))

	// A thief, or a backup.
	thief := &refresh.Rotator{Exchanger: i.exchanger(), Initial: refresh.Pair{Refresh: first.Refresh}}
	_, err := thief.Token(t.Context())
	i.wantRefused(t, err)
	i.keepsSecrets(t, err, first)
	i.wantCount(t, count{Presented: rotations + 1, Different: rotations, Exchanged: rotations, Revoked: 1})

	dead := "refused"
	if i.says {
		dead = "reused"
	}
	for range 3 { // the second and third time they know without asking
		wantGiven(t, holders, "refuse", dead)
	}
	want := i.count(t)
	if want.Presented != rotations+2 || want.Different != rotations+1 || want.Exchanged != rotations {
		t.Errorf("the server counts %+v: the dead token was presented more than once", want)
	}

	again := i.login(t)
	if err := s.rotator().Replace(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	wantGiven(t, holders, "token", again.Access.Value.Fingerprint())
	i.wantCount(t, want)
}

// wantGiven fails the test unless what all callers in all holders are given is
// want.
func wantGiven(t *testing.T, holders []*process.Process, line, want string) {
	t.Helper()
	if given := ask(t, holders, line); given != want {
		t.Fatalf("%s: the callers were given %q, want %q", line, given, want)
	}
}

// wantRefused fails the test unless err says that the login is dead, and that a
// token was used before where the issuer says so.
func (i issuer) wantRefused(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, token.ErrRefused) || errors.Is(err, refresh.ErrReused) != i.says || errors.Is(err, refresh.ErrLost) || errors.Is(err, token.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	t.Logf("the error reads: %v", err)
}

// A lossy transport loses the answers that it is told to.
type lossy struct {
	http.RoundTripper
	lose bool
}

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil && l.lose {
		resp.Body.Close()
		return nil, errors.New("the connection broke")
	}
	return resp, err
}

func (l *lossy) WrappedRoundTripper() http.RoundTripper { return l.RoundTripper }

// TestLostAnswer shows what is left to do when the answer to an exchange is
// lost: these issuers have no grace, so that the token, which is presented once
// more since nobody knows, is one that was used before. That is a loss and no
// theft.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for name, start := range issuers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &lossy{RoundTripper: &http.Transport{DisableKeepAlives: true}, lose: true}
			var i issuer
			var r *refresh.Rotator
			var err error
			for try := 1; ; try++ {
				i = start(t)
				x := i.exchanger()
				x.Client = &http.Client{Transport: wire}
				p := i.login(t)
				r = &refresh.Rotator{Exchanger: x, Initial: refresh.Pair{Refresh: p.Refresh}}
				began := time.Now()
				_, err = r.Token(t.Context())
				if err == nil || errors.Is(err, token.ErrRefused) {
					t.Fatalf("got %v, want an error that does not say that the login is dead", err)
				}
				i.keepsSecrets(t, err, p)
				i.wantCount(t, count{Presented: 1, Different: 1, Exchanged: 1})
				_, again := r.Token(t.Context())
				since := time.Since(began)
				if again != nil && i.count(t).Presented == 1 {
					break
				}
				// On a busy machine its pause, of half a second or more, may be over.
				if since < time.Second/2 || try == 5 {
					t.Fatalf("it was asked again at once, after %v (%v)", since, again)
				}
			}
			wire.lose = false
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for !errors.Is(err, token.ErrRefused) {
				select {
				case <-time.After(max(time.Millisecond, token.RetryAfter(err))):
				case <-ctx.Done():
					t.Fatal(err)
				}
				_, err = r.Token(ctx)
			}
			if !errors.Is(err, refresh.ErrLost) || errors.Is(err, refresh.ErrReused) {
				t.Errorf("got %v, want %v", err, refresh.ErrLost)
			}
			t.Logf("the error reads: %v", err)
			i.wantCount(t, count{Presented: 2, Different: 1, Exchanged: 1, Revoked: 1})
		})
	}
}

var _ refresh.Exchanger = (*oauth2adapt.Exchanger)(nil)
