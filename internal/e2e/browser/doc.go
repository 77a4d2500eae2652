// Package browser drives a real browser, for tests of what people see and of what
// only browsers do with cookies.
//
//	func TestLogin(t *testing.T) {
//		page := browser.Start(t).Profile(t).Page()
//		page.Open(url)
//		page.Fill("#user", "ada")
//		page.Click("button")
//		page.Wait(`location.pathname === "/"`)
//		page.Screenshot("login")
//	}
//
// The browser is the system's Chromium, which nobody here downloads. It is driven
// by playwright-core, which is installed once, by hand or by CI, into the user's
// cache folder, by the lock file in folder program/driver, and run by the Node that
// package oidcprovider installs:
//
//	apt-get install chromium
//	go -C internal/e2e run ./oidcprovider/install
//	go -C internal/e2e run ./browser/install
//
// Without them Start skips the test, or fails it where CI is set. The tests of this
// package are those of examples/webapp.
package browser
