package kube

import (
	"context"
	"errors"
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
	Client         TokenCreator // required
	ServiceAccount string       // required

	// Audiences are whom the token is for; none means the API server.
	Audiences []string

	// Lifetime is how long the token should live, in whole seconds; 0 leaves it
	// to the server, which gives an hour. The server refuses less than ten
	// minutes and shortens what is above its maximum: the token says what was
	// granted.
	Lifetime time.Duration

	// Clock, if not nil, learns the API server's time from each token.
	Clock *skew.Clock
}

// NewSource returns a Source of tokens for a service account; see the fields of
// [Source].
func NewSource(c TokenCreator, serviceAccount string, audiences ...string) *Source {
	return &Source{Client: c, ServiceAccount: serviceAccount, Audiences: audiences}
}

// Token implements [token.Source].
//
// The token's ExpiresIn runs from when it was issued to when it stops being
// useful: to the expirationTimestamp of the answer, or to its exp or warnafter
// claim if that is earlier. A server may let an API token live a year so that
// clients that never read it again go on; warnafter is when they should have.
func (s *Source) Token(ctx context.Context) (token.Token, error) {
	switch {
	case s.Client == nil:
		return token.Token{}, s.fail(errors.New("Source.Client is nil: set it to clientset.CoreV1().ServiceAccounts(namespace)"))
	case s.ServiceAccount == "":
		return token.Token{}, s.fail(errors.New("Source.ServiceAccount is empty: set it to the name of the service account"))
	}
	req := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: s.Audiences}}
	if s.Lifetime != 0 {
		req.Spec.ExpirationSeconds = new(int64(s.Lifetime / time.Second))
	}
	sent := time.Now()
	answer, err := s.Client.CreateToken(ctx, s.ServiceAccount, req, metav1.CreateOptions{})
	received := time.Now()
	if err != nil {
		return token.Token{}, s.fail(err)
	}
	t, err := granted(answer)
	if err != nil {
		return token.Token{}, s.fail(err)
	}
	if s.Clock != nil && !t.IssuedAt.IsZero() {
		// The server mints for each request, so the claim was made between the
		// two, and cut to the second.
		s.Clock.Observe(skew.Observation{Sent: sent, Received: received, Remote: t.IssuedAt, Resolution: time.Second})
	}
	return t, nil
}

// granted returns the token in an answer.
func granted(answer *authenticationv1.TokenRequest) (token.Token, error) {
	if answer == nil || answer.Status.Token == "" {
		return token.Token{}, errors.New("the answer has no status.token: is this a Kubernetes API server?")
	}
	t := token.New(token.NewSecret(answer.Status.Token))
	if end := answer.Status.ExpirationTimestamp.Time; !end.IsZero() && (t.Expiry.IsZero() || end.Before(t.Expiry)) {
		t.Expiry = end
	}
	switch {
	case !t.IssuedAt.IsZero() && !t.Expiry.IsZero():
		t.ExpiresIn = t.Expiry.Sub(t.IssuedAt)
	case answer.Spec.ExpirationSeconds != nil:
		// Signed elsewhere, in a form that cannot be read.
		t.ExpiresIn = time.Duration(*answer.Spec.ExpirationSeconds) * time.Second
	default:
		return token.Token{}, errors.New("the answer says nothing of when the token expires: neither status.expirationTimestamp nor spec.expirationSeconds can be used")
	}
	if t.ExpiresIn <= 0 {
		return token.Token{}, errors.New("the answer has a token that expires before it was issued: status.expirationTimestamp is not after its iat")
	}
	return t, nil
}
