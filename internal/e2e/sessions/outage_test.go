package sessions

import (
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// These bound a request, and a logout, that find the Store hanging: the three
	// and the ten seconds that it has, and what a machine takes.
	answered = 8 * time.Second
	ended    = 15 * time.Second

	grace = 5 * time.Minute
)

// A pair of replicas, of which one is closed while the Store is away, and one has
// a grace and a clock that can be set.
func replicas(t *testing.T, b backend, addr string) (closed, graceful *site, ahead *atomic.Int64) {
	closed = newSite(b.open(t, addr), key("k")).serve(t)
	graceful = newSite(b.open(t, addr), key("k"))
	ahead = new(atomic.Int64)
	graceful.Grace = grace
	graceful.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	return closed, graceful.serve(t), ahead
}

// away is what both do while the Store is away.
func away(t *testing.T, closed, graceful *site, ahead *atomic.Int64, seen, unseen browser) {
	t.Helper()
	// Somebody comes to s, and is answered soon.
	comes := func(b browser, s *site, method, path string, most time.Duration, status int, text string) func() {
		return func() { within(t, most, func() { b.must(t, s, method, path, status, text) }) }
	}
	const nobodyKnows, readOnly = http.StatusServiceUnavailable, "mira, read only: true"
	together(
		comes(seen, closed, "GET", "/", answered, nobodyKnows, ""),
		comes(seen, closed, "HEAD", "/", answered, nobodyKnows, ""),
		comes(seen, closed, "POST", "/", answered, nobodyKnows, ""),
		comes(seen, graceful, "GET", "/", answered, http.StatusOK, readOnly),
		comes(seen, graceful, "POST", "/", answered, nobodyKnows, ""),
		comes(unseen, graceful, "GET", "/", answered, nobodyKnows, ""),
		// Nobody can log in or out as long as that lasts.
		comes("", graceful, "POST", "/login/nils", answered, nobodyKnows, ""),
		comes("", graceful, "POST", "/logout/nils", ended, nobodyKnows, ""),
		comes(unseen, closed, "POST", "/logout", ended, nobodyKnows, ""),
	)
	ahead.Store(int64(grace / 2)) // and all of this takes less than the other half
	comes(seen, graceful, "GET", "/", answered, http.StatusOK, readOnly)()
	ahead.Store(int64(grace))
	comes(seen, graceful, "GET", "/", answered, nobodyKnows, "")()
}

// together calls them at the same time.
func together(fs ...func()) {
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(f)
	}
	wg.Wait()
}

// A Store that is killed costs 503, or lets through for Grace what changes
// nothing. When it is back all goes on, and who was logged out still is.
func TestKilled(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		closed, graceful, ahead := replicas(t, b, b.addr)
		out := login(t, closed, "mira")
		seen, unseen := login(t, closed, "mira"), login(t, closed, "mira")
		out.must(t, closed, "POST", "/logout", http.StatusOK, "")
		seen.must(t, graceful, "POST", "/", http.StatusOK, "read only: false")
		b.stop()
		away(t, closed, graceful, ahead, seen, unseen)
		b.restart(t)
		for _, s := range []*site{closed, graceful} {
			seen.heals(t, s)
			unseen.must(t, s, "POST", "/", http.StatusOK, "read only: false")
			out.must(t, s, "GET", "/", http.StatusUnauthorized, "session_ended")
		}
	})
}

// A Store that hangs holds nobody for longer than is stated, however many come.
func TestHung(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		p := newProxy(t, b.addr)
		closed, graceful, ahead := replicas(t, b, p.addr)
		seen, unseen := login(t, closed, "mira"), login(t, closed, "mira")
		seen.must(t, graceful, "POST", "/", http.StatusOK, "read only: false")
		p.swallow.Store(true)
		away(t, closed, graceful, ahead, seen, unseen)
		together(slices.Repeat([]func(){func() {
			within(t, answered, func() { seen.must(t, closed, "GET", "/", http.StatusServiceUnavailable, "") })
		}}, 32)...)
		p.swallow.Store(false)
		p.hangUp()
		for _, s := range []*site{closed, graceful} {
			seen.heals(t, s)
		}
	})
}

// A proxy stands between a client and a server, and can swallow what either says,
// as a network does that drops everything.
type proxy struct {
	addr    string
	swallow atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String()}
	t.Cleanup(func() { l.Close(); p.hangUp() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, client, upstream)
			p.mu.Unlock()
			go p.copy(client, upstream)
			go p.copy(upstream, client)
		}
	}()
	return p
}

func (p *proxy) copy(to, from net.Conn) {
	defer to.Close()
	io.Copy(swallower{to, p}, from)
}

// hangUp closes the connections there are.
func (p *proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// A swallower writes what its proxy does not swallow.
type swallower struct {
	to io.Writer
	p  *proxy
}

func (s swallower) Write(b []byte) (int, error) {
	if s.p.swallow.Load() {
		return len(b), nil
	}
	return s.to.Write(b)
}
