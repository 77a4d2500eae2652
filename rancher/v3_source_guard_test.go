package rancher_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A new token that turns out to speak for somebody else when it is used is not
// handed out, and deleted.
func TestV3SourceTriesWhoseItIs(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		first := mustToken(t, src)
		c.fake.SetFault(ranchertest.On("GET /v3/users", ranchertest.Answer(200, `{"type":"collection","data":[{"id":"user-other"}]}`)))
		time.Sleep(80 * time.Minute)
		if tok := mustToken(t, src); !tok.Equal(first) || len(c.ours()) != 1 {
			t.Errorf("there are %v", c.ours())
		}
	})
}

// A late transport has the answers for a path come when it is too late.
type late45 struct {
	base http.RoundTripper
	path string
}

func (l late45) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != l.path {
		return l.base.RoundTrip(r)
	}
	resp, err := l.base.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
	time.Sleep(45 * time.Second)
	return resp, err
}

// A holder that was frozen after it had tried its new token finds out that another
// is at it, who has deleted what it made.
func TestV3SourceFrozenAfterTheTry(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		mustToken(t, c.source())
		settle()
		time.Sleep(80 * time.Minute)
		victim, next := c.source(), c.source()
		victim.Client = &rancher.V3{Server: &rancher.Server{URL: c.fake.URL, Timeout: -1,
			HTTP: &http.Client{Transport: late45{c.fake.Client().Transport, "/v3/users"}}}}
		go victim.Token(t.Context())
		time.Sleep(20 * time.Second)
		c.fake.SetFault(ranchertest.On("POST /v3/tokens", ranchertest.Slow(15*time.Second)))
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			tok, err := next.Token(ctx)
			cancel()
			if err != nil {
				continue
			}
			if p, err := c.client.Probe(t.Context(), tok.Value); err != nil || !p.Live {
				t.Fatalf("%v before the end, a dead token: %v", time.Until(end), err)
			}
		}
	})
}

// Another First begins another chain: for its own user, and for as long as the
// fields say.
func TestV3SourceAnotherFirst(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		mustToken(t, c.source())
		settle()
		for _, name := range append(c.ours(), c.keyName()) {
			c.fake.DeleteToken(name)
		}
		c.key = c.apiKey(t, "admin")
		src := c.source()
		src.Lifetime = 3 * time.Hour
		src.Invalidate(mustToken(t, src))
		tok := mustToken(t, src)
		p, err := c.client.Probe(t.Context(), tok.Value)
		if err != nil || p.User.Login != "admin" || tok.ExpiresIn < 2*time.Hour {
			t.Errorf("it speaks for %q, %v, and has %v left", p.User.Login, err, tok.ExpiresIn)
		}
	})
}

// What a clock has stored that was wrong then widens nothing, and locks nobody out.
func TestV3SourceRecordOfTheFuture(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(c.key.Value.Reveal())))
		const future = "2100-01-01T00:00:00Z"
		raw := fmt.Sprintf(`{"v":1,"nonce":"x","chain":%q,"firsts":[{"sum":%q,"began":%q}],"refused":[{"sum":%q,"at":%q,"wait":600}]}`, sum, sum, future, sum, future)
		if ok, err := c.store.Swap(t.Context(), "rancher/ci", nil, []byte(raw), time.Time{}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		src := c.source()
		src.Lifetime, src.Until = 24*time.Hour, 2*time.Hour
		if tok := mustToken(t, src); tok.ExpiresIn > 2*time.Hour {
			t.Errorf("%v left", tok.ExpiresIn)
		}
	})
}

// In the last minute of a chain no more tokens are made.
func TestV3SourceLastMinute(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.Until = time.Hour
		tok := mustToken(t, src)
		time.Sleep(59*time.Minute + 20*time.Second)
		before := c.count("POST /v3/tokens")
		src.Invalidate(tok)
		if _, err := src.Token(t.Context()); !errors.Is(err, token.ErrRefused) || c.count("POST /v3/tokens") != before {
			t.Errorf("got %v", err)
		}
	})
}

// The token before the last is asked to be deleted more than once, and if that is
// all in vain it is told.
func TestV3SourceDeletesAgain(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]int{2: 2, 100: 3} {
		bubbleIn(t, fmt.Sprintf("%d failures", failures), func(t *testing.T, c *chainTest) {
			src := c.source()
			src.Invalidate(mustToken(t, src))
			tok := mustToken(t, src)
			settle()
			c.fake.SetFault(ranchertest.For(func(r *http.Request) bool { return r.Method == http.MethodDelete }, ranchertest.First(failures, ranchertest.Status(503))))
			src.Invalidate(tok)
			mustToken(t, src)
			settle()
			if n := len(c.ours()); n != want {
				t.Errorf("%d tokens", n)
			}
			if told := len(c.events.of(rancher.V3Left)) > 0; told != (want == 3) {
				t.Errorf("told: %t", told)
			}
		})
	}
}

// More tokens that are refused than are remembered: the record stays readable.
func TestV3SourceManyDead(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		for range 10 {
			c.key = c.apiKey(t, "mira")
			c.fake.DisableToken(c.keyName())
			if _, err := c.source().Token(t.Context()); !errors.Is(err, token.ErrRefused) {
				t.Fatalf("got %v", err)
			}
			settle()
		}
		c.key = c.apiKey(t, "mira")
		mustToken(t, c.source())
	})
}

// A server that refuses a token on one path only says nothing about it.
func TestV3SourceRefusedOnOnePath(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		c.fake.SetFault(ranchertest.On("POST /v3/tokens", refusesAll))
		if _, err := src.Token(t.Context()); err == nil || errors.Is(err, token.ErrRefused) || errors.Is(err, rancher.ErrNotAuthenticated) {
			t.Errorf("got %v", err)
		}
		if n := len(c.events.of(rancher.V3Ended)) + len(c.events.of(rancher.V3Refused)); n != 0 {
			t.Errorf("%d events that it is dead", n)
		}
	})
}

// If the Store loses the token, Close deletes with First's what was made.
func TestV3SourceCloseLost(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		mustToken(t, src)
		settle()
		raw, _ := c.store.Get(t.Context(), "pair/rancher/ci")
		if ok, err := c.store.Swap(t.Context(), "pair/rancher/ci", raw, nil, time.Time{}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := c.source().Close(t.Context()); err != nil || len(c.ours()) != 0 {
			t.Errorf("%d tokens, %v", len(c.ours()), err)
		}
		if n := len(c.events.of(rancher.V3Refused)); n != 0 {
			t.Errorf("%d tokens refused", n)
		}
	})
}

// A panicky Store panics when it is asked for a key.
type panicky struct {
	refresh.Store
	key  string
	swap bool
}

func (p panicky) Get(ctx context.Context, key string) ([]byte, error) {
	if key == p.key && !p.swap {
		panic("canary")
	}
	return p.Store.Get(ctx, key)
}

func (p panicky) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	if key == p.key && p.swap {
		panic("canary")
	}
	return p.Store.Swap(ctx, key, old, new, expires)
}

// A panic of the Store is an error that names it.
func TestV3SourceStorePanics(t *testing.T) {
	t.Parallel()
	for _, swap := range []bool{false, true} {
		bubbleIn(t, fmt.Sprintf("swap %t", swap), func(t *testing.T, c *chainTest) {
			mustToken(t, c.source())
			settle()
			src := c.source()
			src.Store = panicky{c.store, "rancher/ci", swap}
			for range 2 {
				if err := src.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "Store panicked") || strings.Contains(err.Error(), "canary") {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// A chain for a cluster, whose First supplies another token each time, stays as
// narrow as it began.
func TestV3SourceClusterOfManyFirsts(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		c.fake.AddCluster("c-abcde")
		for _, life := range []time.Duration{time.Hour, 2 * time.Hour} {
			c.key = c.apiKey(t, "mira")
			src := c.source()
			src.Cluster, src.Lifetime = "c-abcde", life
			src.Invalidate(mustToken(t, src))
			src.Invalidate(mustToken(t, src))
			if tok := mustToken(t, src); tok.ExpiresIn > time.Hour {
				t.Errorf("%v left", tok.ExpiresIn)
			}
			settle()
		}
	})
}

// A chain that has made nothing can be closed without asking anybody.
func TestV3SourceCloseNothingMade(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.First = nil
		if _, err := src.Token(t.Context()); !errors.Is(err, token.ErrRefused) {
			t.Errorf("got %v", err)
		}
		if err := src.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
