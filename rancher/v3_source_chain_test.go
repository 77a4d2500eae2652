package rancher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// bubble runs a test in a bubble, with a Rancher of a version.
func bubble(t *testing.T, version string, f func(t *testing.T, c *chainTest)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f(t, newChainTest(t, version))
		settle()
	})
}

// That the server grants less than was asked for is told, with the setting.
func TestV3SourceTellsOfClamping(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		c.fake.Set("auth-token-max-ttl-minutes", "30")
		tok := mustToken(t, c.source())
		if tok.ExpiresIn > 30*time.Minute || tok.ExpiresIn < 29*time.Minute {
			t.Errorf("%v left", tok.ExpiresIn)
		}
		events := c.events.of(rancher.V3Clamped)
		want := rancher.V3Event{Kind: rancher.V3Clamped, Name: nameOf(t, tok), Asked: 90 * time.Minute, Granted: 30 * time.Minute, Setting: "auth-token-max-ttl-minutes"}
		if len(events) != 1 || events[0] != want {
			t.Errorf("told %v, want %v", events, want)
		}
		const text = "asked for 1h30m0s, granted 30m0s: raise the server's setting auth-token-max-ttl-minutes"
		if !strings.Contains(events[0].String(), text) || !strings.Contains(fmt.Sprint(events[0].LogValue()), "auth-token-max-ttl-minutes") {
			t.Errorf("%v, %v", events[0], events[0].LogValue())
		}
	})
}

// Without a word it is 24 hours, and the chain ends after 90 days, on the day.
func TestV3SourceUntil(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		c.fake.Set("auth-token-max-ttl-minutes", "0")
		c.key = c.apiKeyFor(t, "mira", 365*24*time.Hour)
		began := time.Now()
		// Tokens made on the last day. One that is made as it begins lives to its
		// end, and is the last; a minute is what the Source takes for nothing.
		var late atomic.Int64
		source := func() *rancher.V3Source {
			src := c.source()
			src.Lifetime = 0
			src.OnEvent = func(e rancher.V3Event) {
				c.events.add(e)
				if e.Kind == rancher.V3Created && time.Since(began) >= 89*24*time.Hour-time.Minute {
					late.Add(1)
				}
			}
			return src
		}
		src := source()
		if tok := mustToken(t, src); tok.ExpiresIn > 24*time.Hour || tok.ExpiresIn < 24*time.Hour-time.Minute {
			t.Errorf("%v left", tok.ExpiresIn)
		}
		const until = 90 * 24 * time.Hour
		renewed := 0
		var err error
		for err == nil && time.Since(began) < 100*24*time.Hour {
			var tok token.Token
			if tok, err = src.Token(t.Context()); err != nil {
				break
			}
			if end := time.Since(began) + tok.ExpiresIn; end > until {
				t.Fatalf("a token lives for %v of the chain", end)
			}
			if time.Since(began) > until/2 && renewed == 0 {
				// A restart does not stretch it.
				renewed, src = 1, source()
			}
			time.Sleep(20 * time.Minute)
		}
		if lived := time.Since(began); !errors.Is(err, token.ErrRefused) || lived < until-time.Hour || lived > until+time.Hour {
			t.Errorf("ended after %v with %v", lived, err)
		}
		if err == nil || !strings.Contains(err.Error(), "for 2160h0m0s, which is over (V3Source.Until)") {
			t.Errorf("%v does not say why", err)
		}
		if n := len(c.events.of(rancher.V3Ended)); n != 1 {
			t.Errorf("told %d times that it ended", n)
		}
		// No flurry of ever shorter ones at the end.
		if n := late.Load(); n < 1 || n > 2 {
			t.Errorf("%d tokens on the last day", n)
		}
		// The same token from First begins no other chain, for anybody.
		if _, err := c.source().Token(t.Context()); !errors.Is(err, token.ErrRefused) {
			t.Errorf("after a restart: %v", err)
		}
		// Another does.
		c.key = c.apiKey(t, "mira")
		mustToken(t, c.source())
	})
}

func (c *chainTest) apiKeyFor(t *testing.T, user string, life time.Duration) token.Token {
	t.Helper()
	with := &rancher.V3{Server: c.client.Server, Source: token.Static(c.login(t, user))}
	key, _, err := with.Create(t.Context(), rancher.V3Request{Description: "an API key", Lifetime: life})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// With AnyLifetime tokens live for ever where there is no maximum, and to it
// where there is one; Until still ends them.
func TestV3SourceAnyLifetime(t *testing.T) {
	bubble(t, "v2.7.5", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.Lifetime, src.AnyLifetime, src.Until = 0, true, -1
		if tok := mustToken(t, src); tok.ExpiresIn != 0 || !tok.Expiry.IsZero() {
			t.Errorf("%v left, to %v", tok.ExpiresIn, tok.Expiry)
		}
		if n := len(c.events.of(rancher.V3Clamped)); n != 0 {
			t.Errorf("%d events of clamping", n)
		}
		c.store = new(refresh.Memory)
		src = c.source()
		src.Lifetime, src.AnyLifetime = 0, true
		if tok := mustToken(t, src); tok.ExpiresIn <= 0 || tok.ExpiresIn > 90*24*time.Hour {
			t.Errorf("%v left, beyond Until", tok.ExpiresIn)
		}
		c.fake.Set("auth-token-max-ttl-minutes", "60")
		c.store = new(refresh.Memory)
		src = c.source()
		src.Lifetime, src.AnyLifetime, src.Until = 0, true, -1
		if tok := mustToken(t, src); tok.ExpiresIn <= 0 || tok.ExpiresIn > time.Hour {
			t.Errorf("%v left", tok.ExpiresIn)
		}
		events := c.events.of(rancher.V3Clamped)
		if len(events) != 1 || events[0].Asked != 0 || events[0].Granted != time.Hour {
			t.Errorf("told %v", events)
		}
	})
}

// changed has an answer to the creation of a token say something else.
func changed(change map[string]any) ranchertest.Fault {
	return ranchertest.On("POST /v3/tokens", func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			full := httptest.NewRecorder()
			h.ServeHTTP(full, r)
			var body map[string]any
			if err := json.Unmarshal(full.Body.Bytes(), &body); err != nil {
				panic(err)
			}
			for name, value := range change {
				body[name] = value
			}
			for key, values := range full.Header() {
				w.Header()[key] = values
			}
			w.Header().Del("Content-Length")
			w.WriteHeader(full.Code)
			json.NewEncoder(w).Encode(body)
		})
	})
}

// A token that is more than was asked for is not used, and deleted again.
func TestV3SourceNeverWidens(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]map[string]any{
		"another user":    {"userId": "user-other"},
		"no user":         {"userId": ""},
		"another cluster": {"clusterId": "c-other"},
		"lives longer":    {"ttl": (91 * time.Minute).Milliseconds()},
		"lives for ever":  {"ttl": 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
				src := c.source()
				first := mustToken(t, src)
				c.fake.SetFault(changed(change))
				time.Sleep(80 * time.Minute)
				if tok, err := src.Token(t.Context()); err != nil || !tok.Equal(first) {
					t.Errorf("the one before is good, and there is %v", err)
				}
				if got := c.ours(); len(got) != 1 {
					t.Errorf("there are %v", got)
				}
				c.fake.SetFault(nil)
				time.Sleep(time.Minute)
				if tok := mustToken(t, src); tok.Equal(first) {
					t.Error("not renewed")
				}
			})
		})
	}
}

// A restart with a longer Lifetime does not widen the chain; one with a shorter
// narrows it.
func TestV3SourceLifetimeOfTheChain(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		c.fake.Set("auth-token-max-ttl-minutes", "0")
		next := func(life time.Duration, any bool) time.Duration {
			src := c.source()
			src.Lifetime, src.AnyLifetime, src.Until = life, any, -1
			src.Invalidate(mustToken(t, src))
			src.Invalidate(mustToken(t, src))
			mustToken(t, src)
			all := c.events.of(rancher.V3Created)
			settle()
			return all[len(all)-1].Granted
		}
		for i, step := range []struct {
			life time.Duration
			any  bool
			want time.Duration
		}{{2 * time.Hour, false, 2 * time.Hour}, {3 * time.Hour, false, 2 * time.Hour}, {0, true, 2 * time.Hour}, {time.Hour, false, time.Hour}, {2 * time.Hour, false, time.Hour}} {
			if got := next(step.life, step.any); got != step.want {
				t.Errorf("step %d: %v, want %v", i, got, step.want)
			}
		}
		c.key = c.apiKey(t, "mira")
		c.store = new(refresh.Memory)
		if got := next(0, true); got != 0 {
			t.Errorf("another chain: %v", got)
		}
	})
}

// Tokens for a cluster are made with First's, which stays.
func TestV3SourceCluster(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		c.fake.AddCluster("c-abcde")
		src := c.source()
		src.Cluster = "c-abcde"
		var names []string
		c.fake.SetFault(ranchertest.For(func(r *http.Request) bool {
			if r.Method == http.MethodPost && !slices.Equal(c.ours(), names[max(0, len(names)-2):]) {
				t.Errorf("while one is made there are %v of %v", c.ours(), names)
			}
			return false
		}, ranchertest.Drop))
		for range 4 {
			tok := mustToken(t, src)
			names = append(names, nameOf(t, tok))
			settle()
			if got, want := c.ours(), names[max(0, len(names)-2):]; !slices.Equal(got, want) {
				t.Errorf("there are %v, want %v", got, want)
			}
			src.Invalidate(tok)
		}
		for _, tok := range c.fake.Tokens() {
			if slices.Contains(c.ours(), tok.Name) && tok.Cluster != "c-abcde" {
				t.Errorf("%s is for %q", tok.Name, tok.Cluster)
			}
		}
		if p, err := c.client.Probe(t.Context(), c.key.Value); err != nil || !p.Live {
			t.Errorf("First's token: %t, %v", p.Live, err)
		}
		// Its token is nowhere in the Store.
		for _, key := range []string{"pair/rancher/ci@c-abcde", "rancher/ci@c-abcde"} {
			raw, _ := c.store.Get(t.Context(), key)
			if len(raw) == 0 || strings.Contains(string(raw), secretOf(c.key)) {
				t.Errorf("First's token is under %s", key)
			}
		}
		// Without First's, the one in use is good to its end.
		tok := mustToken(t, src)
		c.fake.DeleteToken(c.keyName())
		time.Sleep(80 * time.Minute)
		if got := mustToken(t, src); !got.Equal(tok) {
			t.Error("another token")
		}
		time.Sleep(20 * time.Minute)
		if _, err := src.Token(t.Context()); !errors.Is(err, token.ErrRefused) {
			t.Errorf("got %v", err)
		}
	})
}

// Who is for another cluster than before, or for one only, or for all, gets a token
// that is, and at once. The chain before goes on by itself.
func TestV3SourceAnotherCluster(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		c.fake.AddCluster("c-abcde")
		c.fake.AddCluster("c-other")
		sources := map[string]*rancher.V3Source{}
		for _, cluster := range []string{"", "c-abcde", "c-other", "", "c-abcde"} {
			src := c.source()
			src.Cluster = cluster
			sources[cluster] = src
			for range 2 {
				name := nameOf(t, mustToken(t, src))
				i := slices.IndexFunc(c.fake.Tokens(), func(tok ranchertest.V3Token) bool { return tok.Name == name })
				if i < 0 || c.fake.Tokens()[i].Cluster != cluster {
					t.Errorf("for %q it is not", cluster)
				}
				settle()
				src.Invalidate(mustToken(t, src))
			}
			mustToken(t, src)
			settle()
		}
		if n := len(c.ours()); n != 6 {
			t.Errorf("%d tokens of 3 chains", n)
		}
		for i, cluster := range []string{"c-other", "", "c-abcde"} {
			if err := sources[cluster].Close(t.Context()); err != nil || len(c.ours()) != 4-2*i {
				t.Errorf("closed %q: %d tokens, %v", cluster, len(c.ours()), err)
			}
		}
	})
}

// First is a login: it is asked once, and again when its chain is dead.
func TestV3SourceLogin(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		logins := 0
		password := "mira-password"
		src := c.client.NewSource(func(context.Context) (rancher.Credentials, error) {
			logins++
			return rancher.Credentials{Username: "mira", Password: token.NewSecret(password)}, nil
		}).(*rancher.V3Source)
		src.OnEvent = c.events.add
		tok := mustToken(t, src)
		for range 30 {
			time.Sleep(time.Hour)
			tok = mustToken(t, src)
		}
		if logins != 1 {
			t.Errorf("%d logins", logins)
		}
		for _, name := range c.ours() {
			c.fake.DeleteToken(name)
		}
		src.Invalidate(tok)
		next := mustToken(t, src)
		if logins != 2 || next.Equal(tok) {
			t.Errorf("%d logins", logins)
		}
		if n := len(c.events.of(rancher.V3Refused)); n != 1 {
			t.Errorf("told %d times that a token is dead", n)
		}

		// A wrong password is not tried again and again.
		for _, name := range c.ours() {
			c.fake.DeleteToken(name)
		}
		password = "changed-canary"
		src.Invalidate(next)
		end := time.Now().Add(2 * time.Hour)
		for ; time.Now().Before(end); time.Sleep(10 * time.Second) {
			_, err := src.Token(t.Context())
			if !errors.Is(err, token.ErrRefused) || !errors.Is(err, rancher.ErrCredentials) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), password) {
				t.Fatalf("the password is in %q", err)
			}
		}
		if logins < 4 || logins > 7 {
			t.Errorf("%d logins in two hours with a wrong password", logins-2)
		}
		password = "mira-password"
		time.Sleep(time.Hour)
		mustToken(t, src)
	})
}

// A First that is dead is asked about twice, and then left alone for a while, by all
// holders: for a minute at first, and for ten in the end. Another one begins a
// chain at once.
func TestV3SourceFirstDead(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		c.fake.DisableToken(c.keyName())
		var asked []time.Duration
		began := time.Now()
		c.fake.SetFault(ranchertest.For(func(*http.Request) bool {
			asked = append(asked, time.Since(began).Truncate(time.Minute))
			return false
		}, ranchertest.Drop))
		for time.Since(began) < time.Hour {
			src := c.source()
			for range 6 {
				if _, err := src.Token(t.Context()); !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
					t.Fatalf("got %v", err)
				}
				time.Sleep(10 * time.Second)
			}
		}
		settle()
		var want []time.Duration // two requests each
		for _, minutes := range []time.Duration{0, 1, 3, 7, 15, 25, 35, 45, 55} {
			want = append(want, minutes*time.Minute, minutes*time.Minute)
		}
		if len(asked) != len(want) {
			t.Fatalf("asked after %v", asked)
		}
		for i, after := range asked {
			if late := after - want[i]; late < 0 || late > 5*time.Minute {
				t.Errorf("asked after %v", asked)
			}
		}
		c.fake.SetFault(nil)
		c.key = c.apiKey(t, "mira")
		mustToken(t, c.source())
	})
}

// A First that can be told that its token is dead is, and asked for another.
func TestV3SourceFirstInvalidated(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		first := &refresh.Source{Base: token.SourceFunc(func(context.Context) (token.Token, error) { return c.login(t, "mira"), nil })}
		tok, err := first.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.fake.DeleteToken(nameOf(t, tok))
		src := c.source()
		src.First = first
		mustToken(t, src)
	})
}

// What First does wrong is an error, and none of it blames anybody's token.
func TestV3SourceFirstFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first   token.Source
		refused bool
	}{
		"nil":     {nil, true},
		"fails":   {token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, errors.New("no") }), false},
		"expired": {token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, token.ErrExpired }), true},
		"empty":   {token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, nil }), false},
		"panics":  {token.SourceFunc(func(context.Context) (token.Token, error) { panic("canary") }), false},
		"hangs": {token.SourceFunc(func(ctx context.Context) (token.Token, error) {
			<-ctx.Done()
			return token.Token{}, ctx.Err()
		}), false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
				src := c.source()
				src.First = test.first
				_, err := src.Token(t.Context())
				if err == nil || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) != test.refused || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "V3Source.First") && name != "hangs" {
					t.Errorf("got %v", err)
				}
				if n := c.count("POST /v3/tokens"); n != 1 { // the API key of the test
					t.Errorf("%d tokens made", n)
				}
			})
		})
	}
}

// A refusal counts once the token has been asked about again: Rancher refuses good
// tokens while it cannot read what it knows of them.
func TestV3SourceHiccup(t *testing.T) {
	t.Parallel()
	for _, request := range []string{"GET /v3/tokens", "POST /v3/tokens"} {
		t.Run(request, func(t *testing.T) {
			bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
				src := c.source()
				tok := mustToken(t, src)
				settle()
				c.fake.SetFault(ranchertest.On(request, ranchertest.First(1,
					ranchertest.Answer(401, `{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`))))
				time.Sleep(80 * time.Minute)
				if next := mustToken(t, src); next.Equal(tok) {
					t.Error("not renewed")
				}
				if n := len(c.events.of(rancher.V3Refused)); n != 0 {
					t.Errorf("%d tokens taken for dead", n)
				}
			})
		})
	}
}

// A new token that another replica does not know yet is tried again; one that
// stays refused is deleted.
func TestV3SourceTriesTheNewToken(t *testing.T) {
	t.Parallel()
	for tries, want := range map[int]bool{3: true, 100: false} {
		bubbleIn(t, fmt.Sprintf("%d tries", tries), func(t *testing.T, c *chainTest) {
			src := c.source()
			tok := mustToken(t, src)
			c.fake.SetFault(ranchertest.On("GET /v3/users", ranchertest.First(tries,
				ranchertest.Answer(401, `{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`))))
			time.Sleep(80 * time.Minute)
			if next := mustToken(t, src); next.Equal(tok) == want {
				t.Errorf("renewed: %t", !next.Equal(tok))
			}
			if n := len(c.ours()); n > 2 || !want && n != 1 {
				t.Errorf("%d tokens", n)
			}
		})
	}
}

func bubbleIn(t *testing.T, name string, f func(t *testing.T, c *chainTest)) {
	t.Run(name, func(t *testing.T) { bubble(t, "v2.13.1", f) })
}

// A token whose making ended nobody knows how is looked for and deleted before
// another is made.
func TestV3SourceUnknownOutcome(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		var most atomic.Int64
		c.fake.SetFault(ranchertest.Faults(
			ranchertest.For(func(*http.Request) bool {
				most.Store(max(most.Load(), int64(len(c.ours()))))
				return false
			}, ranchertest.Drop),
			ranchertest.On("POST /v3/tokens", ranchertest.First(5, ranchertest.DropAfter))))
		src := c.source()
		for {
			if _, err := src.Token(t.Context()); err == nil {
				break
			}
			time.Sleep(10 * time.Second)
		}
		settle()
		if n := len(c.ours()); n != 1 || most.Load() > 1 {
			t.Errorf("%d tokens, and %d at most", n, most.Load())
		}
	})
}

// More creations that end nobody knows how than are remembered: none is forgotten
// that is there.
func TestV3SourceManyUnknown(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.Invalidate(mustToken(t, src))
		mustToken(t, src)
		settle()
		kept := c.ours()
		c.fake.SetFault(ranchertest.On("POST /v3/tokens", ranchertest.First(40, ranchertest.DropAfter)))
		src.Invalidate(mustToken(t, src))
		for {
			if tok, err := src.Token(t.Context()); err == nil && !slices.Contains(kept, nameOf(t, tok)) {
				break
			}
			time.Sleep(time.Minute)
		}
		settle()
		if got := c.ours(); len(got) != 2 || got[0] != kept[1] {
			t.Errorf("there are %v, and were %v", got, kept)
		}
		raw, _ := c.store.Get(t.Context(), "rancher/ci")
		if n := strings.Count(string(raw), "tokenlife "); n > 32 {
			t.Errorf("%d descriptions are remembered", n)
		}
	})
}

// A frozen transport takes a while for the next request for a path, whatever the
// caller's context says.
type frozen struct {
	base http.RoundTripper
	path string
	next atomic.Bool
}

func (f *frozen) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == f.path && f.next.CompareAndSwap(true, false) {
		time.Sleep(45 * time.Second)
		r = r.WithContext(context.WithoutCancel(r.Context()))
	}
	return f.base.RoundTrip(r)
}

// A renewal that was frozen for longer than it may take brings nothing: its token
// may have been swept away by the next.
func TestV3SourceFrozen(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		base := &frozen{base: c.fake.Client().Transport, path: "/v3/users"}
		src := c.source()
		src.Client = &rancher.V3{Server: &rancher.Server{URL: c.fake.URL, HTTP: &http.Client{Transport: base}, Timeout: -1}}
		mustToken(t, src)
		settle()
		time.Sleep(80 * time.Minute)
		base.next.Store(true)
		end := time.Now().Add(2 * time.Minute)
		for ; time.Now().Before(end); time.Sleep(time.Second) {
			if time.Until(end) < 110*time.Second {
				c.fake.SetFault(ranchertest.On("POST /v3/tokens", ranchertest.Slow(20*time.Second)))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			tok := mustToken(t, token.SourceFunc(func(context.Context) (token.Token, error) { return src.Token(ctx) }))
			cancel()
			if p, err := c.client.Probe(t.Context(), tok.Value); err != nil || !p.Live {
				t.Fatalf("%v before the end, a dead token: %v", time.Until(end), err)
			}
		}
		if n := len(c.ours()); n > 2 {
			t.Errorf("%d tokens", n)
		}
	})
}

// A restart with a shorter Until ends a chain that is older than that.
func TestV3SourceUntilShortened(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		mustToken(t, c.source())
		settle()
		before := c.count("POST /v3/tokens")
		time.Sleep(80 * time.Minute)
		src := c.source()
		src.Until = time.Hour
		for range 20 {
			if _, err := src.Token(t.Context()); err != nil && !errors.Is(err, token.ErrRefused) {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if _, err := src.Token(t.Context()); !errors.Is(err, token.ErrRefused) {
			t.Errorf("got %v", err)
		}
		if n := c.count("POST /v3/tokens") - before; n != 0 {
			t.Errorf("%d tokens made", n)
		}
	})
}

// A token that was refused is not handed out, and not asked about again at once,
// while First has none.
func TestV3SourceDeadWithoutFirst(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		tok := mustToken(t, src)
		settle()
		c.fake.DeleteToken(nameOf(t, tok))
		src.First = token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, errors.New("no") })
		time.Sleep(76 * time.Minute) // it is due, and would live for longer
		if _, err := src.Token(t.Context()); err == nil {
			t.Error("the dead token was handed out")
		}
		before := len(c.fake.Requests())
		time.Sleep(40 * time.Second)
		if _, err := src.Token(t.Context()); err == nil || len(c.fake.Requests()) != before {
			t.Errorf("asked %q, %v", c.fake.Requests()[before:], err)
		}
	})
}
