package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token/seal"
)

// A watched is a Writer that tells of what is written to it.
type watched chan string

func (w watched) Write(p []byte) (int, error) {
	select {
	case w <- string(p):
	default:
	}
	return len(p), nil
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	stdout, status := make(watched, 1), make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		status <- run(ctx, []string{"-store", filepath.Join(dir, "db"), "-keys", filepath.Join(dir, "keys"), "-listen", "127.0.0.1:0"}, stdout, &stderr)
	}()
	var line string
	select {
	case line = <-stdout:
	case code := <-status:
		t.Fatalf("exit status %d: %s", code, stderr.String())
	}
	resp, err := http.Get(regexp.MustCompile(`http://[0-9.:]+`).FindString(line) + "/login")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(page), `id="login-form"`) {
		t.Errorf("the login page: %v %s", err, page)
	}
	stop()
	if code := <-status; code != 0 || stderr.Len() > 0 {
		t.Errorf("exit status %d: %s", code, stderr.String())
	}
	for _, name := range []string{"db", "keys"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want mode 0600", name, info.Mode(), err)
		}
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, db := filepath.Join(dir, "keys"), filepath.Join(dir, "db")
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"-idle", "soon"}, 2, "-idle"},
		{[]string{"-idle", "10ms"}, 2, "less than a second"},
		{[]string{"-lifetime", "-1h"}, 2, "less than a second"},
		{[]string{"-access", "1s"}, 2, "less than 2 seconds"},
		{[]string{"more"}, 2, "unexpected argument"},
		{[]string{"-keys", bad}, 1, "line 1"},
		{[]string{"-keys", keys, "-store", "mysql://a:secret@b/c"}, 1, "mysql"},
		{[]string{"-keys", keys, "-store", "redis://a:secret@b:port"}, 1, "URL"},
		{[]string{"-keys", keys, "-store", "postgres:/a:secret@b/c"}, 1, "URL"},
		{[]string{"-keys", keys, "-store", "file:" + db + "?password=secret"}, 1, "file"},
		{[]string{"-keys", keys, "-store", db + "?password=secret"}, 1, "?"},
		{[]string{"-keys", keys, "-store", filepath.Join(dir, "none", "db")}, 1, "the store"},
		{[]string{"-keys", keys, "-store", db, "-listen", "127.0.0.1:-1"}, 1, "listen"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), test.args, &stdout, &stderr)
		text := stderr.String()
		if status != test.status || strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "webapp: ") || !strings.Contains(text, test.says) || strings.Contains(text, "secret") {
			t.Errorf("%q: exit status %d, standard error %q", test.args, status, text)
		}
	}
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"-h"}, &stdout, &stderr); status != 0 || stdout.String() != usage || stderr.Len() > 0 {
		t.Errorf("-h: exit status %d", status)
	}
}

// The file of the keys is made once, and not if it is there and no good: that
// would log everybody out.
func TestHaveKeys(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "keys")
	read := seal.File(name)
	if err := haveKeys(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	first, err := read(t.Context())
	if err != nil || len(first) != 1 {
		t.Fatalf("%d keys, %v", len(first), err)
	}
	if err := haveKeys(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if again, err := read(t.Context()); err != nil || len(again) != 1 || again[0].Reveal() != first[0].Reveal() {
		t.Errorf("they were made again: %v", err)
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := haveKeys(t.Context(), name); err == nil || !strings.Contains(err.Error(), "openssl") {
		t.Errorf("an empty file: %v", err)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		6 * time.Second: "6s", 90 * time.Second: "1m30s", 30 * time.Minute: "30m", 12 * time.Hour: "12h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m",
	} {
		if got := duration(int(d.Seconds())); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}
