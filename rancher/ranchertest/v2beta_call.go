package ranchertest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// A v2betaCall is a request, taken apart.
type v2betaCall struct {
	w http.ResponseWriter
	r *http.Request

	method  string // after an override
	version string // "v1" or "v2-beta"; empty for a path that neither has
	kind    string // "token", "settings", …; empty for the version itself
	id      string
	params  url.Values     // of the query, and of a form
	body    map[string]any // JSON

	who     *v2betaUser // nil where nobody need be known
	project string      // to which the request is to be confined, and then is
}

// ServeHTTP answers a request.
func (s *V2Beta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.note(r)
	s.traffic.serve(w, r, http.HandlerFunc(s.answer))
}

func (s *V2Beta) answer(w http.ResponseWriter, r *http.Request) {
	done := httptest.NewRecorder()
	c := &v2betaCall{w: done, r: r}
	e := c.parse()
	s.handle(c, e)
	// Nobody waits for mu while this waits for the network.
	for key, values := range done.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(done.Code)
	w.Write(done.Body.Bytes())
}

// handle answers a request that could be read, or says why it could not be.
func (s *V2Beta) handle(c *v2betaCall, e *v2betaError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := c.w.Header()
	h.Set("Date", s.now().UTC().Format(http.TimeFormat))
	h.Set("X-Rancher-Version", "v1.6.30")
	h.Set("X-Api-Client-Ip", client(c.r))
	if e == nil {
		e = s.do(c)
	}
	if e != nil {
		e.send(c)
	}
}

// do does what is asked, in the order in which Rancher looks at a request.
func (s *V2Beta) do(c *v2betaCall) *v2betaError {
	c.route()
	if c.version != "" {
		c.w.Header().Set("X-Api-Schemas", s.URL+"/"+c.version+"/schemas")
	}
	if c.kind != "token" { // those are asked by whoever has none yet
		if e := s.authenticate(c); e != nil {
			return e
		}
	}
	if e := c.checkCSRF(); e != nil {
		return e
	}
	switch {
	case c.version == "":
		return &v2betaError{status: 404}
	case c.kind == "token":
		return s.handleToken(c)
	case c.kind == "settings":
		return s.handleSettings(c)
	case c.kind == "projects":
		return s.handleProjects(c)
	case c.kind == "schemas" && c.id == "token":
		return s.handleSchema(c)
	case c.kind == "" && c.method == "GET":
		c.send(200, fmt.Sprintf(`{"id":%[1]q,"type":"apiVersion","links":{"self":"%[2]s/%[1]s","projects":"%[2]s/%[1]s/projects",`+
			`"settings":"%[2]s/%[1]s/settings","tokens":"%[2]s/%[1]s/tokens"},"%[3]s":{}}`, c.version, s.URL, c.actions()))
		return nil
	}
	return &v2betaError{status: 404}
}

// parse reads the query and the body, whichever form that has.
func (c *v2betaCall) parse() *v2betaError {
	c.method, c.params = c.r.Method, c.r.URL.Query()
	if c.r.Method == http.MethodHead {
		c.method = http.MethodGet
	}
	body, err := io.ReadAll(io.LimitReader(c.r.Body, 1<<20))
	if err != nil {
		return &v2betaError{status: 400, code: "InvalidBodyContent"}
	}
	switch kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); {
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return &v2betaError{status: 400, code: "InvalidBodyContent"}
		}
		for name, values := range form {
			c.params[name] = append(c.params[name], values...)
		}
	case len(body) > 0:
		var sent any
		if err := json.Unmarshal(body, &sent); err != nil {
			return &v2betaError{status: 400, code: "InvalidBodyContent"}
		}
		c.body, _ = sent.(map[string]any) // anything else is as good as nothing
	}
	if m := c.params.Get("_method"); m != "" {
		c.method = strings.ToUpper(m)
	}
	return nil
}

// route tells from the path what is asked for.
func (c *v2betaCall) route() {
	parts := strings.Split(strings.Trim(c.r.URL.Path, "/"), "/")
	switch parts[0] {
	case "": // there is nothing before the version
		c.version = "v1"
	case "v1", "v2-beta":
		c.version = parts[0]
	default:
		return
	}
	parts = parts[1:]
	if len(parts) > 2 && parts[0] == "projects" {
		c.project = parts[1]
		parts = parts[2:]
	}
	if len(parts) > 0 {
		c.kind = parts[0]
	}
	if len(parts) > 1 {
		c.id = parts[1]
	}
	if plural := map[string]string{"tokens": "token", "setting": "settings", "project": "projects", "schema": "schemas"}[c.kind]; plural != "" {
		c.kind = plural
	}
}

// field returns a field of what was sent, by whichever way, and whether it was.
// One that is null is empty.
func (c *v2betaCall) field(name string) (string, bool) {
	if v, ok := c.body[name]; ok {
		if v == nil {
			return "", true
		}
		return fmt.Sprint(v), true
	}
	return c.params.Get(name), c.params.Has(name)
}

// client returns the address that a request came from, without the port.
func client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "127.0.0.1" // it came through a pipe
	}
	return host
}
