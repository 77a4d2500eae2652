package kubeconfig

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// In whatever order programs ask, end and start again, the kubeconfig is locked, comes
// out of a backup or is given another login, kubectl refreshes, and the Store fails:
// nothing is spent twice, and in the end the kubeconfig has what the Store has.
func TestOIDCAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex // of what a fault is drawn from
			random, faults := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			flaky := false
			d := newDesk(t, time.Hour, -1)
			d.store = &storetest.Faulty{Store: d.store, Script: func(storetest.Call) storetest.Fault {
				mu.Lock()
				defer mu.Unlock()
				if flaky && faults.IntN(4) == 0 {
					return storetest.Fail
				}
				return storetest.None
			}}
			calm := func() {
				mu.Lock()
				flaky = false
				mu.Unlock()
				time.Sleep(2 * time.Minute)
				synctest.Wait()
			}
			programs := []*OIDC{d.source(nil), d.source(nil), d.source(nil)}
			last := make([]token.Token, len(programs))
			ask := func(i int) {
				if tok, err := programs[i].Token(t.Context()); err == nil {
					last[i] = tok
				}
			}
			ask(0)
			lock := d.path + lockSuffix
			backups, locked := []string{d.text(t)}, false
			var did []string
			for range 60 {
				i, n := random.IntN(len(programs)), random.IntN(11)
				did = append(did, fmt.Sprintf("%d of %d", n, i))
				switch {
				case n == 0:
					programs[i].Invalidate(last[i])
					ask(i)
				case n == 1:
					time.Sleep(2 * time.Hour)
				case n == 2:
					time.Sleep(20 * time.Second)
				case n == 3:
					programs[i] = d.source(nil)
				case n == 4:
					backups = append(backups, d.text(t))
				case n == 5:
					mu.Lock()
					flaky = !flaky
					mu.Unlock()
				case n == 6 && locked:
					locked = false
					os.Remove(lock)
				case n == 6:
					locked = true
					os.WriteFile(lock, nil, 0o600)
				case n == 7 && !locked:
					d.put(t, backups[random.IntN(len(backups))])
				case n == 8 && !locked: // kubectl, where that has what is kept
					calm()
					if _, r := d.has(t); r == d.kept(t).Refresh.Value.Reveal() {
						d.write(t, d.spend(t, r))
						ask(i)
					}
				case n == 9 && !locked && random.IntN(3) == 0:
					d.write(t, d.login(t))
				default:
					var all sync.WaitGroup
					for i := range programs {
						all.Go(func() { ask(i) })
					}
					all.Wait()
				}
			}
			os.Remove(lock)
			for range 2 {
				calm()
				get(t, programs[0])
			}
			d.inStep(t)
			if d.audited(refresh.AuditReuse) > 0 || t.Failed() {
				t.Errorf("seed %d: %s", seed, strings.Join(did, ", "))
			}
		})
	}
}
