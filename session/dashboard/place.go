package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/origin"
)

// place returns s.URL, if it is one and what is sent there is for nobody else to
// read. The error says what is missing or wrong, without the text of the URL,
// which may have a password in it.
func (s *Source) place() (*url.URL, error) {
	if s.URL == "" {
		return nil, errors.New(`Source.URL is empty: set it to where the Dashboard is, such as "https://dashboard.example"`)
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.User != nil || u.Hostname() == "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s.URL, "#") || u.RawPath != "" {
		return nil, errors.New("Source.URL is not of the form https://host[:port][/path], without user, query or fragment")
	}
	if u.Path = strings.TrimRight(u.Path, "/"); u.Path != "" && u.Path != path.Clean(u.Path) {
		return nil, errors.New("Source.URL has a path with //, /./ or /../ in it: write it without")
	}
	to := origin.Of(u)
	if !to.Encrypted() && !to.Plain() {
		return nil, errors.New("Source.URL is neither https nor http")
	}
	r := &http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}}
	if !s.Insecure && !to.Encrypted() && !(to.Loopback() && origin.Direct(s.client().Transport, r)) {
		return nil, fmt.Errorf("nothing was sent to %s, where others could read it and the Dashboard acts with its own rights: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Source.Insecure", to)
	}
	return u, nil
}

// clientTimeout is that of the client where Source has none.
const clientTimeout = 10 * time.Second

// client returns what makes the requests: a copy, since the caller's may be
// shared, which sends them where they are for and no further.
func (s *Source) client() *http.Client {
	client := http.Client{Timeout: clientTimeout}
	if s.Client != nil {
		client = *s.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	return &client
}
