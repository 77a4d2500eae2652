package ranchertest

import (
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/internal/pipe"
)

// A V2Beta is a Rancher 1.6 server. Access control is on, with local users.
//
// The fields must be set before first use. It is then safe for concurrent use.
type V2Beta struct {
	// URL is where Client finds it. NewV2Beta sets one, which any other https
	// URL may replace.
	URL string

	// Now is its clock, which may be wrong; nil means [time.Now].
	Now func() time.Time
}

// NewV2Beta returns a Rancher 1.6 without users.
func NewV2Beta() *V2Beta { return &V2Beta{URL: "https://rancher.example"} }

// Client returns a client for which the server is all there is.
func (s *V2Beta) Client() *http.Client {
	return pipe.Client("ranchertest", func() string { return s.URL }, s)
}

// ServeHTTP answers a request.
func (s *V2Beta) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.Error(w, "TODO", 500) }

// AddUser adds a user of the local provider. Kind is "admin", "user" or
// "readonly".
func (s *V2Beta) AddUser(login, password, kind string) {}

// Set gives a setting another value, such as "api.auth.jwt.token.expiry".
func (s *V2Beta) Set(setting, value string) {}

// SetFault has a fault spoil the answers from now on; nil ends that.
func (s *V2Beta) SetFault(f Fault) {}
