package browser

import (
	"net/http"
	"testing"
	"time"
)

// testActive shows that a session lasts for as long as somebody is there, by the
// cookie being written again: with clicks, and with requests of scripts that
// somebody made.
func testActive(t testing.TB, w world) {
	idle := 12 * time.Second * w.patience // of which a slow machine may take a good part
	s := w.site(t, "-idle", idle.String())
	profile := w.Profile(t)
	page := s.login(profile, "alice", "/")
	old := w.Profile(t)
	old.Steal(profile)
	oldPage := old.Page()

	active := time.Now() // when the page was last there
	for end := active.Add(2*idle + time.Second); time.Now().Before(end); {
		before := cookie(t, profile)
		pass(page, idle/5)
		if got := fetch(page, false); got.Status != http.StatusOK {
			t.Fatalf("a script is answered %d, %v after the last click", got.Status, time.Since(active))
		}
		if cookie(t, profile) == before {
			t.Error("a request of a script that is not passive does not extend the session")
		}
		pass(page, idle/5)
		page.Click(`nav a[href="/orders"]`)
		page.Wait(onPageOf("orders"))
		active = time.Now()
	}
	page.Screenshot("after-several-idle-times")
	s.in(page, "/")
	// What it began with would not have lasted.
	s.out(oldPage, "session_expired")
}

// testIdle shows that a page that is only open does not keep the session alive:
// it warns, and then leads to the login page, and from there back.
func testIdle(t testing.TB, w world) {
	idle := 12 * time.Second * w.patience // of which a slow machine may take a good part
	s := w.site(t, "-idle", idle.String())
	profile := w.Profile(t)
	page := s.login(profile, "alice", "/orders?page=2")

	page.Wait(`!document.querySelector("#warning").hidden`)
	page.Screenshot("1-warning")
	page.Click("#stay")
	page.Wait(`document.querySelector("#warning").hidden`)
	if got := Evaluate[string](page, "document.activeElement.id"); got != "main" {
		t.Errorf("after the button has gone the keyboard is on %q, want main", got)
	}
	page.Screenshot("2-stayed")

	before, began := cookie(t, profile), time.Now()
	pass(page, idle/5)
	if got := fetch(page, true); got.Status != http.StatusOK {
		t.Errorf("a script is answered %d", got.Status)
	}
	page.Wait(`!document.querySelector("#warning").hidden`)
	if asked := number(page, "#life", "asked"); asked < 3 {
		t.Errorf("the page asked %d times", asked)
	}
	if cookie(t, profile) != before {
		t.Error("a page that only polls extends the session")
	}
	page.Wait(onPageOf("login"))
	if took := time.Since(began); took > 2*idle {
		t.Errorf("a page that only polls lived %v", took)
	}
	if got := data(page, "#why", "why"); got != "expired" {
		t.Errorf("the reason is %q, want expired", got)
	}
	page.Screenshot("3-expired")
	s.refuses(page, "session_expired")

	s.fill(page, "alice")
	s.at(page, "/orders?page=2")
	page.Screenshot("4-back")
}

// testLifetime shows that a session ends for somebody who is there as well, who is
// warned of it, and not told that clicking helps.
func testLifetime(t testing.TB, w world) {
	lifetime := 12 * time.Second * w.patience
	s := w.site(t, "-lifetime", lifetime.String())
	page := s.login(w.Profile(t), "alice", "/")
	page.Wait(`!document.querySelector("#warning").hidden`)
	if got := data(page, "#life", "by"); got != "lifetime" {
		t.Errorf("it ends by %q, want lifetime", got)
	}
	if visible(page, "#stay") {
		t.Error("there is a button to stay")
	}
	if got := data(page, "#lifetime", "state"); got != "warning" {
		t.Errorf("the bar of the lifetime is %q, want warning", got)
	}
	page.Screenshot("1-warning")
	page.Wait(onPageOf("login"))
	page.Screenshot("2-expired")
	s.refuses(page, "session_expired")
}
