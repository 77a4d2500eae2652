package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// screenshotFolder returns the folder for screenshots: what the environment
// variable ARTIFACTS names, or one that goes with the test.
func screenshotFolder(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("ARTIFACTS")
	if dir == "" {
		return tb.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// Screenshot keeps a picture of what is to be seen, as a PNG named for the test and
// for that.
func (p *Page) Screenshot(name string) {
	p.profile.tb.Helper()
	p.screenshot(name)
}

// screenshot is Screenshot, and returns the picture's path.
func (p *Page) screenshot(name string) string {
	p.profile.tb.Helper()
	test := strings.ReplaceAll(strings.TrimPrefix(p.profile.tb.Name(), "Test"), "/", "-")
	path := filepath.Join(p.profile.browser.shots, strings.ToLower(test+"-"+name+".png"))
	onPage[any](p, "screenshot", command{"path": path})
	return path
}
