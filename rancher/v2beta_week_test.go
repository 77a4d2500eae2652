package rancher_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

const (
	v2betaLogin    = "POST /v2-beta/token"
	v2betaLogout   = "DELETE /v2-beta/token/current"
	v2betaProjects = "GET /v2-beta/projects"
)

// A v2betaWorld is a server and those who use it.
type v2betaWorld struct {
	fake   *ranchertest.V2Beta
	source *rancher.V2BetaSource
	cached *refresh.Source
	client *http.Client

	mu       sync.Mutex
	statuses map[int]int // of all calls; 0 for those without an answer
	got      int         // new tokens
}

func newV2BetaWorld(kind string) *v2betaWorld {
	w := &v2betaWorld{fake: ranchertest.NewV2Beta(), statuses: map[int]int{}}
	w.fake.AddUser("admin", "unused", "admin")
	w.fake.AddUser("robot", "pa:ss", kind)
	api := &rancher.V2Beta{Server: &rancher.Server{URL: w.fake.URL, HTTP: &http.Client{Transport: direct{w.fake}}}}
	w.source = &rancher.V2BetaSource{Client: api, Credentials: robot}
	w.cached = refresh.New(w.source)
	w.cached.OnEvent = func(e refresh.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if e.Kind == refresh.Obtained || e.Kind == refresh.Renewed {
			w.got++
		}
	}
	w.client = &http.Client{Transport: api.Transport(w.cached)}
	return w
}

func robot(context.Context) (rancher.Credentials, error) {
	return rancher.Credentials{Username: "robot", Password: token.NewSecret("pa:ss")}, nil
}

// weather is what the week is like: a twentieth of the requests fail, in one of
// three ways, nothing gets through in the first minute of each hour, and a login
// takes its time.
func weather(seed uint64) ranchertest.Fault {
	return ranchertest.Faults(
		ranchertest.For(func(*http.Request) bool { return time.Now().Minute() == 0 }, ranchertest.Drop),
		ranchertest.Some(2, seed, ranchertest.Status(503)),
		ranchertest.Some(2, seed+1, ranchertest.Drop),
		ranchertest.Some(1, seed+2, ranchertest.DropAfter),
		ranchertest.On(v2betaLogin, ranchertest.Slow(700*time.Millisecond)),
	)
}

// live has 20 callers make a call each minute for as long as d.
func (w *v2betaWorld) live(t *testing.T, d time.Duration) {
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for i := range 20 {
		all.Go(func() {
			time.Sleep(time.Duration(i) * 3 * time.Second)
			for time.Now().Before(end) {
				began := time.Now()
				w.call(t)
				time.Sleep(time.Minute - time.Since(began)%time.Minute)
			}
		})
	}
	all.Wait()
}

func (w *v2betaWorld) call(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", w.fake.URL+"/v2-beta/projects", nil)
	resp, err := w.client.Do(r)
	status := 0
	if err == nil {
		status = resp.StatusCode
		resp.Body.Close()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statuses[status]++
}

func (w *v2betaWorld) count(request string) int {
	n := 0
	for _, r := range w.fake.Requests() {
		if r == request {
			n++
		}
	}
	return n
}

// A week of 20 callers, of a server that fails at times, and of tokens that are
// good for 16 hours. No call is made with a dead one.
func TestV2BetaWeek(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("thirty hours are enough to find a race")
	}
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("admin")
		w.fake.SetFault(weather(1))
		w.live(t, 7*24*time.Hour)
		// A token is replaced after 11.2 to 12.8 hours.
		w.check(t, 14, 15, 0, 0)
	})
}

// Thirty hours in which something else is the matter as well.
func TestV2BetaThirtyHours(t *testing.T) {
	t.Parallel()
	lowered := func(w *v2betaWorld) {
		time.AfterFunc(6*time.Hour, func() { w.fake.Set("api.auth.jwt.token.expiry", "5400000") })
	}
	ahead := func(d time.Duration) func(*v2betaWorld) {
		return func(w *v2betaWorld) { w.fake.Now = func() time.Time { return time.Now().Add(d) } }
	}
	for _, tt := range []struct {
		name        string
		kind        string
		setup       func(*v2betaWorld)
		least, most int // tokens
		dead        int // calls with a dead token, at most
		refused     int // calls that failed for it, at most
	}{
		{"a user, who may not read the setting", "user", nil, 3, 3, 0, 0},
		{"a clock 20 min ahead", "user", ahead(20 * time.Minute), 3, 3, 0, 0},
		{"a clock 20 min behind", "user", ahead(-20 * time.Minute), 3, 3, 0, 0},
		{"another password for nearly three hours", "user", func(w *v2betaWorld) {
			time.AfterFunc(11*time.Hour, func() { w.fake.SetPassword("robot", "other") })
			time.AfterFunc(14*time.Hour-20*time.Minute, func() { w.fake.SetPassword("robot", "pa:ss") })
		}, 3, 3, 0, 0},
		// Two at most are a life that could not be read, and was taken for longer.
		{"90 min, by a setting that was lowered", "admin", lowered, 15, 19, 2, 0},
		{"90 min, as is known", "user", func(w *v2betaWorld) {
			w.source.Lifetime = 90 * time.Minute
			w.fake.Set("api.auth.jwt.token.expiry", "5400000")
		}, 25, 29, 0, 0},
		// Nobody says so to a user: it shows by the first refusal of each token,
		// and the call is made again with another, if there is one to be had. All
		// 20 callers may have one on the way at that moment, which happens once or twice.
		// There are twelve such moments, and one login in 20 fails.
		{"90 min, unknown", "user", lowered, 12, 16, 60, 6},
		// A login of which the answer is lost ends the session all the same. The call
		// that finds this out fails if the next login does too; there are two renewals,
		// and it hardly happens to both.
		{"restrict.concurrent.sessions", "admin", func(w *v2betaWorld) { w.fake.Set("api.auth.restrict.concurrent.sessions", "true") }, 3, 5, 3, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if underRace && tt.kind == "user" {
				t.Skip("the others are enough to find a race")
			}
			synctest.Test(t, func(t *testing.T) {
				w := newV2BetaWorld(tt.kind)
				if tt.setup != nil {
					tt.setup(w)
				}
				w.fake.SetFault(weather(1))
				w.live(t, 30*time.Hour)
				w.check(t, tt.least, tt.most, tt.dead, tt.refused)
			})
		})
	}
}

// check checks what has become of w, and closes its source.
func (w *v2betaWorld) check(t *testing.T, least, most, dead, refused int) {
	t.Helper()
	synctest.Wait() // for a logout, or a login that nobody waits for
	logins, logouts, calls := w.count(v2betaLogin), w.count(v2betaLogout), w.count(v2betaProjects)
	t.Logf("%d calls, answered %v; %d with a dead token; %d tokens by %d attempts to log in; %d logouts, %d live tokens",
		calls, w.statuses, len(w.fake.Refused()), w.got, logins, logouts, w.fake.Live("robot"))
	if w.got < least || w.got > most {
		t.Errorf("%d tokens, want %d to %d", w.got, least, most)
	}
	if got := w.fake.AtOnce(v2betaLogin); got != 1 {
		t.Errorf("%d logins at once", got)
	}
	if got := w.fake.Refused(); len(got) > dead {
		t.Errorf("%d calls with a dead token, want at most %d: %q", len(got), dead, got[0])
	}
	if got := w.statuses[401]; got > refused {
		t.Errorf("%d calls were refused, want at most %d", got, refused)
	}
	if got := w.statuses[200]; got < calls*9/10 {
		t.Errorf("%d calls went well, of %d", got, calls)
	}
	// The last two, and those of logins of which the answer was lost.
	if got := w.fake.Live("robot"); got > 4 {
		t.Errorf("%d live tokens", got)
	}
	w.fake.SetFault(nil)
	if err := w.source.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
