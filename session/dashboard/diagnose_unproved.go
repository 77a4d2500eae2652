package dashboard

import (
	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/token"
)

// unproved says why anybody on the way to the Dashboard can have answered in its
// place; empty if nobody can.
func (s *Source) unproved() string {
	u, err := s.place()
	if err != nil {
		return ""
	}
	return origin.Unproved(s.client().Transport, u)
}

// proxyPassword returns the password that a proxy on the way gets; the zero Secret if
// none is known.
func (s *Source) proxyPassword() token.Secret {
	if s == nil {
		return token.Secret{}
	}
	u, err := s.place()
	if err != nil {
		return token.Secret{}
	}
	return token.NewSecret(origin.ProxyPassword(s.client().Transport, u))
}
