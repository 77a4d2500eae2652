package rancher_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// What cannot be stored is not made: nobody could find it again.
func TestV3SourceStoreFails(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]storetest.Fault{
		"fails": storetest.Fail, "hangs": storetest.Hang, "takes it and fails": storetest.ApplyFail, "takes it and hangs": storetest.ApplyHang,
		"takes it and says no": storetest.ApplyFalse, "takes it late": storetest.Late,
	} {
		bubbleIn(t, name, func(t *testing.T, c *chainTest) {
			failing := true
			src := c.source()
			src.Store = &storetest.Faulty{Store: c.store, Script: func(call storetest.Call) storetest.Fault {
				if failing && call.Swap && call.Key == "rancher/ci" {
					return fault
				}
				return storetest.None
			}}
			before := c.count("POST /v3/tokens")
			_, err := src.Token(t.Context())
			landed := strings.HasPrefix(name, "takes it and")
			if (err == nil) != landed || errors.Is(err, token.ErrRefused) {
				t.Errorf("got %v", err)
			}
			if made := c.count("POST /v3/tokens") > before; made != landed {
				t.Errorf("made one: %t", made)
			}
			failing = false
			time.Sleep(2 * time.Minute)
			mustToken(t, src)
		})
	}
}

// A record that cannot be read, or that a newer version has written, stays as it
// is, and nothing is made.
func TestV3SourceRecordUnreadable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ raw, says string }{
		"newer":      {`{"v":2,"whatever":[1]}`, "newer version"},
		"older":      {`{"v":0,"nonce":"x"}`, "something else"},
		"not JSON":   {`canary`, "something else"},
		"unknown":    {`{"v":1,"nonce":"x","canary":1}`, "something else"},
		"twice":      {`{"v":1,"nonce":"x","made":["a b"],"made":["c d"]}`, "something else"},
		"empty text": {`{"v":1,"nonce":"x","made":[""]}`, "something else"},
		"no nonce":   {`{"v":1}`, "something else"},
		"no sum":     {`{"v":1,"nonce":"x","refused":[{"sum":"abc","at":"2026-08-20T06:00:00Z","wait":60}]}`, "something else"},
		"no user":    {`{"v":1,"nonce":"x","user":"user-abcde"}`, "something else"},
		"too many":   {`{"v":1,"nonce":"x","made":[` + strings.Repeat(`"a b",`, 32) + `"a b"]}`, "something else"},
		"too long":   {`{"v":1,"nonce":"x"` + strings.Repeat(" ", 40<<10) + `}`, "something else"},
	} {
		bubbleIn(t, name, func(t *testing.T, c *chainTest) {
			before := c.count("POST")
			if ok, err := c.store.Swap(t.Context(), "rancher/ci", nil, []byte(test.raw), time.Time{}); !ok || err != nil {
				t.Fatal(ok, err)
			}
			_, err := c.source().Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), `"rancher/ci"`) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v", err)
			}
			if errors.Is(err, token.ErrRefused) {
				t.Errorf("%v says that a token is dead", err)
			}
			if raw, _ := c.store.Get(t.Context(), "rancher/ci"); string(raw) != test.raw || c.count("POST") != before {
				t.Errorf("there is %q now", raw)
			}
		})
	}
}

// The record of version 1 stays readable, and is written as it was read.
func TestV3SourceRecordGolden(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/v3_source-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := rancher.ReadV3Chain(want)
	if err != nil || string(got) != strings.TrimSuffix(string(want), "\n") {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
}

// Whatever is in the Store, reading it does not panic, and what is read can be
// written.
func FuzzV3SourceRecord(f *testing.F) {
	golden, err := os.ReadFile("testdata/v3_source-v1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`{"v":1,"nonce":"x","asked":-1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		once, err := rancher.ReadV3Chain(raw)
		if err != nil {
			return
		}
		twice, err := rancher.ReadV3Chain(once)
		if err != nil || string(once) != string(twice) {
			t.Errorf("%v\nonce  %s\ntwice %s", err, once, twice)
		}
	})
}

// If the Store loses what was made beside the token, the chain goes on.
func TestV3SourceRecordLost(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		tok := mustToken(t, src)
		settle()
		raw, _ := c.store.Get(t.Context(), "rancher/ci")
		if ok, err := c.store.Swap(t.Context(), "rancher/ci", raw, nil, time.Time{}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		c.fake.DeleteToken(c.keyName())
		time.Sleep(80 * time.Minute)
		if next := mustToken(t, src); next.Equal(tok) {
			t.Error("not renewed")
		}
	})
}

// Without a Store, all is as with one, until the process ends.
func TestV3SourceWithoutStore(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.Store, src.Key = nil, ""
		for range 4 {
			src.Invalidate(mustToken(t, src))
			settle()
		}
		if n := len(c.ours()); n > 2 {
			t.Errorf("%d tokens", n)
		}
		if err := src.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(c.ours()); n != 0 {
			t.Errorf("%d tokens", n)
		}
	})
}

// Without a Store, nothing is deleted but what this process has made.
func TestV3SourceWithoutStoreAlone(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		without := func() *rancher.V3Source {
			src := c.source()
			src.Store, src.Key = nil, ""
			for range 3 {
				src.Invalidate(mustToken(t, src))
				settle()
			}
			return src
		}
		without()
		others := c.ours()
		if err := without().Close(t.Context()); err != nil || !slices.Equal(c.ours(), others) {
			t.Errorf("there are %v, and were %v, %v", c.ours(), others, err)
		}
	})
}

// At the end of each description are 128 random bits, as it is stored.
func TestV3SourceNonce(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.Description = "nightly build"
		seen := map[string]bool{}
		for range 3 {
			tok := mustToken(t, src)
			for _, made := range c.fake.Tokens() {
				if made.Name != nameOf(t, tok) {
					continue
				}
				nonce, ours := strings.CutPrefix(made.Description, "nightly build ")
				if !ours || len(nonce)*5 < 128 || strings.Trim(nonce, "abcdefghijklmnopqrstuvwxyz234567") != "" || seen[nonce] {
					t.Errorf("it is described as %q", made.Description)
				}
				seen[nonce] = true
				if raw, _ := c.store.Get(t.Context(), "rancher/ci"); !strings.Contains(string(raw), `"`+made.Description+`"`) {
					t.Errorf("%q is not in the Store", made.Description)
				}
			}
			settle()
			src.Invalidate(tok)
		}
		if len(seen) != 3 {
			t.Errorf("%d nonces", len(seen))
		}
	})
}

// What the Store says when it fails is what the caller gets to know.
func TestV3SourceStoreSays(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		swaps := 0
		src.Store = &storetest.Faulty{Store: c.store, Script: func(call storetest.Call) storetest.Fault {
			if call.Swap && call.Key == "rancher/ci" {
				swaps++
				return storetest.Fail
			}
			return storetest.None
		}}
		if _, err := src.Token(t.Context()); !errors.Is(err, storetest.ErrFault) || swaps != 1 {
			t.Errorf("got %v after %d writes", err, swaps)
		}
	})
}

// A 401 for the token in use has the next be made, and the request is repeated
// with it.
func TestV3SourceRefusedInUse(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		client := &http.Client{Transport: c.client.Transport(refresh.New(src))}
		get := func() int {
			resp, err := client.Get(c.fake.URL + "/v3/settings/server-url")
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return resp.StatusCode
		}
		for range 3 {
			if status := get(); status != 200 {
				t.Fatalf("status %d", status)
			}
			settle()
			for _, name := range c.ours() {
				c.fake.DeleteToken(name)
			}
		}
		if n := len(c.events.of(rancher.V3Refused)); n != 2 {
			t.Errorf("told of %d tokens that are dead", n)
		}
	})
}

// Many callers at once, in several holders, have one token made.
func TestV3SourceAtOnce(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		c.fake.SetFault(ranchertest.On("POST /v3/tokens", ranchertest.Slow(2*time.Second)))
		before := c.count("POST /v3/tokens")
		var wg sync.WaitGroup
		for range 3 {
			src := c.source()
			for range 10 {
				wg.Go(func() { mustToken(t, src) })
			}
		}
		wg.Wait()
		if n := c.count("POST /v3/tokens") - before; n != 1 {
			t.Errorf("%d tokens made", n)
		}
	})
}

// A field that is missing or wrong is named, and nothing is asked.
func TestV3SourceFields(t *testing.T) {
	t.Parallel()
	c := newChainTest(t, "v2.13.1")
	before := len(c.fake.Requests())
	for want, change := range map[string]func(*rancher.V3Source){
		"V3Source.Client":      func(s *rancher.V3Source) { s.Client = nil },
		"or its Server":        func(s *rancher.V3Source) { s.Client = &rancher.V3{} },
		"V3Source.Key":         func(s *rancher.V3Source) { s.Key = "" },
		"V3Source.Lifetime":    func(s *rancher.V3Source) { s.Lifetime = -1 },
		"at least 1m0s":        func(s *rancher.V3Source) { s.Lifetime = time.Millisecond / 2 },
		"and AnyLifetime":      func(s *rancher.V3Source) { s.AnyLifetime = true },
		"V3Source.Cluster":     func(s *rancher.V3Source) { s.Cluster = "../x" },
		"V3Source.Description": func(s *rancher.V3Source) { s.Description = "a\nb" },
		"at most 64 bytes":     func(s *rancher.V3Source) { s.Description = strings.Repeat("x", 65) },
	} {
		src := c.source()
		change(src)
		_, err := src.Token(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "rancher: V3Source") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if err := src.Close(t.Context()); err == nil {
			t.Errorf("%s: closed", want)
		}
		src.Invalidate(c.key)
	}
	if n := len(c.fake.Requests()); n != before {
		t.Errorf("%d requests", n-before)
	}
}

// A printed text may grow by several hands.
type printed struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// No secret is in what prints: events, errors, the V3Source itself, and what lies
// beside the token in the Store.
func TestV3SourcePrints(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		var out printed
		log := slog.New(slog.NewJSONHandler(&out, nil))
		src := c.source()
		src.OnEvent = func(e rancher.V3Event) {
			log.Info("event", "event", e)
			fmt.Fprintf(&out, "%v %+v %#v\n", e, e, e)
			panic("an observer must not cost the token")
		}
		var secrets []string
		note := func(tok token.Token) { secrets = append(secrets, secretOf(tok)) }
		note(c.key)
		for range 3 {
			tok := mustToken(t, src)
			note(tok)
			settle()
			src.Invalidate(tok)
		}
		c.fake.SetFault(ranchertest.Faults(ranchertest.Some(50, 1, ranchertest.Drop), ranchertest.Some(50, 2, ranchertest.Truncate)))
		for range 20 {
			_, err := src.Token(t.Context())
			fmt.Fprintln(&out, err)
			time.Sleep(time.Minute)
		}
		c.fake.SetFault(nil)
		note(mustToken(t, src))
		time.Sleep(time.Hour)
		settle()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			fmt.Fprintf(&out, verb, src)
		}
		raw, _ := c.store.Get(t.Context(), "rancher/ci")
		out.Write(raw)
		for _, secret := range secrets {
			if strings.Contains(out.String(), secret) {
				t.Error("a secret is in what was printed")
			}
		}
		if !strings.Contains(out.String(), `"kind":"created"`) || rancher.V3EventKind(99).String() != "V3EventKind(99)" {
			t.Error("events do not say what they are")
		}
	})
}
