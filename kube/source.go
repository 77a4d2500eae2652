package kube

import (
	"context"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A TokenCreator makes tokens for the service accounts of a namespace, as
// clientset.CoreV1().ServiceAccounts(namespace) does.
type TokenCreator interface {
	CreateToken(ctx context.Context, serviceAccount string, req *authenticationv1.TokenRequest, opts metav1.CreateOptions) (*authenticationv1.TokenRequest, error)
}

// A Source asks the API server for a new token of a service account on each
// call. It is a [token.Source]; wrap it in refresh.New. Set its fields before
// first use.
//
// Its errors are of type [*Error].
type Source struct {
	// Client asks. Required.
	Client TokenCreator

	Request

	// Clock, if not nil, learns the API server's time from each token.
	Clock *skew.Clock

	// OnEvent, if not nil, is told what the server did other than it was asked.
	// It must not block.
	OnEvent func(Event)
}

// NewSource returns a Source of tokens for a service account; see the fields of
// [Source].
func NewSource(c TokenCreator, serviceAccount string, audiences ...string) *Source {
	return &Source{Client: c, Request: Request{ServiceAccount: serviceAccount, Audiences: audiences}}
}

// Token implements [token.Source].
//
// The token's ExpiresIn runs from when it was issued to when it stops being
// useful: to the expirationTimestamp of the answer, or to its exp or warnafter
// claim if that is earlier. A server may let an API token live a year so that
// clients that never read it again go on; warnafter is when they should have.
func (s *Source) Token(ctx context.Context) (token.Token, error) {
	if s.Client == nil {
		return token.Token{}, misconfigured(s.op(), "Source.Client is nil: set it to clientset.CoreV1().ServiceAccounts(namespace)")
	}
	if err := s.check(); err != nil {
		return token.Token{}, err
	}
	var warnings *collector
	if s.OnEvent != nil {
		ctx, warnings = collect(ctx)
	}
	sent := time.Now()
	answer, err := s.Client.CreateToken(ctx, s.ServiceAccount, s.spec(), metav1.CreateOptions{})
	received := time.Now()
	if err != nil {
		return token.Token{}, s.failed(err)
	}
	t, exp, err := s.granted(answer)
	if err != nil {
		return token.Token{}, err
	}
	if s.Clock != nil && !t.IssuedAt.IsZero() {
		// The server mints for each request, so the claim was made between the
		// two, and cut to the second.
		s.Clock.Observe(skew.Observation{Sent: sent, Received: received, Remote: t.IssuedAt, Resolution: time.Second})
	}
	if s.OnEvent != nil {
		s.tell(t, exp, warnings.all())
	}
	return t, nil
}
