package rancher

import "context"

// A Product is which Rancher a server is.
type Product struct {
	V2Beta  bool   // it is 1.6: v2-beta is its API
	Version string // such as "v2.13.1"; empty if it does not say
	Prime   bool   // it is SUSE Rancher Prime
}

// Detect asks a server which Rancher it is, without a credential.
//
// An error that matches [ErrNotRancher] says that it is none.
func (s *Server) Detect(ctx context.Context) (Product, error) {
	return Product{}, call{op: "detect"}.fail(errTODO)
}

// Open asks a server which Rancher it is, and returns the client for it: a
// [*V2Beta] or a [*V3].
func (s *Server) Open(ctx context.Context) (API, error) {
	p, err := s.Detect(ctx)
	switch {
	case err != nil:
		return nil, err
	case p.V2Beta:
		return &V2Beta{Server: s}, nil
	}
	return &V3{Server: s}, nil
}
