package session

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

const cookie0, cookie1, cookie2 = "__Host-session", "__Host-session-1", "__Host-session-2"

// startLargest gives v the largest session that there can be.
func startLargest(t testing.TB, m *Manager[person], v *browser) *Session[person] {
	t.Helper()
	note := strings.Repeat("n", 20000)
	_, err := m.Start(httptest.NewRecorder(), v.request("POST", "/login"), "mira", person{Note: note})
	if !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	sizes := regexp.MustCompile(`(\d+) bytes as JSON, and 5 cookies have room for (\d+): keep less in it, such as the key`).FindStringSubmatch(err.Error())
	if sizes == nil {
		t.Fatalf("the error has no advice: %v", err)
	}
	has, _ := strconv.Atoi(sizes[1])
	room, _ := strconv.Atoi(sizes[2])
	note = note[has-room:]
	w := httptest.NewRecorder()
	if _, err := m.Start(w, v.request("POST", "/login"), "mira", person{Note: note + "n"}); !errors.Is(err, ErrTooLarge) || len(w.Header()) != 0 {
		t.Errorf("one byte more: %v, %v", err, w.Header())
	}
	s, err := m.Start(w, v.request("POST", "/login"), "mira", person{Note: note})
	if err != nil {
		t.Fatalf("%d bytes: %v", room, err)
	}
	if room < 14000 {
		t.Errorf("room for %d bytes", room)
	}
	v.take(w.Result())
	return s
}

// Sessions of all sizes come back, in as few cookies as have room.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, site := range []http.SameSite{0, http.SameSiteStrictMode} {
		m := &Manager[person]{Keys: oneKey, SameSite: site}
		v := newBrowser(t, newSite(m))
		last := 1
		for size := 0; size < 14000; size += 97 {
			resp := v.visit("POST", "/login?note="+strconv.Itoa(size))
			if resp.StatusCode != 303 {
				t.Fatalf("%d: %s", size, bodyOf(t, resp))
			}
			if n := len(v.cookies); n < last || n > last+1 {
				t.Errorf("%d: %d cookies after %d", size, n, last)
			}
			last = len(v.cookies)
			s, err := m.Load(v.request("GET", "/"))
			if err != nil || s.Data.Note != strings.Repeat("n", size) {
				t.Fatalf("%d: %v, %v", size, s, err)
			}
		}
		if last != maxCookies {
			t.Errorf("%d cookies at last", last)
		}
	}
}

// One cookie is filled before there is a second.
func TestOneCookieIsFilled(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	longest := 0
	for size := 2500; ; size++ {
		w := httptest.NewRecorder()
		if _, err := m.Start(w, httptest.NewRequest("POST", "/", nil), "mira", person{Note: strings.Repeat("n", size)}); err != nil {
			t.Fatal(err)
		}
		lines := w.Header()["Set-Cookie"]
		if len(lines) > 1 {
			break
		}
		longest = len(lines[0])
	}
	if longest < maxLine-1 || longest > maxLine { // a byte makes one letter or two
		t.Errorf("the longest line of one cookie has %d bytes, want %d", longest, maxLine)
	}
}

func TestLargest(t *testing.T) {
	t.Parallel()
	var large []Event
	m := &Manager[person]{Keys: oneKey, OnEvent: func(e Event) {
		if e.Kind == Large {
			large = append(large, e)
		}
	}}
	v := newBrowser(t, newSite(m))
	want := startLargest(t, m, v)
	got, err := m.Load(v.request("GET", "/"))
	if err != nil || got.Data != want.Data || len(v.cookies) != maxCookies {
		t.Errorf("%v, %v, in %d cookies", got, err, len(v.cookies))
	}
	size := 0
	for name, value := range v.cookies {
		size += len(name + "=" + value)
	}
	if len(large) != 1 || large[0].Bytes != size || large[0].ID != want.ID || large[0].Subject != "mira" {
		t.Errorf("told %v, of %d bytes", large, size)
	}

	large = nil
	v.visit("POST", "/login?note=5600")
	if large != nil {
		t.Errorf("told %v", large)
	}
	v.visit("POST", "/login?note=6000")
	if len(large) != 1 || large[0].Bytes <= 8000 {
		t.Errorf("told %v", large)
	}
	// What nobody could ever send is not even sealed.
	if _, err := m.Start(httptest.NewRecorder(), v.request("POST", "/"), "mira", person{Note: strings.Repeat("n", 2<<20)}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// A long name leaves less room, and breaks nothing.
func TestLongName(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey, Name: hostPrefix + strings.Repeat("n", 121)}
	v := newBrowser(t, newSite(m))
	for _, note := range []int{0, 3000, 12000} {
		w := httptest.NewRecorder()
		if _, err := m.Start(w, httptest.NewRequest("POST", "/", nil), "mira", person{Note: strings.Repeat("n", note)}); err != nil {
			t.Fatal(err)
		}
		v.take(w.Result())
		r := httptest.NewRequest("GET", "/", nil)
		for name, value := range v.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		if s, err := m.Load(r); err != nil || len(s.Data.Note) != note {
			t.Errorf("%d: %v", note, err)
		}
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		m    *Manager[person]
		want http.Cookie
	}{
		{&Manager[person]{}, http.Cookie{Name: "__Host-session", Secure: true, SameSite: http.SameSiteLaxMode}},
		{&Manager[person]{Name: "__Host-a", SameSite: http.SameSiteStrictMode}, http.Cookie{Name: "__Host-a", Secure: true, SameSite: http.SameSiteStrictMode}},
		{&Manager[person]{SameSite: http.SameSiteNoneMode}, http.Cookie{Name: "__Host-session", Secure: true, SameSite: http.SameSiteNoneMode}},
		{&Manager[person]{Insecure: true, SameSite: http.SameSiteStrictMode}, http.Cookie{Name: "session", SameSite: http.SameSiteStrictMode}},
		{&Manager[person]{Insecure: true, SameSite: http.SameSiteLaxMode}, http.Cookie{Name: "session", SameSite: http.SameSiteLaxMode}},
	} {
		test.m.Keys = oneKey
		w := httptest.NewRecorder()
		if _, err := test.m.Start(w, httptest.NewRequest("POST", "/", nil), "mira", person{Note: strings.Repeat("n", 3500)}); err != nil {
			t.Fatal(err)
		}
		cookies := w.Result().Cookies()
		r := httptest.NewRequest("POST", "/", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w = httptest.NewRecorder()
		if err := test.m.End(w, r); err != nil {
			t.Fatal(err)
		}
		deleted := w.Result().Cookies()
		if len(cookies) != 2 || len(deleted) != 2 {
			t.Fatalf("%d cookies, %d deleted", len(cookies), len(deleted))
		}
		for i, c := range append(cookies, deleted...) {
			want := test.want
			want.Path, want.HttpOnly = "/", true
			if i%2 == 1 {
				want.Name += "-1"
			}
			if i >= 2 {
				want.MaxAge = -1
			}
			c.Value, c.Raw = "", ""
			if diff := cmp.Diff(&want, c); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
}

// A session that shrinks takes its surplus cookies along, and those of an earlier
// session too.
func TestSurplus(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login?note=12000")
	resp := v.visit("POST", "/note?note=4000")
	if diff := cmp.Diff([]string{cookie0, cookie1, "-" + cookie2, "-__Host-session-3", "-__Host-session-4"}, setCookieNames(resp)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	resp = v.visit("POST", "/login")
	if diff := cmp.Diff([]string{cookie0, "-" + cookie1}, setCookieNames(resp)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Surplus that is there all the same, from an answer that came late, is not read.
	for _, stale := range []string{"", "x", "AAAAAAAA.x", strings.Repeat("x", 5000)} {
		v.cookies[cookie1] = stale
		if _, err := m.Load(v.request("GET", "/")); err != nil {
			t.Errorf("with a stale %.20q: %v", stale, err)
		}
	}
	// Not even if it is there twice: on another path, whence nobody can delete it.
	r := v.request("GET", "/")
	r.Header.Add("Cookie", cookie1+"=x")
	if _, err := m.Load(r); err != nil {
		t.Error(err)
	}
}

// threeCookies returns the cookies of a session that has three.
func threeCookies(t testing.TB, m *Manager[person]) map[string]string {
	t.Helper()
	v := newBrowser(t, newSite(m))
	if resp := v.visit("POST", "/login?note=8000"); resp.StatusCode != 303 || len(v.cookies) != 3 {
		t.Fatalf("%d, %d cookies", resp.StatusCode, len(v.cookies))
	}
	return v.cookies
}

// However the cookies of two sessions, or of two moments of one, are mixed: it is
// none, and the person logs in again.
func TestMixed(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	mine := threeCookies(t, m)
	theirs := threeCookies(t, m)
	later := newBrowser(t, newSite(m))
	later.cookies = maps.Clone(mine)
	later.visit("POST", "/note?note=8000") // the same session, saved again
	small := newBrowser(t, newSite(m))
	small.visit("POST", "/login")

	set := func(cookies map[string]string) string { return cookies[cookie1][:setSize] }
	with := func(pairs ...string) map[string]string {
		cookies := maps.Clone(mine)
		for i := 0; i < len(pairs); i += 2 {
			cookies[pairs[i]] = pairs[i+1]
		}
		return cookies
	}
	without := func(name string) map[string]string {
		cookies := maps.Clone(mine)
		delete(cookies, name)
		return cookies
	}
	renamed := func(from map[string]string, set string) map[string]string { // as another set
		return map[string]string{
			cookie0: from[cookie0][:2] + set + from[cookie0][2+setSize:],
			cookie1: set + from[cookie1][setSize:],
			cookie2: set + from[cookie2][setSize:],
		}
	}
	counted := func(count string) map[string]string { return with(cookie0, count+mine[cookie0][1:]) }
	tests := []struct {
		name    string
		cookies map[string]string
		want    error
	}{
		{"two swapped", with(cookie1, mine[cookie2], cookie2, mine[cookie1]), token.ErrMalformed},
		{"first and second swapped", with(cookie0, mine[cookie1], cookie1, mine[cookie0]), token.ErrMalformed},
		{"one doubled", with(cookie2, mine[cookie1]), token.ErrMalformed},
		{"the first in all places", with(cookie1, mine[cookie0], cookie2, mine[cookie0]), token.ErrMalformed},
		{"first missing", without(cookie0), token.ErrMalformed},
		{"second missing", without(cookie1), token.ErrMalformed},
		{"third missing", without(cookie2), token.ErrMalformed},
		{"only the first", map[string]string{cookie0: mine[cookie0]}, token.ErrMalformed},
		{"empty first", with(cookie0, ""), token.ErrMalformed},
		{"empty second", with(cookie1, ""), token.ErrMalformed},
		{"empty chunk", with(cookie1, set(mine)+"."), token.ErrSignature},
		{"set without a dot", with(cookie1, set(mine)), token.ErrMalformed},
		{"set of other letters", with(cookie1, otherFirst(mine[cookie1])), token.ErrMalformed},
		{"cut off", with(cookie2, mine[cookie2][:len(mine[cookie2])-1]), token.ErrMalformed},
		{"longer", with(cookie2, mine[cookie2]+"A"), token.ErrMalformed},
		{"one letter", with(cookie1, flipLetter(mine[cookie1])), token.ErrSignature},
		{"too long", with(cookie1, mine[cookie1]+strings.Repeat("A", 100)), token.ErrMalformed},
		{"one cookie's in several", with(cookie0, small.cookies[cookie0]), nil},
		{"several in one cookie", map[string]string{cookie0: joined(mine)}, token.ErrMalformed},
		{"count 0", counted("0"), token.ErrMalformed},
		{"count 1", counted("1"), token.ErrMalformed},
		{"count 2", counted("2"), token.ErrMalformed},
		{"count 4", counted("4"), token.ErrMalformed},
		{"count 5", counted("5"), token.ErrMalformed},
		{"count 6", counted("6"), token.ErrMalformed},
		{"count 9", counted("9"), token.ErrMalformed},
		{"count 03", counted("03"), token.ErrMalformed},
		{"count 3 and more", counted("3 "), token.ErrMalformed},
		{"count +3", counted("+3"), token.ErrMalformed},
		{"count -1", counted("-1"), token.ErrMalformed},
		{"no count", counted(""), token.ErrMalformed},
		{"count in other digits", counted("٣"), token.ErrMalformed},
		{"count and nothing", with(cookie0, "3"), token.ErrMalformed},
		{"count and set", with(cookie0, mine[cookie0][:2+setSize]), token.ErrMalformed},
		{"count and a dot", with(cookie0, "3."), token.ErrMalformed},
		{"count and dots", with(cookie0, "3.."), token.ErrMalformed},
		{"set renamed everywhere", renamed(mine, "AAAAAAAA"), token.ErrSignature},
		{"set of another session everywhere", renamed(mine, set(theirs)), token.ErrSignature},
		{"set too short everywhere", renamed(mine, "AAAA"), token.ErrMalformed},
		{"no set", renamed(mine, ""), token.ErrMalformed},
		{"set too long everywhere", renamed(mine, "AAAAAAAAAAAA"), token.ErrMalformed},
	}
	for _, of := range []struct {
		name    string
		cookies map[string]string
	}{{"another session", theirs}, {"another save", later.cookies}} {
		for chunks := 1; chunks < 7; chunks++ { // which of them are from there
			cookies, relabelled := maps.Clone(mine), maps.Clone(mine)
			renamed := renamed(of.cookies, set(mine))
			for i, name := range []string{cookie0, cookie1, cookie2} {
				if chunks>>i&1 == 1 {
					cookies[name], relabelled[name] = of.cookies[name], renamed[name]
				}
			}
			tests = append(tests, struct {
				name    string
				cookies map[string]string
				want    error
			}{fmt.Sprintf("some of %s, %03b", of.name, chunks), cookies, token.ErrMalformed}, struct {
				name    string
				cookies map[string]string
				want    error
			}{fmt.Sprintf("some of %s under our set, %03b", of.name, chunks), relabelled, token.ErrSignature})
		}
	}
	for _, test := range tests {
		var refused []Event
		m := &Manager[person]{Keys: oneKey, OnEvent: func(e Event) { refused = append(refused, e) }}
		v := newBrowser(t, newSite(m))
		v.cookies = test.cookies
		_, err := m.Load(v.request("GET", "/"))
		if test.want == nil {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if !errors.Is(err, ErrNoSession) || !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if len(refused) != 1 || refused[0].Kind != Refused {
			t.Errorf("%s: told %v", test.name, refused)
		}
		if resp := v.visit("GET", "/home"); resp.StatusCode != 401 || !strings.Contains(bodyOf(t, resp), "session_invalid") {
			t.Errorf("%s: %d", test.name, resp.StatusCode)
		}
		if resp := v.visit("POST", "/login"); resp.StatusCode != 303 || len(v.cookies) != 1 {
			t.Errorf("%s: logging in again: %d, %d cookies", test.name, resp.StatusCode, len(v.cookies))
		}
	}
}

// Chunks of the same length are told apart only by what was sealed.
func TestSwapped(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login?note=11000")
	if len(v.cookies) != 4 || len(v.cookies[cookie1]) != len(v.cookies[cookie2]) {
		t.Fatalf("%d cookies", len(v.cookies))
	}
	v.cookies[cookie1], v.cookies[cookie2] = v.cookies[cookie2], v.cookies[cookie1]
	if _, err := m.Load(v.request("GET", "/")); !errors.Is(err, ErrNoSession) || !errors.Is(err, token.ErrSignature) {
		t.Error(err)
	}
}

// What is no number from 2 to 5 is no count, whatever cookies there are.
func TestCount(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login?note=13000")
	if len(v.cookies) != maxCookies {
		t.Fatalf("%d cookies", len(v.cookies))
	}
	first := v.cookies[cookie0][1:]
	for _, count := range []string{"0", "1", "6", "7", "9", ":", "/", "55", "05", ""} {
		v.cookies[cookie0] = count + first
		_, err := m.Load(v.request("GET", "/"))
		if !errors.Is(err, token.ErrMalformed) || !strings.Contains(err.Error(), "the cookie does not begin as") {
			t.Errorf("%q: %v", count, err)
		}
	}
	v.cookies[cookie0] = "5" + first
	delete(v.cookies, cookie2)
	if _, err := m.Load(v.request("GET", "/")); err == nil || !strings.Contains(err.Error(), "cookie 3 is missing") {
		t.Error(err)
	}
}

// flipLetter returns s with another letter in the middle.
func flipLetter(s string) string {
	i := len(s) / 2
	letter := "A"
	if s[i] == 'A' {
		letter = "B"
	}
	return s[:i] + letter + s[i+1:]
}

// otherFirst returns s with another first letter.
func otherFirst(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

// joined returns what is sealed in cookies.
func joined(cookies map[string]string) string {
	return cookies[cookie0][len("3..")+setSize:] + cookies[cookie1][len(".")+setSize:] + cookies[cookie2][len(".")+setSize:]
}

// A name that is there twice can mean either.
func TestDoubled(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	one := newBrowser(t, newSite(m))
	one.visit("POST", "/login")
	three := newBrowser(t, newSite(m))
	three.cookies = threeCookies(t, m)
	for _, test := range []struct {
		v    *browser
		name string
	}{{one, cookie0}, {three, cookie0}, {three, cookie1}, {three, cookie2}} {
		for _, value := range []string{"", "x", test.v.cookies[test.name]} {
			for _, before := range []bool{true, false} {
				r := test.v.request("GET", "/")
				if double := test.name + "=" + value; before {
					r.Header["Cookie"] = []string{double + "; " + r.Header.Get("Cookie")}
				} else {
					r.Header.Add("Cookie", double)
				}
				if _, err := m.Load(r); !errors.Is(err, token.ErrMalformed) || !errors.Is(err, ErrNoSession) || !strings.HasSuffix(err.Error(), " is there 2 times") {
					t.Errorf("%s twice: %v", test.name, err)
				}
			}
		}
	}
}

// The cookies of others are neither read nor deleted, whatever they are called.
func TestOthersCookies(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login")
	r := v.request("POST", "/logout")
	mine := r.Header.Get("Cookie")
	const others = `a=b; =; ;; __Host-sessionx=1; __Host-session_1=1; __Host-session-5=1; __Host-session-0=1; __Host-session-10=1;__Host-session-x=1; __host-session=1; x__Host-session=1; "__Host-session"=1; b=__Host-session=1`
	for _, header := range [][]string{{others + "; " + mine}, {mine + ";" + others}, {others, mine, others}, {"\t" + mine + " ; "}} {
		r.Header["Cookie"] = header
		if s, err := m.Load(r); err != nil || s.Subject != "mira" {
			t.Errorf("%q: %v", header, err)
		}
		w := httptest.NewRecorder()
		if err := m.End(w, r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"-" + cookie0}, setCookieNames(w.Result())); diff != "" {
			t.Errorf("%q (-want +got):\n%s", header, diff)
		}
	}
	r.Header["Cookie"] = []string{others}
	if _, err := m.Load(r); !errors.Is(err, ErrNoSession) || errors.Is(err, token.ErrInvalid) {
		t.Error(err)
	}
}

// Whatever a client sends as its cookies is the session that was sealed, or none,
// and says why in a few words.
func FuzzCookies(f *testing.F) {
	m := &Manager[person]{Keys: oneKey, Lifetime: maxLifetime, Idle: -1}
	site := newSite(m)
	v := newBrowser(f, site)
	v.visit("POST", "/login")
	v.cookies["a"] = "b"
	small := v.request("GET", "/").Header.Get("Cookie")
	f.Add(small)
	v.cookies = threeCookies(f, m)
	large := v.request("GET", "/").Header.Get("Cookie")
	f.Add(large)
	for _, header := range []string{
		"", ";", "=", "__Host-session", "__Host-session=", "__Host-session=3.AAAAAAAA.ey; __Host-session-1=AAAAAAAA.; __Host-session-2=AAAAAAAA.",
		"__Host-session=ey....", "__Host-session=5", "__Host-session=2.", "__Host-session=2..x; __Host-session-1=.", "__Host-session-4=x",
		small + ";" + small, strings.Repeat("__Host-session=;", 1000), strings.Repeat("__Host-session-1=ey;", 1000),
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{header}
		text, place, _ := readCookies(r, m.name())
		if len(text) > maxCookies*maxLine || len(place) > len("5.")+setSize {
			t.Errorf("%d bytes for the place %q", len(text), place)
		}
		s, err := m.Load(r)
		switch {
		case err == nil && (s.Subject != "mira" || len(s.Data.Note) != 0 && len(s.Data.Note) != 8000):
			t.Errorf("made up: %v", s)
		case err != nil && !errors.Is(err, ErrNoSession):
			t.Errorf("not an answer: %v", err)
		case err != nil && len(err.Error()) > 200:
			t.Errorf("%d bytes of error: %.300v", len(err.Error()), err)
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 401 {
			t.Errorf("%d", w.Code)
		}
		w = httptest.NewRecorder()
		if err := m.End(w, r); err != nil || len(w.Header()["Set-Cookie"]) > maxCookies {
			t.Errorf("End: %v, %d lines", err, len(w.Header()["Set-Cookie"]))
		}
	})
}
