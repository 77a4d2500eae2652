package jwt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// published is where the flag below has an API server say that its keys are: at
// its issuer's, where else they are at the server's own address.
const published = "--service-account-jwks-uri=" + apiserver.Issuer + "/openid/v1/jwks"

// setUp starts an API server with the service account ci/builder, and returns a
// source of its tokens for vault.
func setUp(t *testing.T, flags ...string) (*apiserver.Server, *kube.Source) {
	s := apiserver.Start(t, flags...)
	s.CreateServiceAccount(t, "ci", "builder")
	return s, &kube.Source{
		Client:  s.Client().CoreV1().ServiceAccounts("ci"),
		Request: kube.Request{ServiceAccount: "builder", Audiences: []string{"vault"}, Lifetime: 10 * time.Minute},
	}
}

// clientOf returns a client for s, by its own name or by its issuer's, as in a
// cluster whose DNS knows it. Nobody is known by it but who else says so; with
// certificate it is known as the admin.
func clientOf(t *testing.T, s *apiserver.Server, path string, certificate bool) (*http.Client, *wire) {
	t.Helper()
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: address.Hostname()}
	config.RootCAs.AppendCertsFromPEM(s.CA)
	if certificate {
		admin := s.Admin()
		pair, err := tls.X509KeyPair(admin.CertData, admin.KeyData)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{
		TLSClientConfig: config,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address.Host)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	w := &wire{RoundTripper: transport, path: path}
	return &http.Client{Transport: w}, w
}

// vault is a Policy for tokens that are for vault, with Kubernetes' leeway.
func vault(keys jwt.KeySet) *jwt.Policy {
	return &jwt.Policy{
		Issuer:   apiserver.Issuer,
		Audience: []string{"vault"},
		Keys:     keys,
		Leeway:   jwt.Leeway{Expiry: jwt.KubernetesLeeway, NotBefore: jwt.KubernetesLeeway, IssuedAt: jwt.KubernetesLeeway},
	}
}

// mint returns a token that nobody has seen.
func mint(t *testing.T, src token.Source) token.Token {
	t.Helper()
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// Whoever the API server knows may read its keys, and they verify its tokens.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	s, src := setUp(t, published)
	tok := mint(t, src)
	jwks := s.URL + "/openid/v1/jwks"
	// Any service account may read the keys, with a token for the API server.
	own := *src
	own.Audiences = []string{apiserver.Issuer}

	known, w := clientOf(t, s, discovery, true)
	stranger, _ := clientOf(t, s, discovery, false)
	for name, keys := range map[string]*jwt.Remote{
		"issuer, certificate": {Issuer: apiserver.Issuer, Client: known},
		"URL, certificate":    {URL: jwks, Client: known},
		"issuer, token":       {Issuer: apiserver.Issuer, Client: stranger, Source: &own},
		"URL, token":          {URL: jwks, Client: stranger, Source: &own},
	} {
		t.Run(name, func(t *testing.T) {
			p := vault(keys)
			eventuallyAccepts(t, p, tok) // the server may be ready before it knows the role that lets a token read the keys
			claims := accepts(t, p, tok)
			if claims.Subject != "system:serviceaccount:ci:builder" || claims.ID == "" {
				t.Errorf("its claims are %+v", claims)
			}
			refuses(t, p, mint(t, &own), token.ErrAudience)
			other := &jwt.Policy{Issuer: s.URL, Audience: []string{"vault"}, Keys: keys}
			refuses(t, other, tok, token.ErrIssuer)
			refuses(t, p, token.Token{Value: madeUp(tok)}, token.ErrSignature)
		})
	}

	t.Run("Discover", func(t *testing.T) {
		before := w.fetches.Load()
		keys, err := jwt.Discover(t.Context(), known, apiserver.Issuer)
		if err != nil {
			t.Fatal(err)
		}
		accepts(t, vault(keys), tok)
		if n := w.fetches.Load() - before; n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
		// The server is there, and is another issuer.
		if _, err := jwt.Discover(t.Context(), known, s.URL); err == nil || errors.Is(err, token.ErrInvalid) {
			t.Errorf("by its own address: %v", err)
		}
	})

	t.Run("Strangers", func(t *testing.T) {
		refused := token.SourceFunc(func(context.Context) (token.Token, error) {
			return token.Token{Value: token.NewSecret("no token of this server's")}, nil
		})
		for name, keys := range map[string]*jwt.Remote{
			"anonymous, issuer": {Issuer: apiserver.Issuer, Client: stranger}, // 403
			"anonymous, URL":    {URL: jwks, Client: stranger},                // 403
			"refused token":     {URL: jwks, Client: stranger, Source: refused},
		} {
			err := cannotTell(t, vault(keys), tok)
			t.Logf("%s: %v", name, err)
			if errors.Is(err, token.ErrRefused) != (keys.Source != nil) {
				t.Errorf("%s: %v: ErrRefused %t", name, err, keys.Source == nil)
			}
		}

		// What a cluster does whose keys are to be public.
		if _, err := s.Client().RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "public-keys"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:service-account-issuer-discovery"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:unauthenticated"}},
		}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		eventuallyAccepts(t, vault(&jwt.Remote{Issuer: apiserver.Issuer, Client: stranger}), tok)
	})

	// Why Remote asks as it does.
	t.Run("Accept", func(t *testing.T) {
		for accept, want := range map[string]int{
			"application/json":         http.StatusNotAcceptable,
			"application/jwk-set+json": http.StatusOK,
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, jwks, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", accept)
			resp, err := known.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("Accept: %s: %s, want %d", accept, resp.Status, want)
			}
		}
	})
}

// Without the flag, the discovery document names another origin for the keys
// than the issuer's: a token of ours does not go there.
func TestKubernetesKeysElsewhere(t *testing.T) {
	t.Parallel()
	s, src := setUp(t)
	tok := mint(t, src)
	own := *src
	own.Audiences = []string{apiserver.Issuer}
	stranger, _ := clientOf(t, s, discovery, false)
	err := cannotTell(t, vault(&jwt.Remote{Issuer: apiserver.Issuer, Client: stranger, Source: &own}), tok)
	t.Logf("the error reads: %v", err)
	known, _ := clientOf(t, s, discovery, true)
	accepts(t, vault(&jwt.Remote{Issuer: apiserver.Issuer, Client: known}), tok)
	accepts(t, vault(&jwt.Remote{URL: s.URL + "/openid/v1/jwks", Client: stranger, Source: &own}), tok)
}

// A token that is old is told from a clock that is wrong.
func TestKubernetesClock(t *testing.T) {
	t.Parallel()
	s, src := setUp(t)
	client, _ := clientOf(t, s, discovery, true)
	p := vault(&jwt.Remote{Issuer: apiserver.Issuer, Client: client})
	for _, test := range []struct {
		offset time.Duration // of the server's clock
		claim  string
		kind   error
	}{
		{0, "", nil},
		{50 * time.Second, "", nil},
		{20 * time.Minute, "nbf", token.ErrNotYetValid},
		{-20 * time.Minute, "exp", token.ErrExpired},
	} {
		s.SetClock(t, test.offset)
		tok := mint(t, src)
		if test.claim == "" {
			accepts(t, p, tok)
			continue
		}
		outside, ok := errors.AsType[*token.TimeError](refuses(t, p, tok, test.kind))
		if !ok || outside.Claim != test.claim || outside.Leeway != jwt.KubernetesLeeway {
			t.Errorf("%v: %+v", test.offset, outside)
			continue
		}
		t.Logf("%v: %v", test.offset, outside)
		// A holder whose clock runs with the server's sees nothing wrong.
		with := *p
		with.Now = at(test.offset)
		accepts(t, &with, tok)
	}
}

// A Policy with KubernetesLeeway says of a token's dates what the server says,
// to a second or two.
func TestKubernetesLeeway(t *testing.T) {
	t.Parallel()
	s, src := setUp(t)
	client, _ := clientOf(t, s, discovery, true)
	p := vault(&jwt.Remote{Issuer: apiserver.Issuer, Client: client})
	for _, test := range []struct {
		after string        // iat or exp
		by    time.Duration // what both clocks are then
		good  bool
	}{
		{"iat", -90 * time.Second, false},
		{"iat", -62 * time.Second, false},
		{"iat", -57 * time.Second, true},
		{"iat", -30 * time.Second, true},
		{"exp", -30 * time.Second, true},
		{"exp", 30 * time.Second, true},
		{"exp", 57 * time.Second, true},
		{"exp", 62 * time.Second, false},
		{"exp", 90 * time.Second, false},
	} {
		var review *authenticationv1.TokenReview
		var err error
		// The clocks run on, so that what takes long is no answer, and tried again.
		for try := range 20 {
			s.SetClock(t, 0)
			tok := mint(t, src) // the server remembers for a while what it said of one
			then := tok.IssuedAt
			if test.after == "exp" {
				then = tok.Expiry
			}
			began := time.Now()
			offset := then.Add(test.by).Sub(began)
			s.SetClock(t, offset)
			review, err = s.Client().AuthenticationV1().TokenReviews().Create(t.Context(), &authenticationv1.TokenReview{
				Spec: authenticationv1.TokenReviewSpec{Token: tok.Value.Reveal(), Audiences: []string{"vault"}},
			}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			with := *p
			with.Now = at(offset)
			_, err = with.Verify(t.Context(), tok.Value)
			took := time.Since(began)
			if took < time.Second {
				break
			}
			t.Logf("%v after %s: try %d took %v", test.by, test.after, try+1, took)
		}
		if review.Status.Authenticated != test.good || (err == nil) != test.good {
			t.Errorf("%v after %s: the server says %v (%s), the Policy %v", test.by, test.after, review.Status.Authenticated, review.Status.Error, err)
		}
		if !test.good && !errors.Is(err, token.ErrExpired) && !errors.Is(err, token.ErrNotYetValid) {
			t.Errorf("%v after %s: %v", test.by, test.after, err)
		}
	}
}

// The server comes back with another signing key, as when a cluster's is
// replaced in a hurry.
func TestKubernetesRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	signing, verifying := filepath.Join(dir, "sa.key"), filepath.Join(dir, "sa.pub")
	newKey(t, signing, verifying)
	s, src := setUp(t, "--service-account-signing-key-file="+signing, "--service-account-key-file="+verifying)
	client, w := clientOf(t, s, "/openid/v1/jwks", true)
	p := vault(&jwt.Remote{URL: s.URL + "/openid/v1/jwks", Client: client})
	old := mint(t, src)
	accepts(t, p, old)

	for try := 1; ; try++ {
		newKey(t, signing, verifying)
		s.Stop()
		accepts(t, p, old)
		cannotTell(t, p, token.Token{Value: madeUp(old)})
		s.Restart(t)
		before := w.fetches.Load()
		renewed := mint(t, src)
		took := eventuallyAccepts(t, p, renewed)
		refuses(t, p, old, token.ErrSignature)
		t.Logf("the new key was usable after %v and %d fetches", took.Round(time.Millisecond), w.fetches.Load()-before)
		if took <= usable {
			return
		}
		if try == tries {
			t.Fatalf("the new key was usable after %v", took)
		}
		old = renewed
	}
}

// newKey writes a new signing key into files.
func newKey(t *testing.T, private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		private: {Type: "PRIVATE KEY", Bytes: der},
		public:  {Type: "PUBLIC KEY", Bytes: pub},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
