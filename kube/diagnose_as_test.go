package kube_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// the token with the token.
func TestDiagnoseAskerWithoutToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		certain bool
	}{
		"refused": {token.Refused(errors.New("invalid_grant")), true},
		"away":    {errors.New("dial tcp: connection refused"), false},
	} {
		src := token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, test.err })
		a := newFakeAPI(appToken())
		a.answers[selfReviews] = unauthorized
		d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, kube.Config(a.config(), refresh.New(src)))
		said := d.String()
		if strings.Contains(said, "does not answer") || !strings.Contains(said, "the API server refuses the token, and to whoever asked here nothing shows why") {
			t.Errorf("%s:\n%v", name, d)
		}
		if settledIn(d) != test.certain || test.certain && d.Findings[0].Cause != "the credential with which the token was to be looked into is refused itself" {
			t.Errorf("%s:\n%v", name, d)
		}
	}
}

// A password is a credential as well.
func TestDiagnoseAskerWithPassword(t *testing.T) {
	t.Parallel()
	c := diagnosisCase{with: func(a *fakeAPI) { a.blind(unauthorized) }, cfg: func(c *rest.Config) *rest.Config {
		c.BearerToken, c.Username, c.Password = "", "jane", "hunter2"
		return c
	}}
	if d := diagnose(t, c); !settledIn(d) || d.Findings[0].Cause != "the credential with which the token was to be looked into is refused itself" {
		t.Errorf("%v", d)
	}
}

// Who asks is in the evidence. That a credential is refused is certain if there is one.
func TestDiagnoseWhoAsks(t *testing.T) {
	t.Parallel()
	a := newFakeAPI(appToken())
	a.blind(unauthorized)
	server := httptest.NewTLSServer(a)
	t.Cleanup(server.Close)
	key, cert := keyPair(t)
	dir := t.TempDir()
	for name, text := range map[string][]byte{"key": key, "cert": cert} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		change           func(*rest.Config)
		who              string
		refused, certain bool
	}{
		"nobody":               {func(*rest.Config) {}, "without a credential, because the asker has none", false, false},
		"a certificate":        {func(c *rest.Config) { c.CertData, c.KeyData = cert, key }, "with the asker's credential", true, true},
		"a certificate's file": {func(c *rest.Config) { c.CertFile, c.KeyFile = filepath.Join(dir, "cert"), filepath.Join(dir, "key") }, "with the asker's credential", true, true},
		"a Transport, perhaps": {func(c *rest.Config) { c.CAData, c.Transport = nil, server.Client().Transport }, "with the asker's credential", true, false},
		"a wrapper, perhaps":   {func(c *rest.Config) { c.Wrap(func(r http.RoundTripper) http.RoundTripper { return r }) }, "with the asker's credential", true, false},
		"a file, and no token": {func(c *rest.Config) { c.BearerTokenFile = "/nonexistent/token" }, "without a credential, because the asker's token file cannot be read", false, false},
		"a file, and a token":  {func(c *rest.Config) { c.BearerTokenFile, c.BearerToken = "/nonexistent/token", askerText }, "with the asker's credential", true, true},
	} {
		cfg := &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: caOf(server)}}
		test.change(cfg)
		d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg)
		said := d.String()
		if !strings.Contains(said, "TokenReview, "+test.who+": HTTP status 401") || strings.Contains(said, "is refused itself") != test.refused || settledIn(d) != test.certain {
			t.Errorf("%s:\n%v", name, d)
		}
	}
}

// keyPair returns a key and a certificate for it.
func keyPair(t *testing.T) (key, cert []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
}
