package kube

// unreviewed returns the error of a review of the token text that failed with err.
func unreviewed(err error, text string) error {
	// Whatever is on the way may repeat what it was sent.
	err = redact(err, text)
	e := failed(reviewing, err)
	status, ok := statusOf(err)
	if !ok || e.Remedy != "" {
		return e
	}
	switch {
	case e.Reason == Missing:
		e.Remedy = "is it a Kubernetes API server that Reviewer.Client asks, with authentication.k8s.io/v1?"
	case e.Reason != Forbidden:
	case status.Details != nil && status.Details.Kind == "tokenreviews":
		e.Remedy = "let whoever asks review tokens: kubectl create clusterrolebinding NAME --clusterrole=system:auth-delegator --serviceaccount=NAMESPACE:ACCOUNT"
	}
	return e
}
