package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/session"
)

//go:embed templates static
var files embed.FS

// pages are the templates, each within the layout.
var pages = map[string]*template.Template{}

func init() {
	funcs := template.FuncMap{"duration": duration}
	layout := template.Must(template.New("layout.html").Funcs(funcs).ParseFS(files, "templates/layout.html"))
	for _, name := range []string{"login", "home", "orders", "settings", "admin", "error"} {
		page := template.Must(layout.Clone())
		pages[name] = template.Must(page.ParseFS(files, "templates/"+name+".html"))
	}
}

// A view is what the templates show.
type view struct {
	Page, Title string
	Session     *session.Session[user] // nil if nobody is logged in
	Life        life
	Cookies     cookies
	Content     any // of the page
}

// Name is what the user is called.
func (v view) Name() string {
	if v.Session.Data.DisplayName != "" {
		return v.Session.Data.DisplayName
	}
	return v.Session.Subject
}

// show answers with a page. Nothing is sent before all of it is there.
func (s *service) show(w http.ResponseWriter, r *http.Request, status int, page, title string, content any) {
	v := view{Page: page, Title: title, Content: content}
	if current, err := s.sessions.From(r.Context()); err == nil && page != "login" {
		v.Session, v.Life, v.Cookies = current, s.life(current), cookiesOf(r)
	}
	var text bytes.Buffer
	if err := pages[page].Execute(&text, v); err != nil {
		s.log.Error("page", "page", page, "error", err)
		http.Error(w, "this page is broken", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // not even for the Back button after logout
	w.WriteHeader(status)
	w.Write(text.Bytes())
}

// A life is what static/life.js has to know. How long is left it asks.
type life struct {
	Idle, Full, Warn, Poll int // seconds
	Began, End             time.Time
	EndsIn, Lifetime       int // seconds
}

func (s *service) life(current *session.Session[user]) life {
	idle, lifetime := s.sessions.Idle, s.sessions.Lifetime
	full := min(idle, lifetime)
	end := current.Began.Add(lifetime)
	return life{
		Idle:     int(idle.Seconds()),
		Full:     int(full.Seconds()),
		Warn:     int(max(time.Second, min(time.Minute, full/3)).Seconds()),
		Poll:     int(max(time.Second, min(15*time.Second, full/20)).Seconds()),
		Began:    current.Began.UTC(),
		End:      end.UTC(),
		EndsIn:   int(end.Sub(s.now()).Seconds()),
		Lifetime: int(lifetime.Seconds()),
	}
}

// duration returns seconds as people write them: 90s is 1m30s, and 3600s is 1h.
func duration(seconds int) string {
	text := (time.Duration(seconds) * time.Second).String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	return strings.Replace(text, "h0m", "h", 1)
}

// cookies are those of the session in a request.
type cookies struct{ Count, Bytes int }

func cookiesOf(r *http.Request) (c cookies) {
	for _, cookie := range r.Cookies() {
		if rest, ok := strings.CutPrefix(cookie.Name, cookieName); ok && (rest == "" || rest[0] == '-') {
			c.Count++
			c.Bytes += len(cookie.Name) + len("=") + len(cookie.Value)
		}
	}
	return c
}
