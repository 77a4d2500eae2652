package rancher

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A Suspect is a token that is refused, and what is known of it here. The more
// is known, the more is certain.
type Suspect struct {
	Token token.Secret // required

	// Created is when it was made, Lifetime how long it was granted, and Asked
	// how long it was asked for: what a Login, a V3Token or a V3Event has said.
	// Zero means that it is not known.
	Created         time.Time
	Lifetime, Asked time.Duration

	// User is whom it was made for, as a Login has said. The ID and the Provider
	// are looked at; what is empty is not known.
	User User

	// URL is what it was refused for, if that is known: a URL of the server, or
	// the path of one. Diagnose asks for it with GET, without its query.
	URL string

	// Err is what a call that it was sent with has failed with, if there was
	// one; an [*Error] says the most.
	Err error
}

// diagnosisTime bounds a diagnosis, however many things it has to ask for.
const diagnosisTime = time.Minute

// edge is how near to its end a token can be good at one machine and expired at
// another: Rancher's processes, its API server and the clusters each have a
// clock.
const edge = time.Minute

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

// settled reports whether a finding is certain.
func settled(findings []token.Finding) bool {
	return slices.ContainsFunc(findings, func(f token.Finding) bool { return f.Certain })
}

// keyOf returns what of a token is secret: what stands before its colon is a name.
func keyOf(s token.Secret) token.Secret {
	if _, key, ok := strings.Cut(s.Reveal(), ":"); ok {
		return token.NewSecret(key)
	}
	return s
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
