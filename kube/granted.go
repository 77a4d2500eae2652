package kube

import (
	"fmt"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/tokenlife/tokenlife/token"
)

// maxSeconds is the longest life that an API server grants: 2^32 seconds.
const maxSeconds = 1 << 32

// granted returns the token in the answer to r, and for how long the server would
// accept it. It believes what the answer says of the token's life, and nothing
// that is not what was asked for.
func (r Request) granted(answer *authenticationv1.TokenRequest) (t token.Token, exp time.Duration, err error) {
	bad := func(format string, args ...any) (token.Token, time.Duration, error) {
		return token.Token{}, 0, badAnswer(r.op(), fmt.Sprintf(format, args...))
	}
	if answer == nil || answer.Status.Token == "" {
		return bad("the answer has no status.token: is this a Kubernetes API server?")
	}
	text := answer.Status.Token
	switch {
	case len(text) > token.MaxSize:
		return bad("status.token has %d bytes, more than the %d that a token may have", len(text), token.MaxSize)
	case oddByte(text) >= 0:
		return bad("status.token has characters that a token may not have: spaces, line breaks or such")
	}
	value := token.NewSecret(text)
	info, err := token.Inspect(value)
	if err != nil {
		return bad("status.token is broken: %v", err)
	}
	if err := r.meets(answer, info); err != nil {
		return token.Token{}, 0, err
	}

	t = token.Token{Value: value, IssuedAt: info.IssuedAt, Expiry: answer.Status.ExpirationTimestamp.Time}
	seconds := answer.Spec.ExpirationSeconds
	switch {
	case t.Expiry.Unix() <= 0: // the zero Time as well
		return bad("status.expirationTimestamp is missing or zero")
	case seconds != nil && (*seconds <= 0 || *seconds > maxSeconds):
		return bad("spec.expirationSeconds is %d, which no token lives", *seconds)
	}
	by := "status.expirationTimestamp"
	if !info.Expiry.IsZero() && info.Expiry.Before(t.Expiry) {
		by, t.Expiry = "the end that status.token has in it", info.Expiry
	}
	switch {
	case !t.IssuedAt.IsZero():
		t.ExpiresIn = t.Expiry.Sub(t.IssuedAt)
		if seconds != nil {
			// A signer may set iat back, for those whose clocks are slow.
			t.ExpiresIn = min(t.ExpiresIn, time.Duration(*seconds)*time.Second)
		}
	case seconds != nil:
		// Signed elsewhere, in a form that cannot be read.
		t.ExpiresIn = time.Duration(*seconds) * time.Second
	default:
		return bad("spec.expirationSeconds is missing, and status.token does not say when it was issued")
	}
	if t.ExpiresIn <= 0 {
		return bad("%s is not after the iat of status.token, which is %s: it was dead when it was issued", by, t.IssuedAt.UTC().Format(time.RFC3339))
	}
	exp = t.ExpiresIn
	if end := info.Claims.Expiry; !end.IsZero() && !t.IssuedAt.IsZero() {
		exp = end.Sub(t.IssuedAt)
	}
	return t, exp, nil
}

// meets returns an error if what was granted is not what r asks for. What cannot be
// read of the token is believed.
func (r Request) meets(answer *authenticationv1.TokenRequest, info token.Info) error {
	bad := func(format string, args ...any) error {
		return badAnswer(r.op(), fmt.Sprintf(format, args...))
	}
	has := make(map[string]bool)
	for _, a := range answer.Spec.Audiences {
		has[a] = true
	}
	for _, a := range r.Audiences {
		if !has[a] {
			return bad("spec.audiences of the answer lacks %q", brief(a, 100))
		}
	}
	switch {
	case answer.Name != "" && answer.Name != r.ServiceAccount:
		return bad("metadata.name of the answer is %q", brief(answer.Name, 100))
	case r.Namespace != "" && answer.Namespace != "" && answer.Namespace != r.Namespace:
		return bad("metadata.namespace of the answer is %q: is the Client for namespace %s?", brief(answer.Namespace, 100), r.Namespace)
	}
	if r.BoundTo != nil && answer.Spec.BoundObjectRef == nil {
		return bad("spec.boundObjectRef is missing in the answer: the token is not bound to %s", describe(r.BoundTo))
	}
	if info.Format != token.JWT {
		return nil
	}

	for _, a := range r.Audiences {
		if !info.Claims.HasAudience(a) {
			return bad("the aud of status.token lacks %q", brief(a, 100))
		}
	}
	account := info.ServiceAccount
	switch {
	case r.Namespace != "" && account.Namespace != "" && account.Namespace != r.Namespace:
		return bad("status.token is of namespace %q: is the Client for namespace %s?", brief(account.Namespace, 100), r.Namespace)
	case account.Name != "" && account.Name != r.ServiceAccount:
		return bad("status.token is of service account %q", brief(account.Name, 100))
	case !r.isSubject(info.Claims.Subject):
		return bad("the sub of status.token is %q, which is not the service account", brief(info.Claims.Subject, 200))
	case r.UID != "" && account.UID == "":
		return bad("status.token does not say the UID of its service account")
	case r.UID != "" && account.UID != string(r.UID):
		// Before 1.34 a server lets Request.UID pass without a look.
		return &Error{Op: r.op(), Reason: Recreated, Remedy: recreated,
			Err: fmt.Errorf("status.token is of a service account with UID %q, and not Request.UID (%s)", brief(account.UID, 100), brief(string(r.UID), 100))}
	}
	return r.bound(account)
}

// isSubject reports whether a token with that sub can be of the service account.
// Neither name has a colon.
func (r Request) isSubject(sub string) bool {
	names, ok := strings.CutPrefix(sub, "system:serviceaccount:")
	namespace, name, _ := strings.Cut(names, ":")
	return ok && name == r.ServiceAccount && (r.Namespace == "" || namespace == r.Namespace)
}

// bound returns an error if the token of account is not bound to what r asks for. A
// server that does not know the kind of object lets it pass without a look.
func (r Request) bound(account token.ServiceAccount) error {
	if r.BoundTo == nil {
		return nil
	}
	var o token.Object
	switch r.BoundTo.Kind {
	case "Pod":
		o = account.Pod
	case "Secret":
		o = account.Secret
	case "Node":
		o = account.Node
	default:
		return nil // of a server that is newer than this
	}
	switch {
	case o.Name == "":
		return badAnswer(r.op(), fmt.Sprintf("status.token is not bound to %s: does the server know Request.BoundTo of that Kind?", describe(r.BoundTo)))
	case o.Name != r.BoundTo.Name || r.BoundTo.UID != "" && o.UID != string(r.BoundTo.UID):
		return badAnswer(r.op(), fmt.Sprintf("status.token is bound to another %s than Request.BoundTo: %q with UID %q", r.BoundTo.Kind, brief(o.Name, 100), brief(o.UID, 100)))
	}
	return nil
}
