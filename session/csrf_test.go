package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// csrfManager returns a Manager with a key for each letter.
func csrfManager(keys string) *session.Manager[string] {
	return &session.Manager[string]{Keys: keysOf(keys), Store: new(refresh.Memory)}
}

// csrfSession is a session of which only the ID counts.
func csrfSession(id string) *session.Session[string] {
	return &session.Session[string]{ID: id, Subject: "mira"}
}

func csrfToken(t testing.TB, m *session.Manager[string], s *session.Session[string], action string) string {
	t.Helper()
	text, err := m.CSRFToken(t.Context(), s, action)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// withCSRF returns a POST with a header.
func withCSRF(header, value string) *http.Request {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set(header, value)
	return r
}

// formWithCSRF returns a POST of a form.
func formWithCSRF(field, value string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(url.Values{field: {value}, "note": {"x"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// filesWithCSRF returns a POST of a form with a file.
func filesWithCSRF(t *testing.T, field, value string) *http.Request {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "notes.txt")
	if err == nil {
		_, err = io.WriteString(file, "notes")
	}
	if err = errors.Join(err, form.WriteField(field, value), form.Close()); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return r
}

// csrfGolden is what version 1 made once of the keys k, this ID and "save". It
// comes from another implementation.
const (
	csrfGolden   = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCU92g_PKUaTMGSPlari_xyF35fu4QrD_n_zLzyMSPdBr8vtyA1cgA"
	csrfGoldenID = "0123456789abcdefghijkl"
)

// A token is good for as long as its session, whatever version made it.
func TestCSRFGolden(t *testing.T) {
	t.Parallel()
	m, s := csrfManager("k"), csrfSession(csrfGoldenID)
	if err := m.CheckCSRF(withCSRF("X-CSRF-Token", csrfGolden), s, "save"); err != nil {
		t.Error(err)
	}
}

func TestCSRFToken(t *testing.T) {
	t.Parallel()
	m, s := csrfManager("ab"), csrfSession("one")
	good := csrfToken(t, m, s, "save")
	other := csrfManager("ab")
	other.Name = "__Host-other"
	none := httptest.NewRequest("POST", "/?csrf_token="+good, nil)
	none.AddCookie(&http.Cookie{Name: "csrf_token", Value: good})
	for _, test := range []struct {
		name   string
		m      *session.Manager[string]
		r      *http.Request
		id     string
		action string
		want   error
	}{
		{"header", m, withCSRF("X-CSRF-Token", good), "one", "save", nil},
		{"header in lower case", m, withCSRF("x-csrf-token", good), "one", "save", nil},
		{"form", m, formWithCSRF("csrf_token", good), "one", "save", nil},
		{"form with a file", m, filesWithCSRF(t, "csrf_token", good), "one", "save", nil},
		{"another made for the same", m, withCSRF("X-CSRF-Token", csrfToken(t, m, s, "save")), "one", "save", nil},
		{"of a replica", csrfManager("ab"), withCSRF("X-CSRF-Token", good), "one", "save", nil},
		{"after the keys were rotated", csrfManager("cab"), withCSRF("X-CSRF-Token", good), "one", "save", nil},

		{"none, but in query and cookie", m, none, "one", "save", session.ErrCSRF},
		{"empty", m, withCSRF("X-CSRF-Token", ""), "one", "save", session.ErrCSRF},
		{"another session", m, withCSRF("X-CSRF-Token", good), "two", "save", session.ErrCSRF},
		{"another action", m, withCSRF("X-CSRF-Token", good), "one", "delete", session.ErrCSRF},
		{"no action", m, withCSRF("X-CSRF-Token", good), "one", "", session.ErrCSRF},
		{"an action that begins so", m, withCSRF("X-CSRF-Token", good), "one", "save all", session.ErrCSRF},
		{"a session and an action that make the same letters", m, withCSRF("X-CSRF-Token", good), "ones", "ave", session.ErrCSRF},
		{"another Manager", other, withCSRF("X-CSRF-Token", good), "one", "save", session.ErrCSRF},
		{"a key that is gone", csrfManager("b"), withCSRF("X-CSRF-Token", good), "one", "save", session.ErrCSRF},
		{"another header", m, withCSRF("X-API-CSRF", good), "one", "save", session.ErrCSRF},
		{"another field", m, formWithCSRF("csrf", good), "one", "save", session.ErrCSRF},
		{"cut off", m, withCSRF("X-CSRF-Token", good[:100]), "one", "save", session.ErrCSRF},
		{"longer", m, withCSRF("X-CSRF-Token", good+"AAAA"), "one", "save", session.ErrCSRF},
		{"padded", m, withCSRF("X-CSRF-Token", good+"=="), "one", "save", session.ErrCSRF},
		{"words", m, withCSRF("X-CSRF-Token", "undefined"), "one", "save", session.ErrCSRF},
		{"a wrong header and a good form", m, func() *http.Request {
			r := formWithCSRF("csrf_token", good)
			r.Header.Set("X-CSRF-Token", "undefined")
			return r
		}(), "one", "save", session.ErrCSRF},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.m.CheckCSRF(test.r, csrfSession(test.id), test.action)
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("%v; want %v", err, test.want)
			}
			if errors.Is(err, token.ErrInvalid) || err != nil && strings.Contains(err.Error(), good[:20]) {
				t.Errorf("of a token that says who somebody is, or with what was sent: %v", err)
			}
		})
	}
	if err := m.CheckCSRF(withCSRF("X-CSRF-Token", good), nil, "save"); !errors.Is(err, session.ErrCSRF) {
		t.Errorf("without a session: %v", err)
	}
	for _, s := range []*session.Session[string]{nil, csrfSession("")} {
		if text, err := m.CSRFToken(t.Context(), s, "save"); text != "" || err == nil {
			t.Errorf("without a session: %q, %v", text, err)
		}
	}
	// Whoever sends none reads where it goes.
	if err := m.CheckCSRF(none, s, "save"); err == nil || !strings.Contains(err.Error(), "in the header X-CSRF-Token, nor in the field csrf_token") {
		t.Errorf("none: %v", err)
	}
}

// Compressed pages show what is alike in them: nothing of two tokens is.
func TestCSRFTokenIsMasked(t *testing.T) {
	t.Parallel()
	m, s := csrfManager("a"), csrfSession("one")
	const size = 76
	var set, unset [size]byte // bits that were ever so
	for range 64 {
		raw, err := base64.RawURLEncoding.DecodeString(csrfToken(t, m, s, ""))
		if err != nil || len(raw) != size {
			t.Fatal(len(raw), err)
		}
		for i, b := range raw {
			set[i] |= b
			unset[i] |= ^b
		}
	}
	for i := range set {
		if set[i] != 0xff || unset[i] != 0xff {
			t.Errorf("byte %d: some of its bits are always the same", i)
		}
	}
}

// No bit of a token can be another, and no letter.
func TestCSRFEveryBit(t *testing.T) {
	t.Parallel()
	m, s := csrfManager("a"), csrfSession("one")
	good := csrfToken(t, m, s, "save")
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	check := func(changed string) {
		t.Helper()
		if err := m.CheckCSRF(withCSRF("X-CSRF-Token", changed), s, "save"); !errors.Is(err, session.ErrCSRF) {
			t.Errorf("%q for %q: %v", changed, good, err)
		}
	}
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			check(base64.RawURLEncoding.EncodeToString(raw))
			raw[i] ^= 1 << bit
		}
	}
	for i := range good {
		for _, c := range "AQgw-_.=+ \n" {
			if rune(good[i]) != c {
				check(good[:i] + string(c) + good[i+1:])
			}
		}
	}
}

// A body is what anybody can send as long as they like: it ends, with an error,
// only where it would fill the disk of whoever lets it.
type endless struct {
	begin string
	read  int
}

func (e *endless) Read(p []byte) (n int, err error) {
	if e.read > 64<<20 {
		return 0, errors.New("read without end")
	}
	n = copy(p, e.begin)
	e.begin = e.begin[n:]
	for i := n; i < len(p); i++ {
		p[i] = 'a'
	}
	e.read += len(p)
	return len(p), nil
}

func TestCSRFBodies(t *testing.T) {
	t.Parallel()
	const most = 10<<20 + 1<<16 // with what is read ahead
	m, s := csrfManager("a"), csrfSession("one")
	good := csrfToken(t, m, s, "")
	files := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
	for _, test := range []struct {
		name, kind, begin, header string
		length                    int64
		most                      int
		want                      error
	}{
		{"good header", "application/x-www-form-urlencoded", "a=b", good, -1, 0, nil},
		{"wrong header", "application/x-www-form-urlencoded", "a=b", "wrong", -1, 0, session.ErrCSRF},
		{"a form of unknown length", "application/x-www-form-urlencoded", "csrf_token=" + good + "&a=", "", -1, most, session.ErrCSRF},
		{"a form that is too long", "application/x-www-form-urlencoded", "csrf_token=" + good + "&a=", "", 10<<20 + 1, 0, session.ErrCSRF},
		{"a form of files of unknown length", "multipart/form-data; boundary=b", files, "", -1, most, session.ErrCSRF},
		{"a form of files that is too long", "multipart/form-data; boundary=b", files, "", 1 << 40, 0, session.ErrCSRF},
		{"a form of one part without end", "multipart/form-data; boundary=b", "--b\r\nA: ", "", -1, most, session.ErrCSRF},
		{"no boundary", "multipart/form-data", files, "", -1, 0, session.ErrCSRF},
		{"JSON", "application/json", `{"csrf_token":"`, "", -1, 0, session.ErrCSRF},
		{"no type", "", "csrf_token=" + good + "&a=", "", -1, 0, session.ErrCSRF},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body := &endless{begin: test.begin}
			r := httptest.NewRequest("POST", "/", body)
			r.ContentLength = test.length
			r.Header.Set("Content-Type", test.kind)
			r.Header.Set("X-CSRF-Token", test.header)
			err := m.CheckCSRF(r, s, "")
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("%v; want %v", err, test.want)
			}
			if strings.Contains(test.name, "form") != (err != nil && strings.Contains(err.Error(), "more than 10485760 bytes")) {
				t.Errorf("what to do about it: %v", err)
			}
			if body.read > test.most {
				t.Errorf("%d bytes read", body.read)
			}
		})
	}
}

// Whoever comes after finds the form as if it had parsed it.
func TestCSRFLeavesTheForm(t *testing.T) {
	t.Parallel()
	m, s := csrfManager("a"), csrfSession("one")
	r := formWithCSRF("csrf_token", csrfToken(t, m, s, ""))
	if err := m.CheckCSRF(r, s, ""); err != nil || r.FormValue("note") != "x" {
		t.Errorf("%q, %v", r.FormValue("note"), err)
	}
	r = filesWithCSRF(t, "csrf_token", csrfToken(t, m, s, ""))
	err := m.CheckCSRF(r, s, "")
	if err != nil {
		t.Fatal(err)
	}
	file, _, err := r.FormFile("file")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(file); string(text) != "notes" {
		t.Errorf("%q, %v", text, err)
	}
	// And it may have been parsed before, and twice.
	r = filesWithCSRF(t, "csrf_token", csrfToken(t, m, s, ""))
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.CheckCSRF(r, s, ""); err != nil {
			t.Error(err)
		}
	}
}

// A form that somebody has parsed, under a limit of their own, is not read again,
// whatever its length.
func TestCSRFParsedBefore(t *testing.T) {
	t.Parallel()
	m, s := csrfManager("a"), csrfSession("one")
	r := formWithCSRF("csrf_token", csrfToken(t, m, s, ""))
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 1 << 30
	if err := m.CheckCSRF(r, s, ""); err != nil {
		t.Error(err)
	}
	body := new(endless)
	r = httptest.NewRequest("POST", "/", body)
	r.PostForm = url.Values{"csrf_token": {csrfToken(t, m, s, "")}}
	if err := m.CheckCSRF(r, s, ""); err != nil || body.read != 0 {
		t.Errorf("%v, %d bytes read", err, body.read)
	}
}

// A request that was made by hand may have no body at all.
func TestCSRFNoBody(t *testing.T) {
	t.Parallel()
	r := formWithCSRF("csrf_token", "x")
	r.Body = nil
	if err := csrfManager("a").CheckCSRF(r, csrfSession("one"), ""); !errors.Is(err, session.ErrCSRF) {
		t.Error(err)
	}
}

// No file of a form that CheckCSRF reads is written to disk.
func TestCSRFFilesStayInMemory(t *testing.T) {
	t.Parallel()
	m, s := csrfManager("a"), csrfSession("one")
	const part = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n"
	rest := "\r\n--b\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n" + csrfToken(t, m, s, "") + "\r\n--b--\r\n"
	files := part + "one\r\n" + part
	r := httptest.NewRequest("POST", "/", strings.NewReader(files+strings.Repeat("f", 10<<20-len(files)-len(rest))+rest))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	if err := m.CheckCSRF(r, s, ""); err != nil {
		t.Fatal(err)
	}
	for _, header := range r.MultipartForm.File["f"] {
		f, err := header.Open()
		if err != nil {
			t.Fatal(err)
		}
		if file, onDisk := f.(*os.File); onDisk {
			t.Errorf("%d bytes are in %s", header.Size, file.Name())
		}
		f.Close()
	}
	r.MultipartForm.RemoveAll()
}

// That nobody can tell is no fault of the request.
func TestCSRFKeysAway(t *testing.T) {
	t.Parallel()
	good := csrfToken(t, csrfManager("a"), csrfSession("one"), "")
	away := errors.New("away")
	m := &session.Manager[string]{Keys: &seal.Keyring{Load: func(context.Context) ([]token.Secret, error) { return nil, away }}}
	_, err := m.CSRFToken(t.Context(), csrfSession("one"), "")
	for _, err := range []error{err, m.CheckCSRF(withCSRF("X-CSRF-Token", good), csrfSession("one"), "")} {
		if !errors.Is(err, away) || errors.Is(err, session.ErrCSRF) || errors.Is(err, token.ErrInvalid) {
			t.Error(err)
		}
	}
	unset := new(session.Manager[string])
	_, err = unset.CSRFToken(t.Context(), csrfSession("one"), "")
	for _, err := range []error{err, unset.CheckCSRF(withCSRF("X-CSRF-Token", good), csrfSession("one"), "")} {
		if err == nil || !strings.Contains(err.Error(), "Manager.Keys") || errors.Is(err, session.ErrCSRF) {
			t.Error(err)
		}
	}
}

// A query that nobody can read takes nothing from a form, and a body that is no
// form is left to whoever reads it.
func TestCSRFBesides(t *testing.T) {
	t.Parallel()
	m, s := csrfManager("a"), csrfSession("one")
	good := csrfToken(t, m, s, "")
	for _, r := range []*http.Request{formWithCSRF("csrf_token", good), filesWithCSRF(t, "csrf_token", good)} {
		r.URL.RawQuery = "discount=100%"
		if err := m.CheckCSRF(r, s, ""); err != nil {
			t.Error(err)
		}
	}
	body := strings.NewReader("{}" + strings.Repeat(" ", 10<<20))
	r := httptest.NewRequest("POST", "/", io.NopCloser(body)) // of unknown length
	r.Header.Set("Content-Type", "application/json")
	if err := m.CheckCSRF(r, s, ""); !errors.Is(err, session.ErrCSRF) {
		t.Error(err)
	}
	if n, err := io.Copy(io.Discard, r.Body); n != 10<<20+2 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// A csrfSite is a service that wants a token for each POST.
type csrfSite struct {
	*session.Manager[string]
	handler http.Handler
	served  int
	jar     map[string]string // what the browser has
}

// newCSRFSite returns one with a page for GET, which shows the token for action
// if that is not empty.
func newCSRFSite(t *testing.T, m *session.Manager[string], action string) *csrfSite {
	s := &csrfSite{Manager: m, jar: make(map[string]string)}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.served++
		got, err := s.From(r.Context())
		if err != nil || r.Method != "GET" || action == "" {
			return
		}
		text, err := s.CSRFToken(r.Context(), got, action)
		if err != nil {
			t.Error(err)
		}
		io.WriteString(w, text)
	})
	mux := http.NewServeMux()
	mux.Handle("/", s.RequireCSRF(action, page))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.Start(w, r, "mira", ""); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /renew", func(w http.ResponseWriter, r *http.Request) {
		got, err := s.From(r.Context())
		if err == nil {
			err = s.Renew(w, r, got)
		}
		if err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := s.End(w, r); err != nil {
			t.Error(err)
		}
	})
	s.handler = s.Handler(mux)
	return s
}

// do sends a request as the browser does, and keeps the cookies of the answer.
func (s *csrfSite) do(method, path, header, value string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	if header != "" {
		r.Header.Set(header, value)
	}
	for name, value := range s.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if s.jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(s.jar, c.Name)
		}
	}
	return w.Result()
}

// status fails the test if the status is another, or if the page was reached
// though it was to be refused.
func (s *csrfSite) status(t *testing.T, r *http.Response, want int) {
	t.Helper()
	served := s.served
	s.served = 0
	if r.StatusCode != want || (served > 0) != (want == http.StatusOK) {
		t.Errorf("%d, served %d times; want %d", r.StatusCode, served, want)
	}
}

// Rancher's pages read the cookie CSRF, and send it back in X-API-CSRF.
func TestCSRFOfRancher(t *testing.T) {
	t.Parallel()
	m := csrfManager("a")
	m.CSRF = session.RancherCSRF
	s := newCSRFSite(t, m, "")
	if s.status(t, s.do("GET", "/", "", ""), 200); s.jar["CSRF"] != "" {
		t.Error("a cookie for a page that has no session")
	}
	s.do("POST", "/login", "", "")
	s.status(t, s.do("POST", "/", "", ""), 403)
	if s.status(t, s.do("HEAD", "/", "", ""), 200); s.jar["CSRF"] != "" {
		t.Error("a cookie for what is no page")
	}
	page := s.do("GET", "/", "", "")
	s.status(t, page, 200)
	if len(page.Cookies()) != 1 {
		t.Fatal(page.Cookies())
	}
	c := page.Cookies()[0]
	if c.Name != "CSRF" || c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge != 0 || c.Domain != "" {
		t.Error(c)
	}
	if got := page.Header.Get("Cache-Control"); got != "private" {
		t.Errorf("Cache-Control: %q", got)
	}
	s.status(t, s.do("POST", "/", "X-CSRF-Token", s.jar["CSRF"]), 403)
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "get"} {
		s.status(t, s.do(method, "/", "", ""), 403)
		s.status(t, s.do(method, "/", "X-API-CSRF", "F00D"), 403)
		s.status(t, s.do(method, "/", "X-API-CSRF", s.jar["CSRF"]), 200)
	}
	for _, method := range []string{"HEAD", "OPTIONS"} {
		s.status(t, s.do(method, "/", "", ""), 200)
	}
	if again := s.do("GET", "/", "", ""); len(again.Cookies()) > 0 {
		t.Errorf("set again: %v", again.Cookies())
	}

	// After another login the page gets the token of that, and so does one whose
	// cookie is Rancher's own.
	old := s.jar["CSRF"]
	s.do("POST", "/login", "", "")
	s.served = 0
	s.status(t, s.do("POST", "/", "X-API-CSRF", old), 403)
	for _, planted := range []string{old, "0123456789ABCDEF", ""} {
		s.jar["CSRF"] = planted
		s.do("GET", "/", "", "")
		s.status(t, s.do("POST", "/", "X-API-CSRF", s.jar["CSRF"]), 200)
	}
}

// An Insecure session is used where no browser takes a Secure cookie.
func TestCSRFInsecure(t *testing.T) {
	t.Parallel()
	m := csrfManager("a")
	m.CSRF, m.Insecure = session.RancherCSRF, true
	s := newCSRFSite(t, m, "")
	s.do("POST", "/login", "", "")
	if c := s.do("GET", "/", "", "").Cookies(); len(c) != 1 || c[0].Name != "CSRF" || c[0].Secure {
		t.Error(c)
	}
}

// Of two cookies of one name the page may read either.
func TestCSRFCookieTwice(t *testing.T) {
	t.Parallel()
	m := csrfManager("a")
	m.CSRF = session.RancherCSRF
	s := newCSRFSite(t, m, "")
	s.do("POST", "/login", "", "")
	s.do("GET", "/", "", "")
	r := httptest.NewRequest("GET", "/", nil)
	for name, value := range s.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	r.AddCookie(&http.Cookie{Name: "CSRF", Value: "planted"})
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if len(w.Result().Cookies()) != 1 {
		t.Error("the cookie is not set again")
	}
}

// What the handler says of caches holds.
func TestCSRFCookieKeepsCacheControl(t *testing.T) {
	t.Parallel()
	m := csrfManager("a")
	m.CSRF = session.RancherCSRF
	s := newCSRFSite(t, m, "")
	s.do("POST", "/login", "", "")
	inner := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		inner.ServeHTTP(w, r)
	})
	if page := s.do("GET", "/", "", ""); page.Header.Get("Cache-Control") != "no-store" || len(page.Cookies()) != 1 {
		t.Error(page.Header)
	}
}

// The Dashboard's pages ask for a token for each action.
func TestCSRFOfTheDashboard(t *testing.T) {
	t.Parallel()
	m := csrfManager("a")
	m.CSRF = session.DashboardCSRF
	s := newCSRFSite(t, m, "token")
	s.do("POST", "/login", "", "")
	page := s.do("GET", "/", "", "")
	text, err := io.ReadAll(page.Body)
	if s.status(t, page, 200); err != nil || len(page.Cookies()) > 0 {
		t.Fatal(page.Cookies(), err)
	}
	s.status(t, s.do("POST", "/", "X-CSRF-TOKEN", string(text)), 200)
	s.status(t, s.do("POST", "/", "", ""), 403)
	login := newCSRFSite(t, m, "login")
	login.jar = s.jar
	login.status(t, login.do("POST", "/", "X-CSRF-TOKEN", string(text)), 403)
}

// A token is of one ID, and no more good than its session.
func TestCSRFLasts(t *testing.T) {
	t.Parallel()
	m := csrfManager("a")
	var events []session.Event
	m.OnEvent = func(e session.Event) { events = append(events, e) }
	s := newCSRFSite(t, m, "save")
	token := func() string {
		text, err := io.ReadAll(s.do("GET", "/", "", "").Body)
		if s.served = 0; err != nil || len(text) == 0 {
			t.Fatal(err)
		}
		return string(text)
	}
	s.do("POST", "/login", "", "")
	first := token()
	s.status(t, s.do("POST", "/", "X-CSRF-Token", first), 200)
	s.do("POST", "/renew", "", "")
	s.status(t, s.do("POST", "/", "X-CSRF-Token", first), 403)
	last := events[len(events)-1]
	if last.Kind != session.CrossOrigin || last.Subject != "mira" || last.ID == "" || !errors.Is(last.Err, session.ErrCSRF) {
		t.Errorf("event: %v", last)
	}
	second := token()
	s.status(t, s.do("POST", "/", "X-CSRF-Token", second), 200)

	stolen := s.jar["__Host-session"]
	s.do("POST", "/logout", "", "")
	s.status(t, s.do("POST", "/", "X-CSRF-Token", second), 401)
	s.jar["__Host-session"] = stolen
	s.status(t, s.do("POST", "/", "X-CSRF-Token", second), 401)
}

// Whatever is sent, CheckCSRF does not panic, and says of all but the token that
// it is none.
func FuzzCheckCSRF(f *testing.F) {
	m, s := csrfManager("k"), csrfSession(csrfGoldenID)
	const good = csrfGolden // the same in all processes that share the work
	const form, files = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
	f.Add(good, "", "")
	f.Add("", form, "csrf_token="+good)
	f.Add("", files, "--b\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n"+good+"\r\n--b--\r\n")
	f.Add(strings.Repeat("A", len(good)), form, "csrf_token=%zz;&")
	f.Add("", files, "--b\r\n\r\n--b")
	f.Add(good[1:], "multipart/form-data; boundary=", "")
	f.Fuzz(func(t *testing.T, header, kind, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("X-CSRF-Token", header)
		r.Header.Set("Content-Type", kind)
		err := m.CheckCSRF(r, s, "save")
		switch {
		case err == nil && !strings.Contains(header+body, good) && !strings.Contains(body, "%"):
			t.Errorf("good: %q, %q", header, body)
		case err != nil && (!errors.Is(err, session.ErrCSRF) || errors.Is(err, token.ErrInvalid) || len(err.Error()) > 200):
			t.Error(err)
		}
		if header != good && m.CheckCSRF(withCSRF("X-CSRF-Token", header), s, "save") == nil {
			t.Errorf("good: %q", header)
		}
	})
}

func BenchmarkCheckCSRF(b *testing.B) {
	m, s := csrfManager("a"), csrfSession("one")
	r := withCSRF("X-CSRF-Token", csrfToken(b, m, s, "save"))
	b.ReportAllocs()
	for b.Loop() {
		if err := m.CheckCSRF(r, s, "save"); err != nil {
			b.Fatal(err)
		}
	}
}
