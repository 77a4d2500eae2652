package kube

import "strings"

// unreviewed returns the error of a review of the token text that failed with err.
func unreviewed(err error, text string) error {
	if strings.Contains(err.Error(), text) {
		// Whatever is on the way may repeat what it was sent.
		err = &redacted{withoutToken(err.Error(), text), err}
	}
	e := failed(reviewing, err)
	status, ok := statusOf(err)
	if !ok || e.Remedy != "" {
		return e
	}
	switch {
	case e.Reason == Missing:
		e.Remedy = "is it a Kubernetes API server that Reviewer.Client asks, with authentication.k8s.io/v1?"
	case e.Reason != Forbidden:
	case strings.Contains(status.Message, `User "`+anonymous+`"`):
		e.Remedy = "the request came without a credential: give Reviewer.Client one"
	case status.Details != nil && status.Details.Kind == "tokenreviews":
		e.Remedy = "let whoever asks review tokens: kubectl create clusterrolebinding NAME --clusterrole=system:auth-delegator --serviceaccount=NAMESPACE:ACCOUNT"
	}
	return e
}

// A redacted is an error without the token that is in its text. What it wraps is
// for predicates.
type redacted struct {
	text string
	err  error
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.err }
