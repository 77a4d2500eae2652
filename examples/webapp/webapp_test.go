package main

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/session"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	p := newReplica(t, openTestStore(t))
	b := newBrowser(t, p)
	b.isOut("")
	a := b.post("/login", url.Values{"username": {"alice"}, "password": {"wonderland"}})
	cookie := a.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-session=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie has no %q", want)
		}
	}
	b.is("alice")
	if a := b.open("/orders"); a.status != http.StatusOK || !strings.Contains(a.body, "Tea set for six") || !strings.Contains(a.body, `data-exchanges="0"`) {
		t.Errorf("the orders: %d %s", a.status, a.body)
	}
	if a := b.open("/login"); a.status != http.StatusSeeOther || a.location != "/" {
		t.Errorf("the login page of somebody who is there: %d to %q, want 303 to /", a.status, a.location)
	}
	if a := b.open("/nowhere"); a.status != http.StatusNotFound {
		t.Errorf("GET /nowhere answers %d", a.status)
	}
}

// What is answered does not tell whether there is such a user.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	var known string
	for _, name := range []string{"alice", "mallory", "", `"><b>`} {
		a := b.post("/login", url.Values{"username": {name}, "password": {"wrong"}})
		if a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%q: %d, Set-Cookie %q, want 403 and none", name, a.status, a.header.Get("Set-Cookie"))
		}
		text := strings.Replace(a.body, `value="`+html.EscapeString(name)+`"`, `value="alice"`, 1)
		switch {
		case name == "alice":
			known = text
		case name == "":
			// The focus is elsewhere.
		case text != known:
			t.Errorf("%q is answered otherwise than alice", name)
		}
	}
	if a := b.post("/login", url.Values{"username": {"mallory"}}); a.status != http.StatusForbidden {
		t.Errorf("nobody without a password: %d, want 403", a.status)
	}
	if a := b.post("/login", url.Values{"username": {"\xff" + strings.Repeat("a", 1000)}, "password": {"wrong"}}); a.status != http.StatusForbidden {
		t.Errorf("a name that is none: %d, want 403", a.status)
	}
	b.isOut("")
}

var backField = regexp.MustCompile(`name="back" value="([^"]*)"`)

func TestWayBack(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	field := func(page string) string {
		m := backField.FindStringSubmatch(page)
		if m == nil {
			t.Fatal("the login page has no way back")
		}
		return html.UnescapeString(m[1])
	}
	form := url.Values{"username": {"bob"}, "password": {"wrong"}, "back": {field(b.open(b.open("/settings?saved=1").location).body)}}
	form.Set("back", field(b.post("/login", form).body)) // it is not lost when a password is wrong
	form.Set("password", "builder")
	if a := b.post("/login", form); a.location != "/settings?saved=1" {
		t.Errorf("after login: to %q, want /settings?saved=1", a.location)
	}
	for _, back := range []string{"//evil.example", "/orders", form.Get("back") + "x"} {
		form.Set("back", back)
		if a := newBrowser(t, b.at).post("/login", form); a.location != "/" {
			t.Errorf("with a made-up way back: to %q, want /", a.location)
		}
	}
}

// aMinuteLeft is the answer of /time-left to somebody who has a minute, less what a busy
// machine has taken of it.
var aMinuteLeft = regexp.MustCompile(`^{"expires_in":([3-5]\d|60),"by":"idle"}\n$`)

// Requests keep somebody logged in, those that nobody made do not, and nothing
// does after Lifetime.
func TestExpiry(t *testing.T) {
	t.Parallel()
	p := newReplica(t, openTestStore(t))
	b := newBrowser(t, p)
	b.login("alice")
	p.pass(idle * 9 / 10)
	b.is("alice")
	p.pass(idle * 9 / 10)
	if a := b.send("POST", "/stay", nil, "Sec-Fetch-Site", "same-origin"); a.status != http.StatusNoContent {
		t.Errorf("POST /stay answers %d", a.status)
	}
	p.pass(idle * 9 / 10)
	if a := b.send("GET", "/time-left", nil, session.PassiveHeader, "1"); !aMinuteLeft.MatchString(a.body) {
		t.Errorf("GET /time-left answers %d %s", a.status, a.body)
	}
	p.pass(idle * 2 / 10)
	if a := b.send("GET", "/time-left", nil, session.PassiveHeader, "1"); a.status != http.StatusUnauthorized || !strings.Contains(a.body, `"session_expired"`) {
		t.Errorf("GET /time-left after the end answers %d %s", a.status, a.body)
	}
	b.isOut("expired")

	b = newBrowser(t, p)
	b.login("alice")
	for range 7 {
		p.pass(idle * 8 / 10)
		b.is("alice")
	}
	p.pass(idle * 8 / 10)
	b.isOut("expired")
}

// What the page counts down with.
func TestPage(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	b.login("alice")
	for path, page := range map[string]string{"/": "home", "/orders": "orders", "/settings": "settings", "/admin": "admin", "/nowhere": "error"} {
		a := b.open(path)
		for _, want := range []string{`data-page="` + page + `"`, `data-full="600" data-warn="60" data-poll="15"`,
			`id="life"`, `id="bar"`, `id="left" role="timer"`, `id="warning" role="alert" hidden`, `id="stay"`, `id="logout"`, `id="who"`, `id="size"`} {
			if n := strings.Count(a.body, want); n != 1 {
				t.Errorf("%s: %s is there %d times, want 1", path, want, n)
			}
		}
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	b.login("alice")
	stolen := b.copyOf(b.at)
	stolen.is("alice")
	if a := b.post("/logout", nil); a.location != "/login?bye=here" || !strings.Contains(b.open(a.location).body, "You are logged out.") {
		t.Errorf("logout: %d to %q", a.status, a.location)
	}
	b.isOut("")
	stolen.isOut("ended")
	if a := b.post("/logout", nil); a.status != http.StatusSeeOther {
		t.Errorf("logout of nobody: %d, want 303", a.status)
	}
}

func TestLogoutEverywhere(t *testing.T) {
	t.Parallel()
	store := openTestStore(t)
	one, two := newReplica(t, store), newReplica(t, store)
	b, other, bob := newBrowser(t, one), newBrowser(t, two), newBrowser(t, two)
	b.login("alice")
	other.login("alice")
	bob.login("bob")
	b.copyOf(two).is("alice") // either replica has either session
	if a := b.post("/logout-everywhere", nil); a.location != "/login?bye=everywhere" {
		t.Errorf("logout everywhere: %d to %q", a.status, a.location)
	}
	b.isOut("")
	other.isOut("ended")
	bob.is("bob")
	other.login("alice")
	other.is("alice")
}

func TestScripts(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	for _, path := range []string{"/", "/orders", "/time-left"} {
		a := b.send("GET", path, nil, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Accept", "*/*")
		if a.status != http.StatusUnauthorized || !strings.Contains(a.body, `"session_missing"`) {
			t.Errorf("GET %s of a script answers %d %s", path, a.status, a.body)
		}
	}
}

func TestCrossSite(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	b.login("alice")
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		for _, path := range []string{"/login", "/logout", "/logout-everywhere", "/settings", "/admin", "/admin/leave", "/stay"} {
			if a := b.send("POST", path, url.Values{"username": {"bob"}, "password": {"builder"}}, header...); a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
				t.Errorf("POST %s with %v answers %d", path, header, a.status)
			}
		}
	}
	b.is("alice")
}

// The session grows over several cookies, and shrinks again.
func TestSettings(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	b.login("alice")
	if a := b.post("/settings", url.Values{"fill": {"1"}, "display_name": {" Al <3 "}}); a.location != "/settings?saved=1" {
		t.Fatalf("saved: %d to %q", a.status, a.location)
	}
	page := b.open("/settings?saved=1").body
	if !strings.Contains(page, `data-cookies="4"`) || !strings.Contains(page, longNotes) || !strings.Contains(page, ">Al &lt;3</span>") {
		t.Errorf("the settings: %s", page)
	}
	for name, notes := range map[string]string{
		"more than cookies hold": strings.Repeat("n", 16<<10),
		"more than a form holds": strings.Repeat("n", maxForm),
	} {
		if a := b.post("/settings", url.Values{"notes": {notes}, "display_name": {"Mallory"}}); a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d, want 413", name, a.status)
		} else if strings.Contains(a.body, ">Mallory</span>") {
			t.Errorf("%s: the page calls somebody what was not saved", name)
		}
		if page := b.open("/settings").body; !strings.Contains(page, longNotes) || strings.Contains(page, "Mallory") {
			t.Errorf("%s: something was saved", name)
		}
	}
	// As many notes as the page lets one write come back, to be made shorter.
	notes := strings.Repeat("水", maxNotes)
	if a := b.post("/settings", url.Values{"notes": {notes}}); a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, notes) {
		t.Errorf("notes that are too large: %d, and they are lost: %v", a.status, !strings.Contains(a.body, notes))
	}
	b.post("/settings", url.Values{"notes": {"short"}})
	if page := b.open("/settings").body; !strings.Contains(page, `data-cookies="1"`) || !strings.Contains(page, "\nshort</textarea>") {
		t.Errorf("the settings: %s", page)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	b.login("alice")
	if a := b.post("/admin", url.Values{"password": {"builder"}}); a.status != http.StatusForbidden {
		t.Errorf("the wrong password: %d, want 403", a.status)
	}
	if page := b.open("/admin").body; strings.Contains(page, `id="events"`) {
		t.Error("somebody sees what happened who is no administrator")
	}
	before := b.copyOf(b.at)
	if a := b.post("/admin", url.Values{"password": {"wonderland"}}); a.location != "/admin" {
		t.Errorf("become administrator: %d to %q", a.status, a.location)
	}
	if page := b.open("/admin").body; !strings.Contains(page, `id="events"`) || !strings.Contains(page, "kind=started") {
		t.Errorf("the administrator sees %s", page)
	}
	before.isOut("ended")
	during := b.copyOf(b.at)
	b.post("/admin/leave", nil)
	if page := b.open("/admin").body; strings.Contains(page, `id="events"`) {
		t.Error("still an administrator")
	}
	during.isOut("ended")
}

// Nobody notices when a key is replaced.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	store := openTestStore(t)
	b := newBrowser(t, newReplica(t, store, oldKey))
	b.login("alice")
	during := b.copyOf(newReplica(t, store, newKey, oldKey))
	during.at.pass(idle / 2) // so that it writes the cookie anew
	during.is("alice")
	if a := during.open("/orders"); a.status != http.StatusOK {
		t.Errorf("the orders: %d", a.status)
	}
	after := during.copyOf(newReplica(t, store, newKey))
	after.at.pass(idle / 2)
	after.is("alice")
	b.copyOf(after.at).isOut("invalid") // which nobody has written with the new one
}

func TestStoreAway(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: openTestStore(t)}
	b := newBrowser(t, newReplica(t, store))
	b.login("alice")
	store.away.Store(true)
	for _, a := range []answer{
		b.open("/"), b.post("/logout", nil), b.post("/logout-everywhere", nil),
		newBrowser(t, b.at).post("/login", url.Values{"username": {"bob"}, "password": {"builder"}}),
	} {
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || a.header.Get("Set-Cookie") != "" {
			t.Errorf("while the store is away: %d, Retry-After %q, Set-Cookie %q", a.status, a.header.Get("Retry-After"), a.header.Get("Set-Cookie"))
		}
	}
	if a := b.send("GET", "/static/style.css", nil); a.status != http.StatusOK {
		t.Errorf("the style: %d", a.status)
	}
	store.away.Store(false)
	b.is("alice")
}

// A page costs two reads of the store, and its style and script none.
func TestReads(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: openTestStore(t)}
	b := newBrowser(t, newReplica(t, store))
	b.login("alice")
	for path, most := range map[string]int64{"/": 2, "/time-left": 2, "/static/style.css": 0} {
		before := store.reads.Load()
		b.open(path)
		if n := store.reads.Load() - before; n > most {
			t.Errorf("%s: %d reads, want at most %d", path, n, most)
		}
	}
}

// What is logged lets nobody in.
func TestLogHasNoSecrets(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	b.post("/login", url.Values{"username": {"alice"}, "password": {"a wrong one"}})
	b.login("alice")
	at, _ := url.Parse(b.at.url)
	secrets := []string{"a wrong one", "wonderland", b.jar.Cookies(at)[0].Value, b.expireAccess().Reveal()}
	b.open("/orders")
	b.post("/admin", url.Values{"password": {"wonderland"}})
	b.at.pass(lifetime)
	b.isOut("expired")
	log := strings.Join(b.at.events.last(), "\n")
	for _, want := range []string{"login refused", "kind=started", "kind=exchanged", "kind=renewed", "kind=refused"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q", want)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(log, secret) {
			t.Error("the log has a secret")
		}
	}
}

// No page needs what the policy forbids.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|https?://|<script(>| src="[^/])`)
	check := func(path string, a answer) {
		t.Helper()
		h := a.header
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: header %v", path, h)
		}
		if strings.HasPrefix(h.Get("Content-Type"), "text/html") && a.status < 300 {
			if found := inline.FindString(a.body); found != "" {
				t.Errorf("%s has %q in it", path, found)
			}
			if h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: Cache-Control %q", path, h.Get("Cache-Control"))
			}
		}
	}
	check("/login", b.open("/login"))
	b.login("alice")
	b.post("/admin", url.Values{"password": {"wonderland"}})
	for _, path := range []string{"/", "/orders", "/settings", "/admin", "/time-left", "/nowhere", "/static/style.css", "/static/life.js", "/static/icon.svg"} {
		check(path, b.open(path))
	}
	for path, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "life.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		if a := b.open("/static/" + path); a.header.Get("Content-Type") != kind || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %q", path, a.header)
		}
	}
	if a := b.open("/templates/layout.html"); a.status != http.StatusNotFound {
		t.Errorf("the templates are served: %d", a.status)
	}
}
