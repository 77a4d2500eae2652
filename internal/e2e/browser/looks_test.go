package browser

import "testing"

// testLooks keeps pictures of the pages as they are on a telephone, in a narrow
// window and in dark colors, and shows that nothing sticks out at the side.
func testLooks(t testing.TB, w world) {
	s := w.site(t)
	for name, look := range map[string]Look{
		"telephone": {Width: 360, Height: 1140}, // as high as the longest page
		"narrow":    {Width: 320, Height: 1200}, // a wide one at 400 %
		"dark":      {Width: 1024, Height: 900, Dark: true},
	} {
		profile := w.ProfileLike(t, look)
		page := profile.Page()
		page.Open(s.url + "/")
		page.Screenshot(name + "-login")
		s.fill(page, "bob")
		for _, path := range []string{"/", "/orders", "/settings", "/admin"} {
			s.in(page, path)
			if path == "/" {
				path = "/home"
			}
			page.Screenshot(name + "-" + path[1:])
			if n := Evaluate[int](page, `document.documentElement.scrollWidth`); n > look.Width {
				t.Errorf("%s is %d wide on %s", path, n, name)
			}
		}
	}
}
