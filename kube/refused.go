package kube

import (
	"fmt"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// failed returns err, of a request for r, with what to do about it. The server's
// own words, which name the user and the object, stand before that.
func (r Request) failed(err error) *Error {
	e := failed(r.op(), err)
	if e.Remedy != "" {
		return e
	}
	status, _ := statusOf(err) // there is one with each of these reasons
	switch e.Reason {
	case Forbidden:
		e.Remedy = r.unforbid(status)
	case Missing:
		e.Reason, e.Remedy = r.missing(status)
	case Rejected:
		e.Reason, e.Remedy = r.rejected(status)
	}
	return e
}

// unforbid says what to do about a 403. Not each is a matter of rights.
func (r Request) unforbid(s metav1.Status) string {
	switch {
	case strings.Contains(s.Message, "cannot create resource"):
		return fmt.Sprintf(`grant whoever asks the verb "create" on the resource "serviceaccounts/token" (resourceNames %q) %s`, r.ServiceAccount, r.where())
	case caused(s, corev1.NamespaceTerminatingCause):
		return "the namespace is being deleted, and so is the service account: stop asking"
	}
	return "this is no lack of rights: an admission plugin or a webhook of the server does not want it, for the reason it gives"
}

// missing says what is not there. The server looks for the service account before
// what the token is to be bound to.
func (r Request) missing(s metav1.Status) (Reason, string) {
	kind := ""
	if s.Details != nil {
		kind = s.Details.Kind
	}
	switch {
	case kind == "namespaces":
		return Missing, "create it, or correct the namespace that the Client is for"
	case r.BoundTo != nil && strings.EqualFold(kind, r.BoundTo.Kind+"s"):
		return Unbound, fmt.Sprintf("the %s is gone, and with it the need for a token bound to it: stop asking, or correct Request.BoundTo (name, and namespace: that of the service account)", r.BoundTo.Kind)
	}
	return Missing, "create it, or correct Request.ServiceAccount or the namespace that the Client is for"
}

// rejected says what is wrong with the request: 400, 409 or 422.
func (r Request) rejected(s metav1.Status) (Reason, string) {
	err := &apierrors.StatusError{ErrStatus: s}
	switch {
	case apierrors.IsConflict(err) && s.Details != nil && s.Details.Kind == "TokenRequest":
		return Recreated, recreated
	case apierrors.IsConflict(err) && r.BoundTo != nil:
		return Unbound, fmt.Sprintf("it is not the %s it was: stop asking for what the old one needed, and set Request.BoundTo.UID to that of the new one", r.BoundTo.Kind)
	case about(s, "spec.expirationSeconds"):
		return Rejected, fmt.Sprintf("correct Request.Lifetime (%v): it may be from 10m0s to 2^32 seconds, and 0 leaves it to the server", r.Lifetime)
	case about(s, "spec.audiences"):
		return Rejected, "correct Request.Audiences"
	case about(s, "spec.boundObjectRef"), r.BoundTo != nil && strings.Contains(s.Message, "cannot bind token"):
		return Rejected, "correct Request.BoundTo: a Pod that runs as this service account, a Secret of its namespace, or a Node (Kubernetes 1.31 and later)"
	}
	return Rejected, "the server does not take the request, for the reason it gives: correct the Request"
}

const recreated = "the service account was deleted and made anew since Request.UID was read: stop asking for the old one, and set Request.UID to that of the new one if it is to have what the old one had"

// about reports whether s blames a field of a request.
func about(s metav1.Status, field string) bool {
	if s.Details == nil {
		return false
	}
	for _, c := range s.Details.Causes {
		if c.Field == field || strings.HasPrefix(c.Field, field+"[") || strings.HasPrefix(c.Field, field+".") {
			return true
		}
	}
	return false
}

// where names the namespace of r in a sentence.
func (r Request) where() string {
	if r.Namespace == "" {
		return "in that namespace"
	}
	return fmt.Sprintf("in namespace %q", r.Namespace)
}

// check returns an error if r cannot be asked for at all.
func (r Request) check() error {
	op := r.op()
	switch {
	case r.ServiceAccount == "":
		return misconfigured(op, "Request.ServiceAccount is empty: set it to the name of the service account")
	case !isName(r.ServiceAccount):
		return misconfigured(op, fmt.Sprintf("Request.ServiceAccount is %q, which is no name of a service account: its namespace has a field of its own", brief(r.ServiceAccount, 100)))
	case r.Namespace != "" && !isName(r.Namespace):
		return misconfigured(op, fmt.Sprintf("Request.Namespace is %q, which is no name of a namespace", brief(r.Namespace, 100)))
	case r.Lifetime < 0:
		return misconfigured(op, fmt.Sprintf("Request.Lifetime is %v: set it to 10m or more, or to 0, which leaves it to the server", r.Lifetime))
	case r.BoundTo != nil && (r.BoundTo.Kind == "" || r.BoundTo.Name == ""):
		return misconfigured(op, "Request.BoundTo has no Kind or no Name: set both, or BoundTo to nil for a token that is bound to nothing")
	}
	for i, a := range r.Audiences {
		if a == "" {
			return misconfigured(op, fmt.Sprintf("Request.Audiences[%d] is empty: leave it out", i))
		}
	}
	return nil
}

// isName reports whether s can be the name of a service account, a namespace or a
// Secret.
// client-go would put anything else into the path of a URL, or refuse to.
func isName(s string) bool {
	return len(s) <= 253 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" && strings.Trim(s, ".") != ""
}

// describe names the object that a token is bound to.
func describe(o *authenticationv1.BoundObjectReference) string {
	return brief(o.Kind+" "+o.Name, 300)
}
