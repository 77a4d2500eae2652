package browser

import (
	"fmt"
	"testing"
	"time"
)

// testTabs shows that four tabs are one session: when its access token has expired
// they have the refresh token exchanged once between them, and when it ends they
// all go to the login page, and come back by one login, each to where it was.
func testTabs(t testing.TB, w world) {
	idle := 20 * time.Second * w.patience
	access := 8 * time.Second * w.patience // much more than four tabs take, for slow machines
	// An exchange takes so long that all of them come while it is under way.
	s := w.site(t, "-idle", idle.String(), "-access", access.String(), "-latency", "500ms")
	profile := w.Profile(t)
	tabs := []*Page{s.login(profile, "alice", "/orders?tab=0")}
	for len(tabs) < 4 {
		tabs = append(tabs, profile.Page())
		s.in(tabs[len(tabs)-1], fmt.Sprintf("/orders?tab=%d", len(tabs)-1))
	}

	for range 2 {
		// A tab that was loaded late may have had one exchanged before its time.
		Reload(tabs...)
		before := exchanges(tabs)
		pass(tabs[0], access)
		Reload(tabs...)
		if n := exchanges(tabs) - before; n != 1 {
			t.Errorf("four tabs had the refresh token exchanged %d times, want once", n)
		}
	}

	for _, tab := range tabs {
		tab.Wait(onPageOf("login"))
	}
	s.fill(tabs[0], "alice")
	before := exchanges(tabs[:1])
	Reload(tabs[1:]...)
	for i, tab := range tabs {
		s.at(tab, fmt.Sprintf("/orders?tab=%d", i))
	}
	if n := exchanges(tabs) - before; n != 0 {
		t.Errorf("a login had its refresh token exchanged %d times at once", n)
	}
	tabs[3].Screenshot("fourth")
}

// exchanges returns how often refresh tokens were exchanged, as the latest of the
// tabs knows it.
func exchanges(tabs []*Page) (n int) {
	for _, tab := range tabs {
		n = max(n, number(tab, "#exchanges", "exchanges"))
	}
	return n
}
