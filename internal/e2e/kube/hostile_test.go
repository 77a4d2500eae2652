package kube_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// The secrets of these tests. None may be read anywhere, so each is unlike any
// other text, in each of its parts.
var (
	ownCredential = compact("ownCredential", map[string]any{"sub": "controller"})
	presented     = compact("presentedToken", grantedClaims("caller", "api"))
	granted       = compact("grantedToken", grantedClaims("builder", "vault"))
	keptValue     = "kept value of a rotating pair, Vq3mZx8Lr1"
	keptKey       = base64.StdEncoding.EncodeToString([]byte("kept key of the ring, 32 bytes!!"))
)

// secretParts are what each of the secrets is known by.
var secretParts = func() (parts []string) {
	for _, s := range []string{ownCredential, presented, granted} {
		_, rest, _ := strings.Cut(s, ".")
		parts = append(parts, strings.Split(rest, ".")...)
	}
	for _, s := range []string{keptValue, keptKey} {
		parts = append(parts, s, base64.StdEncoding.EncodeToString([]byte(s)))
	}
	return parts
}()

func grantedClaims(account, audience string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:ci:" + account, "aud": []string{audience},
		"jti": "id-of-" + account, "iat": now, "nbf": now, "exp": now + 3600,
		"kubernetes.io": map[string]any{"namespace": "ci", "serviceaccount": map[string]any{"name": account, "uid": "uid-of-" + account}},
	}
}

// compact returns a JWT that looks as if it were signed, by name.
func compact(name string, claims map[string]any) string {
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"ES256","kid":"k"}`)) + "." + e(body) + "." + e([]byte(fmt.Sprintf("%-64s", "signature of "+name)))
}

// A site is what a client-go clientset takes for an API server. It answers as one
// does, and keeps Secrets, until it is told what to answer instead.
type site struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	secrets map[string]map[string]any
	version int
	hostile map[string]http.HandlerFunc // by method; "" is any
	calls   []string
}

func newSite(t *testing.T) *site {
	s := &site{t: t, secrets: make(map[string]map[string]any), hostile: make(map[string]http.HandlerFunc)}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// config is how a client reaches s.
func (s *site) config() *rest.Config {
	cfg := &rest.Config{
		Host: s.URL, QPS: -1, WarningHandler: rest.NoWarnings{},
		ContentConfig:   rest.ContentConfig{ContentType: "application/json"}, // which honest reads
		TLSClientConfig: rest.TLSClientConfig{CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})},
	}
	return kube.Config(cfg, token.SourceFunc(func(context.Context) (token.Token, error) {
		return token.New(token.NewSecret(ownCredential)), nil
	}))
}

func (s *site) client() *kubernetes.Clientset {
	cs, err := kubernetes.NewForConfig(s.config())
	if err != nil {
		s.t.Fatal(err)
	}
	return cs
}

// answer has h answer all requests of a method from now on.
func (s *site) answer(method string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hostile[method] = h
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.hostile[r.Method]
	if h == nil {
		h = s.hostile[""]
	}
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	if h == nil {
		h = s.honest
	}
	h(w, r)
}

// honest answers as an API server does.
func (s *site) honest(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sent map[string]any
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil && r.Method != http.MethodDelete {
			s.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/token"):
		reply(w, 201, goodTokenRequest())
	case strings.HasSuffix(r.URL.Path, "/tokenreviews"):
		reply(w, 201, goodTokenReview())
	case r.Method == http.MethodPost, r.Method == http.MethodPut:
		s.keep(sent)
		reply(w, 201, sent)
	case r.Method == http.MethodDelete:
		delete(s.secrets, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
		reply(w, 200, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Success"})
	default:
		kept, ok := s.secrets[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]
		if !ok {
			reply(w, 404, failure(404, "NotFound", "secrets not found", map[string]any{"kind": "secrets"}))
			return
		}
		reply(w, 200, kept)
	}
}

// keep keeps a Secret. The caller holds the lock.
func (s *site) keep(secret map[string]any) {
	s.version++
	meta := secret["metadata"].(map[string]any)
	meta["namespace"], meta["resourceVersion"], meta["uid"] = "ci", fmt.Sprint(s.version), "uid-of-secret"
	secret["kind"], secret["apiVersion"] = "Secret", "v1"
	s.secrets[meta["name"].(string)] = secret
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func failure(code int, reason, message string, details map[string]any) map[string]any {
	return map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": message, "reason": reason, "details": details, "code": code,
	}
}

func goodTokenRequest() map[string]any {
	return map[string]any{
		"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
		"metadata": map[string]any{"name": "builder", "namespace": "ci"},
		"spec":     map[string]any{"audiences": []any{"vault"}, "expirationSeconds": 3600, "boundObjectRef": nil},
		"status":   map[string]any{"token": granted, "expirationTimestamp": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)},
	}
}

func goodTokenReview() map[string]any {
	return map[string]any{
		"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": map[string]any{},
		"spec": map[string]any{"token": presented, "audiences": []any{"api"}},
		"status": map[string]any{
			"authenticated": true, "audiences": []any{"api"},
			"user": map[string]any{
				"username": "system:serviceaccount:ci:caller", "uid": "uid-of-caller", "groups": []any{"system:serviceaccounts"},
				"extra": map[string]any{"authentication.kubernetes.io/credential-id": []any{"JTI=id-of-caller"}},
			},
		},
	}
}

// legacySecret is a Secret that a token lives in.
func legacySecret() map[string]any {
	return map[string]any{
		"kind": "Secret", "apiVersion": "v1", "type": "kubernetes.io/service-account-token",
		"metadata": map[string]any{
			"name": "old-token", "namespace": "ci", "resourceVersion": "1", "uid": "uid-of-secret",
			"annotations": map[string]any{"kubernetes.io/service-account.name": "builder", "kubernetes.io/service-account.uid": "uid-of-builder"},
			"labels":      map[string]any{"kubernetes.io/legacy-token-last-used": "2026-01-02"},
		},
		"data": map[string]any{"token": base64.StdEncoding.EncodeToString([]byte(granted)), "namespace": "Y2k=", "ca.crt": "Y2E="},
	}
}

func keysSecret() map[string]any {
	return map[string]any{
		"kind": "Secret", "apiVersion": "v1", "type": "Opaque", "metadata": map[string]any{"name": "session-keys", "namespace": "ci"},
		"data": map[string]any{"keys": base64.StdEncoding.EncodeToString([]byte(keptKey + "\n"))},
	}
}

// A use is one way to call package kube. What it returns must name thing.
type use struct {
	name, method, thing string
	do                  func(ctx context.Context, s *site) error
}

const storeKey = "pair/portal"

func store(s *site) *kube.SecretStore {
	return &kube.SecretStore{Client: s.client().CoreV1().Secrets("ci")}
}

// uses are all ways by which package kube asks an API server.
var uses = []use{
	{"Source", "POST", "builder", func(ctx context.Context, s *site) error {
		_, err := kube.NewSource(s.client().CoreV1().ServiceAccounts("ci"), "builder", "vault").Token(ctx)
		return err
	}},
	{"Tokens", "POST", "ci/builder", func(ctx context.Context, s *site) error {
		cs := s.client()
		tokens := &kube.Tokens{
			Client:    func(ns string) kube.TokenCreator { return cs.CoreV1().ServiceAccounts(ns) },
			Timeout:   20 * time.Second, // for 16 MiB on a busy machine
			OnRefresh: func(r kube.Request, e refresh.Event) { printable(s.t, "event of Tokens", e) },
			OnEvent:   func(e kube.Event) { printable(s.t, "event", e) },
		}
		_, err := tokens.Token(ctx, kube.Request{Namespace: "ci", ServiceAccount: "builder", Audiences: []string{"vault"}})
		printable(s.t, "Tokens", tokens)
		return err
	}},
	{"Reviewer", "POST", "review", func(ctx context.Context, s *site) error {
		r := kube.NewReviewer(s.client().AuthenticationV1().TokenReviews(), "api")
		_, err := r.Verify(ctx, token.NewSecret(presented))
		return err
	}},
	{"Both", "POST", "review", func(ctx context.Context, s *site) error {
		b := &kube.Both{
			Offline: token.VerifierFunc(func(_ context.Context, p token.Secret) (token.Claims, error) {
				return token.Claims{Subject: "system:serviceaccount:ci:caller", Expiry: time.Now().Add(time.Hour)}, nil
			}),
			Online: kube.NewReviewer(s.client().AuthenticationV1().TokenReviews(), "api"),
		}
		_, err := b.Verify(ctx, token.NewSecret(presented))
		printable(s.t, "Both", b)
		return err
	}},
	{"SecretStore.Get", "GET", "ecret", func(ctx context.Context, s *site) error {
		_, err := store(s).Get(ctx, storeKey)
		return err
	}},
	{"SecretStore create", "POST", "ecret", func(ctx context.Context, s *site) error {
		_, err := store(s).Swap(ctx, storeKey, nil, []byte(keptValue), time.Time{})
		return err
	}},
	{"SecretStore update", "PUT", "ecret", func(ctx context.Context, s *site) error {
		st := store(s)
		if ok, err := st.Swap(ctx, storeKey, nil, []byte(keptValue), time.Time{}); !ok || err != nil {
			return fmt.Errorf("honest create: %t, %w", ok, err)
		}
		_, err := st.Swap(ctx, storeKey, []byte(keptValue), []byte(keptValue+"2"), time.Time{})
		return err
	}},
	{"SecretStore delete", "DELETE", "ecret", func(ctx context.Context, s *site) error {
		st := store(s)
		if ok, err := st.Swap(ctx, storeKey, nil, []byte(keptValue), time.Time{}); !ok || err != nil {
			return fmt.Errorf("honest create: %t, %w", ok, err)
		}
		_, err := st.Swap(ctx, storeKey, []byte(keptValue), nil, time.Time{})
		return err
	}},
	{"Legacy", "GET", "old-token", func(ctx context.Context, s *site) error {
		_, err := (&kube.Legacy{Client: s.client().CoreV1().Secrets("ci"), Secret: "old-token"}).Token(ctx)
		return err
	}},
	{"Keys", "GET", "session-keys", func(ctx context.Context, s *site) error {
		ring := &seal.Keyring{Load: kube.Keys(s.client().CoreV1().Secrets("ci"), "session-keys")}
		_, err := ring.Load(ctx)
		return err
	}},
}

// run has s answer a use by h, and returns the error. It fails the test if the use
// panics. What a use may have given up by itself, since the machine is busy, it does again,
// a few times at most.
func (u use) run(ctx context.Context, t *testing.T, h http.HandlerFunc) (err error) {
	t.Helper()
	const (
		patience = 12 * time.Second // of Both, which has the least
		tries    = 5
	)
	for try := 1; ; try++ {
		began := time.Now()
		err = u.once(ctx, t, h)
		took := time.Since(began)
		if err == nil || took < patience || ctx.Err() != nil || try == tries {
			return err
		}
		t.Logf("%s: once more, after %v: %.300v", u.name, took, err)
	}
}

func (u use) once(ctx context.Context, t *testing.T, h http.HandlerFunc) (err error) {
	t.Helper()
	s := newSite(t)
	s.mu.Lock()
	s.secrets["old-token"], s.secrets["session-keys"] = legacySecret(), keysSecret()
	s.mu.Unlock()
	s.answer(u.method, h)
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s panics: %v", u.name, p)
		}
	}()
	return u.do(ctx, s)
}

// checkError fails the test if err is not what an error of package kube must be:
// brief, in one line, printable, silent about secrets, and naming the thing.
func checkError(t *testing.T, name string, err error, thing string) *kube.Error {
	t.Helper()
	const most = 1500
	text := err.Error()
	switch {
	case !utf8.ValidString(text), strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		t.Errorf("%s: not one printable line: %.200q", name, text)
	case len(text) > most:
		t.Errorf("%s: the error has %d bytes: %.200s", name, len(text), text)
	case !strings.Contains(text, thing) && !errors.Is(err, token.ErrInvalid):
		t.Errorf("%s: %q is not in: %s", name, thing, text)
	case strings.Count(text, "kube: ") != 1 && !errors.Is(err, token.ErrInvalid):
		t.Errorf(`%s: "kube: " is not once in: %s`, name, text)
	}
	printable(t, name, err)
	e, _ := errors.AsType[*kube.Error](err)
	if e != nil {
		printable(t, name, *e)
		printable(t, name, e.Err)
	}
	return e
}

// printable fails the test if a secret can be read in what v prints as.
func printable(t *testing.T, name string, v any) {
	t.Helper()
	var b bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&b, format+"\n", v)
	}
	if text, err := json.Marshal(v); err == nil {
		b.WriteString("json: ")
		b.Write(text)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("json", "v", v)
	for line := range strings.Lines(b.String()) {
		for _, part := range secretParts {
			if i := strings.Index(line, part); i >= 0 {
				t.Errorf("%s: a secret is in %.60s…: …%.120q", name, line, line[max(0, i-50):])
				return
			}
		}
	}
}
