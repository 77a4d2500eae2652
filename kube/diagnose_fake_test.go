package kube_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/token"
)

// What the tests of Diagnose have their tokens from.
const (
	apiHost   = "https://api.example"
	apiIssuer = "https://kubernetes.default.svc"
	appUID    = "5dd3664f-f5c8-4d95-a195-a147c7a6d36a"
	podUID    = "3882a590-95bd-4066-a566-259eae68d9a6"
	appUser   = "system:serviceaccount:ci:app"
	askerText = "the-credential-of-the-asker"
)

type object = map[string]any

// forge returns a JWT with a signature as long as one by ES256, and of no use.
func forge(header, claims object) token.Secret {
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return token.NewSecret(part(header) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("hunter2.", 8))))
}

// appToken returns a token of ci/app for ten minutes, with changes.
func appToken(changes ...object) token.Secret {
	now := time.Now()
	claims := object{
		"iss": apiIssuer, "sub": appUser, "aud": []string{apiIssuer}, "jti": "0001",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
		"kubernetes.io": object{"namespace": "ci", "serviceaccount": object{"name": "app", "uid": appUID}},
	}
	for _, c := range changes {
		maps.Copy(claims, c)
	}
	return forge(object{"alg": "ES256", "kid": "key-1"}, claims)
}

// boundTo returns claims of a token of ci/app that is bound to something.
func boundTo(kind string) object {
	return object{"kubernetes.io": object{"namespace": "ci", "serviceaccount": object{"name": "app", "uid": appUID}, kind: object{"name": "web-0", "uid": podUID}}}
}

// legacyToken returns one from the Secret ci/app-token.
func legacyToken() token.Secret { return legacyFrom("app-token") }

func legacyFrom(secret string) token.Secret {
	return forge(object{"alg": "ES256", "kid": "key-1"}, object{
		"iss": "kubernetes/serviceaccount", "sub": appUser,
		"kubernetes.io/serviceaccount/namespace":            "ci",
		"kubernetes.io/serviceaccount/secret.name":          secret,
		"kubernetes.io/serviceaccount/service-account.name": "app",
		"kubernetes.io/serviceaccount/service-account.uid":  appUID,
	})
}

// A fakeAPI is an API server for one suspect, which it finds nothing wrong with.
type fakeAPI struct {
	suspect token.Secret
	offset  time.Duration // of its clock

	// answers, by path, take the place of what it would answer.
	answers map[string]http.HandlerFunc

	mu   sync.Mutex
	seen []string // "GET /path, as whom"
}

func newFakeAPI(s token.Secret) *fakeAPI {
	return &fakeAPI{suspect: s, answers: map[string]http.HandlerFunc{}}
}

// config returns how the asker reaches it.
func (a *fakeAPI) config() *rest.Config {
	return &rest.Config{Host: apiHost, BearerToken: askerText, Transport: roundTripper(a.roundTrip)}
}

func (a *fakeAPI) roundTrip(r *http.Request) (*http.Response, error) {
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		done <- w.Result()
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case resp := <-done:
		resp.Request = r
		return resp, nil
	}
}

func (a *fakeAPI) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.seen...)
}

// whoIs returns the user of a request.
func (a *fakeAPI) whoIs(r *http.Request) string {
	switch r.Header.Get("Authorization") {
	case "":
		return "system:anonymous"
	case "Bearer " + a.suspect.Reveal():
		return appUser
	case "Bearer " + askerText:
		return "admin"
	}
	return ""
}

func (a *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who := a.whoIs(r)
	accept, body := "application/json", ""
	switch path := r.URL.Path; {
	case r.Method == http.MethodPost:
		body = "application/json"
	case path == "/openid/v1/jwks":
		accept = "application/jwk-set+json, application/json"
	case strings.Contains(path, "/secrets/") && !strings.HasSuffix(path, "/web-0"): // that of a legacy token
	case strings.HasPrefix(path, "/api/v1/"):
		accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
	}
	if h := r.Header; h.Get("Accept") != accept || h.Get("Content-Type") != body {
		panic(fmt.Sprintf("%s %s has Accept %q and Content-Type %q", r.Method, r.URL.Path, h.Get("Accept"), h.Get("Content-Type")))
	}
	a.mu.Lock()
	a.seen = append(a.seen, r.Method+" "+r.URL.RequestURI()+", as "+who)
	a.mu.Unlock()
	w.Header().Set("Date", time.Now().Add(a.offset).UTC().Format(http.TimeFormat))
	if h := a.answers[r.URL.Path]; h != nil {
		h(w, r)
		return
	}
	switch path := r.URL.Path; path {
	case "/version":
		give(200, object{"major": "1", "minor": "37", "gitVersion": "v1.37.1"})(w, r)
	case "/api":
		give(200, object{"kind": "APIVersions", "versions": []string{"v1"}})(w, r)
	case "/apis/authentication.k8s.io/v1/selfsubjectreviews":
		accepts(appUser, "0001")(w, r)
	case "/apis/authentication.k8s.io/v1/tokenreviews":
		var review authenticationv1.TokenReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Spec.Token != a.suspect.Reveal() || review.Kind != "TokenReview" {
			fails(400, "BadRequest", "this is no TokenReview of the suspect")(w, r)
			return
		}
		give(201, object{"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": object{
			"authenticated": true, "user": object{"username": appUser}, "audiences": review.Spec.Audiences,
		}})(w, r)
	case "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
		permits(true, "")(w, r)
	case "/api/v1/namespaces/ci/serviceaccounts/app":
		is(appUID, nil)(w, r)
	case "/api/v1/namespaces/ci/pods/web-0", "/api/v1/namespaces/ci/secrets/web-0", "/api/v1/nodes/web-0":
		is(podUID, nil)(w, r)
	case "/api/v1/namespaces/ci/secrets/app-token":
		secretOf(a.suspect.Reveal(), nil)(w, r)
	case "/.well-known/openid-configuration":
		give(200, object{"issuer": apiIssuer, "jwks_uri": apiHost + "/openid/v1/jwks"})(w, r)
	case "/openid/v1/jwks":
		if r.Header.Get("Accept") == "application/json" {
			fails(406, "NotAcceptable", "only the following media types are accepted: application/jwk-set+json")(w, r)
			return
		}
		give(200, object{"keys": []object{{"kid": "key-1", "kty": "EC"}}})(w, r)
	default:
		fails(404, "NotFound", "the server could not find the requested resource")(w, r)
	}
}

// give answers with JSON.
func give(status int, v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
}

// say answers with a text.
func say(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
}

// fails answers with a Status, as an API server does.
func fails(status int, reason, message string) http.HandlerFunc {
	return give(status, object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Failure", "message": message, "reason": reason, "code": status})
}

// unauthorized is what an API server answers whoever it does not know.
var unauthorized = fails(401, "Unauthorized", "Unauthorized")

// mayNot is what an API server answers whoever may not do something.
func mayNot(what string) http.HandlerFunc {
	return fails(403, "Forbidden", what)
}

// accepts answers a SelfSubjectReview.
func accepts(user, id string) http.HandlerFunc {
	return give(201, object{"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "status": object{"userInfo": object{
		"username": user, "extra": object{"authentication.kubernetes.io/credential-id": []string{"JTI=" + id}},
	}}})
}

// refuses answers a TokenReview.
func refuses(why string) http.HandlerFunc {
	return give(201, object{"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": object{"user": object{}, "error": why}})
}

// permits answers a SelfSubjectAccessReview.
func permits(allowed bool, reason string) http.HandlerFunc {
	return give(201, object{"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "status": object{"allowed": allowed, "reason": reason}})
}

// is answers with an object's metadata.
func is(uid string, more object) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		meta := object{"name": "x", "uid": uid, "creationTimestamp": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}
		maps.Copy(meta, more)
		give(200, object{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": meta})(w, r)
	}
}

// secretOf answers with a Secret.
func secretOf(text string, more object) http.HandlerFunc {
	meta := object{"name": "app-token", "uid": "s"}
	maps.Copy(meta, more)
	return give(200, object{"kind": "Secret", "apiVersion": "v1", "type": "kubernetes.io/service-account-token", "metadata": meta, "data": object{"token": []byte(text)}})
}

// reject has the server refuse the suspect, for a reason that only a review shows.
func (a *fakeAPI) reject(why string) {
	a.answers["/apis/authentication.k8s.io/v1/selfsubjectreviews"] = unauthorized
	a.answers["/apis/authentication.k8s.io/v1/tokenreviews"] = refuses(why)
}

// blind has the server keep to itself what the asker may not look at, and refuse the
// suspect.
func (a *fakeAPI) blind(answer http.HandlerFunc) {
	a.answers["/apis/authentication.k8s.io/v1/selfsubjectreviews"] = unauthorized
	for _, path := range []string{
		"/apis/authentication.k8s.io/v1/tokenreviews", "/api/v1/namespaces/ci/serviceaccounts/app", "/api/v1/namespaces/ci/pods/web-0",
		"/api/v1/namespaces/ci/secrets/app-token", "/.well-known/openid-configuration", "/openid/v1/jwks",
	} {
		a.answers[path] = answer
	}
}

// asked fails the test unless the server was asked for no more than what is harmless.
func (a *fakeAPI) harmless(t *testing.T) {
	t.Helper()
	for _, r := range a.requests() {
		if strings.HasPrefix(r, "GET ") {
			continue
		}
		path, _, _ := strings.Cut(strings.TrimPrefix(r, "POST "), ",")
		switch path {
		case "/apis/authentication.k8s.io/v1/tokenreviews", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
		default:
			t.Errorf("it was asked to %s", r)
		}
	}
}
