package kube

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tokenlife/tokenlife/token"
)

// A Reason says why something failed, for programs: what to do about it is for
// people, and in [Error.Remedy].
type Reason string

// Why something failed.
const (
	Misconfigured   Reason = "misconfigured"   // a field of ours is missing or wrong
	Unauthenticated Reason = "unauthenticated" // the API server refused the credential that made the request
	Forbidden       Reason = "forbidden"       // whoever asks may not: RBAC
	Missing         Reason = "missing"         // the service account, the namespace or the Secret is not there
	Recreated       Reason = "recreated"       // the service account is not the one with Request.UID any more
	Unbound         Reason = "unbound"         // the object that the token is to be bound to is gone, or another
	Rejected        Reason = "rejected"        // the server does not take the request, such as its lifetime
	Busy            Reason = "busy"            // 429: ask later
	Away            Reason = "away"            // no answer, or one of trouble: 5xx
	Untrusted       Reason = "untrusted"       // the server's certificate could not be verified
	BadAnswer       Reason = "bad answer"      // an answer that no API server gives
)

// An Error is an API server's refusal or failure. It wraps the error of
// apimachinery, so that its predicates, such as IsForbidden, work through it.
//
// It matches [token.ErrRefused] if the server did not accept the credential
// that made the request, and never [token.ErrInvalid].
type Error struct {
	Op     string // what was asked for, such as "token of service account ci/builder"
	Reason Reason // empty if whoever asked gave up
	Err    error  // why it failed, in at most 1 KiB of one line
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

// RetryAfter returns how long the server asked to be left alone, at most an hour,
// or 0.
func (e *Error) RetryAfter() time.Duration {
	wait := token.RetryAfter(e.Err) // of the credential of the Client, if it has a Source
	if s, ok := apierrors.SuggestsClientDelay(e.Err); ok {
		wait = time.Duration(s) * time.Second
	}
	return min(max(0, wait), time.Hour)
}

// failed returns err, that of op, as an *Error with the reason and the remedy that
// hold for any request: what is not there, or cannot be, the caller knows better.
func failed(op string, err error) *Error {
	e := &Error{Op: op, Err: repeat(err)}
	if errors.Is(err, token.ErrInvalid) {
		e.Err = token.Refused(e.Err)
	}
	status, isStatus := statusOf(err)
	odd := isStatus && unexpected(status)
	_, isOurs := errors.AsType[*Error](err)
	switch {
	case errors.Is(e.Err, token.ErrRefused), apierrors.IsUnauthorized(err):
		e.Reason, e.Remedy = Unauthenticated, "the credential that made the request was refused: renew that of the Client"
	case isOurs:
		// There was no credential to ask with. Whatever kept it from us is said
		// there, with its remedy, and must not be taken for an answer to this.
		e.Reason = Away
	case apierrors.IsTooManyRequests(err):
		e.Reason, e.Remedy = Busy, "the server is overloaded or limits this user (API priority and fairness): ask less often"
	case isStatus && status.Code >= http.StatusInternalServerError:
		e.Reason, e.Remedy = Away, "the API server, or a proxy before it, is in trouble: its log says why"
	case apierrors.IsForbidden(err):
		e.Reason = Forbidden
		switch {
		case odd:
			e.Remedy = "these are no words of an API server: a proxy before it refused the request"
		case strings.Contains(status.Message, `User "`+anonymous+`"`):
			e.Remedy = "the request came without a credential: give the Client one"
		}
	case odd:
		e.Reason, e.Remedy = BadAnswer, "does the address of the Client lead to a Kubernetes API server, by https, and does that know this request?"
	case apierrors.IsNotFound(err):
		e.Reason = Missing
	case isStatus:
		e.Reason = Rejected
	default:
		e.Reason, e.Remedy = unanswered(err)
	}
	return e
}

// unanswered says why there is no answer of an API server, and what to do about it.
// If whoever asked gave up, that is no fault of the server.
func unanswered(err error) (Reason, string) {
	if remedy := distrust(err); remedy != "" {
		return Untrusted, remedy
	}
	says := func(words string) bool { return strings.Contains(err.Error(), words) }
	dialling, isNet := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "", ""
	case says("token: no token for "): // by the Transport that Config puts there
		return Away, "nothing was sent: the Client has to get a credential of its own first"
	case says("client rate limiter"):
		return Busy, "the Client asks no faster than its rest.Config lets it: raise QPS and Burst there (5 and 10 unless set), or ask less often"
	case errors.Is(err, context.DeadlineExceeded) && !(isNet && dialling.Op == "dial"):
		return Away, ""
	case errors.Is(err, errRedirect):
		return BadAnswer, "does Host of the Client's rest.Config lead to a Kubernetes API server, and not to the page of a proxy?"
	case says("empty namespace may not be set"):
		return Misconfigured, "the Client is for no namespace: make it one for the namespace of what is asked for"
	case isNetwork(err), says("reading response body"), says("connection refused"), says("connection reset"):
		return Away, "the API server did not answer: is it running, and reachable from here?"
	}
	if says("parsing time") {
		return BadAnswer, "a time in the answer is none: metadata.creationTimestamp, or the status.expirationTimestamp of a token"
	}
	if says("illegal base64") {
		return BadAnswer, "an item of data in the answer is not base64"
	}
	return BadAnswer, "does the address of the Client lead to a Kubernetes API server?"
}

// isNetwork reports whether err is of a connection, and not of what came over it,
// which client-go cannot decode.
func isNetwork(err error) bool {
	_, isNet := errors.AsType[net.Error](err) // as the *url.Error of any http.Client is
	return isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// distrust returns what to do about a certificate that could not be verified, or
// "" if err is about something else.
func distrust(err error) string {
	_, isHost := errors.AsType[x509.HostnameError](err)
	_, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, isTLS := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case isHost:
		return "the certificate is for another host: correct Host of the Client's rest.Config, or set its TLSClientConfig.ServerName"
	case isInvalid:
		return "renew the certificate of the API server, unless this machine's clock is wrong"
	case isUnknown, isTLS:
		return "is this the cluster it should be? Set the CA of that cluster in the Client's rest.Config, as TLSClientConfig.CAFile or CAData"
	}
	return ""
}

// misconfigured returns an error of a field that is missing or wrong.
func misconfigured(op, what string) *Error {
	return &Error{Op: op, Reason: Misconfigured, Err: errors.New(what)}
}

// badAnswer returns an error of an answer that no API server gives.
func badAnswer(op, what string) *Error {
	return &Error{Op: op, Reason: BadAnswer, Err: errors.New(what)}
}
