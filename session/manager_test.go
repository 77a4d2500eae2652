package session_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A member is what the sessions of these tests carry.
type member struct {
	Name  string
	Roles []string  `json:",omitempty"`
	Until time.Time `json:",omitzero"`
}

// keysOf returns a Keyring with a key for each letter.
func keysOf(letters string) *seal.Keyring {
	ring := new(seal.Keyring)
	for _, c := range letters {
		ring.Keys = append(ring.Keys, token.NewSecret(strings.Repeat(string(c), 32)))
	}
	return ring
}

// noon is when the sessions of these tests begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)

// at returns a Now that stands still.
func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// A pocket has the cookies of a browser.
type pocket map[string]string

// take does what the Set-Cookie lines of w say.
func (p pocket) take(w *httptest.ResponseRecorder) pocket {
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(p, c.Name)
			continue
		}
		p[c.Name] = c.Value
	}
	return p
}

func (p pocket) header() string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		pairs = append(pairs, name+"="+p[name])
	}
	return strings.Join(pairs, "; ")
}

// request returns a request that carries the cookies.
func (p pocket) request() *http.Request { return carrying(p.header()) }

func carrying(cookie string) *http.Request {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}

// begun returns the cookies of a new session of m.
func begun[T any](t testing.TB, m *session.Manager[T], subject string, data T) pocket {
	t.Helper()
	w := httptest.NewRecorder()
	if _, err := m.Start(w, carrying(""), subject, data); err != nil {
		t.Fatal(err)
	}
	return pocket{}.take(w)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	type M = session.Manager[member]
	exchanger := refresh.ExchangerFunc(func(context.Context, token.Secret) (refresh.Pair, error) { return refresh.Pair{}, nil })
	for name, test := range map[string]struct {
		change func(*M)
		want   string // the field in the error; empty if there is none
	}{
		"zero but for Keys":      {func(m *M) {}, ""},
		"no Keys":                {func(m *M) { m.Keys = nil }, "Keys"},
		"a name":                 {func(m *M) { m.Name = "__Host-a_b.c-1!" }, ""},
		"no prefix":              {func(m *M) { m.Name = "sid" }, "Name"},
		"another prefix":         {func(m *M) { m.Name = "__Secure-sid" }, "Name"},
		"prefix in small":        {func(m *M) { m.Name = "__host-sid" }, "Name"},
		"insecure, no prefix":    {func(m *M) { m.Insecure, m.Name = true, "sid" }, ""},
		"insecure":               {func(m *M) { m.Insecure = true }, ""},
		"insecure, __Host-":      {func(m *M) { m.Insecure, m.Name = true, "__Host-sid" }, "Name"},
		"insecure, __Host- only": {func(m *M) { m.Insecure, m.Name = true, "__Host-" }, "Name"},
		"insecure, __HOST-":      {func(m *M) { m.Insecure, m.Name = true, "__HOST-sid" }, "Name"},
		"insecure, __Secure-":    {func(m *M) { m.Insecure, m.Name = true, "__secure-sid" }, "Name"},
		"insecure, __Http-":      {func(m *M) { m.Insecure, m.Name = true, "__http-sid" }, "Name"},
		"name with a space":      {func(m *M) { m.Name = "__Host-a b" }, "Name"},
		"name with =":            {func(m *M) { m.Name = "__Host-a=b" }, "Name"},
		"name with ;":            {func(m *M) { m.Name = "__Host-a;b" }, "Name"},
		"name with CR":           {func(m *M) { m.Name = "__Host-a\rb" }, "Name"},
		"name with DEL":          {func(m *M) { m.Name = "__Host-a\x7fb" }, "Name"},
		"name with é":            {func(m *M) { m.Name = "__Host-é" }, "Name"},
		"name of 128":            {func(m *M) { m.Name = "__Host-" + strings.Repeat("n", 121) }, ""},
		"name of 129":            {func(m *M) { m.Name = "__Host-" + strings.Repeat("n", 122) }, "Name"},
		"negative Idle":          {func(m *M) { m.Idle = -1 }, ""},
		"negative Lifetime":      {func(m *M) { m.Lifetime = -1 }, "Lifetime"},
		"long Lifetime":          {func(m *M) { m.Lifetime = 10 * 365 * 24 * time.Hour }, ""},
		"longer Lifetime":        {func(m *M) { m.Lifetime = 10*365*24*time.Hour + 1 }, "Lifetime"},
		"Strict":                 {func(m *M) { m.SameSite = http.SameSiteStrictMode }, ""},
		"None":                   {func(m *M) { m.SameSite = http.SameSiteNoneMode }, ""},
		"None, insecure":         {func(m *M) { m.SameSite, m.Insecure = http.SameSiteNoneMode, true }, "SameSite"},
		"Default":                {func(m *M) { m.SameSite = http.SameSiteDefaultMode }, "SameSite"},
		"SameSite 99":            {func(m *M) { m.SameSite = 99 }, "SameSite"},
		"LoginPath":              {func(m *M) { m.LoginPath = "/a/b-c_d%20e" }, ""},
		"LoginPath //":           {func(m *M) { m.LoginPath = "//evil.example" }, "LoginPath"},
		"LoginPath /\\":          {func(m *M) { m.LoginPath = "/\\evil.example" }, "LoginPath"},
		"LoginPath https:":       {func(m *M) { m.LoginPath = "https://evil.example" }, "LoginPath"},
		"LoginPath with a query": {func(m *M) { m.LoginPath = "/login?x=1" }, "LoginPath"},
		"LoginPath with #":       {func(m *M) { m.LoginPath = "/login#x" }, "LoginPath"},
		"LoginPath with LF":      {func(m *M) { m.LoginPath = "/login\n" }, "LoginPath"},
		"LoginPath with a space": {func(m *M) { m.LoginPath = "/log in" }, "LoginPath"},
		"LoginPath with DEL":     {func(m *M) { m.LoginPath = "/login\x7f" }, "LoginPath"},
		"LoginPath with \\":      {func(m *M) { m.LoginPath = "/a\\login" }, "LoginPath"},
		"LoginPath with é":       {func(m *M) { m.LoginPath = "/é" }, "LoginPath"},
		"LogoutPath":             {func(m *M) { m.LogoutPath = "/" }, ""},
		"LogoutPath //":          {func(m *M) { m.LogoutPath = "//x" }, "LogoutPath"},
		"LogoutPath, relative":   {func(m *M) { m.LogoutPath = "logout" }, "LogoutPath"},
		"Rancher's CSRF":         {func(m *M) { m.CSRF = session.RancherCSRF }, ""},
		"Dashboard's CSRF":       {func(m *M) { m.CSRF = session.DashboardCSRF }, ""},
		"CSRF header":            {func(m *M) { m.CSRF.Header = "X CSRF" }, "CSRF.Header"},
		"CSRF field":             {func(m *M) { m.CSRF.Field = "a=b" }, "CSRF.Field"},
		"CSRF cookie":            {func(m *M) { m.CSRF.Cookie = "a;b" }, "CSRF.Cookie"},
		"CSRF cookie is ours":    {func(m *M) { m.CSRF.Cookie = "__Host-session" }, "CSRF.Cookie"},
		"CSRF cookie, chunk":     {func(m *M) { m.CSRF.Cookie = "__Host-session-4" }, "CSRF.Cookie"},
		"CSRF cookie, __Host-":   {func(m *M) { m.CSRF.Cookie = "__Host-CSRF" }, ""},
		"CSRF cookie, insecure":  {func(m *M) { m.Insecure, m.CSRF.Cookie = true, "__Host-CSRF" }, "CSRF.Cookie"},
		"Exchanger, no Store":    {func(m *M) { m.Exchanger = exchanger }, "Exchanger"},
		"Exchanger and Store":    {func(m *M) { m.Exchanger, m.Store = exchanger, new(refresh.Memory) }, ""},
	} {
		m := &M{Keys: keysOf("a")}
		test.change(m)
		switch err := m.Check(); {
		case (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), "session: Manager."+test.want+" "):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		case err != nil:
			// Nobody gets a session from it, nor is anybody refused one.
			if _, err := m.Load(carrying("")); err == nil || !strings.Contains(err.Error(), "Manager."+test.want) {
				t.Errorf("%s: Load: %v", name, err)
			}
			w := httptest.NewRecorder()
			if _, err := m.StartAt(w, carrying(""), "mira", member{}, 0); err == nil || len(w.Header()) > 0 {
				t.Errorf("%s: StartAt: %v, %v", name, err, w.Header())
			}
		}
	}
}

// A name is a token of HTTP (RFC 9110, section 5.6.2), as browsers and proxies have
// it: with any other byte in it they would read another name.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	const letters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		name := "__Host-a" + string([]byte{byte(c)}) + "b"
		want := strings.IndexByte(letters, byte(c)) >= 0
		for field, m := range map[string]*session.Manager[member]{
			"Name": {Name: name}, "CSRF.Header": {CSRF: session.CSRFNames{Header: name}},
			"CSRF.Field": {CSRF: session.CSRFNames{Field: name}}, "CSRF.Cookie": {CSRF: session.CSRFNames{Cookie: name}},
		} {
			m.Keys = keysOf("a")
			if err := m.Check(); (err == nil) != want || err != nil && !strings.Contains(err.Error(), "Manager."+field+" ") {
				t.Errorf("%s %q: %v", field, name, err)
			}
		}
	}
}

// A Manager that is not complete says so to a program that forgot to check.
func TestUnchecked(t *testing.T) {
	t.Parallel()
	m := new(session.Manager[member])
	w, s := httptest.NewRecorder(), &session.Session[member]{}
	_, start := m.Start(w, carrying(""), "mira", member{})
	for name, err := range map[string]error{
		"Start": start, "Save": m.Save(w, carrying(""), s), "Renew": m.Renew(w, carrying(""), s),
		"End": m.End(w, carrying("")), "EndAll": m.EndAll(t.Context(), "mira"),
	} {
		if err == nil || !strings.Contains(err.Error(), "session: Manager.Keys is nil") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One Manager serves all requests.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &session.Manager[member]{Keys: keysOf("ab"), Store: new(refresh.Memory), Grace: time.Minute}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				subject := fmt.Sprint("subject ", i)
				for range 20 {
					w := httptest.NewRecorder()
					if _, err := m.Start(w, carrying(""), subject, member{Name: subject}); err != nil {
						t.Error(err)
						return
					}
					p := pocket{}.take(w)
					s, err := m.Load(p.request())
					if err != nil || s.Subject != subject || s.Data.Name != subject {
						t.Errorf("%v, %v", s, err)
						return
					}
					w = httptest.NewRecorder()
					if err := errors.Join(m.Renew(w, p.request(), s), m.Save(w, p.request(), s), m.End(w, p.take(w).request())); err != nil {
						t.Error(err)
					}
					_, err = m.Load(p.request())
					checkReason(t, subject, err, token.ErrRevoked)
				}
				if err := m.EndAll(t.Context(), subject); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}
