package kube

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/token"
)

// A Suspect is a token that is refused, and what is known of it here. The more is
// known, the more is certain.
type Suspect struct {
	Token token.Secret // required

	// Audiences are the names of the service that refuses it; none means the API
	// server.
	Audiences []string

	// Access is what it was refused for, if that is known. Nil means what Err says,
	// if that is an API server's 403.
	Access *Access

	// Err is what a call that it was sent with has failed with, if there was one.
	Err error
}

// An Access is something that somebody may do or not, as kubectl auth can-i has it:
// Verb "get" of Resource "pods" and Subresource "log" is get pods/log.
type Access struct {
	Verb, Group, Resource, Subresource string // Group "" is that of pods and Secrets
	Namespace, Name                    string // empty means in all, and any

	Path string // instead of all these but Verb: one that is no resource, such as /metrics
}

// diagnosisTime bounds a diagnosis, however many things it has to ask for.
const diagnosisTime = time.Minute

// Diagnose says why a token is refused, and what to change.
//
// What can be told from its text is told without asking. Then server is asked, if it
// is not nil: first what it is, without the token, then with the token itself who has it
// and what they may do, and about the token with whatever credential server has. That is
// the more certain the more it may: the ClusterRole system:auth-delegator lets it have
// the API server's own word (TokenReview), which the answer to whoever presents a token
// never has, and the verb get lets it look at the service account, at the Pod, Secret or
// Node that the token is bound to, and at the server's issuer and keys. What it may not
// look at is in the evidence, and blames no token. A Transport of the caller's own that
// fails blames no server, nor does what server.WrapTransport puts around it: if that
// fails, or puts the token itself on the first question, that is asked without it.
//
// A finding is Certain if the API server has said so, or what it depends on was seen
// there, by its clock and by this machine's. Without a server hardly anything is but what is
// wrong with the text. If server is Insecure (insecure-skip-tls-verify), no answer proves
// anything, because anybody on the way may have given it, and has the token then: the
// evidence says so. No findings means that nothing was found: an API server itself goes
// on accepting a token for ten seconds after it is void, which this shows.
//
// Nothing is changed, but that the server itself notes the day, as a label, on the Secret
// of a token that does not expire, as it does whenever such a token is presented. No
// plugin of server is run, be it exec or auth-provider: a credential that only such a
// one has is not used. The token goes to server.Host alone, by https or to a loopback
// address, past whatever server.WrapTransport puts there, and only if what answers there
// is an API server or wants a login first. No redirect is followed. It takes a minute at
// most, whatever ctx allows. In what is returned there are names and no secrets, and what
// is foreign is cut; commands in a remedy have nothing in them that is more than a name
// to a shell.
func Diagnose(ctx context.Context, s Suspect, server *rest.Config) (d token.Diagnosis) {
	defer recovered(&d)
	ctx, cancel := context.WithTimeout(ctx, diagnosisTime)
	defer cancel()
	server = fromFile(ctx, server)
	return gather(ctx, s, server).diagnosis().Redact(append(secretsOf(server), s.Token)...)
}

// recovered makes a finding of a panic of somebody else's code.
func recovered(d *token.Diagnosis) {
	if v := recover(); v != nil {
		*d = token.Diagnosis{Findings: []token.Finding{likely(causePanic, "mend what panics", saw("Diagnose", "what it called panicked, with a value of type %T", v))}}
	}
}

// certain returns a cause that the evidence proves.
func certain(cause, remedy string, evidence ...token.Evidence) token.Finding {
	return finding(true, cause, remedy, evidence...)
}

// likely returns a cause that the evidence speaks for.
func likely(cause, remedy string, evidence ...token.Evidence) token.Finding {
	return finding(false, cause, remedy, evidence...)
}

// finding returns a cause that the evidence proves, or else speaks for.
func finding(proved bool, cause, remedy string, evidence ...token.Evidence) token.Finding {
	return token.Finding{Cause: cause, Certain: proved, Evidence: evidence, Remedy: remedy}
}

// saw returns a fact.
func saw(what, format string, args ...any) token.Evidence {
	return token.Evidence{What: what, Value: fmt.Sprintf(format, args...)}
}

// settled reports whether a finding is certain.
func settled(findings []token.Finding) bool {
	return slices.ContainsFunc(findings, func(f token.Finding) bool { return f.Certain })
}
