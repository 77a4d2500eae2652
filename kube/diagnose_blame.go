package kube

import (
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tokenlife/tokenlife/token"
)

// acceptance is what there is to say of a token that nothing is wrong with: of what
// it was refused for, and of the call that has failed.
func (f *facts) acceptance() []token.Finding {
	var accepted []token.Evidence
	if f.probe.asked() {
		accepted = append(accepted, f.probe.evidence())
	}
	want, _ := f.suspect.wanted()
	if f.access.known && !f.elsewise() {
		evidence := append(accepted, f.access.evidence(want))
		switch {
		case !f.access.allowed:
			return []token.Finding{f.denied(!f.access.unsure, want, f.probe.user, evidence...)}
		case apierrors.IsForbidden(f.suspect.Err):
			return []token.Finding{likely(causeGranted, "try again", append(evidence, f.failure())...)}
		}
	}
	return f.blamed(accepted...)
}

// blamed is what the error of a call says, of a token that nothing else is wrong
// with, as far as is known.
func (f *facts) blamed(accepted ...token.Evidence) []token.Finding {
	err := f.suspect.Err
	if err == nil {
		return nil
	}
	evidence := append(accepted, f.failure())
	status, _ := statusOf(err)
	switch e := failed("a call", err); {
	case e.Reason == Forbidden && userIn(status.Message) == anonymous:
		return []token.Finding{certain(causeAnonymous, "find out where it got lost: a client that has none, a program that sends it elsewhere than in the header Authorization, or a proxy on the way that takes that off", evidence...)}
	case f.elsewise():
		return []token.Finding{likely(causeOnce, remedyOnce, evidence...)}
	case e.Reason == Away, e.Reason == Busy:
		return []token.Finding{likely(causeMomentary, "try again; if it happens often, look at what is between here and there", evidence...)}
	case unexpected(status):
		return []token.Finding{likely(causeProxy, "look at the log of what is before the API server", evidence...)}
	case e.Reason == Forbidden:
		if _, ok := accessIn(status.Message); ok {
			want, _ := f.suspect.wanted()
			// It was good then, and may not be now, or the call was made as another user.
			return []token.Finding{f.denied(f.probe.user != "", want, userIn(status.Message), evidence...)}
		}
		return []token.Finding{likely(causeAdmission, "change the request as the server's words say, or have the policy changed", evidence...)}
	case e.Reason == Untrusted:
		return []token.Finding{likely(causeUntrusted, e.Remedy, evidence...)}
	case e.Reason == Unauthenticated && f.accepted():
		return []token.Finding{likely(causeOnce, remedyOnce, evidence...)}
	case e.Reason == Unauthenticated:
		return []token.Finding{likely(causeUnexplained, "ask the API server: give Diagnose a rest.Config for it, with a credential that may review tokens", evidence...)}
	}
	return nil
}

const remedyOnce = "is what the program sends what its file or Secret has now? client-go reads a token file again after 50 seconds at the earliest; kube.Config with kube.Projected asks again with the new one after a 401"

// elsewise reports whether the call that has failed was made as somebody else than
// whom the token is for.
func (f *facts) elsewise() bool {
	status, _ := statusOf(f.suspect.Err)
	user := userIn(status.Message)
	return status.Code == http.StatusForbidden && user != "" && f.probe.user != "" && user != f.probe.user
}

// failure returns the call that has failed as a fact.
func (f *facts) failure() token.Evidence {
	err := f.suspect.Err
	var e *Error
	if errors.As(err, &e) {
		err = e.Err
	}
	return saw("the call that failed", "%s", brief(redact(repeat(err), f.suspect.Token.Reveal()).Error(), longestExcerpt))
}
