package rancher

import (
	"slices"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/token"
)

// diagnosisOf returns what was found, with nothing certain if it is not known that the
// server has given the answers.
func diagnosisOf(s *Server, findings []token.Finding, answers ...seen) token.Diagnosis {
	why, kept := "", slices.ContainsFunc(answers, func(a seen) bool { return a.cached })
	if slices.ContainsFunc(answers, seen.answered) {
		why = s.unproved()
	}
	if kept {
		why = "a cache on the way has (header Age), perhaps with what it was told about another token"
	}
	if len(findings) == 0 && kept {
		findings = append(findings, likely("whether the token is good is not known: a cache on the way has answered", "have what is on the way keep no answers of the server's", answers[0].evidence()))
	}
	d := token.Diagnosis{Findings: findings}
	if why != "" {
		d = d.Doubt(saw("who has answered", "%s", why))
	}
	return d
}

// answered reports whether anybody has answered.
func (s seen) answered() bool {
	return s.status != 0 || statusOf(s.err) != 0
}

// unproved says why anybody on the way to s can have answered in its place; empty if
// nobody can.
func (s *Server) unproved() string {
	u, err := s.address()
	if err != nil {
		return ""
	}
	return origin.Unproved(s.base(), u)
}

// proxyPassword returns the password that a proxy on the way to s gets; the zero Secret
// if none is known.
func (s *Server) proxyPassword() token.Secret {
	u, err := s.address()
	if err != nil {
		return token.Secret{}
	}
	return token.NewSecret(origin.ProxyPassword(s.base(), u))
}
