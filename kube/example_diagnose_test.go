package kube_test

import (
	"context"
	"fmt"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// diagnosedServer stands for how an API server is reached: its service account ci/app
// was deleted after the token was made.
func diagnosedServer(suspect token.Secret) *rest.Config {
	a := newFakeAPI(suspect)
	a.reject(`[invalid bearer token, serviceaccounts "app" not found]`)
	a.answers[accountPath] = gone()
	return a.config()
}

// An API server answers whatever is wrong with a token with the same 401.
func ExampleDiagnose() {
	suspect := appToken()

	d := kube.Diagnose(context.Background(), kube.Suspect{Token: suspect}, diagnosedServer(suspect))
	fmt.Println(d)
	// Output:
	// the service account of the token has been deleted (certain)
	//   TokenReview, with the asker's credential: not good: [invalid bearer token, serviceaccounts "app" not found]
	//   GET /api/v1/namespaces/ci/serviceaccounts/app, with the asker's credential: there is none (404)
	//   to do: make it again, if it is to be there, with its role bindings, and get a new token: the old ones stay void: kubectl -n ci create serviceaccount app && kubectl -n ci create token app
}

// What is wrong with the text needs no server.
func ExampleDiagnose_offline() {
	d := kube.Diagnose(context.Background(), kube.Suspect{Token: token.NewSecret("Bearer abc")}, nil)
	for _, f := range d.Findings {
		fmt.Println(f.Cause)
		fmt.Println(f.Remedy)
	}
	// Output:
	// this is a header rather than the token in it
	// use the token alone, without the words before it
}
