package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/token"
)

// A seen is what came of asking an API server for something.
type seen struct {
	what   string // what was asked for, and as whom; empty if nothing was
	status int
	body   []byte
	said   metav1.Status // what the server says instead of an answer, if it does
	clocks readings
	err    error // there was no answer
	here   bool  // by the fault of what is around the Transport, as far as is known, and not of a connection
}

// read reads the answer into v, and reports whether it is one.
func (s seen) read(v any) bool {
	return s.err == nil && s.status/100 == 2 && json.Unmarshal(s.body, v) == nil
}

// asked reports whether anything was asked.
func (s seen) asked() bool { return s.what != "" }

// foreign reports whether an API server has not answered so.
func (s seen) foreign() bool {
	return s.err == nil && s.status != http.StatusTooManyRequests && (s.status/100 == 3 || s.status >= http.StatusBadRequest && s.said.Kind == "")
}

// refused reports whether the API server has refused the credential.
func (s seen) refused() bool {
	return s.err == nil && s.status == http.StatusUnauthorized && !s.foreign()
}

// forbidden reports whether the API server knows whoever asked, and says no.
func (s seen) forbidden() bool {
	return s.err == nil && s.status == http.StatusForbidden && !s.foreign()
}

// evidence returns s as a fact.
func (s seen) evidence() token.Evidence {
	return saw(s.what, "%s", s.outcome())
}

// outcome says what came of it.
func (s seen) outcome() string {
	if s.err != nil {
		return "no answer: " + brief(s.err.Error(), longestExcerpt)
	}
	if s.forbidden() && s.said.Message != "" {
		return "could not look (403): " + brief(s.said.Message, longestExcerpt)
	}
	v := strings.TrimSpace(fmt.Sprintf("HTTP status %d %s", s.status, http.StatusText(s.status)))
	switch {
	case s.said.Message != "" && s.said.Message != http.StatusText(s.status):
		v += ": " + brief(s.said.Message, longestExcerpt)
	case s.foreign():
		v += ", in a form that no API server has"
	}
	return v
}

// away returns why the server has not said anything about a token; nil if it may
// have.
func (s seen) away() *token.Finding {
	var f token.Finding
	e := s.evidence()
	switch {
	case s.err != nil:
		f = unreached(s.err, e)
		if s.here {
			f.Certain = false
		}
	case s.status == http.StatusTooManyRequests:
		f = certain(causeBusy, "wait, and find out who asks that often (API priority and fairness)", e)
	case s.status >= http.StatusInternalServerError:
		f = certain(causeTrouble, "look at the log of the API server, and of what is between here and there", e)
	default:
		return nil
	}
	return &f
}

const notAPI = "does Host of the rest.Config, which is server in a kubeconfig, lead to a Kubernetes API server, and not to the page of a proxy?"

// unreached is the finding that there was no answer.
func unreached(err error, e token.Evidence) token.Finding {
	reason, remedy := unanswered(err)
	switch {
	case errors.Is(err, errPanic):
		return likely(causePanic, "mend what panics", e)
	case errors.Is(err, http.ErrSchemeMismatch), strings.Contains(err.Error(), "malformed HTTP"):
		return certain(causeNotAPI, notAPI, e) // it talks, and of something else
	case errors.Is(err, context.Canceled):
		return certain(causeBrokenOff, "let it go on for longer", e)
	case reason == Untrusted:
		return certain(causeUntrusted, remedy, e)
	case reason == Away:
		return certain(causeAway, "is it running, and reachable from here? Look at Host of the rest.Config, which is server in a kubeconfig, and at VPN, firewall and proxy", e)
	}
	return certain(causeNotAPI, notAPI, e)
}
