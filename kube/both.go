package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// Both is a [token.Verifier] that has a token checked here and by the API server:
// first offline, on each call, which refuses most of what is no good without
// bothering the server; then by TokenReview, which knows of tokens whose service
// account, pod or secret is gone. An approval by the server is used again for
// Bound; a token that it has not seen waits for it.
//
// In a pod, whose service account has the role that a [Reviewer] needs:
//
//	cfg, err := rest.InClusterConfig()
//	cs, err := kubernetes.NewForConfig(cfg)
//	client, err := rest.HTTPClientFor(cfg) // trusts the cluster's CA, and has the pod's token
//	v := &kube.Both{
//		Offline: &jwt.Policy{
//			Issuer:   "https://kubernetes.default.svc.cluster.local", // as the iss of the cluster's tokens
//			Audience: []string{"api"},
//			Keys:     &jwt.Remote{URL: cfg.Host + "/openid/v1/jwks", Client: client},
//		},
//		Online: kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "api"),
//		Bound:  30 * time.Second,
//	}
//	http.ListenAndServe(addr, token.Require(v, api))
//
// It is for the tokens of service accounts, which say themselves who the user is. Those
// of people, whom the server may know by another name than their sub, a Reviewer judges.
//
// A call whose approval is remembered costs what Offline costs, a signature check with
// a jwt.Policy, and some two microseconds; with a token.VerifierCache around that Policy,
// only the latter.
//
// A token of a service account that has been deleted is let in for Bound and 10
// seconds more at most, for so long the API server itself keeps an approval. One of a
// pod that is ending the server approves of until a minute after the pod's
// deletionTimestamp. If the server is away, tokens are let in to the end of Bound and
// no longer: then there is no answer, and a server says 503.
//
// How callers share a question, and how many tokens are asked about at a time, is as
// token.VerifierCache has it. The fields must be set before first use. A Both is then
// safe for concurrent use, and must not be copied.
type Both struct {
	// Offline checks signature, audience and times. It can only refuse. Required.
	Offline token.Verifier

	// Online asks the API server. Required.
	Online *Reviewer

	// Bound is how long an approval by the server is good; 0 means 10 seconds,
	// negative that the server is asked each time.
	Bound time.Duration

	// Size is how many approvals are remembered at most; 0 means 4096, negative none.
	Size int

	begin sync.Once // sets the cache from the other fields
	cache token.VerifierCache
}

// reviewTimeout bounds one question. A server that has too much to do says so and
// asks for a second, and client-go then asks ten times more before it says so to us:
// with less time nobody would learn when to come back.
const reviewTimeout = 12 * time.Second

// Verify implements [token.Verifier]. The claims are those of Offline; a token whose
// Subject is not the user that the server names is refused. An error of Offline, of
// whatever kind, is returned as it is, and the server is not asked; other errors are
// those of [Reviewer.Review] and of token.VerifierCache.
func (b *Both) Verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	if err := b.check(); err != nil {
		return token.Claims{}, err
	}
	if err := presentable(presented); err != nil {
		return token.Claims{}, err
	}
	claims, err := b.Offline.Verify(ctx, presented)
	if err != nil {
		return token.Claims{}, err
	}
	b.begin.Do(func() {
		b.cache.Verifier, b.cache.Timeout = token.VerifierFunc(b.review), reviewTimeout
		b.cache.TTL, b.cache.Size = b.Bound, b.Size
	})
	reviewed, err := b.cache.Verify(ctx, presented)
	if err != nil {
		return token.Claims{}, err
	}
	if claims.Subject != reviewed.Subject {
		return token.Claims{}, fmt.Errorf("%w: its sub is %+.100q, and the API server takes it for %+.100q: is Both.Offline for tokens of this server?",
			token.ErrInvalid, claims.Subject, reviewed.Subject)
	}
	return claims, nil
}

// review asks the server, and returns as much of its answer as is worth a place in
// the cache.
func (b *Both) review(ctx context.Context, presented token.Secret) (token.Claims, error) {
	status, err := b.Online.review(ctx, presented)
	if err != nil {
		return token.Claims{}, err
	}
	return token.Claims{Subject: status.User.Username, Expiry: ends(presented)}, nil
}

// check returns an error if a field is missing or wrong.
func (b *Both) check() error {
	switch {
	case b.Offline == nil:
		return misconfigured(reviewing, "Both.Offline is nil: set it to a Verifier that checks tokens here, such as a jwt.Policy")
	case b.Online == nil:
		return misconfigured(reviewing, "Both.Online is nil: set it to a Reviewer")
	}
	return b.Online.check()
}
