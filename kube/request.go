package kube

import (
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A Request says which token is wanted of the API server (TokenRequest). Two
// Requests that differ in the order of their Audiences only are the same.
type Request struct {
	// Namespace is where the service account is. [Tokens] needs it. A [Source]
	// asks in the namespace that its Client is for: it checks Namespace against
	// the answer if it is set, and names it in errors.
	Namespace string

	// ServiceAccount is whose token it is. Required.
	ServiceAccount string

	// UID, if not empty, is that of the service account: once it has been deleted
	// and made anew the request fails, instead of bringing a token of an account
	// that merely has the same name. Servers before Kubernetes 1.34 give that token
	// all the same; it is not let through, if it can be read.
	UID types.UID

	// Audiences are whom the token is for; none means the API server.
	Audiences []string

	// Lifetime is how long the token should live, in whole seconds; 0 leaves it
	// to the server, which gives an hour. The server refuses less than ten
	// minutes and shortens what is above its maximum: the token says what was
	// granted, and [Event] that it was less.
	Lifetime time.Duration

	// BoundTo, if not nil, is the Pod, Secret or Node that the token dies with.
	// Without its UID it is the one of that name at that moment.
	BoundTo *authenticationv1.BoundObjectReference
}

// spec returns r as it is sent. It shares nothing with r that a Client may change.
func (r Request) spec() *authenticationv1.TokenRequest {
	req := &authenticationv1.TokenRequest{
		ObjectMeta: metav1.ObjectMeta{UID: r.UID},
		Spec:       authenticationv1.TokenRequestSpec{Audiences: slices.Clone(r.Audiences)},
	}
	if r.Lifetime != 0 {
		req.Spec.ExpirationSeconds = new(int64(r.Lifetime / time.Second))
	}
	if r.BoundTo != nil {
		req.Spec.BoundObjectRef = r.BoundTo.DeepCopy()
	}
	return req
}

// op names r in errors.
func (r Request) op() string {
	switch {
	case r.ServiceAccount == "":
		return "token of a service account"
	case r.Namespace == "":
		return "token of service account " + brief(r.ServiceAccount, 253)
	}
	return "token of service account " + brief(r.Namespace+"/"+r.ServiceAccount, 320)
}
