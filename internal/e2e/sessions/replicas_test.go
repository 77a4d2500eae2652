package sessions

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A logout on one replica, and a logout everywhere, hold on the other at the very
// next request.
func TestLogout(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		one := newSite(b.open(t, b.addr), key("k")).serve(t)
		other := newSite(b.open(t, b.addr), key("k")).serve(t)
		for range 20 {
			one, other = other, one
			mira, again, nils := login(t, one, "mira"), login(t, other, "mira"), login(t, one, "nils")
			for _, v := range []browser{mira, again, nils} {
				v.must(t, one, "POST", "/", http.StatusOK, "read only: false")
				v.must(t, other, "GET", "/", http.StatusOK, "read only: false")
			}
			mira.must(t, one, "POST", "/logout", http.StatusOK, "")
			mira.must(t, other, "GET", "/", http.StatusUnauthorized, "session_ended") // with a copy of the cookie
			again.must(t, other, "GET", "/", http.StatusOK, "mira")
			nils.must(t, one, "POST", "/logout/mira", http.StatusOK, "")
			again.must(t, other, "POST", "/", http.StatusUnauthorized, "session_ended")
			again.must(t, one, "POST", "/", http.StatusUnauthorized, "session_ended")
			nils.must(t, other, "POST", "/", http.StatusOK, "nils")
			login(t, other, "mira").must(t, one, "POST", "/", http.StatusOK, "mira")
		}
	})
}

// However many log out everywhere at once, everybody is out.
func TestLogoutTogether(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		var sites []*site
		for range 4 {
			sites = append(sites, newSite(b.open(t, b.addr), key("k")).serve(t))
		}
		mira := login(t, sites[0], "mira")
		var wg sync.WaitGroup
		for _, s := range slices.Concat(sites, sites) {
			wg.Go(func() { mira.must(t, s, "POST", "/logout/mira", http.StatusOK, "") })
		}
		wg.Wait()
		for _, s := range sites {
			mira.must(t, s, "GET", "/", http.StatusUnauthorized, "session_ended")
		}
	})
}

// A new key comes to one replica before the other. Where it came to the end of the
// list first, and to the head of it later, nobody notices; where it did not, a
// replica that loads its keys takes a few seconds, in which it says log in again,
// and no more than that.
func TestKeyRotation(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		before := newSite(b.open(t, b.addr), key("a"), key("b")).serve(t)
		after := newSite(b.open(t, b.addr), key("b"), key("a")).serve(t)
		for _, s := range []*site{before, after} {
			mira := login(t, s, "mira")
			mira.must(t, before, "POST", "/", http.StatusOK, "mira")
			mira.must(t, after, "POST", "/", http.StatusOK, "mira")
			mira.must(t, before, "POST", "/logout", http.StatusOK, "")
			mira.must(t, after, "POST", "/", http.StatusUnauthorized, "session_ended")
		}

		var mu sync.Mutex
		file := []token.Secret{key("a")}
		loads := newSite(b.open(t, b.addr))
		loads.Keys = &seal.Keyring{Load: func(context.Context) ([]token.Secret, error) {
			mu.Lock()
			defer mu.Unlock()
			return file, nil
		}}
		loads.serve(t)
		old := login(t, loads, "mira")
		old.must(t, after, "GET", "/", http.StatusOK, "mira")
		mu.Lock()
		file = []token.Secret{key("b"), key("a")}
		mu.Unlock()
		mira := login(t, after, "mira")
		deadline := time.Now().Add(time.Minute)
		for {
			began := time.Now()
			status, body := mira.ask(t, loads, "GET", "/")
			if tooSlow(status, began, 1) && began.Before(deadline) {
				continue
			}
			if status == http.StatusOK {
				break
			}
			if status != http.StatusUnauthorized || time.Now().After(deadline) {
				t.Fatalf("while the key is not known: %d %s", status, body)
			}
			<-time.After(100 * time.Millisecond)
		}
		old.must(t, loads, "GET", "/", http.StatusOK, "mira")
	})
}
