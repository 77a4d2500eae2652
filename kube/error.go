package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tokenlife/tokenlife/token"
)

// An Error is an API server's refusal or failure. It wraps the error of
// apimachinery, so that its predicates, such as IsForbidden, work through it.
//
// It matches [token.ErrRefused] if the server did not accept the credential
// that made the request, and never [token.ErrInvalid].
type Error struct {
	Op     string // what was asked for, such as "token of service account builder"
	Err    error  // why it failed
	Remedy string // what to do about it; may be empty
}

// Error says what failed, why, and what to do.
func (e *Error) Error() string {
	s := "kube: " + e.Op + ": " + e.Err.Error()
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is [token.ErrRefused] and e a refusal of the
// credential that made the request.
func (e *Error) Is(target error) bool {
	return target == token.ErrRefused && apierrors.IsUnauthorized(e.Err)
}

// RetryAfter returns how long the server asked to be left alone, or 0.
func (e *Error) RetryAfter() time.Duration {
	if s, ok := apierrors.SuggestsClientDelay(e.Err); ok {
		return time.Duration(s) * time.Second
	}
	return 0
}

// fail returns err as an *Error of s, with the remedy.
func (s *Source) fail(err error) error {
	e := &Error{Op: "token of a service account", Err: err}
	if s.ServiceAccount != "" {
		e.Op = "token of service account " + s.ServiceAccount
	}
	if errors.Is(err, token.ErrInvalid) {
		e.Err = token.Refused(err)
	}
	e.Remedy = s.remedy(err)
	return e
}

// remedy says what to do about err. The server's own words, which name the
// namespace and the user, stand before it.
func (s *Source) remedy(err error) string {
	var status apierrors.APIStatus
	isStatus := errors.As(err, &status)
	switch {
	case apierrors.IsUnauthorized(err):
		return "the credential that made the request was refused: renew that of Source.Client"
	case apierrors.IsForbidden(err):
		return fmt.Sprintf(`grant whoever asks the verb "create" on the resource "serviceaccounts/token" (resourceNames %q) in that namespace`, s.ServiceAccount)
	case apierrors.IsNotFound(err):
		return "create it, or correct Source.ServiceAccount or the namespace of Source.Client"
	case apierrors.IsInvalid(err):
		return fmt.Sprintf("correct Source.Lifetime (%v): the least is 10m, 0 leaves it to the server", s.Lifetime)
	case apierrors.IsTooManyRequests(err):
		return "the server is overloaded or limits this user: ask less often"
	case isStatus && status.Status().Code >= http.StatusInternalServerError:
		return "the API server is in trouble: its log says why"
	case !isStatus && !errors.Is(err, context.Canceled) && s.Client != nil && s.ServiceAccount != "":
		return "the API server did not answer: is it running, and reachable from here?"
	}
	return ""
}
