package rancher_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
)

// A week with a server that grants 90 minutes, fails 5 % of the requests, half of
// them after it has done what they asked for, and breaks all connections for a
// minute each hour, while 20 callers make one call a minute: no dead token is ever
// sent, one token is made at a time, and what is not needed is deleted.
func TestV3SourceWeek(t *testing.T) {
	t.Parallel()
	for _, holders := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d holders", holders), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { week(t, holders) })
		})
	}
}

func week(t *testing.T, holders int) {
	callers, length := 20, 7*24*time.Hour
	if underRace || testing.Short() {
		length = 24 * time.Hour
	}
	c := newChainTest(t, "v2.13.1")
	c.client.Server.HTTP = &http.Client{Transport: direct{c.fake}}
	c.fake.Set("auth-token-max-ttl-minutes", "90")
	var made atomic.Int64 // when it was last tried to make a token
	c.fake.SetFault(ranchertest.Faults(
		ranchertest.For(func(r *http.Request) bool {
			if r.Method == http.MethodPost {
				made.Store(time.Now().UnixNano())
			}
			return false
		}, ranchertest.Drop),
		ranchertest.For(func(*http.Request) bool { return time.Now().Minute() == 0 }, ranchertest.Drop),
		ranchertest.On("POST /v3/tokens", ranchertest.Slow(2*time.Second)), // long enough for another to come
		ranchertest.Some(1.25, 1, ranchertest.Drop),
		ranchertest.Some(1.25, 2, ranchertest.Status(http.StatusServiceUnavailable)),
		ranchertest.Some(1.25, 3, ranchertest.DropAfter),
		ranchertest.Some(1.25, 4, ranchertest.Truncate),
	))
	var clients []*http.Client
	for range holders {
		src := c.source()
		src.Lifetime = 0
		clients = append(clients, &http.Client{Transport: c.client.Transport(refresh.New(src))})
	}
	end := time.Now().Add(length)
	var wg sync.WaitGroup
	var mu sync.Mutex
	served, failed := 0, 0
	for i := range callers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 7))
			time.Sleep(time.Duration(random.Int64N(int64(time.Minute))))
			for ; time.Now().Before(end); time.Sleep(time.Minute) {
				resp, err := clients[i%holders].Get(c.fake.URL + "/v3/settings/server-url")
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				mu.Lock()
				if err == nil && resp.StatusCode == http.StatusOK {
					served++
				} else {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	most, mostBetween := 0, 0
	for ; time.Now().Before(end); time.Sleep(5 * time.Second) {
		live := len(c.ours())
		most = max(most, live)
		if time.Since(time.Unix(0, made.Load())) > 2*time.Minute {
			mostBetween = max(mostBetween, live)
		}
	}
	wg.Wait()
	settle()
	t.Logf("%d calls served, %d not; %d tokens made; at most %d at once and %d between renewals", served, failed, len(c.events.of(rancher.V3Created)), most, mostBetween)
	for _, r := range c.fake.Refused() {
		t.Errorf("a dead token was sent: %s", r)
	}
	if n := c.fake.AtOnce("POST /v3/tokens"); n != 1 {
		t.Errorf("%d tokens were made at once", n)
	}
	if most > 3 || mostBetween > 2 {
		t.Errorf("there were %d tokens at once, and %d between renewals", most, mostBetween)
	}
	// One minute in 60 it is away, and one call in 20 fails.
	if served < callers*int(length/time.Minute)*9/10 {
		t.Errorf("%d calls served, %d not", served, failed)
	}
	clamped := c.events.of(rancher.V3Clamped)
	if len(clamped) < int(length/(100*time.Minute)) || clamped[0].Asked != 24*time.Hour || clamped[0].Granted != 90*time.Minute {
		t.Errorf("told %d times of clamping: %v", len(clamped), clamped[:min(1, len(clamped))])
	}
}

// A direct transport has a handler answer, and nothing in between: a week is two
// hundred thousand calls.
type direct struct{ h http.Handler }

func (d direct) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	w := httptest.NewRecorder()
	defer func() {
		switch v := recover(); {
		case v == http.ErrAbortHandler:
			resp, err = nil, io.ErrUnexpectedEOF
		case v != nil:
			panic(v)
		}
	}()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	d.h.ServeHTTP(w, in)
	resp = w.Result()
	resp.Request = r
	return resp, nil
}
