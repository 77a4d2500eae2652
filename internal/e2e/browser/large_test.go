package browser

import (
	"testing"
	"time"
)

// testLarge shows that a session which one cookie cannot hold takes several, works,
// slides and ends as any other, and takes one again when it is small again.
func testLarge(t testing.TB, w world) {
	idle := 30 * time.Second * w.patience // much more than this takes, for slow machines
	s := w.site(t, "-idle", idle.String())
	profile := w.Profile(t)
	page := s.login(profile, "alice", "/settings")

	page.Click("#fill")
	page.Wait(`document.querySelector("#saved") !== null && ` + settled)
	page.Screenshot("1-nine-kilobytes")
	cookies := sessionCookies(t, profile)
	if len(cookies) < 3 {
		t.Errorf("the session takes %d cookies", len(cookies))
	}
	if n := number(page, "#size", "bytes"); n < 9000 {
		t.Errorf("the session takes %d bytes", n)
	}
	before := cookie(t, profile)
	pass(page, idle/10+100*time.Millisecond)
	s.in(page, "/orders")
	s.in(page, "/settings")
	if got := sessionCookies(t, profile); len(got) != len(cookies) || got[0].Value == before {
		t.Errorf("a request leaves %d cookies, want %d others", len(got), len(cookies))
	}
	notes := Evaluate[int](page, `document.querySelector("#notes").value.length`)
	if notes < 8000 {
		t.Errorf("the notes have %d characters", notes)
	}
	thief := w.Profile(t)
	thief.Steal(profile)

	page.Fill("#notes", "short")
	page.Click("#save")
	page.Wait(`document.querySelector("#saved") !== null && ` + settled)
	if got := sessionCookies(t, profile); len(got) != 1 {
		t.Errorf("a small session is left with %d cookies", len(got))
	}
	page.Screenshot("2-small-again")

	page.Click("#fill")
	page.Wait(onPageOf("settings"))
	page.Wait(`document.querySelector("#notes").value.length > 8000`)
	page.Click("#logout")
	page.Wait(onPageOf("login"))
	if got := sessionCookies(t, profile); len(got) != 0 {
		t.Errorf("the logout leaves %d cookies", len(got))
	}
	s.out(thief.Page(), "session_ended")
}
