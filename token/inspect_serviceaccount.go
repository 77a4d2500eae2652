package token

import (
	"time"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// A ServiceAccount is whom a Kubernetes service account token says it is for,
// and what its life hangs on besides time. It is zero in the [Info] of any other
// token.
type ServiceAccount struct {
	Namespace string
	Name, UID string

	// A token that is bound to an object is void when the object is gone: one
	// of a pod to Pod, one of a Secret, as all legacy ones are, to Secret. Node
	// is where the pod runs, or what the token is bound to if it has no Pod.
	Pod, Secret, Node Object

	// WarnAfter is when the token was meant to be replaced, where Kubernetes
	// has made it valid for a year so that programs that never reload it go on
	// working. Using it later is logged by the API server.
	WarnAfter time.Time
}

// An Object names a Kubernetes object in the namespace of the service account,
// or a node. UID may be empty.
type Object struct {
	Name, UID string
}

// kubernetesClaims collects what the API server writes into a token beside
// registered claims.
//
// Another issuer may give claims of the same names any type it likes. So what
// is of another type is no error, only no service account token.
type kubernetesClaims struct {
	bound, legacy ServiceAccount
}

// read reads the claim called name if it is one of Kubernetes'.
func (k *kubernetesClaims) read(r *strictjson.Reader, name string) {
	switch name {
	case "kubernetes.io":
		readBound(r, &k.bound)
	case "kubernetes.io/serviceaccount/namespace":
		k.legacy.Namespace = textIfAny(r)
	case "kubernetes.io/serviceaccount/service-account.name":
		k.legacy.Name = textIfAny(r)
	case "kubernetes.io/serviceaccount/service-account.uid":
		k.legacy.UID = textIfAny(r)
	case "kubernetes.io/serviceaccount/secret.name":
		k.legacy.Secret.Name = textIfAny(r)
	}
}

// readBound reads the object that every token but a legacy one has.
func readBound(r *strictjson.Reader, a *ServiceAccount) {
	if r.Kind() != strictjson.Object {
		return
	}
	for name := range r.Object() {
		switch name {
		case "namespace":
			a.Namespace = textIfAny(r)
		case "serviceaccount":
			o := readObject(r)
			a.Name, a.UID = o.Name, o.UID
		case "pod":
			a.Pod = readObject(r)
		case "secret":
			a.Secret = readObject(r)
		case "node":
			a.Node = readObject(r)
		case "warnafter":
			if r.Kind() == strictjson.Number {
				if s, ok := wholeSeconds(r.Number()); ok {
					a.WarnAfter = time.Unix(s, 0).UTC()
				}
			}
		}
	}
}

func readObject(r *strictjson.Reader) (o Object) {
	if r.Kind() != strictjson.Object {
		return o
	}
	for name := range r.Object() {
		switch name {
		case "name":
			o.Name = textIfAny(r)
		case "uid":
			o.UID = textIfAny(r)
		}
	}
	return o
}

// textIfAny reads a string, and leaves what is none to be skipped.
func textIfAny(r *strictjson.Reader) string {
	if r.Kind() != strictjson.String {
		return ""
	}
	return r.Text()
}

// fill completes info, which is of the JWT that k's claims are from, if they
// are those of a service account.
func (k *kubernetesClaims) fill(info *Info) {
	switch {
	case k.bound.Namespace != "" && k.bound.Name != "":
		info.Kind = KindServiceAccount
		info.ServiceAccount = k.bound
	case k.legacy.Namespace != "" && k.legacy.Name != "":
		info.Kind = KindLegacyServiceAccount
		info.ServiceAccount = k.legacy
	default:
		return
	}
	if w := info.ServiceAccount.WarnAfter; !w.IsZero() && (info.Expiry.IsZero() || w.Before(info.Expiry)) {
		info.Expiry = w
	}
}
