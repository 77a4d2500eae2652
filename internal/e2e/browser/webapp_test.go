package browser

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/process"
	"github.com/tokenlife/tokenlife/internal/e2e/tries"
)

// A world is what the tests of examples/webapp share.
type world struct {
	*Browser
	program string // the webapp, built

	// patience is how many times as long sessions live as they had to on a machine that
	// is not busy.
	patience time.Duration
}

// TestWebapp goes through examples/webapp as people do, and as those do who are
// after them. Each test has a webapp of its own, and keeps a picture of each state
// that a person sees.
func TestWebapp(t *testing.T) {
	t.Parallel()
	shared := world{Browser: Start(t), program: build(t)}
	// However many processors there are: the tests share a browser, and in the queue
	// for it their sessions would expire.
	places := make(chan struct{}, 2)
	for name, test := range map[string]func(testing.TB, world){
		"Login":      testLogin,
		"Active":     testActive,
		"Idle":       testIdle,
		"Lifetime":   testLifetime,
		"Tabs":       testTabs,
		"CrossSite":  testCrossSite,
		"Stolen":     testStolen,
		"Everywhere": testEverywhere,
		"Back":       testBack,
		"Admin":      testAdmin,
		"Keys":       testKeys,
		"Large":      testLarge,
		"Replicas":   testReplicas,
		"Looks":      testLooks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time they wait for sessions to expire
			places <- struct{}{}
			t.Cleanup(func() { <-places })
			tries.Run(t, func(t *tries.Try) {
				w := shared
				w.patience = t.Patience
				test(t, w)
			})
		})
	}
}

// build builds the webapp, in its own module.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "webapp")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	cmd.Dir = filepath.Join("..", "..", "..", "examples", "webapp")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building examples/webapp: %v:\n%s", err, out)
	}
	return program
}

// A site is a running webapp.
type site struct {
	t   testing.TB
	url string
}

// site starts a webapp, with an empty SQLite database and keys of its own unless
// args say otherwise, and ends it with the test.
func (w world) site(t testing.TB, args ...string) *site {
	t.Helper()
	dir := t.TempDir()
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort(process.Loopback, strconv.Itoa(port))
	// Of two values of a flag the last one counts.
	args = append([]string{
		"-listen", address,
		"-store", filepath.Join(dir, "webapp.db"),
		"-keys", filepath.Join(dir, "webapp.keys"),
	}, args...)
	log := filepath.Join(dir, "webapp.log")
	p, err := process.StartTied(exec.Command(w.program, args...), log, syscall.SIGKILL)
	if err != nil {
		t.Fatalf("starting examples/webapp: %v", err)
	}
	t.Cleanup(func() {
		p.Kill()
		if tail := process.LogTail(log); t.Failed() && tail != "" {
			t.Logf("the end of the webapp's log:\n%s", tail)
		}
	})
	s := &site{t: t, url: "http://" + address}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/login", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			return s
		}
		select {
		case <-p.Done():
			t.Fatalf("examples/webapp has ended: %v; its log:\n%s", p.Err(), process.LogTail(log))
		case <-ctx.Done():
			t.Fatalf("examples/webapp does not answer: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// The users of the webapp.
var passwords = map[string]string{"alice": "wonderland", "bob": "builder"}

// login logs a user in on a new page of p, and returns the page, at path.
func (s *site) login(p *Profile, user, path string) *Page {
	s.t.Helper()
	page := p.Page()
	page.Open(s.url + path)
	s.fill(page, user)
	return page
}

// fill fills the form of the login page and sends it, and waits until the user is
// in.
func (s *site) fill(page *Page, user string) {
	s.t.Helper()
	page.Wait(onPageOf("login"))
	page.Fill("#username", user)
	page.Fill("#password", passwords[user])
	page.Click("#submit")
	page.Wait(`document.querySelector("#who") !== null && ` + settled)
}

// settled is whether a page is there to its end, and knows how long is left if
// somebody is logged in.
const settled = `document.readyState === "complete" && document.querySelector("#life")?.dataset.state !== "loading"`

// onPageOf is whether the browser shows one of the webapp's pages, to its end.
func onPageOf(name string) string {
	return fmt.Sprintf(`document.body.dataset.page === %q && `, name) + settled
}

// at fails the test unless the page is at a path and query of the site.
func (s *site) at(page *Page, want string) {
	s.t.Helper()
	if got := page.URL().String(); got != s.url+want {
		s.t.Errorf("the page is at %s, want %s", got, s.url+want)
	}
}

// in fails the test unless the page's browser is logged in, as it is shown the
// page of a path, and returns to it.
func (s *site) in(page *Page, path string) {
	s.t.Helper()
	if status := page.Open(s.url + path); status != http.StatusOK {
		s.t.Errorf("%s is answered %d", path, status)
	}
	page.Wait(settled)
	s.at(page, path)
}

// out fails the test unless the page's browser is logged out: it is sent to log
// in, and a script is told why it may not. What it asks for is the site's own: the
// orders are also refused by the API, to whom a logout has given up the pair.
func (s *site) out(page *Page, kind string) {
	s.t.Helper()
	page.Open(s.url + "/settings")
	if got := page.URL().Path; got != "/login" {
		s.t.Errorf("the page is at %s, want /login", got)
	}
	if page.URL().Path == "/login" {
		s.refuses(page, kind)
	}
}

// refuses fails the test unless a script of the page is refused with 401, for the
// reason kind.
func (s *site) refuses(page *Page, kind string) {
	s.t.Helper()
	got := fetch(page, false)
	if got.Status != http.StatusUnauthorized || got.Error != kind {
		s.t.Errorf("a script is answered %d %q, want 401 %q", got.Status, got.Error, kind)
	}
}

// fetched is what a script made of an answer.
type fetched struct {
	Status int
	Error  string // of a JSON object
}

// fetch has a script of the page ask for the settings, of its own accord if passive.
func fetch(page *Page, passive bool) fetched {
	page.profile.tb.Helper()
	headers := "{}"
	if passive {
		headers = `{"X-Session-Passive": "1"}`
	}
	return Evaluate[fetched](page, fmt.Sprintf(`fetch("/settings", {headers: %s}).then(async (answer) => ({
		status: answer.status,
		error: (await answer.json().catch(() => ({}))).error,
	}))`, headers))
}

// pass lets time pass, by the browser's clock.
func pass(page *Page, d time.Duration) {
	page.profile.tb.Helper()
	page.Wait(fmt.Sprintf(`Date.now() >= %d`, time.Now().Add(d).UnixMilli()))
}

// visible is whether what a CSS selector selects can be seen.
func visible(page *Page, selector string) bool {
	page.profile.tb.Helper()
	return Evaluate[bool](page, fmt.Sprintf(`document.querySelector(%q)?.checkVisibility() ?? false`, selector))
}

// text is what is written on what a CSS selector selects.
func text(page *Page, selector string) string {
	page.profile.tb.Helper()
	return Evaluate[string](page, fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector))
}

// data is an attribute data-NAME of what a CSS selector selects.
func data(page *Page, selector, name string) string {
	page.profile.tb.Helper()
	return Evaluate[string](page, fmt.Sprintf(`document.querySelector(%q)?.dataset[%q] ?? ""`, selector, name))
}

// number is data, of a number.
func number(page *Page, selector, name string) int {
	page.profile.tb.Helper()
	n, err := strconv.Atoi(data(page, selector, name))
	if err != nil {
		page.profile.tb.Fatalf("%s of %s: %v", name, selector, err)
	}
	return n
}
