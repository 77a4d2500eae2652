package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// An apiServer answers as that of Kubernetes does to whoever asks about tokens of the
// service account ci/builder, in its words.
type apiServer struct {
	mux   http.ServeMux
	admin token.Secret // may look at everything

	mu     sync.Mutex
	faults map[string]string // what a TokenReview says of each token; empty if it is good
	asked  []string          // method and path of each request
}

const (
	issuerName = "https://kubernetes.default.svc"
	keyName    = "Zf9J0pSjWZf2m1H0B7Rj0wq3p9d0cQmYfLw3s5k8v1A"
	accountUID = "9c1e3a5b-7d9f-4b2c-8e6a-0f1d3c5b7a90"
	builder    = "system:serviceaccount:ci:builder"
)

// mint makes a token that lives an hour, from some time ago. Its signature is none:
// this server goes by what it has made.
func (s *apiServer) mint(age time.Duration, boundTo, fault string) token.Secret {
	b64 := base64.RawURLEncoding.EncodeToString
	at := time.Now().Add(age).Unix()
	signature := make([]byte, 64)
	rand.Read(signature)
	text := b64([]byte(`{"alg":"ES256","kid":"`+keyName+`"}`)) + "." + b64(fmt.Appendf(nil,
		`{"iss":%q,"sub":%q,"aud":[%q],"iat":%d,"nbf":%[4]d,"exp":%d,"jti":"0b6b1d9c-5d3a-4a43-8a0c-5c7f4a1f3d55","kubernetes.io":{"namespace":"ci","serviceaccount":{"name":"builder","uid":%q}%s}}`,
		issuerName, builder, issuerName, at, at+3600, accountUID, boundTo)) + "." + b64(signature)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[text] = fault
	return token.NewSecret(text)
}

func newAPIServer() *apiServer {
	s := &apiServer{admin: token.NewSecret(rand.Text()), faults: map[string]string{}}
	s.mux.HandleFunc("GET /version", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, object{"major": "1", "minor": "37", "gitVersion": "v1.37.1"})
	})
	s.mux.HandleFunc("GET /.well-known/openid-configuration", s.known(func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, object{"issuer": issuerName, "jwks_uri": issuerName + "/openid/v1/jwks", "response_types_supported": []string{"id_token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"}})
	}))
	s.mux.HandleFunc("GET /openid/v1/jwks", s.known(func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, object{"keys": []object{{"use": "sig", "kty": "EC", "kid": keyName, "alg": "ES256", "crv": "P-256", "x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)}}})
	}))
	s.mux.HandleFunc("POST /apis/authentication.k8s.io/v1/selfsubjectreviews", s.known(func(w http.ResponseWriter, r *http.Request) {
		answer(w, 201, object{"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "status": object{"userInfo": userOf(s.whose(r))}})
	}))
	s.mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", s.known(s.review))
	s.mux.HandleFunc("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", s.known(func(w http.ResponseWriter, r *http.Request) {
		answer(w, 201, object{"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "status": object{"allowed": false}})
	}))
	s.mux.HandleFunc("GET /api/v1/namespaces/ci/serviceaccounts/builder", s.known(func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, object{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object{"name": "builder", "namespace": "ci", "uid": accountUID, "creationTimestamp": "2026-01-01T00:00:00Z"}})
	}))
	s.mux.HandleFunc("GET /api/v1/namespaces/ci/pods/{name}", s.known(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		answer(w, 404, object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Failure", "reason": "NotFound", "code": 404,
			"message": fmt.Sprintf("pods %q not found", name), "details": object{"name": name, "kind": "pods"}})
	}))
	s.mux.HandleFunc("/", s.known(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, 404, "NotFound", "the server could not find the requested resource")
	}))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// known lets in whom the server knows.
func (s *apiServer) known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") == "":
			refuse(w, 403, "Forbidden", `forbidden: User "system:anonymous" cannot `+strings.ToLower(r.Method)+` path "`+r.URL.Path+`"`)
		case s.whose(r) == "":
			refuse(w, 401, "Unauthorized", "Unauthorized")
		default:
			next(w, r)
		}
	}
}

// whose returns who has sent a request; empty if that is not known.
func (s *apiServer) whose(r *http.Request) string {
	sent, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if sent == s.admin.Reveal() {
		return "admin"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fault, ours := s.faults[sent]; ours && fault == "" {
		return builder
	}
	return ""
}

func (s *apiServer) review(w http.ResponseWriter, r *http.Request) {
	if s.whose(r) != "admin" {
		refuse(w, 403, "Forbidden", `tokenreviews.authentication.k8s.io is forbidden: User "`+builder+`" cannot create resource "tokenreviews" in API group "authentication.k8s.io" at the cluster scope`)
		return
	}
	var review struct{ Spec struct{ Token string } }
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err := json.Unmarshal(body, &review); err != nil {
		refuse(w, 400, "BadRequest", "it is no TokenReview")
		return
	}
	s.mu.Lock()
	fault, ours := s.faults[review.Spec.Token]
	s.mu.Unlock()
	user := builder
	if review.Spec.Token == s.admin.Reveal() {
		user, ours = "admin", true
	}
	status := object{"authenticated": true, "user": userOf(user), "audiences": []string{issuerName}}
	switch {
	case !ours:
		status = object{"user": object{}, "error": "invalid bearer token"}
	case fault != "":
		status = object{"user": object{}, "error": fault}
	}
	answer(w, 201, object{"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": object{}, "status": status})
}

// An object is one of JSON.
type object = map[string]any

func userOf(name string) object {
	return object{"username": name, "groups": []string{"system:authenticated"}}
}

func answer(w http.ResponseWriter, status int, body any) {
	text, _ := json.Marshal(body) // texts and numbers are never an error
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}

// refuse answers with a Status.
func refuse(w http.ResponseWriter, status int, reason, message string) {
	answer(w, status, object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Failure", "message": message, "reason": reason, "code": status})
}
