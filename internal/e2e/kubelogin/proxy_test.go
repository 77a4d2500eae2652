package kubelogin_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/internal/e2e/process"
	"github.com/tokenlife/tokenlife/internal/e2e/tries"
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
	w := newWorld(t, time.Hour)
	w.useLogin(t)
	w.firstLogin(t)
	w.staysAlive(t, func(t *tries.Try) func() error {
		get := w.proxy(t, fmt.Sprint("proxy-", int(t.Patience)))
		return func() error {
			if status := get(); status != http.StatusOK {
				return fmt.Errorf("status %d", status)
			}
			return nil
		}
	})
}

// refuseTokens has the API server refuse all tokens issued so far, and take those to
// come: the issuer has a new key, and the server knows no other. It returns when the
// server does take them.
func (w *world) refuseTokens(t testing.TB) {
	t.Helper()
	w.issuer.Rotate(t, "RS256")
	w.server.Restart(t)
	w.awaitTrust(t)
}

// proxy starts a kubectl proxy as the user, and returns a function that lists the
// namespaces through it and returns the status.
func (w *world) proxy(t testing.TB, name string) (get func() int) {
	t.Helper()
	socket, log := filepath.Join(w.user.Home, name+".sock"), filepath.Join(w.user.Home, name+".log")
	cmd := w.user.Command(t.Context(), "proxy", "--unix-socket="+socket)
	p, err := process.StartTied(cmd, log, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
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
		if time.Since(began) > patience {
			t.Fatalf("kubectl proxy does not serve; its log:\n%s", process.LogTail(log))
		}
	}
	once := func() (status int, body string) {
		resp, err := client.Get("http://localhost/api/v1/namespaces")
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp.StatusCode, string(text)
	}
	return func() int {
		for n := 1; ; n++ {
			status, body := once()
			if status == http.StatusOK || status == http.StatusUnauthorized {
				return status
			}
			t.Logf("status %d: %.500s", status, body)
			// The proxy may not have seen yet that its connection went with a server that
			// was stopped: then the API server has answered nothing.
			if n == 3 || !lostConnection.MatchString(body) {
				return status
			}
		}
	}
}

// lostConnection is what a kubectl proxy answers whose connection has broken.
var lostConnection = regexp.MustCompile(`EOF|connection reset by peer|broken pipe|connection lost`)
