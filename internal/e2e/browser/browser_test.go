package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestOrphan shows that the browser ends when the test that started it is killed.
// It runs itself in another process, as that test, whose browser keeps a request
// open for as long as it lives.
func TestOrphan(t *testing.T) {
	t.Parallel()
	const env = "BROWSER_ORPHAN"
	if url := os.Getenv(env); url != "" {
		page := Start(t).Profile(t).Page()
		page.Open(url)
		Evaluate[any](page, `fetch("/open")`)
		t.Error("the request has ended")
		return
	}
	Start(t) // or skip

	// A browser may ask twice, if a connection that it has kept breaks.
	opened, closed := make(chan bool, 16), make(chan bool, 16)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<!doctype html>") })
	mux.HandleFunc("/open", func(w http.ResponseWriter, r *http.Request) {
		opened <- true
		<-r.Context().Done()
		closed <- true
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	test := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestOrphan$")
	// What it leaves behind as it is killed goes with this test.
	temp, err := os.MkdirTemp("", "orphan-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The browser's last processes may still write there.
		for end := time.Now().Add(10 * time.Second); os.RemoveAll(temp) != nil && time.Now().Before(end); {
			<-time.After(20 * time.Millisecond)
		}
	})
	test.Env = append(os.Environ(), env+"="+server.URL, "TMPDIR="+temp)
	test.Stdout = t.Output()
	if err := test.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-opened:
	case <-ctx.Done():
		t.Fatal("the browser of the other test opened no page")
	}
	test.Process.Kill()
	test.Wait()
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Error("the browser still runs a minute after its test was killed")
	}
}
