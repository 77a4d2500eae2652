package browser

import (
	"net/http"
	"strings"
	"testing"
)

// sessionCookies returns the cookies of the session, and fails the test unless
// they are as they must be.
func sessionCookies(t testing.TB, p *Profile) []Cookie {
	t.Helper()
	cookies := p.Cookies()
	for _, c := range cookies {
		if c.Name != "__Host-session" && !strings.HasPrefix(c.Name, "__Host-session-") {
			t.Errorf("a cookie is called %s", c.Name)
		}
		if !c.Secure || !c.HTTPOnly || c.SameSite != "Lax" || c.Path != "/" || c.Domain != "127.0.0.1" || c.Expires != -1 {
			c.Value = "..."
			t.Errorf("a cookie is not as it must be: %+v", c)
		}
	}
	return cookies
}

// cookie returns the value of the profile's first cookie, which a session that is over
// has not.
func cookie(t testing.TB, p *Profile) string {
	t.Helper()
	cookies := p.Cookies()
	if len(cookies) == 0 {
		t.Fatal("the browser has no cookies any more")
	}
	return cookies[0].Value
}

// testLogin shows that one who wants a page is asked to log in first and then gets
// that page, and what the browser keeps.
func testLogin(t testing.TB, w world) {
	s := w.site(t)
	profile := w.Profile(t)
	page := profile.Page()

	page.Open(s.url + "/orders?page=2&sort=date")
	page.Wait(onPageOf("login"))
	page.Screenshot("1-asked")
	if got := sessionCookies(t, profile); len(got) != 0 {
		t.Errorf("there are %d cookies before the login", len(got))
	}
	s.refuses(page, "session_missing")

	page.Fill("#username", "alice")
	page.Fill("#password", "wonderlamb")
	page.Click("#submit")
	page.Wait(`document.querySelector("#error") !== null`)
	page.Screenshot("2-wrong-password")

	s.fill(page, "alice")
	s.at(page, "/orders?page=2&sort=date")
	page.Screenshot("3-orders")
	if got := sessionCookies(t, profile); len(got) != 1 {
		t.Errorf("there are %d cookies after the login, want 1", len(got))
	}
	if got := Evaluate[string](page, "document.cookie"); got != "" {
		t.Error("scripts can read the cookie")
	}

	page.Click(`nav a[href="/"]`)
	page.Wait(onPageOf("home"))
	page.Screenshot("4-home")

	page.Click("#logout")
	page.Wait(onPageOf("login"))
	page.Screenshot("5-logged-out")
	if got := sessionCookies(t, profile); len(got) != 0 {
		t.Errorf("there are %d cookies after the logout", len(got))
	}

	if status := page.Open(s.url + "/nowhere"); status != http.StatusNotFound {
		t.Errorf("a page that is nowhere is answered %d", status)
	}
	page.Screenshot("6-not-found")
}

// testBack shows that the Back button does not bring back what was private.
func testBack(t testing.TB, w world) {
	s := w.site(t)
	page := s.login(w.Profile(t), "alice", "/orders")
	page.Click("#logout")
	page.Wait(onPageOf("login"))
	if status := page.Back(); status != http.StatusOK || page.URL().Path != "/login" {
		t.Errorf("the Back button is answered %d, and shows %v; want the login page", status, page.URL())
	}
	page.Wait(onPageOf("login"))
	page.Screenshot("login")
}

// testAdmin shows that one who may do more is somebody else to those who copied
// the cookie before.
func testAdmin(t testing.TB, w world) {
	s := w.site(t)
	profile := w.Profile(t)
	page := s.login(profile, "alice", "/admin")
	page.Screenshot("1-asked")
	id := data(page, "#session-id", "id")
	thief := w.Profile(t)
	thief.Steal(profile)

	page.Fill("#admin-password", passwords["alice"])
	page.Click("#become-admin")
	page.Wait(`document.querySelector("#events") !== null && ` + settled)
	page.Screenshot("2-admin")
	if data(page, "#session-id", "id") == id {
		t.Error("the session has the ID that it had")
	}
	s.out(thief.Page(), "session_ended")
	s.in(page, "/orders")
}
