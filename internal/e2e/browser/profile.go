package browser

import (
	"fmt"
	"testing"
)

// A Profile is a browser with cookies of its own, as somebody else's would be. It
// ends with its test, which fails if a page's script let an error go uncaught.
type Profile struct {
	browser *Browser
	tb      testing.TB
	number  int
	pages   []*Page
}

// A Look is what a page is shown as.
type Look struct {
	Width, Height int
	Dark          bool // whether the person likes dark colors
}

// Desktop is the look of a Profile unless it has another.
var Desktop = Look{Width: 1024, Height: 900}

// Profile returns a new profile, with nothing in it.
func (b *Browser) Profile(tb testing.TB) *Profile {
	tb.Helper()
	return b.ProfileLike(tb, Desktop)
}

// ProfileLike is Profile for another look.
func (b *Browser) ProfileLike(tb testing.TB, look Look) *Profile {
	tb.Helper()
	colors := "light"
	if look.Dark {
		colors = "dark"
	}
	p := &Profile{browser: b, tb: tb}
	p.number = do[int](tb, b, command{"do": "profile", "width": look.Width, "height": look.Height, "colors": colors})
	tb.Cleanup(p.close)
	return p
}

func (p *Profile) close() {
	for i, page := range p.pages {
		page.leave()
		if p.tb.Failed() {
			name := fmt.Sprintf("failed-%d-%d", p.number, i)
			p.tb.Logf("a page was left at %s; see %s", page.URL(), page.screenshot(name))
		}
	}
	do[any](p.tb, p.browser, command{"do": "closeProfile", "profile": p.number})
}

// Page opens a page, as a tab: all pages of a profile have its cookies.
func (p *Profile) Page() *Page {
	p.tb.Helper()
	page := &Page{profile: p, number: do[int](p.tb, p.browser, command{"do": "page", "profile": p.number})}
	p.pages = append(p.pages, page)
	return page
}

// A Cookie is one that the browser keeps.
type Cookie struct {
	Name     string  `json:"name"`
	Value    string  `json:"value"`
	Domain   string  `json:"domain"` // of this host alone, unless it begins with a dot
	Path     string  `json:"path"`
	Expires  float64 `json:"expires"` // in seconds since 1970; -1 for one that goes with the browser
	HTTPOnly bool    `json:"httpOnly"`
	Secure   bool    `json:"secure"`
	SameSite string  `json:"sameSite"`
}

// Cookies returns the profile's cookies, of all hosts.
func (p *Profile) Cookies() []Cookie {
	p.tb.Helper()
	return do[[]Cookie](p.tb, p.browser, command{"do": "cookies", "profile": p.number})
}

// Steal puts another profile's cookies into this one.
func (p *Profile) Steal(other *Profile) {
	p.tb.Helper()
	do[any](p.tb, p.browser, command{"do": "addCookies", "profile": p.number, "cookies": other.Cookies()})
}
