package dashboard

import (
	"context"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// diagnosisTime bounds a diagnosis, however many things it has to ask for.
const diagnosisTime = time.Minute

// Diagnose says why a session, or a bearer token, is refused by a Dashboard, and
// what to change. Of s it needs the URL alone, and the Client if there is one; with
// an empty URL it says what the text tells.
//
// The Dashboard is asked by GET and nothing else, with the token: what of it arrives
// (login/status), and for a list of namespaces. The credential in a session nobody
// can read who has not the Dashboard's key: what is wrong with that, kube.Diagnose
// says of the token that was logged in with. A diagnosis takes a minute at most. No
// token is in what it returns.
//
// A finding is Certain if it is the Dashboard that has said so, and no other cause
// explains it as well. None is if its certificate is not verified, if it is asked over
// http, or if a cache has answered.
func (s *Source) Diagnose(ctx context.Context, suspect token.Secret) (d token.Diagnosis) {
	defer func() {
		if v := recover(); v != nil {
			d = token.Diagnosis{Findings: []token.Finding{likely("the diagnosis itself has failed, which says nothing of the token",
				"mend what panics", saw("Diagnose", "%v", panics.Error("what it called", v)))}}
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, diagnosisTime, lateError{diagnosisTime})
	defer cancel()
	f := &facts{form: formOf(suspect), clocks: clocks{received: time.Now()}}
	if f.fault == nil && s.URL != "" {
		s.look(ctx, f, suspect)
	}
	return f.diagnosis().Redact(suspect, s.proxyPassword())
}

// certain returns a cause that the evidence proves.
func certain(cause, remedy string, evidence ...token.Evidence) token.Finding {
	return token.Finding{Cause: cause, Certain: true, Evidence: evidence, Remedy: remedy}
}

// likely returns a cause that the evidence speaks for.
func likely(cause, remedy string, evidence ...token.Evidence) token.Finding {
	return token.Finding{Cause: cause, Evidence: evidence, Remedy: remedy}
}

// saw returns a fact.
func saw(what, format string, args ...any) token.Evidence {
	return token.Evidence{What: what, Value: fmt.Sprintf(format, args...)}
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
