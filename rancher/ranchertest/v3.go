package ranchertest

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/internal/pipe"
)

// A V3 is a Rancher 2.x server with the local provider.
//
// The fields must be set before first use. It is then safe for concurrent use.
type V3 struct {
	// URL is where Client finds it. NewV3 sets one, which any other https URL
	// may replace.
	URL string

	// Now is its clock, which may be wrong; nil means [time.Now].
	Now func() time.Time

	// Prime says that it is SUSE Rancher Prime.
	Prime bool

	version string
	is      v3Version
	traffic traffic

	mu        sync.Mutex // guards all below, and is not held while anything waits
	users     []*v3User
	tokens    []*v3Token
	providers []*v3Provider
	settings  map[string]string // those that somebody has set
	env       map[string]string // those of the environment
	off       map[string]bool   // features that are switched off
	codes     map[string]*v3User
	refused   []string

	clusters    []string // their ids
	kubeconfigs []*v3Kubeconfig
	saml        map[string]*v3SAML // by the ids of the requests
}

// NewV3 returns a Rancher of a version such as "v2.13.1", without users. There
// are all from v2.0 on; each has the calls, the settings, the defaults and the
// answers of its time. NewV3 panics if the version is not of that form.
func NewV3(version string) *V3 {
	return &V3{
		URL:       "https://rancher.example",
		version:   version,
		is:        parseV3Version(version),
		providers: []*v3Provider{{v3ProviderType: v3ProviderTypes[0]}},
		settings:  map[string]string{},
		env:       map[string]string{},
		off:       map[string]bool{},
		codes:     map[string]*v3User{},
		clusters:  []string{"local"},
		saml:      map[string]*v3SAML{},
	}
}

// Client returns a client for which the server is all there is.
func (s *V3) Client() *http.Client {
	return pipe.Client("ranchertest", func() string { return s.URL }, s)
}

// SetFault has a fault spoil the answers from now on; nil ends that.
func (s *V3) SetFault(f Fault) { s.traffic.setFault(f) }

// Requests returns what has been asked, such as "POST /v3/tokens", in the order
// in which it came.
func (s *V3) Requests() []string { return s.traffic.all() }

// AtOnce returns how many requests of a name were under way at once at most.
func (s *V3) AtOnce(request string) int { return s.traffic.atOnce(request) }

// Refused returns, for each request that came with a token that is no good, what
// it was and why, such as "GET /v3/users: token-7d9xk: expired".
func (s *V3) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// SetFeature switches a feature on or off, such as "v3-public".
func (s *V3) SetFeature(name string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off[name] = !on
}

// ServeHTTP answers a request.
func (s *V3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.traffic.serve(w, r, http.HandlerFunc(s.serve))
}

// longestBody is CATTLE_AUTH_API_BODY_LIMIT, beyond which a body cannot be read.
const longestBody = 1 << 20

func (s *V3) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, longestBody))
	if err != nil {
		io.Copy(io.Discard, io.LimitReader(r.Body, 16*longestBody)) // the client may not listen before it has sent all
	}
	a := s.answer(&v3Call{Request: r, body: body, bodyErr: err})
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	for key, values := range a.header {
		w.Header()[key] = values
	}
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
}

// answer finds out who asks, refuses those whom the way is not open to, and has
// the rest answered by the first route that matches.
func (s *V3) answer(c *v3Call) v3Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.token, c.user = s.authenticate(c.Request)
	a := s.dispatch(c)
	if a.header == nil {
		a.header = http.Header{}
	}
	for key, values := range c.header {
		a.header[key] = append(a.header[key], values...)
	}
	if s.is.since(2, 6, 0) {
		a.header.Set("X-Api-Cattle-Auth", map[bool]string{true: "true", false: "false"}[c.token != nil])
	}
	return a
}

func (s *V3) dispatch(c *v3Call) v3Answer {
	route, known := s.route(c)
	if c.token == nil {
		if a, refused := s.filter(c); refused {
			return a
		}
	}
	if a, refused := s.checkCSRF(c); refused {
		return a
	}
	if route != nil {
		return route(s, c)
	}
	return s.noRoute(c, known)
}

func (s *V3) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
