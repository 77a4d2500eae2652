package kube_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// What could be otherwise is not certain, however much speaks for it.
func TestDiagnoseNotProved(t *testing.T) {
	t.Parallel()
	opaque := func() token.Secret { return token.NewSecret("a-token-that-says-nothing") }
	abroad := func(more ...object) func() token.Secret {
		return withClaims(append([]object{{"iss": "https://issuer.example"}}, more...)...)
	}
	id := func() token.Secret {
		return forge(object{"alg": "ES256", "kid": "x"}, object{"iss": "https://login.example", "aud": "kubectl", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	}
	keyless := func() token.Secret {
		s := legacyToken().Reveal()
		_, rest, _ := strings.Cut(s, ".")
		head, _, _ := strings.Cut(forge(object{"alg": "ES256"}, object{}).Reveal(), ".")
		return token.NewSecret(head + "." + rest)
	}
	as := func(audiences ...string) func(*kube.Suspect) {
		return func(s *kube.Suspect) { s.Audiences = audiences }
	}
	unseen := all(rejects(""), at(reviewsPath, mayNot("no")))
	naming := func(status int, name string) http.HandlerFunc {
		return give(status, object{"kind": "Status", "status": "Failure", "message": "no", "details": object{"name": name}, "code": status})
	}
	bare := func(c *rest.Config) *rest.Config {
		c.BearerToken = ""
		return c
	}
	for name, c := range map[string]diagnosisCase{
		// An API server takes a static token for its own audiences alone.
		"opaque, for a service": {make: opaque, with: rejects("invalid bearer token"), ask: as("vault.example")},
		// A webhook knows it, and says why it does not want it.
		"opaque, in a webhook's words": {make: opaque, with: rejects("[invalid bearer token, the tenant is suspended]")},
		"opaque, and a JWT to others":  {make: opaque, with: rejects("[invalid bearer token, oidc: malformed jwt: oidc: malformed jwt payload]")},
		"an issuer, for a service":     {make: abroad(object{"aud": "vault.example"}), with: rejects("invalid bearer token"), ask: as("vault.example")},
		"an issuer, by a webhook":      {make: abroad(), with: rejects("[invalid bearer token, the tenant is suspended]")},

		// What the issuer has replaced its key with cannot be known.
		"an issuer's old key":  {make: id, with: rejects("[invalid bearer token, oidc: verify token: failed to verify signature: failed to verify id token signature]")},
		"a key without a name": {make: keyless, with: rejects("[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]")},

		// An API server takes ID tokens of a client for its own audiences.
		"an ID token, offline":                   {make: id, ask: as(apiIssuer), cfg: unasked},
		"an ID token, and no review":             {make: id, ask: as(apiIssuer), with: at(reviewsPath, mayNot("no"))},
		"another cluster's token, no review":     {make: abroad(), ask: as("https://this.example"), with: at(reviewsPath, mayNot("no"))},
		"a key without a name, in the list":      {make: keyless, with: all(unseen, at(accountPath, gone()), at(jwksPath, give(200, object{"keys": []object{{"kty": "EC"}}})))},
		"no keys, in a webhook's words":          {with: rejects("[invalid bearer token, no keys found]")},
		"a 403 that names the account":           {with: all(unseen, at(accountPath, naming(403, "app")))},
		"a 404 of something else":                {with: all(unseen, at(accountPath, naming(404, "ci")))},
		"an account that is half read":           {with: all(unseen, at(accountPath, give(200, object{"metadata": object{"uid": "another", "labels": 5}})))},
		"a Secret that is half read":             {make: legacyToken, with: all(unseen, at(secretPath, give(200, object{"metadata": object{"uid": "s"}, "data": 5})))},
		"a Secret that cannot be read":           {make: legacyToken, with: all(unseen, at(secretPath, say(200, "null")))},
		"a JWT, in no words":                     {with: rejects("invalid bearer token")},
		"an ID token of nobody":                  {make: id, ask: as(apiIssuer), with: rejects("invalid bearer token")},
		"another cluster's account, no issuer":   {make: abroad(), with: all(reviewed(appUser), at(accountPath, gone()), at(issuerPath, mayNot("no")))},
		"a webhook's name for it":                {make: legacyToken, with: all(at(selfReviews, accepts("abroad:"+appUser, "")), reviewed("abroad:"+appUser))},
		"a webhook's name for it, and no review": {make: legacyToken, with: all(at(selfReviews, accepts("abroad:"+appUser, "")), at(reviewsPath, mayNot("no")))},

		"a webhook's name for it, and gone": {make: legacyToken, with: all(at(selfReviews, unauthorized), reviewed("abroad:"+appUser), at(secretPath, gone()))},
		"one server knows the issuer":       {make: abroad(), with: at(reviewsPath, refuses("invalid bearer token"))},

		// It is approved of all the same.
		"expired, and approved for a service": {make: dated(-15*time.Minute, -5*time.Minute), ask: as(apiIssuer)},

		// Nobody's credential is refused if there is none.
		"a Transport that may have a credential": {with: func(a *fakeAPI) { a.blind(unauthorized) }, cfg: func(c *rest.Config) *rest.Config {
			return bare(c)
		}},
		"an asker with a plugin": {with: func(a *fakeAPI) { a.blind(unauthorized) }, cfg: func(c *rest.Config) *rest.Config {
			c = bare(c)
			c.ExecProvider = &clientcmdapi.ExecConfig{Command: "touch", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmdapi.NeverExecInteractiveMode}
			return c
		}},
		"an asker with a file that is not there": {with: func(a *fakeAPI) { a.blind(unauthorized) }, cfg: func(c *rest.Config) *rest.Config {
			c = bare(c)
			c.BearerTokenFile = "/nonexistent/token"
			return c
		}},

		// By the server's word, and by its clock, and it takes it.
		"expired, and taken": {make: dated(-15*time.Minute, -5*time.Minute), with: at(reviewsPath, refuses("[invalid bearer token, service account token has expired]"))},

		// It is a proxy's word, and no API server's.
		"an asker whom a proxy wants to log in": {with: all(at(selfReviews, unauthorized), at(reviewsPath, say(401, "<html>hunter2")))},
		"an access that is half read": {with: at(accessPath, give(201, object{"kind": "SelfSubjectAccessReview", "status": 5})), ask: func(s *kube.Suspect) {
			s.Access = &kube.Access{Verb: "list", Resource: "nodes"}
		}},
		"an access that is none": {with: at(accessPath, give(201, object{"kind": "Other"})), ask: func(s *kube.Suspect) {
			s.Access = &kube.Access{Verb: "list", Resource: "nodes"}
		}},

		// Another call, or another error.
		"forbidden to another": {with: at(accessPath, say(500, "")), ask: func(s *kube.Suspect) {
			s.Err = forbiddenIn("pods", "web", "ci", `pods "web" is forbidden: User "alice" cannot get resource "pods" in API group "" in the namespace "ci"`)
		}},
		"anonymous, in words that are cut off": {ask: func(s *kube.Suspect) {
			s.Err = forbiddenIn("pods", "web", "ci", `User "system:anonymous!`)
		}},
		"anonymous, by another error": {ask: func(s *kube.Suspect) {
			s.Err = &apierrors.StatusError{ErrStatus: metav1.Status{Status: "Failure", Code: 409, Reason: metav1.StatusReasonConflict, Message: `User "system:anonymous" cannot get path "/x"`}}
		}},

		// Whom an old server takes the token for does not show.
		"forbidden to somebody": {
			with: all(at(accessPath, say(500, "")), at(selfReviews, fails(404, "NotFound", "the server could not find the requested resource"))),
			ask: func(s *kube.Suspect) {
				s.Err = forbiddenIn("pods", "web", "ci", `pods "web" is forbidden: User "alice" cannot get resource "pods" in API group "" in the namespace "ci"`)
			},
		},
	} {
		if d := diagnose(t, c); settledIn(d) {
			t.Errorf("%s: this is certain:\n%v", name, d)
		} else if strings.HasPrefix(name, "an asker ") && strings.Contains(d.String(), "is refused itself") {
			t.Errorf("%s: there is none to refuse:\n%v", name, d)
		}
	}
}

// By its ID another token is known, without anybody's word for the one.
func TestDiagnoseReplacedByID(t *testing.T) {
	t.Parallel()
	with := all(at(selfReviews, accepts(appUser, "0002")), at(reviewsPath, mayNot("no")))
	if d := diagnose(t, diagnosisCase{with: with}); !settledIn(d) || d.Findings[0].Cause != "what comes to the API server is another credential than this token" {
		t.Errorf("%v", d)
	}
}

// What one fact makes likely another can prove: then it is certain, with all of them.
func TestDiagnoseProvedByAnother(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]func(*fakeAPI){
		"the second the first": at(selfReviews, accepts("kubernetes-admin", "0002")),
		"the first the second": at("/version", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Del("Date")
			give(200, object{"gitVersion": "v1.37.1"})(w, r)
		}),
	} {
		c := diagnosisCase{make: dated(-15*time.Minute, -5*time.Minute), with: all(rejects("[invalid bearer token, service account token has expired]"), with)}
		found := diagnose(t, c).Findings
		if i := slices.IndexFunc(found, func(f token.Finding) bool { return f.Cause == "the token has expired" }); i < 0 || !found[i].Certain || len(found[i].Evidence) < 4 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// A token whose key has no name can be of any key.
func TestDiagnoseKeyWithoutName(t *testing.T) {
	t.Parallel()
	make := func() token.Secret {
		_, rest, _ := strings.Cut(appToken().Reveal(), ".")
		head, _, _ := strings.Cut(forge(object{"alg": "ES256"}, object{}).Reveal(), ".")
		return token.NewSecret(head + "." + rest)
	}
	d := diagnose(t, diagnosisCase{make: make, with: all(rejects(""), at(reviewsPath, mayNot("no")), at(accountPath, gone()))})
	if settledIn(d) || !strings.Contains(d.String(), "the service account of the token has been deleted") || strings.Contains(d.String(), "the token is signed by a key that") {
		t.Errorf("%v", d)
	}
}

// Of a token that is refused, or has something wrong with it, a call that has failed says
// nothing more.
func TestDiagnoseErrorOfABadToken(t *testing.T) {
	t.Parallel()
	ask := func(s *kube.Suspect) {
		s.Err = forbiddenIn("pods", "", "ci", `pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "ci"`)
	}
	for name, c := range map[string]diagnosisCase{
		"refused": {ask: ask, with: all(rejects(""), at(reviewsPath, mayNot("no")))},
		"expired": {ask: ask, cfg: unasked, make: dated(-15*time.Minute, -5*time.Minute)},
	} {
		if d := diagnose(t, c); len(d.Findings) != 1 || strings.Contains(d.String(), "the token is good") {
			t.Errorf("%s:\n%v", name, d)
		}
	}
}

// A certificate that is not looked at proves nothing of who answers: each finding that
// is from answers says so, and none is certain. What needs no answer stays so.
func TestDiagnoseInsecure(t *testing.T) {
	t.Parallel()
	for _, c := range diagnosisCases {
		t.Run(c.name, func(t *testing.T) {
			for _, insecure := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					s, a := c.setUp()
					cfg := a.config()
					cfg.Transport, cfg.Insecure = nil, insecure
					cfg.Wrap(func(http.RoundTripper) http.RoundTripper { return roundTripper(a.roundTrip) })
					d := kube.Diagnose(t.Context(), s, cfg)
					readable(t, d)
					doubted := insecure && len(a.requests()) > 0
					for _, f := range d.Findings {
						if said := strings.Contains(f.Evidence[len(f.Evidence)-1].Value, "insecure-skip-tls-verify"); said != doubted || said && f.Certain {
							t.Errorf("insecure: %t, doubted: %t, said: %t:\n%v", insecure, doubted, said, d)
						}
					}
				})
			}
		})
	}
	// There is no certificate, and nobody on the way.
	a := newFakeAPI(appToken())
	a.reject("[invalid bearer token, invalid signature, no keys found]")
	plain := &rest.Config{Host: "http://127.0.0.1:8001", TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	plain.Wrap(func(http.RoundTripper) http.RoundTripper { return roundTripper(a.roundTrip) })
	if d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, plain); !settledIn(d) {
		t.Errorf("%v", d)
	}
	// Nothing has answered.
	d := kube.Diagnose(t.Context(), kube.Suspect{Token: appToken()}, &rest.Config{Host: "https://127.0.0.1:1", TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if len(d.Findings) != 1 || !d.Findings[0].Certain || strings.Contains(d.String(), "insecure") {
		t.Errorf("%v", d)
	}
}

// A login that is over is no fault of the server's, and keeps nobody from asking it about
// A panic of the caller's code says nothing of whoever would have answered.
func TestDiagnosePanicIsNoAnswer(t *testing.T) {
	t.Parallel()
	cfg := &rest.Config{Host: apiHost, Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic("hunter2") })}
	d := kube.Diagnose(t.Context(), kube.Suspect{Token: appToken()}, cfg)
	if len(d.Findings) != 1 || d.Findings[0].Certain || !strings.Contains(d.String(), "the diagnosis itself has failed") || strings.Contains(d.String(), "hunter2") {
		t.Errorf("%v", d)
	}
}

// A broken body is one that ends with an error of its own.
type broken struct{}

func (broken) Read([]byte) (int, error) {
	return 0, errors.New("stream error: stream ID 1; INTERNAL_ERROR; received from peer")
}
func (broken) Close() error { return nil }

// An answer that breaks off is none, and not one of something else.
func TestDiagnoseAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path   string
		answer http.HandlerFunc
	}{{"/version", nil}, {selfReviews, nil}, {selfReviews, unauthorized}, {selfReviews, mayNot("no")}} {
		path := test.path
		a := newFakeAPI(appToken())
		a.answers[path] = test.answer
		cfg := a.config()
		cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := a.roundTrip(r)
			if r.URL.Path == path {
				resp.Body = broken{}
			}
			return resp, err
		})
		d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg)
		if len(d.Findings) != 1 || d.Findings[0].Cause != "the API server does not answer, and the token was not looked at" || d.Findings[0].Certain != (path == "/version") {
			t.Errorf("%s:\n%v", path, d)
		}
	}
}

// Nor is one that breaks off once it seems to be whole.
func TestDiagnoseAnswerBreaksOffLate(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(appToken())
	a.blind(mayNot("no"))
	a.answers[accountPath] = accountRecreated
	cfg := a.config()
	cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := a.roundTrip(r)
		if r.URL.Path == accountPath {
			resp.Body = io.NopCloser(io.MultiReader(resp.Body, broken{}))
		}
		return resp, err
	})
	if d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg); strings.Contains(d.String(), "made anew") {
		t.Errorf("%v", d)
	}
}

// The address of a proxy can have a password, and one that is no address is in the error.
func TestDiagnosePasswordOfAProxy(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(appToken())
	server := httptest.NewTLSServer(a)
	t.Cleanup(server.Close)
	cfg := &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: caOf(server)}, Proxy: func(r *http.Request) (*url.URL, error) {
		return url.Parse("http://user:hunter2@proxy.example:" + r.URL.Scheme)
	}}
	d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg)
	if len(d.Findings) == 0 || strings.Contains(d.String(), "hunter2") {
		t.Errorf("%v", d)
	}
}

// client-go keeps what it connects with for each Dial that it is given, for ever. What a
// diagnosis is given goes with it.
func TestDiagnoseKeepsNoDial(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	func() {
		dialled := new([1 << 10]int)
		runtime.AddCleanup(dialled, func(c chan struct{}) { close(c) }, gone)
		cfg := &rest.Config{Host: apiHost, Dial: func(context.Context, string, string) (net.Conn, error) {
			dialled[0]++
			return nil, errors.New("connection refused")
		}}
		kube.Diagnose(t.Context(), kube.Suspect{Token: appToken()}, cfg)
		if dialled[0] == 0 {
			t.Error("Dial was not used")
		}
	}()
	for range 1000 {
		runtime.GC()
		select {
		case <-gone:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("it is kept")
}

// Keys that cannot be read are none that are gone.
func TestDiagnoseKeysHalfRead(t *testing.T) {
	t.Parallel()
	c := diagnosisCase{with: all(rejects(""), at(reviewsPath, mayNot("no")), at(jwksPath, give(200, object{"keys": []object{{"kid": 5}}})))}
	if d := diagnose(t, c); strings.Contains(d.String(), "does not have, or no longer has") {
		t.Errorf("%v", d)
	}
}

// A webhook's words for a token prove nothing of what is here under its names.
func TestDiagnoseGoneInOthersWords(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"[invalid bearer token, the user has been deleted]", "[invalid bearer token, service account token has expired]"} {
		d := diagnose(t, diagnosisCase{with: all(rejects(said), at(jwksPath, mayNot("no")), at(accountPath, gone()))})
		if i := slices.IndexFunc(d.Findings, func(f token.Finding) bool { return strings.HasPrefix(f.Cause, "the service account") }); i < 0 || d.Findings[i].Certain {
			t.Errorf("%s:\n%v", said, d)
		}
	}
}
