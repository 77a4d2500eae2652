package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/redisstore"
)

var (
	_ refresh.Store = (*redisstore.Store)(nil)

	ctx   = context.Background()
	never time.Time
)

func refused(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "redisstore: ") || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %q", err, text)
	}
}

func ExampleStore() {
	rdb := &server{} // a program has redis.NewClient(&redis.Options{Addr: "redis.example:6379", ContextTimeoutEnabled: true})
	store := &redisstore.Store{
		Do: func(ctx context.Context, args ...any) (any, error) {
			return rdb.Do(ctx, args...) // and .Result()
		},
		Prefix: "tokenlife/",
	}

	ctx := context.Background()
	ok, err := store.Swap(ctx, "pair/github", nil, []byte("one"), time.Time{})
	fmt.Println(ok, err)
	ok, err = store.Swap(ctx, "pair/github", nil, []byte("two"), time.Time{})
	fmt.Println(ok, err)
	value, err := store.Get(ctx, "pair/github")
	fmt.Printf("%s %v\n", value, err)
	// Output:
	// true <nil>
	// false <nil>
	// one <nil>
}

func TestNoDo(t *testing.T) {
	t.Parallel()
	_, err := new(redisstore.Store).Get(ctx, "k")
	refused(t, err, "Store.Do is not set")
}

// TestLimits shows that what a Store need not take is not sent.
func TestLimits(t *testing.T) {
	t.Parallel()
	srv := &server{}
	s := &redisstore.Store{Do: srv.Do}
	for _, key := range []string{"", strings.Repeat("k", 257)} {
		_, err := s.Get(ctx, key)
		refused(t, err, "1 to 256")
		_, err = s.Swap(ctx, key, nil, []byte("v"), never)
		refused(t, err, "1 to 256")
	}
	v := []byte("v")
	for _, values := range [][2][]byte{{v, {}}, {{}, v}, {v, make([]byte, 64<<10+1)}, {make([]byte, 64<<10+1), v}} {
		_, err := s.Swap(ctx, "k", values[0], values[1], never)
		refused(t, err, "value")
	}
	if srv.sent != nil {
		t.Errorf("it sent %q", srv.sent)
	}
}

// TestPrefix shows that Stores with prefixes of their own share a server.
func TestPrefix(t *testing.T) {
	t.Parallel()
	srv := &server{}
	s, other := &redisstore.Store{Do: srv.Do, Prefix: "a/"}, &redisstore.Store{Do: srv.Do, Prefix: "b/"}
	for _, s := range []*redisstore.Store{s, other} {
		if ok, err := s.Swap(ctx, "k", nil, []byte(s.Prefix), never); err != nil || !ok {
			t.Errorf("Swap: %t, %v", ok, err)
		}
	}
	if diff := cmp.Diff(map[string]string{"a/k": "a/", "b/k": "b/"}, srv.values); diff != "" {
		t.Errorf("the server's values (-want +got):\n%s", diff)
	}
}

// TestReplies shows which replies are understood, and that any other is an
// error: above all no false.
func TestReplies(t *testing.T) {
	t.Parallel()
	for _, bytes := range []bool{false, true} {
		srv := &server{bytes: bytes}
		s := &redisstore.Store{Do: srv.Do}
		if v, err := s.Get(ctx, "k"); err != nil || v != nil {
			t.Errorf("Get = %q, %v; want nil", v, err)
		}
		if ok, err := s.Swap(ctx, "k", nil, []byte("\x00v"), never); err != nil || !ok {
			t.Errorf("Swap: %t, %v", ok, err)
		}
		if v, err := s.Get(ctx, "k"); err != nil || string(v) != "\x00v" {
			t.Errorf("Get = %q, %v", v, err)
		}
	}
	for _, reply := range []any{nil, true, false, 0, 1, int64(2), "1", []byte("0"), "OK", []any{int64(1)}, strings.Repeat("x", 1e6)} {
		s := &redisstore.Store{Do: func(_ context.Context, args ...any) (any, error) {
			if args[0] == "INFO" {
				return "", nil
			}
			return reply, nil
		}}
		ok, err := s.Swap(ctx, "k", nil, []byte("v"), never)
		if ok {
			t.Errorf("Swap said true for the reply %.20q", reply)
		}
		refused(t, err, fmt.Sprintf("of type %T", reply))
		if len(err.Error()) > 300 {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
		if _, isText := reply.(string); isText {
			continue
		}
		if _, isText := reply.([]byte); isText {
			continue
		}
		_, err = s.Get(ctx, "k")
		refused(t, err, fmt.Sprintf("of type %T", reply))
	}
}

// TestExpires shows when entries are told to go.
func TestExpires(t *testing.T) {
	t.Parallel()
	srv := &server{}
	s := &redisstore.Store{Do: srv.Do}
	for want, expires := range map[string]time.Time{
		"":              never,
		"1700000000123": time.UnixMilli(1700000000123),
		"1":             time.Unix(-1e9, 0),
	} {
		if ok, err := s.Swap(ctx, "k"+want, nil, []byte("v"), expires); err != nil || !ok {
			t.Errorf("Swap: %t, %v", ok, err)
		}
		if got := srv.ends["k"+want]; got != want {
			t.Errorf("an entry with expires %v goes at %q, want %q", expires, got, want)
		}
	}
}

// TestErrors shows that a failure is an error, no false, whether the script ran
// or not, and that it has no key and no value in it.
func TestErrors(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection reset by peer" + strings.Repeat("x", 1e6))
	fail := func() error { return lost }
	srv := &server{}
	s := &redisstore.Store{Do: srv.Do}
	srv.before = fail
	for range 2 {
		ok, err := s.Swap(ctx, "the key", nil, []byte("the value"), never)
		if ok || !errors.Is(err, lost) {
			t.Errorf("Swap said %t, %v; want the error", ok, err)
		}
		refused(t, err, "writing: connection reset")
		if text := err.Error(); len(text) > 400 || strings.Contains(text, "the ") {
			t.Errorf("the error has %d bytes: %.400s", len(text), text)
		}
		_, err = s.Get(ctx, "the key")
		refused(t, err, "reading: connection reset")
		srv.before, srv.after = nil, fail
	}
	srv.after = nil
	if v, err := s.Get(ctx, "the key"); err != nil || string(v) != "the value" {
		t.Errorf("Get = %q, %v; want what the Swap that failed wrote", v, err)
	}
}

// TestDeadline shows that an error that came of ctx says so, whatever the client
// makes of it.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		timeout := errors.New("i/o timeout")
		srv := &server{}
		s := &redisstore.Store{Do: srv.Do}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		srv.before = func() error { <-short.Done(); return timeout }
		if ok, err := s.Swap(short, "k", nil, []byte("v"), never); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, timeout) {
			t.Errorf("Swap said %t, %v; want context.DeadlineExceeded and the client's error", ok, err)
		}
		sent := len(srv.sent)
		if _, err := s.Get(short, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		if len(srv.sent) != sent {
			t.Error("a call whose context was done sent something")
		}
		// A deadline on the wire may be a little sooner than the context knows.
		past := passed{ctx}
		srv.before = func() error { return timeout }
		if _, err := s.Get(past, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
	})
}

// passed is a context whose deadline has passed, and which is about to notice.
type passed struct{ context.Context }

func (passed) Deadline() (time.Time, bool) { return time.Now().Add(-time.Nanosecond), true }

// TestEviction shows that a server that throws entries away is refused, and one
// that will not say is not asked again.
func TestEviction(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"allkeys-lru", "volatile-ttl", "new\r\n", strings.Repeat("x", 1e6)} {
		srv := &server{info: []byte("# Memory\r\nmaxmemory_policy:" + policy + "\r\n")}
		s := &redisstore.Store{Do: srv.Do}
		for range 2 {
			_, err := s.Swap(ctx, "k", nil, []byte("v"), never)
			refused(t, err, "set it to noeviction")
			if len(err.Error()) > 300 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		}
		if diff := cmp.Diff([]string{"INFO", "INFO"}, srv.sent); diff != "" {
			t.Errorf("it sent (-want +got):\n%s", diff)
		}
	}
	for _, test := range []struct {
		info any
		err  error
		want []string // of two calls
	}{
		{nil, nil, []string{"INFO", "EVAL", "EVAL"}},
		{"# Memory\r\n", nil, []string{"INFO", "EVAL", "EVAL"}},
		{7, nil, []string{"INFO", "EVAL", "EVAL"}},
		{nil, errors.New("NOPERM this user has no permissions to run the 'info' command"), []string{"INFO", "EVAL", "EVAL"}},
		{nil, errors.New("ERR unknown command 'INFO'"), []string{"INFO", "EVAL", "EVAL"}},
		{nil, errors.New("connection refused"), []string{"INFO", "INFO"}},
	} {
		srv := &server{info: test.info, fails: test.err}
		s := &redisstore.Store{Do: srv.Do}
		for range 2 {
			if _, err := s.Get(ctx, "k"); (err != nil) != (len(test.want) == 2) {
				t.Errorf("%v, %v: %v", test.info, test.err, err)
			}
		}
		if diff := cmp.Diff(test.want, srv.sent); diff != "" {
			t.Errorf("%v, %v: it sent (-want +got):\n%s", test.info, test.err, diff)
		}
	}
}
