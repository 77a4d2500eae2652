package browser

import (
	"maps"
	"net/url"
	"slices"
	"time"
)

// A Page is a tab. What fails there fails the profile's test.
type Page struct {
	profile *Profile
	number  int
}

// Close closes the tab, which is then not to be used.
func (p *Page) Close() {
	p.profile.tb.Helper()
	p.leave()
	onPage[any](p, "closePage", nil)
	p.profile.pages = slices.DeleteFunc(p.profile.pages, func(q *Page) bool { return q == p })
}

// leave fails the test if a script of the page let an error go uncaught.
func (p *Page) leave() {
	p.profile.tb.Helper()
	for _, err := range onPage[[]string](p, "errors", nil) {
		p.profile.tb.Errorf("a script of %s did not catch: %s", p.URL(), err)
	}
}

// Open goes to a URL, and returns the status of what came in the end, after
// redirects.
func (p *Page) Open(url string) (status int) {
	p.profile.tb.Helper()
	return onPage[int](p, "goto", command{"url": url})
}

// Reload reloads pages of one browser at the same moment, and returns when all are
// there.
func Reload(pages ...*Page) {
	tb, b := pages[0].profile.tb, pages[0].profile.browser
	tb.Helper()
	commands := make([]command, len(pages))
	for i, p := range pages {
		commands[i] = command{"do": "reload", "page": p.number}
	}
	if _, err := b.ask(commands...); err != nil {
		tb.Fatalf("the browser: %v", err)
	}
}

// Back is what its button does. The status is 0 if the browser had kept the page.
func (p *Page) Back() (status int) {
	p.profile.tb.Helper()
	return onPage[int](p, "back", nil)
}

// URL returns where the page is.
func (p *Page) URL() *url.URL {
	p.profile.tb.Helper()
	u, err := url.Parse(onPage[string](p, "url", nil))
	if err != nil {
		p.profile.tb.Fatal(err)
	}
	return u
}

// Fill writes text into the input field that a CSS selector selects.
func (p *Page) Fill(selector, text string) {
	p.profile.tb.Helper()
	onPage[any](p, "fill", command{"selector": selector, "text": text})
}

// Click clicks on what a CSS selector selects, once it can be seen and clicked, and
// waits for a navigation that this begins.
func (p *Page) Click(selector string) {
	p.profile.tb.Helper()
	onPage[any](p, "click", command{"selector": selector})
}

// Evaluate returns the value of a JavaScript expression in the page, or of what it
// promises.
func Evaluate[V any](p *Page, expression string) V {
	p.profile.tb.Helper()
	return onPage[V](p, "evaluate", command{"expression": expression})
}

// waitTimeout bounds how long a page may take to do what it is waited for.
const waitTimeout = 3 * time.Minute

// Wait waits until a JavaScript expression is true, also over navigations.
func (p *Page) Wait(expression string) {
	p.profile.tb.Helper()
	for end := time.Now().Add(waitTimeout); ; <-time.After(20 * time.Millisecond) {
		values, err := p.profile.browser.ask(command{"do": "evaluate", "page": p.number, "expression": expression})
		if err == nil && string(values[0]) == "true" {
			return
		}
		// There is no value while the page navigates.
		if time.Now().After(end) {
			p.profile.tb.Fatalf("after %v on %v it is not true (%v) that %s", waitTimeout, p.URL(), err, expression)
		}
	}
}

// An Answer is what a page was answered to one of its requests.
type Answer struct {
	Method, URL string
	Status      int
}

// Answers returns what the page was answered since it was last asked, from
// whichever server, also what its scripts may not see.
func (p *Page) Answers() []Answer {
	p.profile.tb.Helper()
	return onPage[[]Answer](p, "answers", nil)
}

// onPage carries out one command on p, and returns what came of it.
func onPage[V any](p *Page, name string, with command) V {
	p.profile.tb.Helper()
	c := command{"do": name, "page": p.number}
	maps.Copy(c, with)
	return do[V](p.profile.tb, p.profile.browser, c)
}
