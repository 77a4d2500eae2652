package redis

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

func open(tb testing.TB, addr string) *goredis.Client {
	const patience = time.Minute // with a machine that is busy with other things
	client := goredis.NewClient(&goredis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1, DialTimeout: patience, ReadTimeout: patience})
	tb.Cleanup(func() { client.Close() })
	return client
}

// TestServer shows that a server has the settings asked for, and that what it
// acknowledged survives a crash.
func TestServer(t *testing.T) {
	t.Parallel()
	began := time.Now()
	s := Start(t, "--maxclients", "77")
	t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
	client := open(t, s.Addr)
	ctx := t.Context()
	if got, err := client.ConfigGet(ctx, "maxclients").Result(); err != nil || got["maxclients"] != "77" {
		t.Errorf("maxclients is %v (%v), want 77", got, err)
	}
	if err := client.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	s.Stop()
	if err := client.Ping(ctx).Err(); err == nil {
		t.Error("a stopped server answers")
	}
	s.Restart(t)
	s.Restart(t) // a running one
	if got, err := client.Get(ctx, "k").Result(); err != nil || got != "v" {
		t.Errorf("after a crash it holds %q (%v), want v", got, err)
	}
}

// TestOrphan shows that a server ends when the test that started it is killed.
// It runs itself in another process, as that test.
func TestOrphan(t *testing.T) {
	t.Parallel()
	if os.Getenv("REDIS_ORPHAN") != "" {
		s := Start(t)
		fmt.Printf("\nserver %s\n", s.Addr)
		select {}
	}
	Start(t).Stop() // or skip
	test := exec.Command(os.Args[0], "-test.run=^TestOrphan$")
	test.Env = append(os.Environ(), "REDIS_ORPHAN=1", "TMPDIR="+t.TempDir())
	stdout, err := test.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := test.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	for lines := bufio.NewScanner(stdout); addr == "" && lines.Scan(); {
		fmt.Sscanf(lines.Text(), "server %s", &addr)
	}
	client := open(t, addr)
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the server does not run: %v", err)
	}
	test.Process.Kill()
	test.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for client.Ping(ctx).Err() == nil {
		<-time.After(10 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("the server still runs a minute after its test was killed")
	}
}
