package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/token"
)

// A TokenReviewer judges tokens, as clientset.AuthenticationV1().TokenReviews()
// does.
type TokenReviewer interface {
	Create(ctx context.Context, review *authenticationv1.TokenReview, opts metav1.CreateOptions) (*authenticationv1.TokenReview, error)
}

// A Reviewer has the API server judge tokens (TokenReview). It is a
// [token.Verifier]; put a token.VerifierCache around it unless tokens are few, or
// [Both], which asks only about tokens that look right.
//
// Whoever asks needs the ClusterRole system:auth-delegator, which every cluster
// has:
//
//	kubectl create clusterrolebinding api-reviews-tokens --clusterrole=system:auth-delegator --serviceaccount=prod:api
//
// A token must be for this service: whoever gets one that is for the API server can be
// its owner there. The one that each pod has is, and is refused. A pod that calls this
// service has another, from a projected volume with this audience, in a file for
// [Projected]:
//
//	volumes:
//	- name: api-token
//	  projected: {sources: [{serviceAccountToken: {audience: api, path: token}}]}
//
// If the server refuses whoever asks, that is no fault of the token presented: the
// error matches [token.ErrRefused], or is an [*Error] that says [Forbidden], and a
// server says 503.
//
// The fields must be set before first use. A Reviewer is then safe for concurrent
// use.
type Reviewer struct {
	Client TokenReviewer // required

	// Audiences are the names of this service; a token must be for at least one of
	// them, by the server's own answer. Required, unless AnyAudience.
	Audiences []string

	// AnyAudience takes tokens that are for the API server, and those of servers
	// that do not say whom a token is for. Whoever gets such a token can use it
	// there, so this service and all that can read its memory must be trusted with
	// it.
	AnyAudience bool
}

// NewReviewer returns a Reviewer for a service with the given names.
func NewReviewer(c TokenReviewer, audiences ...string) *Reviewer {
	return &Reviewer{Client: c, Audiences: audiences}
}

// Review returns whom a token authenticates. The error matches [token.ErrInvalid]
// if the server says that the token is no good, and one of its kinds if the server
// says why: [token.ErrRevoked] if the service account, or the object that the token
// is bound to, is gone or another, [token.ErrExpired], [token.ErrNotYetValid],
// [token.ErrAudience], [token.ErrSignature]. A text that cannot be a token is
// [token.ErrMalformed], and an empty one [token.ErrNoToken]: nobody is asked. Any
// other error is an [*Error], and says that no answer could be had.
func (r *Reviewer) Review(ctx context.Context, presented token.Secret) (*authenticationv1.UserInfo, error) {
	status, err := r.review(ctx, presented)
	if err != nil {
		return nil, err
	}
	return &status.User, nil
}

// Verify implements [token.Verifier], with the errors of Review. The Subject is the
// user's name, the Audience those of Audiences that the server found the token good
// for, and the ID that of the token, if the server says it. Expiry is the token's
// own, for caches. Claims.Decode gives the rest: username, uid, groups and extra, as
// in a UserInfo.
func (r *Reviewer) Verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	status, err := r.review(ctx, presented)
	if err != nil {
		return token.Claims{}, err
	}
	said := struct {
		authenticationv1.UserInfo
		Subject  string   `json:"sub"`
		Audience []string `json:"aud,omitempty"`
		ID       string   `json:"jti,omitempty"`
		Expiry   int64    `json:"exp,omitempty"`
	}{UserInfo: status.User, Subject: status.User.Username, Audience: status.Audiences, ID: idOf(&status.User)}
	if end := ends(presented); !end.IsZero() {
		said.Expiry = end.Unix()
	}
	raw, err := json.Marshal(said)
	if err != nil {
		return token.Claims{}, badAnswer(reviewing, "status.user: "+err.Error())
	}
	claims, err := token.ParseClaims(raw)
	if err != nil {
		// Its text only, without the words that blame a token.
		return token.Claims{}, badAnswer(reviewing, "status.user cannot be used: "+strings.TrimPrefix(err.Error(), token.ErrMalformed.Error()+": "))
	}
	return claims, nil
}

// ends returns the exp that a token says to have, or zero. The server has just vouched
// for the token, and it only shortens how long that is remembered.
func ends(presented token.Secret) time.Time {
	info, err := token.Inspect(presented)
	if err != nil {
		return time.Time{}
	}
	return info.Claims.Expiry
}

// reviewing is what a Reviewer does, in errors.
const reviewing = "review of a token"

// review returns what the server says of a token that it approves.
func (r *Reviewer) review(ctx context.Context, presented token.Secret) (*authenticationv1.TokenReviewStatus, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := presentable(presented); err != nil {
		return nil, err
	}
	text := presented.Reveal()
	answer, err := r.Client.Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: text, Audiences: slices.Clone(r.Audiences)},
	}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return nil, unreviewed(err, text)
	case answer == nil:
		return nil, badAnswer(reviewing, "there is no TokenReview in the answer")
	}
	status := answer.Status // a client that is not real may give the same answer to all
	if err := r.judge(&status, text); err != nil {
		return nil, err
	}
	return &status, nil
}

// check returns an error if a field is missing or wrong.
func (r *Reviewer) check() error {
	switch {
	case r.Client == nil:
		return misconfigured(reviewing, "Reviewer.Client is nil: set it to clientset.AuthenticationV1().TokenReviews()")
	case len(r.Audiences) == 0 && !r.AnyAudience:
		return misconfigured(reviewing, "Reviewer.Audiences is empty: set it to the names of this service, or set AnyAudience")
	case len(r.Audiences) > 0 && r.AnyAudience:
		return misconfigured(reviewing, "Reviewer has both Audiences and AnyAudience: set one of them")
	case slices.Contains(r.Audiences, ""):
		return misconfigured(reviewing, "Reviewer.Audiences has an empty name: set it to the names of this service")
	}
	return nil
}

// presentable returns an error if a text cannot be a token: nobody is asked about
// it. The API server would cut one at its first space, and approve what is left.
func presentable(presented token.Secret) error {
	text := presented.Reveal()
	switch {
	case text == "":
		return token.ErrNoToken
	case len(text) > token.MaxSize:
		return fmt.Errorf("%w: %d bytes, more than the %d that a token may have", token.ErrMalformed, len(text), token.MaxSize)
	}
	if i := oddByte(text); i >= 0 {
		return fmt.Errorf("%w: byte %d cannot be in a token", token.ErrMalformed, i)
	}
	return nil
}

// oddByte returns where text has a byte that no token has, or -1.
func oddByte(text string) int {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' {
			return i
		}
	}
	return -1
}
