package kube_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// An API server can take the service account tokens of another cluster, by its
// configuration of OpenID Connect. What has the same names here is none of theirs.
func TestDiagnoseOtherClustersAccount(t *testing.T) {
	t.Parallel()
	abroad := withClaims(object{"iss": "https://issuer.example"})
	for name, c := range map[string]diagnosisCase{
		"by name and ID":            {make: abroad, with: all(at(selfReviews, accepts("abroad:"+appUser, "0001")), at(accountPath, gone()))},
		"by name":                   {make: abroad, with: all(at(selfReviews, accepts("abroad:"+appUser, "")), at(accountPath, gone()))},
		"by review":                 {make: abroad, with: all(at(selfReviews, unauthorized), reviewed("abroad:"+appUser), at(accountPath, gone()))},
		"and issuer not to be seen": {make: abroad, with: all(at(selfReviews, accepts("abroad:"+appUser, "")), reviewed("abroad:"+appUser), at(accountPath, gone()), at(issuerPath, mayNot("no")), at(jwksPath, mayNot("no")))},
		"and nothing to be seen":    {make: abroad, with: all(func(a *fakeAPI) { a.blind(mayNot("no")) }, at(selfReviews, accepts("abroad:"+appUser, "")), at(accountPath, gone()))},
		"and of the same name":      {make: abroad, with: all(at(selfReviews, accepts(appUser, "0001")), at(accountPath, gone()))},
	} {
		if d := diagnose(t, c); settledIn(d) {
			t.Errorf("%s: this is certain:\n%v", name, d)
		}
	}
	taken := all(at(selfReviews, accepts("abroad:"+appUser, "0001")), at(accountPath, gone()))
	for name, with := range map[string]func(*fakeAPI){
		"by all":       reviewed("abroad:" + appUser),
		"by itself":    at(reviewsPath, mayNot("no")),
		"by ID, alone": all(at(reviewsPath, mayNot("no")), at(issuerPath, mayNot("no"))),
	} {
		if d := diagnose(t, diagnosisCase{make: abroad, with: all(taken, with)}); len(d.Findings) > 0 {
			t.Errorf("%s: nothing is wrong with it:\n%v", name, d)
		}
	}
}

// reviewed has a TokenReview approve the token.
func reviewed(user string, audiences ...string) func(*fakeAPI) {
	return at(reviewsPath, give(201, object{"kind": "TokenReview", "status": object{"authenticated": true, "user": object{"username": user}, "audiences": audiences}}))
}

// The audience of an ID token is a client, and the API server takes it for its own
// audiences all the same.
func TestDiagnoseAudienceThatIsApproved(t *testing.T) {
	t.Parallel()
	id := func() token.Secret {
		return forge(object{"alg": "ES256", "kid": "x"}, object{"iss": "https://login.example", "aud": "kubectl", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	}
	ask := func(s *kube.Suspect) { s.Audiences = []string{apiIssuer} }
	if d := diagnose(t, diagnosisCase{make: id, ask: ask, with: reviewed("alice", apiIssuer)}); len(d.Findings) > 0 {
		t.Errorf("approved, and yet:\n%v", d)
	}
	// For no audience in particular means for those of the API server.
	for name, with := range map[string]func(*fakeAPI){"another": reviewed("alice", "vault"), "none": reviewed("alice")} {
		if d := diagnose(t, diagnosisCase{make: id, ask: ask, with: with}); len(d.Findings) != 1 || settledIn(d) != (name == "another") {
			t.Errorf("approved for %s:\n%v", name, d)
		}
	}
}

// Of ID tokens an API server does not look at iat.
func TestDiagnoseIssuedAtOfAnIDToken(t *testing.T) {
	t.Parallel()
	id := func() token.Secret {
		return forge(object{"alg": "ES256", "kid": "x"}, object{"iss": "https://login.example", "aud": "kubernetes", "sub": "alice",
			"iat": time.Now().Add(10 * time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix()})
	}
	for name, with := range map[string]func(*fakeAPI){"refused": rejects("invalid bearer token"), "accepted": all(at(selfReviews, accepts("alice", "")), reviewed("alice"))} {
		if d := diagnose(t, diagnosisCase{make: id, with: with}); strings.Contains(d.String(), "not valid yet") {
			t.Errorf("%s:\n%v", name, d)
		}
	}
}

// An authorizer that cannot tell has not said no.
func TestDiagnoseAuthorizerAway(t *testing.T) {
	t.Parallel()
	c := diagnosisCase{
		ask:  func(s *kube.Suspect) { s.Access = &kube.Access{Verb: "list", Resource: "nodes"} },
		with: at(accessPath, give(201, object{"kind": "SelfSubjectAccessReview", "status": object{"allowed": false, "evaluationError": "post webhook: connection refused"}})),
	}
	if d := diagnose(t, c); settledIn(d) || !strings.Contains(d.String(), "connection refused") {
		t.Errorf("%v", d)
	}
}

// How long something is being deleted for is certain by the server's clock alone.
func TestDiagnoseEndingByNoClock(t *testing.T) {
	t.Parallel()
	c := diagnosisCase{make: withClaims(boundTo("pod")), with: func(a *fakeAPI) {
		a.answers[podPath] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Del("Date")
			is(podUID, object{"deletionTimestamp": ago(90 * time.Second)})(w, r)
		}
	}}
	if d := diagnose(t, c); settledIn(d) {
		t.Errorf("%v", d)
	}
}

// That an answer is slow puts no clock astray.
func TestDiagnoseSlowAnswer(t *testing.T) {
	t.Parallel()
	for offset, astray := range map[time.Duration]bool{-24 * time.Second: false, 24 * time.Second: false, -40 * time.Second: true, 40 * time.Second: true} {
		synctest.Test(t, func(t *testing.T) {
			a := newFakeAPI(appToken())
			a.offset = offset
			cfg := a.config()
			cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				resp, err := a.roundTrip(r)
				time.Sleep(9 * time.Second)
				return resp, err
			})
			d := kube.Diagnose(context.Background(), kube.Suspect{Token: a.suspect}, cfg)
			if strings.Contains(d.String(), "the API server's clock is ") != astray {
				t.Errorf("%v:\n%v", offset, d)
			}
		})
	}
}

// A password can be in Host, and a Host that is none is in client-go's error.
func TestDiagnosePasswordInHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"https://user:hunter2@api.example:port", "user:hunter2@api.example/path", "https://user:hunter2%zz@api.example", "https://user:hunter2@api example", "http://user:hunter2@api.example"} {
		a := newFakeAPI(appToken())
		cfg := a.config()
		cfg.Host = host
		d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg)
		readable(t, d)
		if len(d.Findings) != 1 || strings.Contains(d.String(), "hunter2") {
			t.Errorf("%s:\n%v", host, d)
		}
	}
}

// A server may say again what it was sent, wherever that is from.
func TestDiagnoseSecretsOfTheAsker(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("hunter2hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]*rest.Config{
		"in Host":       {Host: "https://user:hunter2hunter2@api.example"},
		"a password":    {Host: apiHost, Username: "user", Password: "hunter2hunter2"},
		"a token":       {Host: apiHost, BearerToken: "hunter2hunter2"},
		"in a file":     {Host: apiHost, BearerTokenFile: file},
		"in the second": {Host: apiHost, BearerToken: askerText, BearerTokenFile: file},
	} {
		a := newFakeAPI(appToken())
		a.reject("it is hunter2hunter2")
		cfg.Transport = a.config().Transport
		if d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg); len(d.Findings) == 0 || strings.Contains(d.String(), "hunter2") {
			t.Errorf("%s:\n%v", name, d)
		}
	}
}

// Whoever asked and did not wait has not found the server away.
func TestDiagnoseNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		a := newFakeAPI(appToken())
		a.answers["/version"] = hostileAnswers["silence"]
		d := kube.Diagnose(ctx, kube.Suspect{Token: a.suspect}, a.config())
		if len(d.Findings) != 1 || d.Findings[0].Cause != "the diagnosis was broken off before the server had answered" {
			t.Errorf("%v", d)
		}
	})
}
