package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/kube/execcred"
)

// A screen is what somebody reads. The word on those that wait for a login comes from a
// goroutine of its own, where the wait is long.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements [io.Writer].
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// getter returns what get-token works with, in this process, at an issuer that is away,
// so that nobody is asked to log in.
func (b *bench) getter(t *testing.T) *getter {
	t.Helper()
	b.issuer.set(func(i *issuer) { i.down = true })
	o, err := parse([]string{"get-token", "-issuer", b.issuer.url, "-client-id", clientID, "-ca", b.issuer.ca, "-cache", b.cache})
	if err != nil {
		t.Fatal(err)
	}
	g, err := o.newGetter(&execcred.Cluster{Server: b.server, CertificateAuthorityData: []byte("CA")}, new(screen))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestDevice logs in by a code, where it is asked for, and where there is no browser.
func TestDevice(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*bench{
		"asked for":  {args: []string{"-device"}},
		"no browser": {env: []string{"BROWSER="}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := b
			b := newBench(t)
			b.args, b.env = more.args, more.env
			b.issuer.set(func(i *issuer) { i.device = true })
			done := begin(t, b.command(t, "get-token"))
			for b.issuer.counts().Authorizations == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			b.issuer.enter()
			r := <-done
			r.tokens(t)
			if !strings.Contains(r.stderr, "open "+b.issuer.url+"/enter and enter the code ABCD-EFGH") {
				t.Errorf("it wrote %q", r.stderr)
			}
			b.saw(t, counts{Authorizations: 1, Logins: 1})
		})
	}
}

func TestDeviceRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.args = []string{"-device"}
	b.run(t, "get-token").fails(t, "has no device flow")
	b.issuer.set(func(i *issuer) { i.device, i.deny = true, "access_denied" })
	b.run(t, "get-token").fails(t, "access_denied")
	b.issuer.set(func(i *issuer) { i.deny = "expired_token" })
	b.run(t, "get-token").fails(t, "nobody has entered the code in time")
}

// TestDevicePace has the issuer ask for what would be a panic of a ticker.
func TestDevicePace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.args = []string{"-device", "-login-timeout", "5s"}
	b.issuer.set(func(i *issuer) { i.device, i.pace = true, -1 })
	b.run(t, "get-token").fails(t, "nobody has logged in within 5s")

	// Nor is anybody kept waiting for an hour who has entered the code.
	b.args = []string{"-device"}
	b.issuer.set(func(i *issuer) { i.pace = 3600 })
	cmd := b.command(t, "get-token")
	enter := watch(cmd, "enter the code")
	end := begin(t, cmd)
	<-enter
	b.issuer.enter()
	select {
	case r := <-end:
		r.tokens(t)
	case <-time.After(time.Minute):
		t.Error("the issuer is not asked whether the code was entered")
	}
}

// TestRedirect has the token endpoint redirect: neither a code nor a refresh token goes
// along.
func TestRedirect(t *testing.T) {
	t.Parallel()
	b, elsewhere := newBench(t), newBench(t)
	b.expire(t)
	var sent atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent.Add(1) }))
	defer server.Close()
	b.issuer.set(func(i *issuer) { i.moved = server.URL })
	b.run(t, "get-token").fails(t, "redirect")
	elsewhere.issuer.set(func(i *issuer) { i.moved = server.URL })
	elsewhere.run(t, "get-token").fails(t, "307")
	if n := sent.Load(); n > 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

// TestNoBrowser has neither a browser nor a device flow: then the URL is said, for a
// browser that only the user knows of.
func TestNoBrowser(t *testing.T) {
	t.Parallel()
	for browser, want := range map[string]string{
		"":                     "open this in a browser on this machine: ",
		"/nowhere/to/be/found": "no browser could be opened",
	} {
		b := newBench(t)
		cmd := b.command(t, "get-token")
		cmd.Env = append(cmd.Env, "BROWSER="+browser, "KUBECTL_LOGIN_TEST=plugin")
		told := watch(cmd, b.issuer.url+"/authorize?")
		end := begin(t, cmd)
		<-told
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		r := <-end
		r.fails(t, "interrupted")
		if !strings.Contains(r.stderr, want) {
			t.Errorf("with $BROWSER %q it wrote %q", browser, r.stderr)
		}
	}
}

// TestBadAnswers has the issuer, or somebody in between, answer what must not be taken.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	long := "no\x1b[31m way\n" + strings.Repeat("x", 5000)
	for name, test := range map[string]struct {
		set  func(*issuer)
		want string
	}{
		"no iss":          {func(i *issuer) { i.answer = func(v url.Values) { v.Del("iss") } }, "RFC 9207"},
		"another iss":     {func(i *issuer) { i.answer = func(v url.Values) { v.Set("iss", "https://evil.example") } }, "another issuer"},
		"an unknown code": {func(i *issuer) { i.answer = func(v url.Values) { v.Set("code", "x") } }, "invalid_grant"},
		"no code":         {func(i *issuer) { i.answer = func(v url.Values) { v.Del("code") } }, "neither a code nor an error"},
		"a long error": {func(i *issuer) {
			i.answer = func(v url.Values) { v.Set("error", "e"); v.Set("error_description", long) }
		}, "no [31m way xxx"},
		"another nonce":    {func(i *issuer) { i.claims = map[string]any{"nonce": "x"} }, "another nonce"},
		"no nonce":         {func(i *issuer) { i.claims = map[string]any{"nonce": nil} }, "another nonce"},
		"another audience": {func(i *issuer) { i.claims = map[string]any{"aud": "other"} }, "aud"},
		"another party":    {func(i *issuer) { i.claims = map[string]any{"azp": "other"} }, "azp"},
		"another issuer":   {func(i *issuer) { i.claims = map[string]any{"iss": "https://evil.example"} }, "iss"},
		"an expired token": {func(i *issuer) {
			i.claims = map[string]any{"iat": time.Now().Add(-2 * time.Hour), "exp": time.Now().Add(-time.Hour)}
		}, "expired"},
		"a forged token":   {func(i *issuer) { i.forged = true }, "signature"},
		"no ID token":      {func(i *issuer) { i.without = "id_token" }, "openid"},
		"no refresh token": {func(i *issuer) { i.without = "refresh_token" }, "offline_access"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.issuer.set(test.set)
			r := b.run(t, "get-token")
			r.fails(t, test.want)
			if len(r.stderr) > 3000 || strings.ContainsRune(r.stderr, '\x1b') {
				t.Errorf("it wrote %d bytes, or what a terminal obeys", len(r.stderr))
			}
			if aToken.MatchString(r.stderr) {
				t.Error("a token was printed")
			}
			if s := b.run(t, "status"); !strings.Contains(s.stdout, "no logins") {
				t.Errorf("it was kept: %s", s.stdout)
			}
			b.issuer.set(func(i *issuer) { i.answer, i.claims, i.forged, i.without = nil, nil, false, "" })
			b.run(t, "get-token").tokens(t)
		})
	}
}

// TestLogout ends logins: at an issuer that cannot be told, at one that is away, and one
// or all of several.
func TestLogout(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "get-token").tokens(t)
	b.server = "https://other.example"
	b.run(t, "get-token").tokens(t)
	if n := strings.Count(b.run(t, "status").stdout, "\n"); n != 3 {
		t.Errorf("status has %d lines, want one for each of two clusters, and a head", n)
	}
	b.run(t, "logout").fails(t, "there are 2 logins")
	b.run(t, "logout", "-issuer", "https://nobody.example").fails(t, "no login at https://nobody.example")
	if r := b.run(t, "logout", "-all"); r.status != 0 || strings.Count(r.stdout, "logged out of") != 2 {
		t.Errorf("logout -all: %+v", r)
	}
	b.saw(t, counts{Authorizations: 2, Logins: 2, Revocations: 2})

	b.issuer.set(func(i *issuer) { i.revokes = false })
	b.run(t, "get-token").tokens(t)
	if r := b.run(t, "logout", "-issuer", b.issuer.url); r.status != 0 || !strings.Contains(r.stdout, "here only") {
		t.Errorf("logout at an issuer that cannot be told: %+v", r)
	}

	b.run(t, "get-token").tokens(t)
	b.issuer.set(func(i *issuer) { i.down = true })
	r := b.run(t, "logout")
	if r.status != 1 || !strings.Contains(r.stderr, "forgotten here, but the issuer may still take its refresh token") {
		t.Errorf("logout at an issuer that is away: %+v", r)
	}
	if s := b.run(t, "status"); !strings.Contains(s.stdout, "no logins") {
		t.Errorf("status: %+v", s)
	}
}

// TestLogoutKept has a logout fail to write to the folder: it does not say that the login
// has ended.
func TestLogoutKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "get-token").tokens(t)
	lock := filepath.Join(b.cache, "logins", "lock")
	if err := errors.Join(os.Remove(lock), os.Mkdir(lock, 0o700)); err != nil {
		t.Fatal(err)
	}
	b.run(t, "logout").fails(t, "the login is still kept")
	if s := b.run(t, "status"); !strings.Contains(s.stdout, " good ") {
		t.Errorf("status: %+v", s)
	}
}

// TestLogoutWithoutCA has the certificates gone without which the issuer cannot be told.
func TestLogoutWithoutCA(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "get-token").tokens(t)
	if err := os.Remove(b.issuer.ca); err != nil {
		t.Fatal(err)
	}
	r := b.run(t, "logout")
	r.fails(t, "forgotten here, but the issuer may still take its refresh token")
	r.fails(t, "-ca: open "+b.issuer.ca)
	if s := b.run(t, "status"); !strings.Contains(s.stdout, "no logins") {
		t.Errorf("status: %+v", s)
	}
}

// TestNoCertificate has nothing in the file that -ca names, which does not mean that
// the system's certificates will do.
func TestNoCertificate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := os.WriteFile(b.issuer.ca, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.run(t, "get-token").fails(t, "no certificate in PEM")
	b.args = []string{"-ca", "/" + strings.Repeat("x", 9000)}
	r := b.run(t, "get-token")
	r.fails(t, "-ca: open /xxx")
	if len(r.stderr) > 2100 {
		t.Errorf("it wrote %d bytes", len(r.stderr))
	}
}

// TestNoCodeFlow has an issuer with the device flow at most: no browser is sent nowhere.
func TestNoCodeFlow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.issuer.set(func(i *issuer) { i.codeless = true })
	b.run(t, "get-token").fails(t, "no authorization endpoint")
	b.issuer.set(func(i *issuer) { i.device, i.deny = true, "access_denied" })
	b.run(t, "get-token").fails(t, "access_denied")
	b.args = []string{"-browser"}
	b.run(t, "get-token").fails(t, "no authorization endpoint")
	if opened := b.opened(t); opened[0] != "" {
		t.Errorf("a browser was sent to %q", opened)
	}
}

// TestStatusEnded has status say of a login that it has ended.
func TestStatusEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.expire(t)
	b.issuer.endLogins()
	b.issuer.set(func(i *issuer) { i.deny = "access_denied" })
	b.run(t, "get-token").fails(t, "access_denied")
	want := b.server + ": the refresh token was refused for good: "
	if r := b.run(t, "status"); r.status != 0 || !strings.Contains(r.stdout, " ended ") || !strings.Contains(r.stdout, want) {
		t.Errorf("status: %+v, want %q", r, want)
	}
}

// TestLasting has issuers asked for a refresh token as they want it.
func TestLasting(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		issuer, scopes string
		want           string // query
	}{
		{"https://issuer.example", "offline_access", "prompt=consent"},
		{"https://issuer.example", "email", ""},
		{"https://accounts.google.com", "email", "access_type=offline&prompt=consent"},
	} {
		a := account{Issuer: test.issuer, Scopes: strings.Fields(test.scopes)}
		u, err := url.Parse((&oauth2.Config{}).AuthCodeURL("", a.lasting()...))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Del("client_id")
		q.Del("response_type")
		if got := q.Encode(); got != test.want {
			t.Errorf("%s is asked for %s with %q, want %q", test.issuer, test.scopes, got, test.want)
		}
	}
}

// TestStatusToken has status say how long a token is good, in words.
func TestStatusToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for want, r := range map[string]report{
		"none":                               {},
		"expired, renewed when it is needed": {Expires: &now, left: -time.Second},
		"for 2h3m0s":                         {Expires: &now, left: 2*time.Hour + 3*time.Minute + 4*time.Second},
		"for 4s":                             {Expires: &now, left: 4*time.Second + time.Millisecond},
	} {
		if got := r.token(); got != want {
			t.Errorf("the token is %q, want %q", got, want)
		}
	}
}

// TestPrompt has a login ask for what makes issuers give a refresh token.
func TestPrompt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "get-token").tokens(t)
	u, err := url.Parse(b.opened(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); q.Get("prompt") != "consent" || q.Get("scope") != "email offline_access openid" || q.Get("response_type") != "code" {
		t.Errorf("the browser was sent to %v", fmt.Sprint(q))
	}
}
