package kubelogin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/internal/e2e/process"
)

// TestProxy has the API server refuse the token that two kubectl proxy hold, long before
// it runs out, again and again. client-go hands that 401 on, and asks the plugin for
// another token, of which it does not say that it was refused: the next call is
// answered all the same, of the one and of the other, with one refresh.
func TestProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	w.useLogin(t)
	w.firstLogin(t)
	gets := []func() int{w.proxy(t, "one"), w.proxy(t, "other")}
	for _, get := range gets {
		if status := get(); status != http.StatusOK {
			t.Fatalf("status %d at first", status)
		}
	}
	for round := range 3 {
		w.refuseTokens(t)
		before := w.issuer.Count(t)
		statuses := make([][]int, len(gets))
		var both sync.WaitGroup
		for i, get := range gets {
			both.Go(func() {
				for range 5 {
					statuses[i] = append(statuses[i], get())
				}
			})
		}
		both.Wait()
		for _, got := range statuses {
			if got[0] != http.StatusUnauthorized {
				t.Fatalf("round %d: the statuses are %v: the token was not refused", round+1, statuses)
			}
			if slices.ContainsFunc(got[1:], func(status int) bool { return status != http.StatusOK }) {
				t.Errorf("round %d: the statuses are %v, want 200 from the second on", round+1, statuses)
			}
		}
		got := minus(w.issuer.Count(t), before)
		if got != (oidcprovider.Count{Presented: 1, Different: 1, Exchanged: 1}) {
			t.Errorf("round %d: the issuer counts %+v more, want one refresh", round+1, got)
		}
		t.Logf("round %d: statuses %v; the issuer counts %+v more", round+1, statuses, got)
	}
	w.wantPages(t, 1)
}

// TestProxyExpiry lets ID tokens run out under a kubectl proxy: it asks the plugin in
// time, by the expirationTimestamp.
func TestProxyExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, life)
	w.useLogin(t)
	w.firstLogin(t)
	get := w.proxy(t, "one")
	calls := 0
	for began := time.Now(); time.Since(began) < 3*life; time.Sleep(20 * time.Millisecond) {
		if status := get(); status != http.StatusOK {
			t.Fatalf("status %d after %v", status, time.Since(began).Round(time.Millisecond))
		}
		calls++
	}
	count := w.issuer.Count(t)
	if count.Exchanged < 2 || count.Exchanged > 5 || count.Exchanged != count.Presented {
		t.Errorf("the issuer counts %+v in three lifetimes", count)
	}
	t.Logf("%d calls in three lifetimes, all answered; the issuer counts %+v", calls, count)
}

// refuseTokens has the API server refuse all tokens issued so far, and take those to
// come: the issuer has a new key, and the server knows no other.
func (w *world) refuseTokens(t *testing.T) {
	t.Helper()
	w.issuer.Rotate(t, "RS256")
	w.server.Restart(t)
}

// proxy starts a kubectl proxy as the user, and returns a function that lists the
// namespaces through it and returns the status.
func (w *world) proxy(t *testing.T, name string) (get func() int) {
	t.Helper()
	socket, log := filepath.Join(w.user.Home, name+".sock"), filepath.Join(w.user.Home, name+".log")
	cmd := w.user.Command(t.Context(), "proxy", "--unix-socket="+socket)
	p, err := process.StartTied(cmd, log, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	t.Cleanup(client.CloseIdleConnections)
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("unix", socket); err == nil {
			conn.Close()
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("kubectl proxy does not serve; its log:\n%s", process.LogTail(log))
		}
	}
	return func() int {
		resp, err := client.Get("http://localhost/api/v1/namespaces")
		if err != nil {
			t.Error(err)
			return 0
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
}
