package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/oauth2"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/transport"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// kubePeers are what the two measures are beside, the first two of the one and the
// others of the other.
var kubePeers = []peer{
	{"Source", "refresh.Source, which has one token"},
	{"client-go", "k8s.io/client-go transport.NewCachedTokenSource, one for each account, in a map with a RWMutex"},
	{"offline", "jwt.Policy by itself"},
	{"online", "token.VerifierCache around a kube.Reviewer"},
}

// accounts is how many service accounts have their token in one kube.Tokens.
const accounts = 1000

// An apiServer answers at once, and takes every token for the account builder.
type apiServer struct{}

func (apiServer) CreateToken(_ context.Context, name string, req *authenticationv1.TokenRequest, _ metav1.CreateOptions) (*authenticationv1.TokenRequest, error) {
	now := time.Now()
	req.Spec.ExpirationSeconds = new(int64(3600))
	req.Status.ExpirationTimestamp = metav1.NewTime(now.Add(time.Hour))
	req.Status.Token = rs256().token(keyID, fmt.Appendf(nil, `{"aud":["%s"],"exp":%d,"iat":%d,"sub":"system:serviceaccount:ci:%s"}`,
		audience, now.Add(time.Hour).Unix(), now.Unix(), name))
	return req, nil
}

func (apiServer) Create(_ context.Context, r *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	r.Status = authenticationv1.TokenReviewStatus{
		Authenticated: true, Audiences: r.Spec.Audiences,
		User: authenticationv1.UserInfo{Username: "system:serviceaccount:ci:builder"},
	}
	return r, nil
}

// keepingMany measures asking for the fresh token of one of many service accounts,
// each time of another.
func keepingMany(r *report) error {
	const most = 1.2 // times what one would write by hand, which renews and drops nothing
	ctx := context.Background()
	tokens := &kube.Tokens{Client: func(string) kube.TokenCreator { return apiServer{} }}
	var requests []kube.Request
	var views []token.Source
	for i := range accounts {
		q := kube.Request{Namespace: "ci", ServiceAccount: fmt.Sprintf("account-%d", i), Audiences: []string{audience}}
		requests, views = append(requests, q), append(views, tokens.Source(q))
	}
	up := &upstream{life: time.Hour}
	source := ours.open(up).(tokenlife).src
	type key struct{ namespace, account, audience string }
	var mu sync.RWMutex
	cached := make(map[key]oauth2.TokenSource)
	for _, q := range requests {
		cached[key{q.Namespace, q.ServiceAccount, audience}] = transport.NewCachedTokenSource(oauth2Upstream{up})
	}
	n := 0
	next := func() int { n = (n + 1) % accounts; return n }
	byView := &runner{do: func() error { _, err := views[next()].Token(ctx); return err }}
	byRequest := &runner{do: func() error { _, err := tokens.Token(ctx, requests[next()]); return err }}
	one := &runner{do: func() error { _, err := source.Token(ctx); return err }}
	theirs := &runner{do: func() error {
		q := &requests[next()]
		mu.RLock()
		src := cached[key{q.Namespace, q.ServiceAccount, q.Audiences[0]}]
		mu.RUnlock()
		_, err := src.Token()
		return err
	}}
	for _, x := range []*runner{byView, theirs} {
		for range accounts { // the first tokens
			if err := x.do(); err != nil {
				return err
			}
		}
	}
	if err := takeTurns(pick(r, 400, 5), byView, byRequest, one, theirs); err != nil {
		return err
	}
	ns := func(x *runner) string { return fmt.Sprintf("%.0f", 1000*x.time()) }
	ratio := byView.time() / theirs.time()
	r.add(row{
		name:  fmt.Sprintf("token of 1 of %d, by its Source: ns", accounts),
		cells: []string{ns(byView), ns(one), ns(theirs)},
		ratio: fmt.Sprintf("%.2f × %s", ratio, ns(theirs)),
		bar:   fmt.Sprintf("≤ %.1f", most),
		ok:    ratio <= most,
		timed: true,
	})
	allocs := byView.allocs()
	r.add(row{name: "  allocations", cells: each([]*runner{byView, one, theirs}, func(x *runner) string { return count(x.allocs()) }), bar: "0", ok: allocs == 0})
	r.add(row{name: "  by its Request: ns", cells: []string{ns(byRequest)}})
	r.add(row{name: "    allocations", cells: []string{count(byRequest.allocs())}})
	return nil
}

// verifyingBoth measures a token that is verified here, with an approval of the API
// server that is remembered.
func verifyingBoth(r *report) error {
	const most = 1.1 // times what it is made of
	ctx := context.Background()
	text := token.NewSecret(rs256().token(keyID, claims()))
	offline := accepting(jwt.Keys{rs256().key(keyID)})
	online := kube.NewReviewer(apiServer{}, audience)
	runs := each([]token.Verifier{
		&kube.Both{Offline: offline, Online: online, Bound: time.Hour},
		offline,
		&token.VerifierCache{Verifier: online, TTL: time.Hour},
	}, func(v token.Verifier) *runner {
		return &runner{do: func() error { _, err := v.Verify(ctx, text); return err }}
	})
	if err := takeTurns(pick(r, 400, 5), runs...); err != nil {
		return err
	}
	both, alone, cached := runs[0].time(), runs[1].time(), runs[2].time()
	r.add(row{
		name:  "RS256 by Both, an approval remembered: µs",
		cells: []string{micros(both), "-", "-", micros(alone), micros(cached)},
		ratio: fmt.Sprintf("%.2f × %.1f", both/(alone+cached), alone+cached),
		bar:   fmt.Sprintf("≤ %.1f, both", most),
		ok:    both <= most*(alone+cached),
		timed: true,
	})
	return nil
}
