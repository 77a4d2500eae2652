package ranchertest

import (
	"net/http"
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
}

// NewV3 returns a Rancher of a version such as "v2.13.1", without users. There
// are all from v2.0 on; each has the calls, the settings, the defaults and the
// answers of its time.
func NewV3(version string) *V3 { return &V3{URL: "https://rancher.example"} }

// Client returns a client for which the server is all there is.
func (s *V3) Client() *http.Client {
	return pipe.Client("ranchertest", func() string { return s.URL }, s)
}

// ServeHTTP answers a request.
func (s *V3) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.Error(w, "TODO", 500) }

// AddUser adds a user of the local provider, and returns its id.
func (s *V3) AddUser(username, password string) (id string) { return "" }

// Set gives a setting another value, such as "auth-token-max-ttl-minutes", and
// SetEnv does so by the server's environment, which wins.
func (s *V3) Set(setting, value string)    {}
func (s *V3) SetEnv(setting, value string) {}

// SetFault has a fault spoil the answers from now on; nil ends that.
func (s *V3) SetFault(f Fault) {}

// A V3Token is a token as the server keeps it.
type V3Token struct {
	Name, Secret, UserID, Description, Cluster string
	Created                                    time.Time
	TTL                                        time.Duration // 0 is for ever
	Derived, Enabled, Kubeconfig, Ext          bool
}

// Tokens returns all tokens that there are, also expired ones.
func (s *V3) Tokens() []V3Token { return nil }
