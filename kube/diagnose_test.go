package kube_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A case is one reason to refuse a token.
type diagnosisCase struct {
	name string
	make func() token.Secret               // nil is appToken()
	with func(a *fakeAPI)                  // what is the matter with the server; nil is nothing
	ask  func(s *kube.Suspect)             // what else is known
	cfg  func(c *rest.Config) *rest.Config // who asks; nil is an admin
}

const (
	selfReviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
	reviewsPath = "/apis/authentication.k8s.io/v1/tokenreviews"
	accessPath  = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
	accountPath = "/api/v1/namespaces/ci/serviceaccounts/app"
	podPath     = "/api/v1/namespaces/ci/pods/web-0"
	secretPath  = "/api/v1/namespaces/ci/secrets/app-token"
	issuerPath  = "/.well-known/openid-configuration"
	jwksPath    = "/openid/v1/jwks"
)

func text(change func(string) string) func() token.Secret {
	return func() token.Secret { return token.NewSecret(change(appToken().Reveal())) }
}

func withClaims(changes ...object) func() token.Secret {
	return func() token.Secret { return appToken(changes...) }
}

// dated returns claims of a token that is valid from one time to another.
func dated(from, until time.Duration) func() token.Secret {
	return func() token.Secret {
		now := time.Now()
		return appToken(object{"iat": now.Add(from).Unix(), "nbf": now.Add(from).Unix(), "exp": now.Add(until).Unix()})
	}
}

func unasked(*rest.Config) *rest.Config { return nil }

func forbiddenIn(resource, name, namespace, message string) error {
	err := apierrors.NewForbidden(schema.GroupResource{Resource: resource}, name, errors.New("x"))
	err.ErrStatus.Message = message
	return fmt.Errorf("list of pods: %w", err)
}

var accountRecreated = is("46db6407-0f4b-4b15-84e5-3073df16956a", nil)

func rejects(why string) func(*fakeAPI) { return func(a *fakeAPI) { a.reject(why) } }

func at(path string, h http.HandlerFunc) func(*fakeAPI) {
	return func(a *fakeAPI) { a.answers[path] = h }
}

func all(do ...func(*fakeAPI)) func(*fakeAPI) {
	return func(a *fakeAPI) {
		for _, f := range do {
			f(a)
		}
	}
}

// gone answers that there is no such object.
func gone() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		give(404, object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": `"` + name + `" not found`, "reason": "NotFound", "details": object{"name": name}, "code": 404})(w, r)
	}
}

func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }

var diagnosisCases = []diagnosisCase{
	{name: "nothing"},
	{name: "nothing, offline", cfg: unasked},
	{name: "nothing, for a service", make: withClaims(object{"aud": "vault.example"}), ask: func(s *kube.Suspect) { s.Audiences = []string{"vault.example"} }},

	// Its text.
	{name: "empty", make: text(func(string) string { return "" })},
	{name: "blank", make: text(func(string) string { return " \n" })},
	{name: "a header", make: text(func(s string) string { return "Authorization: Bearer " + s })},
	{name: "a scheme", make: text(func(s string) string { return "Bearer " + s })},
	{name: "a line break", make: text(func(s string) string { return s + "\n" })},
	{name: "broken lines", make: text(func(s string) string { return s[:80] + "\n" + s[80:] })},
	{name: "quotes", make: text(func(s string) string { return `"` + s + `"` + "\n" })},
	{name: "base64", make: text(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	{name: "left out", make: text(func(s string) string { return s[:80] + "…" })},
	{name: "odd from the first character", make: text(func(s string) string { return "\u00bb" + s })},
	{name: "opaque, and begins as base64 of a token", make: func() token.Secret { return token.NewSecret("ZXlK.abcdef0123456789") }, cfg: unasked},
	{name: "two segments", make: text(func(s string) string { return s[:strings.LastIndexByte(s, '.')] })},
	{name: "cut off", make: text(func(s string) string { return s[:len(s)-6] })},
	{name: "of a weak key", make: func() token.Secret {
		s := forge(object{"alg": "RS256"}, object{"iss": apiIssuer, "sub": appUser}).Reveal()
		return token.NewSecret(s[:strings.LastIndexByte(s, '.')+1] + base64.RawURLEncoding.EncodeToString(make([]byte, 128)))
	}, cfg: unasked},
	{name: "as long as can be", make: func() token.Secret { return token.NewSecret(strings.Repeat("a", token.MaxSize)) }, cfg: unasked},
	{name: "too long", make: text(func(s string) string { return s + strings.Repeat("a", token.MaxSize) })},
	{name: "an answer", make: text(func(s string) string { return `{"kind": "TokenRequest", "status": {"token": "` + s + `"}}` })},
	{name: "unsigned", make: func() token.Secret {
		s := forge(object{"alg": "none"}, object{"iss": apiIssuer, "sub": appUser}).Reveal()
		return token.NewSecret(s[:strings.LastIndexByte(s, '.')+1])
	}},
	{name: "a Dashboard session", make: func() token.Secret {
		part := base64.RawURLEncoding.EncodeToString
		return token.NewSecret(`{"protected":"` + part([]byte(`{"alg":"RSA-OAEP-256","enc":"A256GCM"}`)) + `","aad":"` + part([]byte(`{"iat":"1999-12-31T23:50:00Z","exp":"2000-01-01T00:05:00Z"}`)) +
			`","encrypted_key":"aHVudGVyMg","iv":"aXY","ciphertext":"Y2lwaGVydGV4dA","tag":"dGFn"}`)
	}},
	{name: "a Dashboard session that is over", make: func() token.Secret {
		part := base64.RawURLEncoding.EncodeToString
		return token.NewSecret(`{"protected":"` + part([]byte(`{"alg":"RSA-OAEP-256","enc":"A256GCM"}`)) + `","aad":"` + part([]byte(`{"iat":"1999-12-31T23:40:00Z","exp":"1999-12-31T23:55:00Z"}`)) +
			`","encrypted_key":"aHVudGVyMg","iv":"aXY","ciphertext":"Y2lwaGVydGV4dA","tag":"dGFn"}`)
	}},
	{name: "a Rancher token", make: func() token.Secret { return token.NewSecret("token-x7k2p:" + strings.Repeat("bzrxt7", 9)) }, with: rejects("invalid bearer token")},
	{name: "a Rancher token, offline", make: func() token.Secret { return token.NewSecret("token-x7k2p:" + strings.Repeat("bzrxt7", 9)) }, cfg: unasked},
	{name: "a Rancher token, through Rancher", make: func() token.Secret { return token.NewSecret("token-x7k2p:" + strings.Repeat("bzrxt7", 9)) }},
	{name: "a Rancher token of another kind, offline", make: func() token.Secret { return token.NewSecret("ext/token-x7k2p:" + strings.Repeat("bzrxt7", 9)) }, cfg: unasked},
	{name: "a Rancher 1.6 token, offline", make: func() token.Secret { return token.NewSecret("V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr") }, cfg: unasked},
	{name: "an encrypted token", make: func() token.Secret {
		part := base64.RawURLEncoding.EncodeToString
		return token.NewSecret(part([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + "..aXY.Y2lwaGVydGV4dA.dGFn")
	}, with: rejects("invalid bearer token")},
	{name: "unknown, for a service", make: func() token.Secret { return token.NewSecret("abcdef.0123456789abcdef") }, with: rejects("invalid bearer token"), ask: func(s *kube.Suspect) { s.Audiences = []string{"vault.example"} }},
	{name: "revoked, in a webhook's words", make: func() token.Secret { return token.NewSecret("abcdef.0123456789abcdef") }, with: rejects("[invalid bearer token, the user has been deleted]")},
	{name: "revoked, in a webhook's words, and legacy", make: legacyToken, with: rejects("[invalid bearer token, the user has been deleted]")},
	{name: "revoked, in a webhook's words, and bound", make: withClaims(boundTo("pod")), with: rejects("[invalid bearer token, the user has been deleted]")},
	{name: "revoked, in a webhook's words that name the account", with: rejects("[invalid bearer token, the token has been invalidated for system:serviceaccount:ci:app]")},
	{name: "another pod, and it is bound to none", with: rejects("[invalid bearer token, pod UID (1) does not match service account pod ref claim (2)]")},
	{name: "another audience, in a webhook's words", make: func() token.Secret { return token.NewSecret("abcdef.0123456789abcdef") }, with: rejects("[invalid bearer token, expected audience one]")},
	{name: "another issuer, in a webhook's words", make: func() token.Secret { return token.NewSecret("abcdef.0123456789abcdef") }, with: rejects("[invalid bearer token, it is issued by a different provider]")},
	{name: "no audience, for a service", make: legacyToken, ask: func(s *kube.Suspect) { s.Audiences = []string{"vault.example"} }, cfg: unasked},
	{name: "unknown", make: func() token.Secret { return token.NewSecret("abcdef.0123456789abcdef") }, with: rejects("invalid bearer token")},

	// The clock.
	{name: "expired", make: dated(-15*time.Minute, -5*time.Minute), with: rejects("[invalid bearer token, service account token has expired]")},
	{name: "expired, offline", make: dated(-15*time.Minute, -5*time.Minute), cfg: unasked},
	{name: "expired, and the asker may not look", make: dated(-15*time.Minute, -5*time.Minute), with: func(a *fakeAPI) { a.blind(mayNot("no")) }},
	{name: "expired a day ago", make: dated(-48*time.Hour, -24*time.Hour), cfg: unasked},
	{name: "expired a hundred days ago", make: dated(-200*24*time.Hour, -100*24*time.Hour), cfg: unasked},
	{name: "expired long ago", make: dated(-200*24*time.Hour, -150*24*time.Hour), cfg: unasked},
	{name: "expired by a minute, and no review", make: dated(-10*time.Minute, -time.Minute), with: all(rejects(""), at(reviewsPath, mayNot("no")))},
	{name: "expired, and the server away", make: dated(-50*time.Hour, -30*time.Hour), cfg: func(c *rest.Config) *rest.Config {
		c.Transport = failing(errors.New("dial tcp: connection refused"))
		return c
	}},
	{name: "expired, and still accepted", make: dated(-15*time.Minute, -5*time.Minute)},
	{name: "at its end, and refused", make: dated(-10*time.Minute, -30*time.Second), with: rejects("")},
	{name: "a slow answer", make: dated(-10*time.Minute, -30*time.Second), with: at("/version", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Second)
		give(200, object{"gitVersion": "v1.37.1"})(w, r)
	})},
	{name: "issued in the future, offline", make: func() token.Secret { return appToken(object{"iat": time.Now().Add(2 * time.Hour).Unix()}) }, cfg: unasked},
	{name: "at its end", make: dated(-10*time.Minute, -30*time.Second)},
	{name: "not yet valid", make: dated(5*time.Minute, 15*time.Minute), with: rejects("[invalid bearer token, service account token is not valid yet]")},
	{name: "not yet valid, offline", make: func() token.Secret { return appToken(object{"nbf": time.Now().Add(2 * time.Hour).Unix()}) }, cfg: unasked},
	{name: "within the leeway", make: dated(time.Minute, 15*time.Minute)},
	{name: "the server's clock is ahead", with: all(rejects("[invalid bearer token, service account token has expired]"), func(a *fakeAPI) { a.offset = 20 * time.Minute })},
	{name: "the server's clock is behind", with: all(rejects("[invalid bearer token, service account token is issued in the future]"), func(a *fakeAPI) { a.offset = -20 * time.Minute })},
	{name: "the server's clock is ahead, and the token at its end by it", make: dated(0, 20*time.Minute), with: func(a *fakeAPI) { a.offset = 20*time.Minute + 30*time.Second }},
	{name: "the server's clock is behind, and another's ahead", make: dated(2*time.Hour, 3*time.Hour), with: func(a *fakeAPI) { a.offset = -20 * time.Minute }},
	{name: "the server's clock is ahead, and another's more", make: dated(2*time.Hour, 3*time.Hour), with: func(a *fakeAPI) { a.offset = 20 * time.Minute }},
	{name: "this machine's clock is behind", make: dated(time.Hour, 2*time.Hour), with: func(a *fakeAPI) { a.offset = time.Hour }},
	{name: "the clocks are a little apart", with: func(a *fakeAPI) { a.offset = 20 * time.Second }},
	{name: "the clocks are apart by what is presumed", with: func(a *fakeAPI) { a.offset = skew.DefaultLeeway }},
	{name: "a cache's Date", with: all(func(a *fakeAPI) { a.offset = time.Hour }, at("/version", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Age", "3600")
		give(200, object{"gitVersion": "v1.37.1"})(w, r)
	}))},
	{name: "stale", make: func() token.Secret {
		now := time.Now()
		return appToken(boundTo("pod"), object{"exp": now.Add(364 * 24 * time.Hour).Unix(), "iat": now.Add(-2 * time.Hour).Unix(), "nbf": now.Add(-2 * time.Hour).Unix()},
			object{"kubernetes.io": object{"namespace": "ci", "serviceaccount": object{"name": "app", "uid": appUID}, "pod": object{"name": "web-0", "uid": podUID}, "warnafter": now.Add(-time.Hour).Unix()}})
	}},
	{name: "stale, offline", make: withClaims(object{"kubernetes.io": object{"namespace": "ci", "serviceaccount": object{"name": "app", "uid": appUID}, "warnafter": time.Date(1999, 12, 31, 23, 55, 0, 0, time.UTC).Unix()}}), cfg: unasked},
	{name: "to be replaced later", make: withClaims(object{"kubernetes.io": object{"namespace": "ci", "serviceaccount": object{"name": "app", "uid": appUID}, "warnafter": time.Date(2000, 1, 1, 0, 5, 0, 0, time.UTC).Unix()}})},
	{name: "not yet valid, and the asker may not look", make: dated(5*time.Minute, 15*time.Minute), with: func(a *fakeAPI) { a.blind(mayNot("no")) }},
	{name: "the server's clock is ahead, and the token good", with: func(a *fakeAPI) { a.offset = 5 * time.Minute }},
	{name: "stale, and refused for no reason given", make: func() token.Secret {
		now := time.Now()
		return appToken(object{"kubernetes.io": object{"namespace": "ci", "serviceaccount": object{"name": "app", "uid": appUID}, "warnafter": now.Add(-time.Hour).Unix()}})
	}, with: rejects("")},

	// Whom it is for, and whose it is.
	{name: "another audience", make: withClaims(object{"aud": "vault.example"}), with: rejects(`[invalid bearer token, token audiences ["vault.example"] is invalid for the target audiences ["https://kubernetes.default.svc"]]`)},
	{name: "another audience, and no review", make: withClaims(object{"aud": []string{"vault.example"}}), with: all(rejects(""), at(reviewsPath, mayNot(`tokenreviews.authentication.k8s.io is forbidden: User "alice" cannot create resource "tokenreviews" in API group "authentication.k8s.io" at the cluster scope`)))},
	{name: "another audience, and nothing to be seen", make: withClaims(object{"aud": "vault.example"}), with: func(a *fakeAPI) { a.blind(mayNot("no")) }},
	{name: "another audience, which may be the server's", make: withClaims(object{"aud": []string{"https://kubernetes.default.svc.cluster.local", "k3s"}}), with: func(a *fakeAPI) { a.blind(mayNot("no")) }},
	{name: "another audience, at a service", ask: func(s *kube.Suspect) { s.Audiences = []string{"vault.example", "vault"} }, cfg: unasked},
	{name: "an audience that is no word for a shell", ask: func(s *kube.Suspect) { s.Audiences = []string{"$(reboot)"} }, cfg: unasked},
	{name: "another issuer", make: withClaims(object{"iss": "https://issuer.example"}), with: rejects("invalid bearer token")},
	{name: "another issuer, and no review", make: withClaims(object{"iss": "https://issuer.example"}), with: all(rejects(""), at(reviewsPath, mayNot("no")))},
	{name: "another issuer, and no account of that name", make: withClaims(object{"iss": "https://issuer.example"}), with: all(rejects(""), at(reviewsPath, mayNot("no")), at(accountPath, gone()))},
	{name: "another issuer, which is known for ID tokens", make: withClaims(object{"iss": "https://issuer.example"}), with: all(rejects("[invalid bearer token, oidc: verify token: oidc: token is expired (Token Expiry: x)]"), at(accountPath, gone()))},
	{name: "another audience, and unknown", make: withClaims(object{"aud": "vault.example"}), with: all(rejects("invalid bearer token"), at(issuerPath, mayNot("no")))},
	{name: "five audiences", make: withClaims(object{"aud": []string{"a", "b", "c", "d", "e"}}), with: func(a *fakeAPI) { a.blind(mayNot("no")) }},
	{name: "many audiences", make: withClaims(object{"aud": []string{"a", "b", "c", "d", "e", "f", "g"}}), with: func(a *fakeAPI) { a.blind(mayNot("no")) }},
	{name: "an ID token", make: func() token.Secret {
		return forge(object{"alg": "ES256", "kid": "x"}, object{"iss": "https://login.example", "aud": "kubernetes", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	}, with: rejects("invalid bearer token")},
	{name: "an ID token for another client", make: func() token.Secret {
		return forge(object{"alg": "ES256", "kid": "x"}, object{"iss": "https://login.example", "aud": "another", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	}, with: rejects(`[invalid bearer token, oidc: verify token: oidc: expected audience "kubernetes" got ["another"]]`)},
	{name: "an ID token, and nothing to be seen", make: func() token.Secret {
		return forge(object{"alg": "ES256", "kid": "x"}, object{"iss": "https://login.example", "aud": "kubernetes", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	}, with: func(a *fakeAPI) { a.blind(mayNot("no")) }},
	{name: "no audience, and nothing to be seen", make: withClaims(object{"aud": []string{}}), with: func(a *fakeAPI) { a.blind(mayNot("no")) }},
	{name: "an audience that is the issuer, and nothing to be seen", make: withClaims(object{"iss": "https://cluster.example", "aud": "https://cluster.example"}), with: func(a *fakeAPI) { a.blind(mayNot("no")) }},
	{name: "an ID token, expired", make: func() token.Secret {
		return forge(object{"alg": "ES256", "kid": "x"}, object{"iss": "https://login.example", "aud": "kubernetes", "sub": "alice", "exp": time.Now().Add(-time.Hour).Unix()})
	}, with: rejects("[invalid bearer token, oidc: verify token: oidc: token is expired (Token Expiry: 1999-12-31 23:00:00 +0000 UTC)]")},
	{name: "a key that is gone", with: all(rejects("[invalid bearer token, invalid signature, no keys found]"), at(jwksPath, give(200, object{"keys": []object{{"kid": "key-2"}, {"kid": "key-3"}, {"kid": "key-4"}, {"kid": "key-5"}, {"kid": "key-6"}}})), at(accountPath, gone()))},
	{name: "a key that is gone, and no review", with: all(rejects(""), at(reviewsPath, mayNot("no")), at(jwksPath, give(200, object{"keys": []object{{"kid": "key-2"}}})), at(accountPath, gone()))},
	{name: "tampered with", with: all(rejects("[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]"), at(accountPath, gone()))},
	{name: "legacy, tampered with", make: legacyToken, with: rejects("[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]")},
	{name: "malformed to the server", with: rejects("[invalid bearer token, malformed JWT]")},

	// What it hangs on.
	{name: "account deleted", with: all(rejects(`[invalid bearer token, serviceaccounts "app" not found]`), at(accountPath, gone()))},
	{name: "account deleted, as the review says", with: all(rejects(`[invalid bearer token, serviceaccounts "app" not found]`), at(accountPath, mayNot(`serviceaccounts "app" is forbidden: User "system:serviceaccount:prod:api" cannot get resource "serviceaccounts" in API group "" in the namespace "ci"`)))},
	{name: "account deleted, as it shows", with: all(rejects(""), at(reviewsPath, mayNot("no")), at(accountPath, gone()))},
	{name: "account deleted, and nothing shows that it was of this server", with: all(rejects(""), at(reviewsPath, mayNot("no")), at(accountPath, gone()), at(jwksPath, mayNot("no")))},
	{name: "account deleted, as the review says, and still accepted", with: all(at(reviewsPath, refuses(`[invalid bearer token, serviceaccounts "app" not found]`)), at(accountPath, mayNot("no")))},
	{name: "an account that cannot be read", with: all(rejects(""), at(reviewsPath, mayNot("no")), at(accountPath, say(200, "null")))},
	{name: "an account that is kept from the asker without a word", with: all(rejects(""), at(reviewsPath, mayNot("no")), at(accountPath, mayNot("")))},
	{name: "an account without end", with: all(rejects(""), at(reviewsPath, mayNot("no")), at(accountPath, say(200, strings.Repeat("{", 2<<20))))},
	{name: "account deleted, and still accepted", with: at(accountPath, gone())},
	{name: "no such kind of object", with: all(rejects(""), at(reviewsPath, mayNot("no")), at(accountPath, fails(404, "NotFound", "the server could not find the requested resource")))},
	{name: "account deleted, and nothing shows the server's issuer", with: all(rejects(""), at(reviewsPath, mayNot("no")), at(accountPath, gone()), at(issuerPath, mayNot("no")))},
	{name: "account deleted, and still accepted, and forbidden", with: all(at(accountPath, gone()), at(accessPath, permits(false, ""))), ask: func(s *kube.Suspect) { s.Access = &kube.Access{Verb: "list", Resource: "nodes"} }},
	{name: "account recreated", with: all(rejects("[invalid bearer token, service account UID (46db6407-0f4b-4b15-84e5-3073df16956a) does not match claim ("+appUID+")]"), at(accountPath, accountRecreated))},
	{name: "account being deleted", with: all(rejects("[invalid bearer token, service account ci/app has been deleted]"), func(a *fakeAPI) {
		a.answers[accountPath] = is(appUID, object{"deletionTimestamp": ago(90 * time.Second)})
	})},
	{name: "account being deleted since just now", with: func(a *fakeAPI) {
		a.answers[accountPath] = is(appUID, object{"deletionTimestamp": ago(time.Minute)})
	}},
	{name: "pod deleted", make: withClaims(boundTo("pod")), with: all(rejects("[invalid bearer token, service account token has been invalidated]"), at(podPath, gone()))},
	{name: "pod recreated", make: withClaims(boundTo("pod")), with: all(rejects("[invalid bearer token, pod UID (1) does not match service account pod ref claim ("+podUID+")]"), at(podPath, is("1", nil)))},
	{name: "pod terminating", make: withClaims(boundTo("pod")), with: all(rejects("[invalid bearer token, service account token has been invalidated]"), func(a *fakeAPI) {
		a.answers[podPath] = is(podUID, object{"deletionTimestamp": ago(90 * time.Second)})
	})},
	{name: "pod terminating since just now", make: withClaims(boundTo("pod")), with: func(a *fakeAPI) {
		a.answers[podPath] = is(podUID, object{"deletionTimestamp": ago(30 * time.Second)})
	}},
	{name: "pod deleted, as the review says", make: withClaims(boundTo("pod")), with: all(rejects("[invalid bearer token, service account token has been invalidated]"), at(podPath, mayNot("no")))},
	{name: "Secret deleted", make: withClaims(boundTo("secret")), with: all(rejects("[invalid bearer token, service account token has been invalidated]"), at("/api/v1/namespaces/ci/secrets/web-0", gone()))},
	{name: "node recreated", make: withClaims(boundTo("node")), with: all(rejects("[invalid bearer token, node UID (1) does not match service account node ref claim ("+podUID+")]"), at("/api/v1/nodes/web-0", is("1", nil)))},
	{name: "legacy", make: legacyToken},
	{name: "legacy, Secret deleted", make: legacyToken, with: all(rejects("[invalid bearer token, Token has been invalidated]"), at(secretPath, gone()))},
	{name: "legacy, Secret deleted, and nothing shows the server's issuer", make: legacyToken, with: all(rejects(""), at(reviewsPath, mayNot("no")), at(secretPath, gone()), at(issuerPath, mayNot("no")))},
	{name: "legacy, Secret deleted, and still accepted", make: legacyToken, with: at(secretPath, gone())},
	{name: "legacy, Secret being deleted", make: legacyToken, with: all(rejects(""), at(reviewsPath, mayNot("no")), func(a *fakeAPI) {
		a.answers[secretPath] = secretOf(a.suspect.Reveal(), object{"deletionTimestamp": ago(10 * time.Second)})
	})},
	{name: "legacy, account being deleted since just now", make: legacyToken, with: all(rejects("[invalid bearer token, ServiceAccount ci/app has been deleted]"), func(a *fakeAPI) {
		a.answers[accountPath] = is(appUID, object{"deletionTimestamp": ago(10 * time.Second)})
	})},
	{name: "legacy, replaced", make: legacyToken, with: all(rejects("[invalid bearer token, Token does not match server's copy]"), at(secretPath, secretOf("eyJ-another-one-that-is-good", nil)))},
	{name: "legacy, marked as invalid", make: legacyToken, with: all(rejects("[invalid bearer token, the token in secret ci/app-token for service account ci/app has been marked invalid. Use tokens from the TokenRequest API]"), func(a *fakeAPI) {
		a.answers[secretPath] = secretOf(a.suspect.Reveal(), object{"labels": object{"kubernetes.io/legacy-token-invalid-since": "1999-12-01"}})
	})},
	{name: "what a token hangs on, in other words", with: rejects(`[invalid bearer token, token has been invalidated]`)},

	// It is not the token.
	{name: "forbidden", with: at(accessPath, permits(false, "")), ask: func(s *kube.Suspect) {
		s.Access = &kube.Access{Verb: "get", Group: "apps", Resource: "deployments", Subresource: "scale", Namespace: "ci", Name: "web"}
	}},
	{name: "refused, and permitted", ask: func(s *kube.Suspect) {
		s.Access, s.Err = &kube.Access{Verb: "list", Resource: "nodes"}, apierrors.NewUnauthorized("Unauthorized")
	}},
	{name: "refused, and approved for a service", make: withClaims(object{"aud": "vault.example"}), ask: func(s *kube.Suspect) {
		s.Audiences, s.Err = []string{"vault.example"}, apierrors.NewUnauthorized("Unauthorized")
	}},
	{name: "forbidden, as a call was told, and no review", with: at(accessPath, fails(500, "InternalError", "no")), ask: func(s *kube.Suspect) {
		s.Err = forbiddenIn("pods", "web", "ci", `pods "web" is forbidden: User "system:serviceaccount:ci:app" cannot get resource "pods" in API group "" in the namespace "ci"`)
	}},
	{name: "a certificate that is not trusted", ask: func(s *kube.Suspect) { s.Err = x509.UnknownAuthorityError{} }},
	{name: "a page that is not there", ask: func(s *kube.Suspect) {
		s.Err = apierrors.NewGenericServerResponse(404, "get", schema.GroupResource{Resource: "pods"}, "web", "<html>hunter2", 0, true)
	}},
	{name: "forbidden in the cluster", with: at(accessPath, permits(false, "")), ask: func(s *kube.Suspect) { s.Access = &kube.Access{Verb: "list", Resource: "nodes"} }},
	{name: "forbidden to list one", with: at(accessPath, permits(false, "")), ask: func(s *kube.Suspect) { s.Access = &kube.Access{Verb: "list", Resource: "nodes", Name: "one"} }},
	{name: "forbidden to watch one", with: at(accessPath, permits(false, "")), ask: func(s *kube.Suspect) { s.Access = &kube.Access{Verb: "watch", Resource: "nodes", Name: "one"} }},
	{name: "forbidden to delete all", with: at(accessPath, permits(false, "")), ask: func(s *kube.Suspect) {
		s.Access = &kube.Access{Verb: "deletecollection", Resource: "nodes", Name: "one"}
	}},
	{name: "forbidden to create a token", with: at(accessPath, permits(false, "")), ask: func(s *kube.Suspect) {
		s.Access = &kube.Access{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: "ci", Name: "web"}
	}},
	{name: "forbidden to nobody knows whom", make: func() token.Secret { return token.NewSecret("abcdef.0123456789abcdef") }, with: all(at(selfReviews, accepts("", "")), at(accessPath, permits(false, ""))), ask: func(s *kube.Suspect) {
		s.Access = &kube.Access{Verb: "list", Resource: "nodes"}
	}},
	{name: "forbidden path", with: at(accessPath, permits(false, "denied by policy")), ask: func(s *kube.Suspect) { s.Access = &kube.Access{Verb: "get", Path: "/metrics"} }},
	{name: "permitted", ask: func(s *kube.Suspect) { s.Access = &kube.Access{Verb: "list", Resource: "nodes"} }},
	{name: "forbidden, as a call was told", with: at(accessPath, permits(false, "")), ask: func(s *kube.Suspect) {
		s.Err = forbiddenIn("pods", "web", "ci", `pods "web" is forbidden: User "system:serviceaccount:ci:app" cannot get resource "pods/log" in API group "" in the namespace "ci"`)
	}},
	{name: "forbidden, as a call was told, offline", cfg: unasked, ask: func(s *kube.Suspect) {
		s.Err = forbiddenIn("pods", "web", "ci", `pods "web" is forbidden: User "alice@example.com" cannot get resource "pods/log" in API group "" in the namespace "ci"`)
	}},
	{name: "forbidden, as a call was told, in few words", cfg: unasked, ask: func(s *kube.Suspect) {
		s.Err = &apierrors.StatusError{ErrStatus: metav1.Status{Status: "Failure", Code: 403, Reason: metav1.StatusReasonForbidden, Message: `forbidden: User "alice" cannot get path "/metrics"`}}
		s.Access = new(kube.Access)
	}},
	{name: "forbidden when a call was told", ask: func(s *kube.Suspect) {
		s.Err = forbiddenIn("", "", "", `forbidden: User "system:serviceaccount:ci:app" cannot get path "/metrics"`)
	}},
	{name: "forbidden to create", with: at(accessPath, permits(false, "")), ask: func(s *kube.Suspect) {
		s.Access = &kube.Access{Verb: "create", Resource: "pods", Namespace: "ci", Name: "web"}
	}},
	{name: "another error in such words", with: at(accessPath, permits(false, "")), ask: func(s *kube.Suspect) {
		s.Err = &apierrors.StatusError{ErrStatus: metav1.Status{Status: "Failure", Code: 409, Reason: metav1.StatusReasonConflict, Message: `User "alice" cannot get path "/metrics"`}}
	}},
	{name: "an error of no API server", ask: func(s *kube.Suspect) { s.Err = errors.New("no such table") }},
	{name: "a page of a proxy", ask: func(s *kube.Suspect) {
		s.Err = apierrors.NewGenericServerResponse(403, "get", schema.GroupResource{Resource: "pods"}, "web", "<html>hunter2", 0, true)
	}},
	{name: "an admission plugin", ask: func(s *kube.Suspect) {
		s.Err = forbiddenIn("pods", "web", "ci", `pods "web" is forbidden: violates PodSecurity "restricted:latest"`)
	}},
	{name: "a call without a token", ask: func(s *kube.Suspect) {
		s.Err = forbiddenIn("pods", "", "ci", `pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "ci"`)
	}},
	{name: "a call that was refused", ask: func(s *kube.Suspect) { s.Err = apierrors.NewUnauthorized("Unauthorized") }},
	{name: "a call that was refused, in words of this package", ask: func(s *kube.Suspect) {
		s.Err = &kube.Error{Op: "token of service account ci/builder", Reason: kube.Unauthenticated, Err: apierrors.NewUnauthorized("Unauthorized"), Remedy: "renew that of the Client"}
	}},
	{name: "a call that a proxy wanted a login for", ask: func(s *kube.Suspect) {
		s.Err = apierrors.NewGenericServerResponse(401, "get", schema.GroupResource{Resource: "pods"}, "web", "<html>hunter2", 0, true)
	}},
	{name: "a call when the server was busy", ask: func(s *kube.Suspect) { s.Err = apierrors.NewTooManyRequests("ask later", 1) }},
	{name: "a call that was in conflict, offline", cfg: unasked, ask: func(s *kube.Suspect) {
		s.Err = apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "web", errors.New("it was modified"))
	}},
	{name: "a call that was refused, offline", ask: func(s *kube.Suspect) { s.Err = apierrors.NewUnauthorized("Unauthorized") }, cfg: unasked},
	{name: "a call when the server was away", ask: func(s *kube.Suspect) {
		s.Err = &apierrors.StatusError{ErrStatus: metav1.Status{Status: "Failure", Code: 503, Reason: metav1.StatusReasonServiceUnavailable, Message: "the server is currently unable to handle the request"}}
	}},
	{name: "a proxy that takes it off", with: at(selfReviews, mayNot(`selfsubjectreviews.authentication.k8s.io is forbidden: User "system:anonymous" cannot create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope`))},
	{name: "a proxy that takes it off, and no review", with: all(at(reviewsPath, mayNot("no")), at(selfReviews, mayNot(`selfsubjectreviews.authentication.k8s.io is forbidden: User "system:anonymous" cannot create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope`)))},
	{name: "a proxy that answers without end", with: at(selfReviews, say(200, strings.Repeat("{", 2<<20)))},
	{name: "a proxy that finds nothing", with: at(selfReviews, say(404, "<html>hunter2"))},
	{name: "an answer that is half read", with: at(selfReviews, give(201, object{"kind": "SelfSubjectReview", "status": 5}))},
	{name: "a review that is good for all that somebody had to say", with: at(reviewsPath, give(201, object{"kind": "TokenReview", "status": object{
		"authenticated": true, "user": object{"username": appUser}, "error": "[service account token has expired]"}}))},
	{name: "a review that is half read", with: at(reviewsPath, give(201, object{"kind": "TokenReview", "status": 5}))},
	{name: "a proxy that does not understand", with: at(selfReviews, say(400, "<html>hunter2"))},
	{name: "a proxy with a login of its own", with: at(selfReviews, say(401, "<html>hunter2"))},
	{name: "a proxy with JSON of its own", with: at(selfReviews, give(401, object{"kind": "Login", "message": "hunter2"}))},
	{name: "a proxy with JSON of its own, for all", with: at(selfReviews, give(200, object{"kind": "Login", "message": "hunter2"}))},
	{name: "a proxy that redirects", with: at(selfReviews, http.RedirectHandler("https://login.example/hunter2", http.StatusFound).ServeHTTP)},
	{name: "a server that tells no ID", with: all(at(reviewsPath, mayNot("no")), at(selfReviews, accepts(appUser, "")))},
	{name: "a name of the server's own for it", make: func() token.Secret {
		return forge(object{"alg": "ES256", "kid": "x"}, object{"iss": "https://login.example", "aud": "kubernetes", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	}, with: all(at(reviewsPath, mayNot("no")), at(selfReviews, accepts("oidc:alice", "")))},
	{name: "a name of the server's own for it, and its issuer is not to be seen", make: func() token.Secret {
		return forge(object{"alg": "ES256", "kid": "x"}, object{"iss": "https://login.example", "aud": "kubernetes", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
	}, with: all(at(reviewsPath, mayNot("no")), at(issuerPath, mayNot("no")), at(selfReviews, accepts("oidc:alice", "")))},
	{name: "another user", with: at(selfReviews, accepts("kubernetes-admin", ""))},
	{name: "another token of the user", with: at(selfReviews, accepts(appUser, "0002"))},
	{name: "a proxy that forbids", with: at(selfReviews, say(403, "<html>hunter2"))},
	{name: "a review of another kind", with: all(at(selfReviews, unauthorized), at(reviewsPath, give(201, object{"kind": "Other", "status": object{"error": "service account token has expired"}})))},
	{name: "a review with a status of trouble", with: all(at(selfReviews, unauthorized), at(reviewsPath, give(500, object{"kind": "TokenReview", "status": object{"error": "service account token has expired"}})))},
	{name: "a review that takes it for nobody", with: all(at(selfReviews, unauthorized), at(reviewsPath, give(201, object{"kind": "TokenReview", "status": object{"authenticated": true, "user": object{"username": "system:anonymous"}}})))},
	{name: "a review that differs", with: at(reviewsPath, refuses("invalid bearer token"))},
	{name: "a review that says more", with: at(reviewsPath, refuses("[invalid bearer token, service account token has expired]"))},
	{name: "a request that the server does not take", with: all(at(selfReviews, fails(422, "Invalid", "no")), at(reviewsPath, mayNot("no")))},
	{name: "an old server, forbidden", with: all(at(accessPath, permits(false, "")), at(selfReviews, fails(404, "NotFound", "the server could not find the requested resource"))), ask: func(s *kube.Suspect) { s.Access = &kube.Access{Verb: "list", Resource: "pods"} }},
	{name: "an old server", with: at(selfReviews, fails(404, "NotFound", "the server could not find the requested resource"))},
	{name: "an old server, account deleted, and still accepted", with: all(at(selfReviews, fails(404, "NotFound", "the server could not find the requested resource")), at(reviewsPath, mayNot("no")), at(accountPath, gone()))},
	{name: "an old server that refuses", with: all(rejects(`[invalid bearer token, serviceaccounts "app" not found]`), at(selfReviews, fails(404, "NotFound", "the server could not find the requested resource")), at("/api", unauthorized), at(accountPath, gone()))},
	{name: "servers that differ", with: at(selfReviews, unauthorized)},
	{name: "a webhook that is away", with: rejects(`[invalid bearer token, Post "https://hook.example/": dial tcp: connection refused]`)},
	{name: "no reason given", with: rejects("")},
	{name: "trouble after the first answer", with: at(selfReviews, fails(500, "InternalError", "etcdserver: request timed out"))},

	// Who asks.
	{name: "an asker without rights", with: func(a *fakeAPI) {
		a.blind(mayNot(`x is forbidden: User "alice" cannot create resource "x" in API group "" at the cluster scope`))
	}},
	{name: "an asker that is a service account", with: func(a *fakeAPI) {
		a.blind(mayNot(`x is forbidden: User "system:serviceaccount:prod:api" cannot create resource "x" in API group "" at the cluster scope`))
	}},
	{name: "an asker who is nobody", with: func(a *fakeAPI) {
		a.blind(mayNot(`x is forbidden: User "system:anonymous" cannot create resource "x" in API group "" at the cluster scope`))
	}},
	{name: "an asker that is refused", with: func(a *fakeAPI) { a.blind(unauthorized) }},
	{name: "an asker that is refused, and a good token", with: all(func(a *fakeAPI) { a.blind(unauthorized) }, at(selfReviews, accepts(appUser, "0001")))},
	{name: "an asker with the same token", with: func(a *fakeAPI) { a.blind(unauthorized) }, cfg: func(c *rest.Config) *rest.Config {
		c.BearerToken = appToken().Reveal()
		return c
	}},
	{name: "an asker with the same token, and a file that is not there", with: func(a *fakeAPI) { a.blind(unauthorized) }, cfg: func(c *rest.Config) *rest.Config {
		c.BearerToken, c.BearerTokenFile = appToken().Reveal(), "/nonexistent/token"
		return c
	}},
	{name: "an asker who may not look, at a service", make: withClaims(object{"aud": "vault.example"}), with: func(a *fakeAPI) { a.blind(mayNot("no")) }, ask: func(s *kube.Suspect) { s.Audiences = []string{"vault.example"} }},

	// Nobody has looked.
	{name: "not an API server", with: at("/version", say(200, "<html>hunter2"))},
	{name: "another JSON", with: at("/version", give(200, object{"hello": "hunter2"}))},
	{name: "a redirect", with: at("/version", http.RedirectHandler("https://login.example/hunter2", http.StatusFound).ServeHTTP)},
	{name: "no version", with: at("/version", fails(404, "NotFound", "the server could not find the requested resource"))},
	{name: "a version that is not found", with: at("/version", give(404, object{"gitVersion": "v1.37.1"}))},
	{name: "not found", with: at("/version", say(404, "404 page not found"))},
	{name: "a proxy that lets pass whoever has a token", with: at("/version", say(401, "<html>hunter2"))},
	{name: "a proxy's clock", make: dated(-15*time.Minute, -5*time.Minute), with: all(at("/version", say(401, "<html>hunter2")), at(selfReviews, unauthorized), at(reviewsPath, mayNot("no")))},
	{name: "the server's clock is ahead, or that of a proxy", make: dated(-10*time.Minute, 5*time.Minute), with: all(func(a *fakeAPI) { a.offset = 20 * time.Minute }, at(selfReviews, unauthorized), at(reviewsPath, mayNot("no")))},
	{name: "a proxy's clock, and a review", make: dated(-15*time.Minute, -5*time.Minute), with: all(rejects("[invalid bearer token, service account token has expired]"), at("/version", say(401, "<html>hunter2")))},
	{name: "a proxy that forbids whoever has no token", with: at("/version", say(403, "<html>hunter2"))},
	{name: "a server that tells nobody its version", with: at("/version", unauthorized)},
	{name: "busy", with: at("/version", say(429, "Too many requests, please try again later."))},
	{name: "trouble", with: at("/version", say(502, "<html>hunter2"))},
	{name: "too long an answer", with: at("/version", say(200, strings.Repeat("{", 2<<20)))},
	{name: "an address in clear", cfg: func(c *rest.Config) *rest.Config { c.Host = "http://api.example:8080/prefix"; return c }},
	{name: "no CA file", cfg: func(c *rest.Config) *rest.Config {
		c.Transport = nil
		c.CAFile = "/nonexistent/ca.crt"
		return c
	}},
	{name: "no host", cfg: func(c *rest.Config) *rest.Config { c.Host = "https://api.example:port"; return c }},
}

// What is found out about each of many tokens, in all its words.
func TestDiagnose(t *testing.T) {
	const file = "testdata/diagnose.txt"
	golden, err := os.ReadFile(file)
	if err != nil && os.Getenv("UPDATE") == "" {
		t.Fatal(err)
	}
	want := map[string]string{}
	for part := range strings.SplitSeq(string(golden), "\n== ") {
		name, said, _ := strings.Cut(strings.TrimPrefix(part, "== "), "\n")
		want[name] = strings.TrimSpace(said)
	}
	var got []string
	for _, c := range diagnosisCases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				said := diagnose(t, c).String()
				got = append(got, "== "+c.name+"\n"+said+"\n")
				if diff := cmp.Diff(want[c.name], said); diff != "" && os.Getenv("UPDATE") == "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(strings.Join(got, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// setUp returns what the case is about, and the server that it is asked of.
func (c diagnosisCase) setUp() (kube.Suspect, *fakeAPI) {
	s := kube.Suspect{Token: appToken()}
	if c.make != nil {
		s.Token = c.make()
	}
	if c.ask != nil {
		c.ask(&s)
	}
	a := newFakeAPI(s.Token)
	if c.with != nil {
		c.with(a)
	}
	return s, a
}

// diagnose asks about a case, and checks what holds for each.
func diagnose(t *testing.T, c diagnosisCase) token.Diagnosis {
	t.Helper()
	s, a := c.setUp()
	cfg := a.config()
	if c.cfg != nil {
		cfg = c.cfg(cfg)
	}
	d := kube.Diagnose(context.Background(), s, cfg)
	a.harmless(t)
	readable(t, d)
	for _, secret := range []string{s.Token.Reveal(), askerText, "hunter2", "another-one-that-is-good"} {
		for _, form := range []string{"%v", "%+v", "%#v"} {
			if said := fmt.Sprintf(form, d); secret != "" && len(strings.TrimSpace(secret)) > 0 && strings.Contains(said, secret) {
				t.Errorf("a secret is in it, by %s: %s", form, said)
			}
		}
	}
	return d
}

// readable checks that each finding has all its parts, and that they are short lines.
func readable(t *testing.T, d token.Diagnosis) {
	t.Helper()
	certain := true
	for _, f := range d.Findings {
		if f.Cause == "" || f.Remedy == "" || len(f.Evidence) == 0 {
			t.Errorf("a finding lacks something: %+v", f)
		}
		if f.Certain && !certain {
			t.Errorf("what is certain comes after what is not: %v", d)
		}
		certain = f.Certain
		lines := []string{f.Cause, f.Remedy}
		for _, e := range f.Evidence {
			if e.What == "" || e.Value == "" {
				t.Errorf("evidence lacks something: %+v", f)
			}
			lines = append(lines, e.What, e.Value)
		}
		for _, l := range lines {
			if len(l) > 1200 || strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("this is no line for people: %q", l)
			}
		}
	}
}
