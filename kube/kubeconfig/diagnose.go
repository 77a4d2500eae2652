package kubeconfig

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// Diagnose says why the credential of a user is refused, and what to change: what
// there is to say of the kubeconfig, and then of the token, as [kube.Diagnose] does
// with server, which may be nil. It runs no command, and refreshes nothing.
//
// Certain of what it says of the kubeconfig is what no call of kubectl can succeed
// with. The empty name is for the user of the current context.
func (f Files) Diagnose(ctx context.Context, user string, server *rest.Config) (token.Diagnosis, error) {
	all, entry, err := f.find(user)
	if err != nil {
		return token.Diagnosis{}, err
	}
	l := all.look(*entry)
	found := l.credential()
	if l.sends() {
		found = append(found, l.suspected(ctx, server)...)
	}
	found = append(found, l.faults()...)
	if l.Kind == Exec && len(l.fatals) == 0 {
		found = append(found, l.unrun())
	}
	slices.SortStableFunc(found, func(a, b token.Finding) int {
		switch {
		case a.Certain == b.Certain:
			return 0
		case a.Certain:
			return -1
		}
		return 1
	})
	return token.Diagnosis{Findings: found}, nil
}

// suspected is what there is to say of the token.
func (l *look) suspected(ctx context.Context, server *rest.Config) []token.Finding {
	found := kube.Diagnose(ctx, kube.Suspect{Token: l.Token.Value}, server).Findings
	from := l.evidence()
	if !l.Expiry.IsZero() && l.now.After(l.Expiry) {
		from = append(from, saw("what keeps it fresh", "%s", l.Outlook()))
	}
	for i := range found {
		found[i].Evidence = slices.Concat(found[i].Evidence, from)
	}
	return found
}

// faults are the problems as findings, but for those that are no reason for a refusal.
func (l *look) faults() (found []token.Finding) {
	for _, problem := range l.Problems {
		if slices.Contains(l.asides, problem) {
			continue
		}
		cause, remedy := halves(problem)
		found = append(found, token.Finding{
			Cause: cause, Certain: slices.Contains(l.fatals, problem),
			Evidence: l.evidence(), Remedy: remedy,
		})
	}
	return found
}

// halves parts a problem from what to do about it, with which it ends: what is behind
// the first semicolon, or else behind the last colon. Those in quotes are in what
// somebody else has chosen.
func halves(problem string) (what, remedy string) {
	colon, quoted := len(problem), false
	for i := 0; i < len(problem); i++ {
		switch rest := problem[i:]; {
		case quoted && rest[0] == '\\':
			i++
		case rest[0] == '"':
			quoted = !quoted
		case quoted:
		case strings.HasPrefix(rest, "; "):
			return problem[:i], rest[2:]
		case strings.HasPrefix(rest, ": "):
			colon = i
		}
	}
	return problem[:colon], strings.TrimPrefix(problem[colon:], ": ")
}

// evidence returns where a user is from, and then more.
func (l *look) evidence(more ...token.Evidence) []token.Evidence {
	return append([]token.Evidence{saw("the user "+show(l.Name), "%s, in %s", l.Kind, show(l.File))}, more...)
}

// saw returns a fact.
func saw(what, format string, args ...any) token.Evidence {
	return token.Evidence{What: what, Value: fmt.Sprintf(format, args...)}
}
