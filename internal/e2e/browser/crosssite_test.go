package browser

import (
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// attack is a page of another site, with a link to the webapp. It sends a form there
// as soon as it is opened, or has a script send it with the cookies that the browser
// has.
var attack = template.Must(template.New("").Parse(`<!doctype html>
<title>Win a prize</title>
<form method="post" action="{{.To}}">
{{range $name, $values := .Form}}<input type="hidden" name="{{$name}}" value="{{index $values 0}}">
{{end}}</form>
<a href="{{.To}}">Win a prize</a>
{{if .Send}}<script>
const form = document.forms[0];
if ({{.Send}} === "script") {
	fetch(form.action, {method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams(new FormData(form))})
		.finally(() => document.title = "sent");
} else {
	form.submit();
}
</script>{{end}}
`))

// testCrossSite shows that what another site makes a browser send changes nothing:
// one on localhost, which is another site to 127.0.0.1, so that the browser keeps
// the cookies back; and one on another port of 127.0.0.1, which is the same site to
// it, so that it sends them.
func testCrossSite(t testing.TB, w world) {
	s := w.site(t)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form := r.URL.Query()
		to, send := form.Get("to"), form.Get("send")
		form.Del("to")
		form.Del("send")
		attack.Execute(w, map[string]any{"To": to, "Send": send, "Form": form})
	}))
	t.Cleanup(evil.Close)
	sameSite := evil.URL
	otherSite := strings.Replace(evil.URL, "127.0.0.1", "localhost", 1)

	profile := w.Profile(t)
	page := s.login(profile, "alice", "/settings")
	page.Fill("#display-name", "Alice")
	page.Click("#save")
	page.Wait(`document.querySelector("#saved") !== null && ` + settled)
	page.Screenshot("1-settings")

	// send has a page on an origin of the attacker's send a form to a path.
	send := func(p *Profile, origin, path string, form url.Values, script bool) {
		t.Helper()
		query := url.Values{"to": {s.url + path}, "send": {"form"}}
		if script {
			query.Set("send", "script")
		}
		maps.Copy(query, form)
		page := p.Page()
		page.Open(origin + "/?" + query.Encode())
		if script {
			page.Wait(`document.title === "sent"`)
		} else {
			page.Wait(`document.readyState === "complete" && location.origin === "` + s.url + `"`)
		}
		want := Answer{Method: "POST", URL: s.url + path, Status: http.StatusForbidden}
		if got := page.Answers(); !slices.Contains(got, want) {
			t.Errorf("from %s, by a script %v: got %v, want %v", origin, script, got, want)
		}
		if !script && path == "/settings" && origin == otherSite {
			page.Screenshot("2-refused")
		}
		page.Close()
	}

	bob := url.Values{"username": {"bob"}, "password": {passwords["bob"]}}
	for _, origin := range []string{otherSite, sameSite} {
		for _, script := range []bool{false, true} {
			send(profile, origin, "/settings", url.Values{"display_name": {"Mallory"}}, script)
			send(profile, origin, "/logout", nil, script)
			send(profile, origin, "/logout-everywhere", nil, script)
			send(profile, origin, "/login", bob, script) // he would see what alice does
			s.in(page, "/settings")
			if got := text(page, "#who"); got != "Alice" {
				t.Errorf("alice is now called %q", got)
			}
			if got := Evaluate[string](page, `document.querySelector("#display-name").value`); got != "Alice" {
				t.Errorf("the settings say %q", got)
			}
		}
		stranger := w.Profile(t)
		send(stranger, origin, "/login", bob, false)
		if n := len(stranger.Cookies()); n != 0 {
			t.Errorf("one who was not logged in has %d cookies", n)
		}
	}

	// A link from another site is no attack.
	link := profile.Page()
	link.Open(otherSite + "/?to=" + url.QueryEscape(s.url+"/orders"))
	link.Click("a")
	link.Wait(onPageOf("orders"))
}
