package browser

import (
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/postgres"
)

// testStolen shows that a copy of the cookies is as good as they are, and that
// logging out ends both.
func testStolen(t testing.TB, w world) {
	s := w.site(t)
	profile := w.Profile(t)
	page := s.login(profile, "alice", "/orders")
	thief := w.Profile(t)
	thief.Steal(profile)
	theirs := thief.Page()
	s.in(theirs, "/orders")

	page.Click("#logout")
	page.Wait(onPageOf("login"))
	s.refuses(theirs, "session_ended")
	s.out(theirs, "session_ended")
	theirs.Screenshot("ended")

	// The cookies can be put back, but are good for nothing.
	profile.Steal(thief)
	s.out(page, "session_ended")
	// Whoever is sent to the login page can log in.
	s.fill(page, "alice")
	s.out(theirs, "session_ended")
}

// testEverywhere shows that one can log out of all browsers from one of them, and
// nobody else with it.
func testEverywhere(t testing.TB, w world) {
	s := w.site(t, "-idle", (20 * time.Second * w.patience).String()) // so that an open page asks every second or few
	here := s.login(w.Profile(t), "alice", "/")
	there := s.login(w.Profile(t), "alice", "/orders")
	bob := s.login(w.Profile(t), "bob", "/orders")

	here.Click("#logout-everywhere")
	here.Wait(onPageOf("login"))
	here.Screenshot("1-here")
	// The page that is open there finds out by itself.
	there.Wait(onPageOf("login"))
	if got := data(there, "#why", "why"); got != "ended" {
		t.Errorf("the reason is %q, want ended", got)
	}
	there.Screenshot("2-there")
	s.refuses(there, "session_ended")
	s.in(bob, "/orders")

	s.fill(here, "alice")
	s.in(here, "/orders")
}

// testReplicas shows that replicas that share a database and keys are one site:
// who logs out on one is logged out on the other at once.
func testReplicas(t testing.TB, w world) {
	shared := []string{"-store", postgres.Start(t).URL, "-keys", t.TempDir() + "/webapp.keys"}
	one, two := w.site(t, shared...), w.site(t, shared...)
	profile := w.Profile(t)
	page := one.login(profile, "alice", "/orders")
	// Browsers send cookies to all ports of a host.
	two.in(page, "/orders")
	thief := w.Profile(t)
	thief.Steal(profile)
	theirs := thief.Page()
	two.in(theirs, "/orders")

	one.in(page, "/orders")
	page.Click("#logout")
	page.Wait(onPageOf("login"))
	two.refuses(theirs, "session_ended")
	two.out(theirs, "session_ended")

	one.fill(page, "alice")
	there := two.login(w.Profile(t), "alice", "/orders")
	one.in(page, "/")
	page.Click("#logout-everywhere")
	page.Wait(onPageOf("login"))
	two.refuses(there, "session_ended")
	two.out(there, "session_ended")
}
