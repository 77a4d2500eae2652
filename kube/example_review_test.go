package kube_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
	tokenjwt "github.com/tokenlife/tokenlife/token/jwt"
)

// reviewsAtServer stands for what clientset.AuthenticationV1().TokenReviews()
// returns.
func reviewsAtServer() kube.TokenReviewer {
	return reviews(func(_ context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		answer := &authenticationv1.TokenReview{}
		if spec.Token == "of-a-deleted-account" {
			answer.Status.Error = `[invalid bearer token, serviceaccounts "builder" not found]`
			return answer, nil
		}
		answer.Status = authenticationv1.TokenReviewStatus{
			Authenticated: true,
			User:          authenticationv1.UserInfo{Username: "system:serviceaccount:ci:builder", Groups: []string{"system:serviceaccounts"}},
			Audiences:     spec.Audiences,
		}
		return answer, nil
	})
}

// The API server judges each token, and says whose it is.
func ExampleReviewer() {
	r := kube.NewReviewer(reviewsAtServer(), "api.prod")

	user, err := r.Review(context.Background(), token.NewSecret("good"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Username, user.Groups)

	_, err = r.Review(context.Background(), token.NewSecret("of-a-deleted-account"))
	fmt.Println(errors.Is(err, token.ErrRevoked))
	// Output:
	// system:serviceaccount:ci:builder [system:serviceaccounts]
	// true
}

// A service checks tokens with the keys of the cluster, and has the API server
// confirm each at least every minute.
func ExampleBoth() {
	const apiServer, issuer = "https://10.0.0.1:6443", "https://kubernetes.default.svc"
	v := &kube.Both{
		Offline: &tokenjwt.Policy{
			Issuer:   issuer,
			Audience: []string{"api.prod"},
			Keys:     &tokenjwt.Remote{URL: apiServer + "/openid/v1/jwks"}, // Client: that of rest.HTTPClientFor(kube.Config(…))
			Leeway:   tokenjwt.Leeway{Expiry: tokenjwt.KubernetesLeeway, NotBefore: tokenjwt.KubernetesLeeway, IssuedAt: tokenjwt.KubernetesLeeway},
		},
		Online: kube.NewReviewer(reviewsAtServer(), "api.prod"),
		Bound:  time.Minute,
	}
	http.Handle("/", token.Require(v, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprintln(w, "hello,", claims.Subject)
	})))

	_, err := v.Verify(context.Background(), token.NewSecret("not a token"))
	fmt.Println(errors.Is(err, token.ErrMalformed))
	// Output: true
}
